"""A W&B run's folder: requirements.txt, wandb-metadata.json, config.yaml, conda-environment.yaml, diff.patch, .wandb.

Every version since 0.10. requirements.txt is what the running interpreter saw and comes first; the conda export is
used only when it is of the run's own environment, which it is not in one run of five.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import msgspec

from reprobuild.errors import RecordError
from reprobuild.records import conda_environment, environment_json, requirements, wandb_log
from reprobuild.records.combine import Part, combine
from reprobuild.records.command_line import command_facts
from reprobuild.records.credentials import without_credentials
from reprobuild.records.document import Document, Folder
from reprobuild.records.environment_json import MOST_GPUS, with_inferred_cuda
from reprobuild.records.platform_text import python_facts, system_facts, with_inferred_system
from reprobuild.records.text import bounded, decode
from reprobuild.records.times import iso_time
from reprobuild.records.yaml_text import at, text_of
from reprobuild.snapshot import GpuDevice, GpuFacts, Note, PythonFacts, Snapshot, SourceFacts, TorchFacts

FILES = ("requirements.txt", "wandb-metadata.json", "config.yaml", "conda-environment.yaml", "environment.json")
"""The files of a run that are read, beside ``*.patch`` and ``*.wandb``."""

LARGEST_DIFF = 8 * 1024 * 1024
_CONDA_HOME = re.compile(r"(?:mini|ana)conda|(?:mini|mamba)forge|micromamba|[\\/]conda[\\/]", re.IGNORECASE)
_UPSTREAM = re.compile(r"(?:^|/)upstream_diff_([0-9a-f]{40}|[0-9a-f]{64})\.patch$")
_NOT_PUBLISHED = "the run's own commit was not on the remote; what differed from commit {} is recorded"
_NOTEBOOK = re.compile(r"^<python|ipykernel|colab_kernel_launcher|\.ipynb$")
_IN_A_NOTEBOOK = (
    Note(code="notebook", message="the run was in a notebook, whose cells are no command", path="command"),
)
_METADATA_KEYS = frozenset({"heartbeatAt", "startedAt", "codePath", "cpu_count", "executable", "program"})


def recognizes(folder: Folder) -> bool:
    """Whether the folder has W&B's metadata, its config.yaml or a transaction log."""
    names = {PurePosixPath(path).name for path in folder.files}
    if "wandb-metadata.json" in names:
        return True
    config = folder.document("config.yaml")
    if config is not None and b"\n_wandb:" in b"\n" + config.content:
        return True
    return any(wandb_log.recognizes(content) for path, content in folder.files.items() if path.endswith(".wandb"))


def recognizes_metadata(value: Any) -> bool:
    """Whether this JSON value is a wandb-metadata.json."""
    return isinstance(value, dict) and "python" in value and "os" in value and len(_METADATA_KEYS & value.keys()) >= 2


def read_metadata(document: Document) -> Snapshot:
    """A wandb-metadata.json by itself. Raises RecordError."""
    return _of_metadata(document.json_object, document.source)


def read_log(document: Document) -> Snapshot:
    """A transaction log by itself. Raises RecordError."""
    log = wandb_log.read_log(document.content, document.source)
    parts = [_of_metadata(log.metadata, document.source), _of_config(log.config, document.source)]
    return combine([Part(source=document.source, snapshot=snapshot) for snapshot in parts])


def read(folder: Folder) -> Snapshot:
    """The snapshot of a run. Raises RecordError when none of its files tells anything."""
    parts = list(_parts(folder))
    if not parts:
        raise RecordError("no file of this run tells anything")
    return combine([*parts, *_conda(folder, parts)])


def _parts(folder: Folder) -> Iterator[Part]:
    """The records of the run by their trust: the artifact of ours, the interpreter's own list, then W&B's facts."""
    if document := folder.document("environment.json"):
        yield from _attempt(document, lambda: environment_json.read(document))
    if document := folder.document("wandb-metadata.json"):
        yield from _attempt(document, lambda: read_metadata(document))
    if document := folder.document("requirements.txt"):
        yield from _attempt(document, lambda: requirements.read(document))
    if document := folder.document("config.yaml"):
        yield from _attempt(document, lambda: _of_config(_plain_config(document.yaml), document.source))
    for path in sorted(path for path in folder.files if path.endswith(".wandb")):
        log = Document(folder.files[path], path)
        yield from _attempt(log, lambda log=log: read_log(log))
    yield from _diff(folder)


