"""An MLflow run's or model's folder: MLmodel, conda.yaml, python_env.yaml, requirements.txt, meta.yaml, tags.

MLmodel is written by the process that ran, so its versions win: requirements.txt drops local parts (``+cpu``) and
conda.yaml has been seen with another torch than the one that saved the model.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from reprobuild.errors import RecordError
from reprobuild.records import conda_environment, requirements
from reprobuild.records.combine import Part, combine
from reprobuild.records.credentials import without_credentials
from reprobuild.records.document import Document, Folder
from reprobuild.records.environment_json import with_inferred_cuda
from reprobuild.records.requirement_lines import parse_lines
from reprobuild.records.text import decode, shortened
from reprobuild.records.times import iso_time, iso_time_of_milliseconds
from reprobuild.records.torch_text import hip_of_local_version
from reprobuild.records.yaml_text import at, text_of
from reprobuild.snapshot import (
    CommandFacts,
    Distribution,
    Evidence,
    Note,
    PythonFacts,
    Recorder,
    Snapshot,
    SourceFacts,
    SystemFacts,
    TorchFacts,
)

FILES = ("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt", "meta.yaml")
"""The files that are read, beside those in ``tags`` and ``params``."""

_VERSION_KEYS = {
    "pytorch_version": "torch",
    "sklearn_version": "scikit-learn",
    "xgb_version": "xgboost",
    "lgb_version": "lightgbm",
    "transformers_version": "transformers",
    "keras_version": "keras",
    "spacy_version": "spacy",
    "fastai_version": "fastai",
    "catboost_version": "catboost",
    "statsmodels_version": "statsmodels",
    "mlflow_version": "mlflow",
}
_TAG = re.compile(r"(?:^|.*/)(?:tags/|tag-)(?P<name>mlflow\.[A-Za-z.]+)")
_PARAMETER = re.compile(r"(?:^|.*/)params/(?P<name>[^/]+)")


def recognizes(folder: Folder) -> bool:
    """Whether there is an MLmodel, or a run's meta.yaml with tags of MLflow."""
    names = {PurePosixPath(path).name for path in folder.files}
    return "MLmodel" in names or any(_TAG.fullmatch(path) for path in folder.files)


def recognizes_model(document: Document) -> bool:
    """Whether this file is an MLmodel."""
    head = document.head
    return re.search(r"^flavors:", head, re.MULTILINE) is not None and "python_function" in head


def recognizes_python_env(document: Document) -> bool:
    """Whether this file is MLflow's python_env.yaml."""
    head = document.head
    return re.search(r"^python:\s*\S", head, re.MULTILINE) is not None and "build_dependencies:" in head


def read_model(document: Document) -> Snapshot:
    """An MLmodel by itself. Raises RecordError when it names no version at all."""
    value = document.yaml
    flavors = at(value, "flavors")
    if not isinstance(flavors, dict):
        raise RecordError("an MLmodel has flavors", source=document.source, path="flavors")
    versions = dict(_model_versions(value))
    torch, evidence = _torch(versions.get("torch"), document.source)
    system, system_evidence = _system_of_path(text_of(value.get("artifact_path")), f"{document.source}: artifact_path")
    distributions = tuple(Distribution(name=name, version=version) for name, version in versions.items())
    python = text_of(at(flavors, "python_function", "python_version"))
    return Snapshot(
        recorder=Recorder(name="mlflow", version=text_of(value.get("mlflow_version"))),
        recorded_at=iso_time(text_of(value.get("utc_time_created"))),
        python=PythonFacts(version=python),
        system=system,
        distributions=distributions,
        torch=torch,
        evidence=(*evidence, *system_evidence),
    )


