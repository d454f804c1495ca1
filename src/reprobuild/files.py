"""Writing files so that nobody ever sees half of one. pathlib is not loaded here: a capture must be fast."""

from __future__ import annotations

import os
import stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def write_atomically(path: Path | str, content: str | bytes, *, durable: bool = True, mode: int = 0o666) -> None:
    """Write under a temporary name beside ``path``, then rename. Text is UTF-8 with line feeds.

    Safe when several processes write the same path at once: the last whole file wins. Raises OSError and
    leaves the old file as it was when anything fails. Unless ``durable`` is false, the content also outlives a
    power failure in the next seconds, at the price of waiting for the disk. ``mode`` is what a new file may be at most,
    before the process's own mask. What is no file, such as ``/dev/null``, a
    pipe or ``/dev/stdout``, is written to as it is: nothing may take its place.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    if not _is_replaceable(path):
        with open(path, "wb") as stream:  # noqa: PTH123 - see the module
            stream.write(data)
        return
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")  # noqa: PTH118
    try:
        # "x" refuses a file or link that is there.
        with open(temporary, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as stream:
            stream.write(data)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        _remove_if_there(temporary)
        raise


def _is_replaceable(path: Path | str) -> bool:
    """Whether a file may take the place of what is there, if anything is."""
    try:
        kind = os.stat(path).st_mode  # noqa: PTH116
    except OSError:
        return True
    of_the_system = os.path.islink(path) and os.path.abspath(path).startswith(("/dev/", "/proc/"))  # noqa: PTH100, PTH114
    return stat.S_ISREG(kind) and not of_the_system


def _remove_if_there(path: str) -> None:
    try:
        os.unlink(path)  # noqa: PTH108
    except OSError:
        return
