"""A file of metrics that only grows: one JSON object a line, safe against crashes and against other writers.

A process that is killed leaves at most one torn line, its last one; the next writer ends that line before it adds
its own. Several processes may append to one file. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows, where appending is not guarded against other processes
    fcntl = None  # type: ignore[assignment]  # a module or nothing; mypy knows no such union


class MetricsFile:
    """Appends records to one file. The file is opened for each record, so that forks and removals do no harm."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        # A run may change its working directory later; the file stays where the run began.
        self.path = Path(path).absolute()

    def append(self, record: dict[str, Any], *, durable: bool = False) -> None:
        """Add one line with a single write. ``durable`` also waits for the disk, against a power cut.

        Numbers that JSON does not have become the texts ``NaN``, ``Infinity`` and ``-Infinity``. Raises OSError
        when the file can't be written.
        """
        line = encode(record)
        # Binary, so that Windows turns no line feed into two characters.
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        descriptor = os.open(self.path, flags, 0o666)
        try:
            with _alone(descriptor):
                _write_whole(descriptor, line if _ends_in_line_feed(descriptor) else b"\n" + line)
            if durable:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def encode(record: dict[str, Any]) -> bytes:
    """One line of the file. Floats keep every bit: the shortest text that reads back as the same number."""
    return (json.dumps(_plain(record), ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "backslashreplace")


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        return int(value)
    number = float(value)
    if math.isfinite(number):
        return number
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


@contextlib.contextmanager
def _alone(descriptor: int) -> Iterator[None]:
    """Keep other writers out where the file system can; the kernel lets go of a killed process's lock."""
    if fcntl is None:
        yield
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError:  # A network file system without locks: appending in one write is what is left.
        yield
        return
    try:
        yield
    finally:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


def _ends_in_line_feed(descriptor: int) -> bool:
    """Whether the last writer finished its line; an empty file counts."""
    size = os.lseek(descriptor, 0, os.SEEK_END)
    if size == 0:
        return True
    os.lseek(descriptor, size - 1, os.SEEK_SET)
    return os.read(descriptor, 1) == b"\n"


def _write_whole(descriptor: int, content: bytes) -> None:
    """Write all of it: the first call does, unless the disk is nearly full."""
    while content:
        content = content[os.write(descriptor, content) :]
