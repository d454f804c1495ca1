"""How far a fingerprint of data is, for a person who waits for it."""

from __future__ import annotations

import sys
import time

from reprobuild.cli import console

_EVERY_S = 2.0


class DataProgress:
    """Says how far it is every two seconds, where a person watches."""

    def __init__(self) -> None:
        self._last = time.monotonic()
        self._watched = console.is_terminal(sys.stderr)

    def __call__(self, files: int, size_bytes: int) -> None:
        """``files`` are done, and their bytes."""
        if self._watched and time.monotonic() - self._last > _EVERY_S:
            self._last = time.monotonic()
            console.say(f"data: {files} files, {readable_size(size_bytes)}; what is done is kept if you interrupt")


def readable_size(size_bytes: int) -> str:
    """``0 B``, ``12.3 MB``: decimal units, as disks are sold."""
    size = float(size_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"