def _attempt(document: Document, read: Any) -> Iterator[Part]:
    """A file of a run that can't be read is a note, not the end: the others still tell."""
    try:
        yield Part(source=document.source, snapshot=read())
    except RecordError as error:
        note = Note(code="file-not-read", message=f"not read: {error.reason}", path=document.source)
        yield Part(source=document.source, snapshot=Snapshot(notes=(note,)))


def _of_metadata(value: dict[str, Any], source: str) -> Snapshot:
    build = text_of(value.get("python")) or ""
    python = python_facts(build.removeprefix("CPython ").strip() or None)
    executable = text_of(value.get("executable"))
    environment = "conda" if executable and _CONDA_HOME.search(executable) else python.environment
    implementation = "CPython" if build.startswith("CPython ") else python.implementation
    python = msgspec.structs.replace(
        python, executable=executable, environment=environment, implementation=implementation
    )
    system, evidence = with_inferred_system(
        system_facts(text_of(value.get("os")), python=python), python, f"{source}: os"
    )
    cpu = text_of(at(value, "cpu", "model"))
    program = text_of(value.get("program"))
    notebook = program is not None and _NOTEBOOK.search(program) is not None
    of_module = program is not None and program.startswith("-m ")
    command, removed = command_facts(
        None if notebook else program if of_module else text_of(value.get("codePath")) or program,
        value.get("args"),
        text_of(value.get("startedAt")),
    )
    return Snapshot(
        recorded_at=iso_time(text_of(value.get("startedAt"))),
        python=python,
        system=msgspec.structs.replace(system, cpu_model=cpu),
        gpu=_gpu(value),
        source=_source(value),
        command=command,
        redactions={"command.arguments": removed} if removed else {},
        evidence=evidence,
        notes=(*(_IN_A_NOTEBOOK if notebook else ()), *_metadata_notes(value)),
    )


def _gpu(value: dict[str, Any]) -> GpuFacts | None:
    devices = tuple(_devices(value))
    ceiling = text_of(value.get("cudaVersion"))
    if not devices and ceiling is None:
        return None
    return GpuFacts(driver_cuda=ceiling, devices=devices, read_by="nvml")


def _devices(value: dict[str, Any]) -> Iterator[GpuDevice]:
    listed = value.get("gpu_nvidia") or value.get("gpu_devices") or value.get("gpu_amd") or ()
    named = (
        [item for item in listed if isinstance(item, dict) and _device_name(item)] if isinstance(listed, list) else []
    )
    for item in named[:MOST_GPUS]:
        yield GpuDevice(
            name=_device_name(item) or "", memory_bytes=_bytes(item.get("memoryTotal", item.get("memory_total")))
        )
    text = text_of(value.get("gpu"))
    if named or text is None:
        return
    count = value.get("gpu_count")
    names = [name.strip() for name in text.strip("[]").split(",")] if text.startswith("[") else [text]
    if len(names) == 1 and isinstance(count, int) and 1 < count <= MOST_GPUS:
        names *= count
    for name in names[:MOST_GPUS]:
        yield GpuDevice(name=name)


def _device_name(item: dict[str, Any]) -> str | None:
    """NVIDIA's devices have a name, AMD's the name of a product."""
    return text_of(item.get("name")) or text_of(item.get("productName"))


def _bytes(value: Any) -> int | None:
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**60 else None


def _source(value: dict[str, Any]) -> SourceFacts | None:
    remote, commit = text_of(at(value, "git", "remote")), text_of(at(value, "git", "commit"))
    if remote is None and commit is None:
        return None
    return SourceFacts(remote=without_credentials(remote)[0] if remote else None, commit=commit)


def _metadata_notes(value: dict[str, Any]) -> Iterator[Note]:
    if image := text_of(value.get("docker")):
        yield Note(code="ran-in-image", message=f"the run was inside the image {without_credentials(image)[0][:200]}")
    if cuda := text_of(value.get("cuda")):
        yield Note(code="wandb-cuda", message=f"W&B recorded cuda {cuda[:40]}, without saying which CUDA that is")


def _plain_config(value: Any) -> dict[str, Any]:
    """config.yaml wraps each value: ``{key: {desc: null, value: ...}}``."""
    if not isinstance(value, dict):
        return {}
    return {
        key: item.get("value") if isinstance(item, dict) and "value" in item else item for key, item in value.items()
    }


