"""Reading files and asking programs. None stands for whatever can't be read or does not answer."""

import os

from .inputs import asked, look_at, look_inside

TYPE_CHECKING = False
if TYPE_CHECKING:  # The typing module costs a fifth of a bare start, and nothing here is evaluated.
    from typing import Any, Iterator

COMMAND_TIMEOUT_S = 10
"""Seconds that git, nvcc or nvidia-smi may take before we go on without them."""

_READ_FLAGS = os.O_RDONLY | getattr(os, "O_BINARY", 0)
_BLOCK = 65536


def read_bytes(path: "str", limit: "int" = -1) -> "bytes | None":
    """A file's bytes, or its first ``limit``. The system's calls directly: file objects take three times as long."""
    content = read_unnoticed(path, limit)
    if content is None:
        look_inside(os.path.dirname(path), path)
    else:
        look_at(path)
    return content


def read_unnoticed(path: "str", limit: "int" = -1) -> "bytes | None":
    """The same of a file whose changes show in another one, which was looked at."""
    try:
        descriptor = os.open(path, _READ_FLAGS)
    except (OSError, ValueError):
        return None
    try:
        block = os.read(descriptor, limit if limit >= 0 else _BLOCK)
        if limit >= 0 or len(block) < _BLOCK:
            return block
        return block + b"".join(_blocks_left(descriptor))
    except OSError:
        return None
    finally:
        os.close(descriptor)


def blocks_of(path: "str") -> "Iterator[bytes]":
    """A file's content, a block at a time; nothing when it can't be read."""
    look_at(path)
    try:
        descriptor = os.open(path, _READ_FLAGS)
    except (OSError, ValueError):
        return
    try:
        for block in _blocks_left(descriptor):
            yield block
    except OSError:
        return
    finally:
        os.close(descriptor)


def _blocks_left(descriptor: "int") -> "Iterator[bytes]":
    block = os.read(descriptor, _BLOCK)
    while len(block) == _BLOCK:
        yield block
        block = os.read(descriptor, _BLOCK)
    yield block


def read_text(path: "str", limit: "int" = -1) -> "str | None":
    """Text of a file, or of its first ``limit`` bytes."""
    content = read_bytes(path, limit)
    return None if content is None else content.decode("utf-8", "replace")


def names_in(folder: "str") -> "list[str]":
    """The names in a folder; none when it can't be read."""
    look_at(folder)
    try:
        return os.listdir(folder)
    except OSError:
        return []


def tidy_home(path: "str") -> "str":
    """The path with ``~`` for the home folder: it would tell a user's name."""
    home = os.path.expanduser("~").rstrip(os.sep)
    return "~" + path[len(home) :] if len(home) > 1 and path.startswith(home + os.sep) else path


def find_program(name: "str") -> "str | None":
    """Where a program lies on PATH."""
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.join(folder, name + (".exe" if os.name == "nt" else ""))
        look_at(path)
        if folder and os.access(path, os.X_OK) and os.path.isfile(path):
            return path
    return None


def output_of(command: "list[str]") -> "str | None":
    """Standard output of a program; None when it is absent, fails or takes too long."""
    output = _output_of(command)
    asked(command, output)
    return output


def _output_of(command: "list[str]") -> "str | None":
    from .child import Child, TookTooLong

    environment = {key: value for key, value in os.environ.items() if key not in ("GIT_DIR", "GIT_WORK_TREE")}
    try:
        exit_code, output, _ = Child(command, environment).wait(COMMAND_TIMEOUT_S)
    except (OSError, TookTooLong):
        return None
    return output.decode("utf-8", "replace") if exit_code == 0 else None


def known(fields: "dict[str, Any]") -> "dict[str, Any]":
    """The fields without those that nobody knows (None, an empty text or list); False and 0 stay."""
    return {key: value for key, value in fields.items() if value or value is False or value == 0}
