"""Folders that are understood: a W&B run, an MLflow run or model, a handful of files that belong together.

``collect`` is the only function that touches the disk; it takes the few files that matter, bounded in number and
size, so that a run folder of many megabytes of media costs nothing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from reprobuild.errors import RecordError
from reprobuild.records import mlflow_run, wandb_run
from reprobuild.records.combine import Part, combine
from reprobuild.records.document import Choice, Document, Folder
from reprobuild.records.formats import FORMATS, OWN, recognized
from reprobuild.records.inference import with_inferences
from reprobuild.records.text import LARGEST_FILE
from reprobuild.snapshot import Snapshot

_DEEPEST = 6
_MOST_ENTRIES = 50_000
_WANTED = frozenset({*wandb_run.FILES, *mlflow_run.FILES, "run-meta.yaml"})
_WANTED_ENDINGS = (".wandb", ".patch")
_LOOSE_ENDINGS = (".txt", ".json", ".yml", ".yaml", ".lock", ".toml")
_BELONG_TOGETHER = frozenset(
    {"requirements", "collect-env", "nvidia-smi", "nvcc", "apt-list", "os-release", "os-info", "pip-inspect"}
)
"""Formats that describe one machine from several sides, so that a folder of them is one record."""


class FolderFormat(NamedTuple):
    """One kind of folder."""

    description: str
    recognizes: Callable[[Folder], bool]
    read: Callable[[Folder], Snapshot]


FOLDERS: dict[str, FolderFormat] = {
    "wandb": FolderFormat("folder of a W&B run", wandb_run.recognizes, wandb_run.read),
    "mlflow": FolderFormat("folder of an MLflow run or model", mlflow_run.recognizes, mlflow_run.read),
}


def read_folder(path: Path, *, format: str | None = None, choice: Choice | None = None) -> Snapshot:
    """The snapshot of the record in a folder. Raises RecordError when there is none, or more than one."""
    try:
        files = {**dict(_collect(path)), **dict(_linked_models(path))}
        snapshot = _read(path, Folder(files=files, choice=choice or Choice()), format)
    except RecordError as error:
        raise error.located(f"{path}/{error.source}" if error.source else str(path)) from error
    return snapshot if snapshot.recorder and snapshot.recorder.name == OWN else with_inferences(snapshot)


def _read(path: Path, folder: Folder, format: str | None) -> Snapshot:
    if format in FOLDERS:
        return FOLDERS[format].read(folder)
    own = folder.document("environment.json") if "environment.json" in folder.files else None
    kind = next((kind for kind in FOLDERS.values() if kind.recognizes(folder)), None)
    if kind is not None:
        return kind.read(_one_run(folder))
    if own is not None:
        return FORMATS[recognized(own, format)].read(own)
    return _read_loose(path, folder)


def _one_run(folder: Folder) -> Folder:
    """The folder, or the only run in it. A folder of many runs is a question back."""
    runs = _wandb_runs(folder) or _mlflow_runs(folder)
    if len(runs) > 1:
        hint = f"name one of them: {', '.join(runs[:5])}"
        raise RecordError(f"this folder holds {len(runs)} runs", hint=hint)
    return folder.part(f"{runs[0]}/") if runs else folder


def _wandb_runs(folder: Folder) -> list[str]:
    names = {path.partition("/")[0] for path in folder.files if "/" in path}
    return sorted(name for name in names if name.startswith(("run-", "offline-run-")))


def _mlflow_runs(folder: Folder) -> list[str]:
    """The folders that have tags of MLflow, where the folder itself has none."""
    homes = {path.rpartition("tags/")[0].rstrip("/") for path in folder.files if "/tags/mlflow." in f"/{path}"}
    return [] if "" in homes or any("outputs/" in f"{home}/" for home in homes) else sorted(homes)


def _read_loose(path: Path, folder: Folder) -> Snapshot:
    """A folder of single files: those that describe one machine are combined, one other record is read."""
    documents = [Document(content, name, folder.choice) for name, content in _loose(path)]
    named = [(format, document) for document in documents if (format := _format_of(document)) is not None]
    if not named:
        raise RecordError("this folder holds no record that reprobuild understands", hint="name a file in it")
    together = [entry for entry in named if entry[0] in _BELONG_TOGETHER]
    if len(named) > 1 and (len(together) < len(named) or sum(format == "requirements" for format, _ in named) > 1):
        names = ", ".join(document.source for _, document in named[:6])
        raise RecordError(f"this folder holds several records: {names}", hint="name one or more of them")
    return combine(
        [Part(source=document.source, snapshot=FORMATS[format].read(document)) for format, document in named]
    )


def _format_of(document: Document) -> str | None:
    try:
        return recognized(document)
    except RecordError:
        return None


def _loose(path: Path) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(path.iterdir())[:200]:
        if (
            entry.suffix.lower() in _LOOSE_ENDINGS
            and entry.is_file()
            and entry.name not in ("case.json", "package.json")
        ):
            content = _content(entry)
            if content is not None:
                yield entry.name, content


def _collect(top: Path) -> Iterator[tuple[str, bytes]]:
    """The files that some kind of folder wants, by relative path. Links to folders are not followed."""
    seen = 0
    for place, folders, files in os.walk(top):
        relative = PurePosixPath(Path(place).relative_to(top).as_posix())
        folders[:] = sorted(folders) if len(relative.parts) < _DEEPEST else []
        for name in sorted(files):
            seen += 1
            if seen > _MOST_ENTRIES:
                return
            if _wanted(relative, name) and (content := _content(Path(place) / name)) is not None:
                yield (relative / name).as_posix(), content


def _linked_models(run: Path) -> Iterator[tuple[str, bytes]]:
    """The models of an MLflow 3 run: its ``outputs`` names them, and they lie in ``models`` beside the run."""
    outputs = run / "outputs"
    names = sorted(entry.name for entry in outputs.iterdir())[:20] if outputs.is_dir() else []
    for name in names:
        model = run.parent / "models" / name / "artifacts"
        if model.is_dir() and not model.is_symlink():
            yield from ((f"outputs/{name}/{path}", content) for path, content in _collect(model))


def _wanted(folder: PurePosixPath, name: str) -> bool:
    in_tags = folder.name in ("tags", "params") or name.startswith("tag-mlflow.")
    return name in _WANTED or name.endswith(_WANTED_ENDINGS) or in_tags


def _content(path: Path) -> bytes | None:
    """The bytes of a regular file; None for one that is too large or can't be read.

    Of a transaction log the beginning is enough: the run's own facts stand there.
    """
    try:
        if not path.is_file() or (path.stat().st_size > LARGEST_FILE and path.suffix != ".wandb"):
            return None
        with path.open("rb") as stream:
            return stream.read(LARGEST_FILE)
    except OSError:
        return None