def _of_config(config: dict[str, Any], source: str) -> Snapshot:
    """The interpreter that W&B's telemetry names, the four keys that the snapshot utility sets, and a seed."""
    python = text_of(config.get("python_version")) or text_of(at(config, "_wandb", "python_version"))
    version = text_of(config.get("torch_version"))
    cuda = text_of(config.get("cuda_version"))  # without a usable GPU the utility writes none
    torch = TorchFacts(version=version, cuda=cuda, read_by="import" if cuda else None) if version else None
    facts, evidence = with_inferred_cuda(torch, source) if torch else (None, ())
    seed = str(config.get("seed", ""))
    return Snapshot(
        python=python_facts(python) if python else PythonFacts(),
        torch=facts,
        seeds={"seed": int(seed)} if re.fullmatch(r"\d{1,18}", seed) else {},
        evidence=evidence,
    )


def _diff(folder: Folder) -> Iterator[Part]:
    """What was changed: against the newest commit that the remote had, where W&B found another than the run's own,
    else against that.

    ``upstream_diff_<commit>.patch`` holds the unpublished commits and the changes of the work tree, ``diff.patch``
    those of the work tree alone, against a commit that nobody else may have.
    """
    names = sorted(
        (path for path in folder.files if path.endswith("diff.patch") or _UPSTREAM.search(path)),
        key=lambda path: (_UPSTREAM.search(path) is None, path),
    )
    if not names:
        return
    source = names[0]
    if len(folder.files[names[0]]) > LARGEST_DIFF:
        note = Note(
            code="diff-too-large", message="the changes against the commit are too large to record", path=source
        )
        yield Part(source=source, snapshot=Snapshot(source=SourceFacts(dirty=True), notes=(note,)))
        return
    text, removed = without_credentials(decode(folder.files[names[0]]))
    redactions = {"source.diff": removed} if removed else {}
    if not text.strip():
        return
    base = _UPSTREAM.search(source)
    notes = (Note(code="commit-not-published", message=_NOT_PUBLISHED.format(base[1]), path=source),) if base else ()
    facts = SourceFacts(dirty=None if base else True, diff=text, diff_base=base[1] if base else None)
    yield Part(source=source, snapshot=Snapshot(source=facts, redactions=redactions, notes=notes))


def _conda(folder: Folder, parts: list[Part]) -> Iterator[Part]:
    document = folder.document("conda-environment.yaml")
    if document is None:
        return
    try:
        snapshot = conda_environment.read(document)
    except RecordError as error:
        note = Note(
            code="conda-export-empty", message=f"the conda export tells nothing: {error.reason}", path=document.source
        )
        yield Part(source=document.source, snapshot=Snapshot(notes=(note,)))
        return
    run = combine(parts)
    if reason := another_environment(run, snapshot):
        note = Note(
            code="conda-of-another-environment", message=f"the conda export is left out: {reason}", path=document.source
        )
        yield Part(source=document.source, snapshot=Snapshot(notes=(note,)))
        return
    yield Part(source=document.source, snapshot=_without_old_pip(snapshot, run))


def another_environment(run: Snapshot, export: Snapshot) -> str | None:
    """Why a conda export is not of the environment that ran; None when nothing speaks against it.

    The run's interpreter lies in the export's prefix (``<prefix>/bin/python``), and has the same version.
    """
    executable, prefix = run.python.executable, export.python.prefix
    if executable and prefix and (home := _home_of(executable)) is not None and home != _normal(prefix):
        return f"the run used {executable}, the export is of {prefix}"
    ran, exported = run.python.version, export.python.version
    if ran and exported and not (f"{ran}.".startswith(f"{exported}.") or f"{exported}.".startswith(f"{ran}.")):
        return f"the run used Python {ran}, the export has {exported}"
    return None


def _home_of(executable: str) -> str | None:
    """The prefix that an interpreter belongs to by its path; None for a path that says nothing."""
    if re.match(r"[A-Za-z]:\\", executable):
        return _normal(str(PureWindowsPath(executable).parent))
    path = PurePosixPath(executable)
    return _normal(str(path.parent.parent)) if path.is_absolute() and path.parent.name == "bin" else None


def _normal(path: str) -> str:
    return path.replace("\\", "/").rstrip("/").lower() if re.match(r"[A-Za-z]:", path) else path.rstrip("/")


def _without_old_pip(export: Snapshot, run: Snapshot) -> Snapshot:
    """The export's pip section repeats what the run's own list tells: where there is one, only conda's part counts."""
    if not run.distributions:
        return export
    kept = tuple(item for item in export.distributions if item.conda is not None)
    notes = tuple(note for note in export.notes if not (note.path or "").startswith("dependencies.pip"))
    return msgspec.structs.replace(export, distributions=kept, notes=bounded(notes))