def _model_versions(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for flavor in value["flavors"].values():
        if isinstance(flavor, dict):
            for key, name in _VERSION_KEYS.items():
                if version := text_of(flavor.get(key)):
                    yield name, version
    if version := text_of(value.get("mlflow_version")):
        yield "mlflow", version


def _torch(version: str | None, source: str) -> tuple[TorchFacts | None, tuple[Evidence, ...]]:
    if version is None:
        return None, ()
    return with_inferred_cuda(TorchFacts(version=version, hip=hip_of_local_version(version)), source)


def read_python_env(document: Document) -> Snapshot:
    """python_env.yaml: the interpreter, and the pip, setuptools and wheel of the run."""
    value = document.yaml
    lines = [
        line for key in ("build_dependencies", "dependencies") for line in at(value, key) or () if isinstance(line, str)
    ]
    listed = parse_lines("\n".join(line.replace("\n", " ") for line in lines)).distributions
    pinned = tuple(item for item in listed if item.version)
    return Snapshot(python=PythonFacts(version=text_of(at(value, "python"))), distributions=pinned)


def read(folder: Folder) -> Snapshot:
    """The snapshot of a run or model. Raises RecordError when none of its files tells anything."""
    model = folder.document("MLmodel")
    home = model.source.removesuffix("MLmodel") if model else None
    parts = list(_parts(folder, home))
    if not parts:
        raise RecordError("no file of this run tells anything")
    model_part = next((part for part in parts if model and part.source == model.source), None)
    lists = [part for part in parts if part is not model_part]
    corrected, notes = _corrected(lists, model_part)
    snapshot = combine([*([_without_extra(model_part, lists)] if model_part else []), *corrected])
    return msgspec.structs.replace(snapshot, notes=(*_other_models(folder, model), *notes, *snapshot.notes))


def _without_extra(model: Part, lists: list[Part]) -> Part:
    """MLmodel without the packages that no list has: ``keras_version`` is there when tensorflow brings keras along."""
    listed = {canonicalize_name(item.name) for part in lists for item in part.snapshot.distributions}
    kept = tuple(item for item in model.snapshot.distributions if not listed or canonicalize_name(item.name) in listed)
    return msgspec.structs.replace(model, snapshot=msgspec.structs.replace(model.snapshot, distributions=kept))


def _other_models(folder: Folder, model: Document | None) -> Iterator[Note]:
    others = sorted(path for path in folder.files if path.endswith("/MLmodel") and model and path != model.source)
    if others and model:
        message = f"the run has several models: {model.source} is read, not {', '.join(others)[:300]}"
        yield Note(code="several-models", message=message)


def _parts(folder: Folder, home: str | None) -> Iterator[Part]:
    readers = (
        ("MLmodel", read_model),
        ("requirements.txt", requirements.read),
        ("python_env.yaml", read_python_env),
        ("conda.yaml", _read_conda),
        ("meta.yaml", _read_meta),
        ("run-meta.yaml", _read_meta),
    )
    for name, reader in readers:
        document = folder.document(name)
        beside_model = home is None or name.endswith("meta.yaml") or (document and document.source.startswith(home))
        if document is None or not beside_model:
            continue
        try:
            yield Part(source=document.source, snapshot=reader(document))
        except RecordError as error:
            note = Note(code="file-not-read", message=f"not read: {error.reason}", path=document.source)
            yield Part(source=document.source, snapshot=Snapshot(notes=(note,)))
    tags = {
        found["name"]: decode(folder.files[path]).strip()
        for path in sorted(folder.files)
        if (found := _TAG.fullmatch(path))
    }
    if tags:
        yield Part(source="tags", snapshot=_of_tags(tags))
    yield from _seed(folder)


def _read_conda(document: Document) -> Snapshot:
    """MLflow writes conda.yaml for every model, also without conda: python and pip in it are no conda builds."""
    snapshot = conda_environment.read(document)
    others = tuple(item for item in snapshot.distributions if item.conda is None or item.name not in ("python", "pip"))
    if any(item.conda is not None for item in others):
        return snapshot
    notes = tuple(note for note in snapshot.notes if note.code != "unpinned" or "pip" not in note.message)
    return msgspec.structs.replace(
        snapshot,
        python=PythonFacts(version=snapshot.python.version),
        distributions=others,
        conda_channels=(),
        notes=notes,
    )


def _read_meta(document: Document) -> Snapshot:
    value = document.yaml
    uri = text_of(at(value, "artifact_uri"))
    system, evidence = _system_of_path(uri, f"{document.source}: artifact_uri")
    started = iso_time_of_milliseconds(text_of(at(value, "start_time")))
    return Snapshot(recorded_at=started, system=system, evidence=evidence)


def _system_of_path(path: str | None, source: str) -> tuple[SystemFacts, tuple[Evidence, ...]]:
    """The system that a local path betrays: a drive letter is Windows', /Users is macOS', /home is Linux'."""
    local = re.sub(r"^file:/*(?=[A-Za-z]:)|^file:/*(?=/)|^file://", "", path or "")
    patterns = ((r"[A-Za-z]:[\\/]", "Windows"), (r"/+Users/", "macOS"), (r"/+home/", "Linux"))
    named = next((name for pattern, name in patterns if re.match(pattern, local)), None)
    if named is None:
        return SystemFacts(), ()
    system = "Darwin" if named == "macOS" else named
    reason = f"the path {shortened(path or '')} is one of {named}"
    evidence = Evidence(fact="system.system", value=system, certainty="inferred", source=source, reason=reason)
    return SystemFacts(system=system), (evidence,)


def _of_tags(tags: dict[str, str]) -> Snapshot:
    """git commit, repository and entry point; user names are not recorded."""
    commit, remote = tags.get("mlflow.source.git.commit"), tags.get("mlflow.source.git.repoURL")
    cleaned, removed = without_credentials(remote) if remote else (None, 0)
    program = tags.get("mlflow.source.name")
    known = commit or cleaned or tags.get("mlflow.source.git.branch")
    notes: tuple[Note, ...] = ()
    if tags.get("mlflow.source.type") == "PROJECT":
        entry = tags.get("mlflow.project.entryPoint", "main")
        message = f"the run was started by 'mlflow run' with the entry point {shortened(entry)}, not by a command"
        program, notes = None, (Note(code="mlflow-project", message=message, path="command"),)
    elif tags.get("mlflow.source.type") == "NOTEBOOK" or (program or "").endswith(".ipynb"):
        message = "the run was in a notebook, whose cells are no command"
        program, notes = None, (Note(code="notebook", message=message, path="command"),)
    elif program:
        notes = (Note(code="no-arguments", message="MLflow records no arguments of the program", path="command"),)
    return Snapshot(
        source=SourceFacts(remote=cleaned, commit=commit, branch=tags.get("mlflow.source.git.branch"))
        if known
        else None,
        command=CommandFacts(program=program) if program else None,
        redactions={"source.remote": removed} if removed else {},
        notes=notes,
    )


def _seed(folder: Folder) -> Iterator[Part]:
    names = {found["name"]: path for path in folder.files if (found := _PARAMETER.fullmatch(path))}
    for name in ("seed", "random_seed", "random_state"):
        value = decode(folder.files[names[name]])[:40].strip() if name in names else ""
        if re.fullmatch(r"\d{1,18}", value, re.ASCII):
            yield Part(source=f"params/{name}", snapshot=Snapshot(seeds={name: int(value)}))


def _corrected(lists: list[Part], model: Part | None) -> tuple[list[Part], list[Note]]:
    """The lists with the versions that MLmodel saw; a note for each that it changes."""
    saw = {canonicalize_name(item.name): item.version or "" for item in model.snapshot.distributions} if model else {}
    notes: dict[str, Note] = {}

    def correct(item: Distribution, source: str) -> Distribution:
        name = canonicalize_name(item.name)
        seen = saw.get(name)
        if not seen or not item.version or seen.partition("+")[0] == item.version.partition("+")[0]:
            return item
        message = (
            f"{source} says {name} {item.version}, MLmodel says {seen}: MLmodel was written by the run, so it wins"
        )
        notes[name] = Note(code="conflict", message=message, path=f"distributions.{name}")
        return msgspec.structs.replace(item, version=seen, line=None)

    corrected = [
        msgspec.structs.replace(
            part,
            snapshot=msgspec.structs.replace(
                part.snapshot,
                distributions=tuple(correct(item, part.source) for item in part.snapshot.distributions),
            ),
        )
        for part in lists
    ]
    return corrected, list(notes.values())
