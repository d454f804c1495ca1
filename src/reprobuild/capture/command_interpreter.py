"""Which interpreter a command will run in: its program is one, its first line names one, or an active one is likely."""

from __future__ import annotations

import os
import sys

from reprobuild.capture.run_record import is_python
from reprobuild.probe.files import find_program, read_bytes

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded for nothing
    from collections.abc import Sequence

_FIRST_LINES = 1024


class Found:
    """An interpreter, and whether the command itself tells it."""

    def __init__(self, path: str | None, *, certain: bool) -> None:
        self.path = path
        """None for the one that we run in."""
        self.certain = certain


def interpreter_of(command: Sequence[str]) -> Found:
    """The interpreter of a command: ``python train.py``, ``torchrun train.py``, ``env A=1 ./train.py``."""
    words = _without_prefix(command)
    program = path_of(words[0]) if words else None
    if program is not None:
        if is_python(program):
            return Found(program, certain=True)
        named = _named_by(program)
        if named is not None:
            return Found(named, certain=True)
    return Found(_active(), certain=False)


def path_of(program: str) -> str | None:
    """The file that a program's name stands for, as the system looks it up; None where there is none."""
    if os.path.dirname(program):
        return program if os.path.exists(program) else None
    return find_program(program)


def _without_prefix(command: Sequence[str]) -> Sequence[str]:
    """What ``env``, ``nice``, ``nohup`` and the like run, as far as their plain forms go."""
    words = list(command)
    while words and os.path.basename(words[0]) in ("env", "nohup", "time", "setsid", "stdbuf", "nice", "ionice"):
        words.pop(0)
        while words and (words[0].startswith("-") or "=" in words[0]):
            words.pop(0)
    return words


def _named_by(program: str) -> str | None:
    """The interpreter in a script's first line; pip writes a path that is too long for it into the second."""
    head = (read_bytes(program, _FIRST_LINES) or b"").decode("utf-8", "replace")
    if not head.startswith("#!"):
        return None
    first, *more = head.splitlines()
    words = first[2:].split()
    if words and words[-1] != words[0] and os.path.basename(words[0]) == "env":
        words = [word for word in words[1:] if not word.startswith("-") and "=" not in word]
    if words and is_python(words[0]):
        return path_of(words[0])
    quoted = more[0].split("'''exec' ", 1)[-1].rpartition(' "$0"')[0].strip('"') if more else ""
    return quoted if quoted and is_python(quoted) and os.path.exists(quoted) else None


def _active() -> str | None:
    """The active environment's interpreter, else the first one on PATH."""
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        prefix = os.environ.get(variable)
        if prefix:
            inside = os.path.join(prefix, "python.exe" if sys.platform == "win32" else os.path.join("bin", "python"))
            if os.path.exists(inside):
                return inside
    return find_program("python3") or find_program("python")
