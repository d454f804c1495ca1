"""What is run: the recorded command as it can be started in an image, or another one. Pure."""

from __future__ import annotations

import shlex

from reprobuild.errors import UsageError
from reprobuild.planner.run_command import is_python
from reprobuild.planner.run_command import recorded_command as recorded_command
from reprobuild.snapshot import CommandFacts, Snapshot


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
    bare = command[1:] if command and is_python(command[0]) and len(command) > 1 else command
    return CommandFacts(program=bare[0], arguments=tuple(bare[1:])) if bare else CommandFacts()


def command_text(command: tuple[str, ...]) -> str:
    """As it would be typed."""
    return shlex.join(command)
