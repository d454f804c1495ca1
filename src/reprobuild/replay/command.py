"""What is run: the recorded command as it can be started in an image, or another one. Pure."""

from __future__ import annotations

import posixpath
import re
import shlex

from reprobuild.errors import UsageError
from reprobuild.snapshot import CommandFacts, Snapshot

_PYTHON = re.compile(r"(.*[/\\])?python[\d.]*(\.exe)?", re.IGNORECASE)


def recorded_command(snapshot: Snapshot) -> tuple[str, ...]:
    """The recorded command, with the image's Python for whatever interpreter it names; empty when none is recorded."""
    facts = snapshot.command
    if facts is None or not facts.program:
        return ()
    program = facts.program
    if _PYTHON.fullmatch(program):
        return ("python", *facts.arguments)
    if program.endswith(".py"):
        return ("python", program, *facts.arguments)
    return (posixpath.basename(program.replace("\\", "/")), *facts.arguments)


def chosen_command(snapshot: Snapshot, given: tuple[str, ...]) -> tuple[str, ...]:
    """The given command, else the recorded one. Raises UsageError when there is neither."""
    command = given or recorded_command(snapshot)
    if not command:
        raise UsageError(
            "the record does not tell how the run was started",
            hint="give the command behind two dashes: reprobuild replay ENV -- python train.py",
        )
    return command


def command_facts(command: tuple[str, ...]) -> CommandFacts:
    """A command in the shape in which it is recorded, so that two compare."""
    bare = command[1:] if command and _PYTHON.fullmatch(command[0]) and len(command) > 1 else command
    return CommandFacts(program=bare[0], arguments=tuple(bare[1:])) if bare else CommandFacts()


def command_text(command: tuple[str, ...]) -> str:
    """As it would be typed."""
    return shlex.join(command)
