"""``reprobuild capture -- COMMAND``: record, run the command in our place, and add how it ended."""

from __future__ import annotations

import os
import tempfile

from reprobuild.capture.command_interpreter import interpreter_of, path_of
from reprobuild.capture.command_run import Ending, end_likewise, not_startable, run_command
from reprobuild.capture.redaction import redact
from reprobuild.capture.run_record import now
from reprobuild.capture.saving import update_set
from reprobuild.cli import console
from reprobuild.cli.capture import recorded, write
from reprobuild.environment_snapshot import FILES, clean_files_of
from reprobuild.errors import ReprobuildError
from reprobuild.run_notes import VARIABLE, read

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded for nothing
    import argparse
    from typing import Any


def record_and_run(arguments: argparse.Namespace) -> int:
    """Give back the command's exit code; end by the signal that ended it. Standard output is the command's alone."""
    command: tuple[str, ...] = arguments.command
    if path_of(command[0]) is None:
        raise not_startable(command[0], FileNotFoundError())
    try:
        facts = _record(arguments, command)
    except (ReprobuildError, OSError) as error:
        if arguments.on_error == "raise":
            raise
        console.warn(f"the run is not recorded: {error}")
        facts = None
    told_by_run = _notes_file()
    try:
        ending = run_command(command, {**os.environ, **({VARIABLE: told_by_run} if told_by_run else {})})
        if facts is not None:
            _add_ending(facts, ending, told_by_run, arguments.output)
    finally:
        if told_by_run:
            os.unlink(told_by_run)  # noqa: PTH108 - pathlib loads slowly
    return end_likewise(ending.status)


def _record(arguments: argparse.Namespace, command: tuple[str, ...]) -> dict[str, Any]:
    if arguments.python is None:
        found = interpreter_of(command)
        arguments.python = found.path
        if not found.certain:
            hint = "name the right one with --python EXE"
            console.warn(f"{command[0]} tells no Python; recorded is {found.path or 'our own'}", hint)
    facts = recorded(arguments, command)
    write(facts, arguments.output)
    for note in facts.get("notes", []):
        console.warn(note["message"])
    count = len(facts["distributions"])
    version = facts["python"].get("version")
    console.say(f"reprobuild: recorded Python {version} with {count} packages in {arguments.output}")
    return facts


def _add_ending(facts: dict[str, Any], ending: Ending, told_by_run: str | None, folder: str) -> None:
    """Bring the end into the set that we saved, unless somebody else's stands there now. No failure of it is fatal."""
    seeds, switches = read(told_by_run) if told_by_run else ({}, {})
    before = clean_files_of(facts)[FILES[1]]
    ended = {**facts, "command": {**facts["command"], **ending.facts(now())}}
    for key, told in (("seeds", seeds), ("switches", switches)):
        if told:
            ended[key] = {**facts.get(key, {}), **told}
    try:
        if not update_set(folder, FILES[1], before, clean_files_of(redact(ended))):
            console.warn(f"{folder} holds another run's record by now: the end of this one is not in it")
    except OSError as error:
        console.warn(f"{folder}: the end of the run is not recorded: {error.strerror or error}")


def _notes_file() -> str | None:
    """A file of ours that the run may write to; none where the system has no room for it."""
    try:
        descriptor, path = tempfile.mkstemp(prefix="reprobuild-run-")
        os.close(descriptor)
    except OSError:
        return None
    return path
