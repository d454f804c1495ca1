"""The recorded command as it can be started in an image. Pure."""

from __future__ import annotations

import posixpath
import re

import msgspec

from reprobuild.snapshot import Snapshot

_PYTHON = re.compile(r"(.*[/\\])?python[\d.]*w?(\.exe)?", re.IGNORECASE)
_MODULE = re.compile(r"-m\s*(?P<module>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)")
_MOST_WORDS = 2000
_LONGEST = 30_000
"""Characters of the whole command: the engine reads a Dockerfile by lines of 64 KiB."""


class Command(msgspec.Struct, frozen=True):
    """What the image starts, word by word."""

    words: tuple[str, ...]


class NoCommand(msgspec.Struct, frozen=True):
    """Why it starts nothing."""

    reason: str


def recorded_command(snapshot: Snapshot) -> tuple[str, ...]:
    """The recorded command, with the image's Python for whatever interpreter it names; empty when none is recorded."""
    facts = snapshot.command
    if facts is None or not facts.program:
        return ()
    program = facts.program
    if is_python(program):
        return ("python", *facts.arguments)
    if module := _MODULE.fullmatch(program):
        return ("python", "-m", module["module"], *facts.arguments)
    if program.endswith(".py"):
        return ("python", program, *facts.arguments)
    return (posixpath.basename(program.replace("\\", "/")), *facts.arguments)


def is_python(program: str) -> bool:
    """Whether a program is an interpreter: ``/usr/bin/python3.10``, ``C:\\Python\\python.exe``."""
    return _PYTHON.fullmatch(program) is not None


def command_in_checkout(snapshot: Snapshot) -> Command | NoCommand:
    """The recorded command for an image whose working directory holds the code; or why there is none."""
    words = recorded_command(snapshot)
    if not words:
        return NoCommand("the record does not tell how the run was started")
    if len(words) > _MOST_WORDS or sum(map(len, words)) > _LONGEST:
        return NoCommand("the recorded command is longer than a Dockerfile's line can be")
    if any("\0" in word for word in words):
        return NoCommand("the recorded command holds a null byte")
    if words[0] != "python":
        return Command(words)
    script = next((place for place, word in enumerate(words[1:], start=1) if not word.startswith("-")), None)
    if script is None or "-c" in words[1:script] or "-m" in words[1:script]:
        return Command(words)
    path = words[script].replace("\\", "/") if snapshot.system.system == "Windows" else words[script]
    if posixpath.isabs(path) or re.match(r"[A-Za-z]:/", path) or ".." in path.split("/"):
        shown = path if path.isprintable() and len(path) < 200 else "another place"
        return NoCommand(f"the recorded program lay at {shown}, and the record does not tell where in the code that is")
    if re.search(r"ipykernel_launcher|\.ipynb$|colab_kernel_launcher|<python|^-$", path):
        return NoCommand("the run was in a notebook, whose cells are no command")
    return Command((*words[:script], path, *words[script + 1 :]))
