"""Another tool's record, or our own file, to a snapshot. What a file is, its content says and not its name.

``FORMATS`` is every format that is understood, in the order in which they are tried. A reader is a pure function
of bytes; only ``read`` touches the disk. RecordError is the only error that leaves this package.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import BinaryIO

import msgspec

from reprobuild.errors import RecordError
from reprobuild.records import wandb_log
from reprobuild.records.combine import Part, combine
from reprobuild.records.credentials import without_credentials
from reprobuild.records.document import Choice, Document
from reprobuild.records.embedded import lists_in, records_in, with_lists
from reprobuild.records.folders import FOLDERS, read_folder
from reprobuild.records.formats import FORMATS, LOOSEST, OWN, Format, UnknownFormat, recognized
from reprobuild.records.inference import with_inferences
from reprobuild.records.pasted import without_marks
from reprobuild.records.settle import settle
from reprobuild.records.text import LARGEST_FILE, LARGEST_TEXT
from reprobuild.snapshot import Snapshot

__all__ = ["FOLDERS", "FORMATS", "Choice", "Format", "Part", "combine", "joined", "parse", "read", "read_all", "settle"]


def read(path: Path | str, *, format: str | None = None, choice: Choice | None = None) -> Snapshot:
    """The snapshot that the file at ``path`` tells; ``-`` is standard input. ``format`` overrides recognition.

    Raises RecordError for what can't be read, is too large, or is no record that is understood.
    """
    if str(path) == "-":
        return parse(_bounded(sys.stdin.buffer, "-"), "-", format=format, choice=choice)
    place = Path(path)
    try:
        if place.is_dir():
            return read_folder(place, format=format, choice=choice)
        with place.open("rb") as stream:
            content = _bounded(stream, str(path))
    except OSError as error:
        raise RecordError(_reason(error), source=str(path), hint=_way_out(error)) from error
    except ValueError as error:  # a path with a null byte
        raise RecordError("this is not a path", source=ascii(str(path))) from error
    return parse(content, str(path), format=format, choice=choice)


def parse(content: bytes, source: str, *, format: str | None = None, choice: Choice | None = None) -> Snapshot:
    """The snapshot that ``content`` tells; ``source`` names it in errors, its last part in notes and evidence.

    Raises RecordError when it is empty, of no known format, or broken.
    """
    if len(content) > LARGEST_FILE:
        raise _too_large(source)
    if not content.strip(b"\xef\xbb\xbf \t\r\n\x00"):
        raise RecordError("the file is empty", source=source)
    document = Document(without_marks(content), PurePath(source).name or source, choice)
    try:
        parts = records_in(document) if format is None else []
        name = None
        if len(parts) < 2:
            try:
                name = recognized(document, format)
            except RecordError as error:
                if not parts and format is None and isinstance(error, UnknownFormat):
                    parts = lists_in(document)
                if not parts:
                    raise
        if name is None or (name == LOOSEST and parts):
            # Prose passes for a plain list, so that a list which marks set apart from it counts more.
            snapshot = combine(parts)
        else:
            snapshot = FORMATS[name].read(document)
            snapshot = with_lists(snapshot, document, name) if format is None else snapshot
    except RecordError as error:
        raise error.located(source) from error
    return snapshot if name == OWN else with_inferences(_counted(snapshot, document))


def _counted(snapshot: Snapshot, document: Document) -> Snapshot:
    """Readers keep no credentials; where one did not count what it left out, the file's are counted."""
    if snapshot.redactions or document.content[:4] == wandb_log.MAGIC or len(document.content) > LARGEST_TEXT:
        return snapshot
    _, count = without_credentials(document.text)
    return msgspec.structs.replace(snapshot, redactions={"addresses": count}) if count else snapshot


def read_all(paths: Sequence[Path | str], *, format: str | None = None, choice: Choice | None = None) -> Snapshot:
    """One snapshot of several records of one run, conflicts listed in its notes. Raises RecordError."""
    names = [PurePath(path).name or str(path) for path in paths]
    snapshots = [read(path, format=format, choice=choice) for path in paths]
    return joined([Part(source=name, snapshot=snapshot) for name, snapshot in zip(names, snapshots, strict=True)])


def joined(parts: Sequence[Part]) -> Snapshot:
    """One snapshot of several that were read, with what only all of them together betray."""
    return parts[0].snapshot if len(parts) == 1 else with_inferences(combine(parts))


def _bounded(stream: BinaryIO, source: str) -> bytes:
    content = stream.read(LARGEST_FILE + 1)
    if wandb_log.recognizes(content):
        return content[:LARGEST_FILE]  # a long run's log; what matters stands at its beginning
    if len(content) > LARGEST_FILE:
        raise _too_large(source)
    return content


def _too_large(source: str) -> RecordError:
    megabytes = LARGEST_FILE // (1024 * 1024)
    return RecordError(f"larger than {megabytes} MB: that is no record of an environment", source=source)


def _reason(error: OSError) -> str:
    known = {
        FileNotFoundError: "there is no such file",
        PermissionError: "no permission to read it",
        IsADirectoryError: "this is a folder",
        NotADirectoryError: "a part of the path is no folder",
    }
    return known.get(type(error), error.strerror or "it can't be read")


def _way_out(error: OSError) -> str | None:
    return "check the path" if isinstance(error, FileNotFoundError) else None
