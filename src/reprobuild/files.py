"""Writing files so that nobody ever sees half of one. pathlib is not loaded here: a capture must be fast."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path


def write_atomically(path: Path | str, content: str | bytes, *, durable: bool = True) -> None:
    """Write under a temporary name beside ``path``, then rename. Text is UTF-8 with line feeds.

    Safe when several processes write the same path at once: the last whole file wins. Raises OSError and
    leaves the old file as it was when anything fails. Unless ``durable`` is false, the content also outlives a
    power failure in the next seconds, at the price of waiting for the disk.
    """
    data = content.encode("utf-8") if isinstance(content, str) else content
    folder, name = os.path.split(path)
    temporary = os.path.join(folder, f".{name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")  # noqa: PTH118
    try:
        with open(temporary, "xb") as stream:  # noqa: PTH123 - "x" refuses a file or link that is there
            stream.write(data)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.replace(temporary, path)  # noqa: PTH105
    except BaseException:
        _remove_if_there(temporary)
        raise


def _remove_if_there(path: str) -> None:
    try:
        os.unlink(path)  # noqa: PTH108
    except OSError:
        return
