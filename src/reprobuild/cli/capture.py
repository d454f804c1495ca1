"""``reprobuild capture``: record this environment, another interpreter's, or one elsewhere, in three files.

The other interpreter is started first; what we need is loaded while the probe works in it.
"""

from __future__ import annotations

import os
import sys

from reprobuild.errors import CaptureError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded before the other interpreter starts
    import argparse
    from typing import Any

    from reprobuild.capture.run_record import RunReading

DEFAULT_FOLDER = "environment"

_EXAMPLES = """\
examples:
  reprobuild capture --python .venv/bin/python
  reprobuild capture -o runs/7 --data datasets/mnist -- python train.py --seed 7
  reprobuild capture --image registry.example/team/train:2024-03 --show
  reprobuild capture --host user@gpu-7 --python /opt/venv/bin/python
A command behind -- is recorded, then run in this process's place: its output, signals and exit code are its own.
Secrets are taken out of whatever is recorded; docs/privacy.md says how they are told.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = _EXAMPLES
    if hasattr(parser, "takes_command"):
        parser.takes_command = True
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        default=DEFAULT_FOLDER,
        help="folder for the three files (default: ./environment)",
    )
    where = parser.add_argument_group("what to record (default: the environment that reprobuild runs in)")
    where.add_argument(
        "--python",
        metavar="EXE",
        help="this interpreter (3.6 or later), here or in the image, container or host; nothing is installed into it",
    )
    where.add_argument("--image", metavar="IMAGE", help="the environment in an image")
    where.add_argument("--container", metavar="ID", help="the environment in a running container")
    where.add_argument("--host", metavar="[USER@]HOST", help="the environment on another host, over ssh")
    more = parser.add_argument_group("what to record of it as well")
    more.add_argument(
        "--no-libraries",
        action="store_true",
        help="not the system's shared libraries that installed packages need, whose search takes a moment",
    )
    more.add_argument(
        "--check-files",
        action="store_true",
        help="which installed files are no longer as they were installed",
    )
    more.add_argument(
        "--data", action="append", metavar="PATH", help="size and SHA-256 of a file, or of all in a folder; repeatable"
    )
    more.add_argument(
        "--variable",
        action="append",
        metavar="NAME",
        help="this variable of the environment, or NAME* for all that begin so; repeatable",
    )
    parser.add_argument(
        "--no-cache",
        action="store_true",
        help="read another interpreter's packages anew, also where nothing changed since the last time",
    )
    parser.add_argument("--show", action="store_true", help="print what would be saved, and save nothing")
    parser.add_argument(
        "--on-error",
        choices=("raise", "warn"),
        default="raise",
        help="warn: where the environment can't be recorded or saved, run the command all the same",
    )
    parser.add_argument("--json", action="store_true", help="print what was saved as JSON")


def run(arguments: argparse.Namespace, *, own_process: bool = False) -> int:
    """Record, save, and say what was saved. ``own_process``: whether this very process is the run, as in a notebook."""
    _refuse_contradictions(arguments)
    if getattr(arguments, "command", ()):
        from reprobuild.cli.capture_command import record_and_run

        return record_and_run(arguments)
    facts = recorded(arguments, None, own_process=own_process)
    from reprobuild.cli import console

    if arguments.show:
        return _show(facts)
    paths = write(facts, arguments.output)
    from reprobuild.cli import capture_report

    if arguments.json:
        console.write_json(capture_report.summary(facts, paths))
    else:
        console.write_result(capture_report.text(facts, paths, scanned=not arguments.no_libraries))
    for note in facts.get("notes", []):
        console.warn(note["message"])
    if not own_process and not any((arguments.python, arguments.image, arguments.container, arguments.host)):
        _warn_of_another_environment()
    return 0


def recorded(
    arguments: argparse.Namespace, command: tuple[str, ...] | None, *, own_process: bool = False
) -> dict[str, Any]:
    """The object of environment.json, without secrets. ``command`` is what is about to run here, if anything."""
    chosen = {"libraries": not arguments.no_libraries, "files": arguments.check_files}
    extras = tuple(name for name, wanted in chosen.items() if wanted)
    if arguments.image or arguments.container or arguments.host:
        return _recorded_elsewhere(arguments, extras)
    if arguments.python is not None:
        return _recorded_from_outside(arguments, extras, command)
    reading = _run_reading(arguments, command)
    from reprobuild.capture.process import environment_of_this_process

    facts = environment_of_this_process(extras=frozenset(extras))
    _add_data(facts, arguments)
    return reading.add_to(facts, own_process=own_process)


def write(facts: dict[str, Any], folder: str) -> tuple[str, str, str]:
    """Write the three files of a record without secrets. Raises CaptureError."""
    from reprobuild.environment_snapshot import write_clean_record

    try:
        return write_clean_record(facts, folder)
    except OSError as error:
        raise CaptureError(
            f"{error.filename or folder}: {error.strerror or error}", hint="choose another folder with -o DIR"
        ) from error


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    elsewhere = [name for name in ("image", "container", "host") if getattr(arguments, name)]
    if len(elsewhere) > 1:
        raise UsageError(f"--{elsewhere[0]} and --{elsewhere[1]} name two environments", hint="record one at a time")
    if getattr(arguments, "command", ()):
        for name in (*elsewhere, "show", "json"):
            if getattr(arguments, name):
                raise UsageError(
                    f"--{name} does not go with a command behind --", hint="record first, then run the command"
                )
    if elsewhere and arguments.data:
        raise UsageError(f"--data names files of this machine, --{elsewhere[0]} an environment elsewhere")


def _recorded_from_outside(
    arguments: argparse.Namespace, extras: tuple[str, ...], command: tuple[str, ...] | None
) -> dict[str, Any]:
    from reprobuild.capture.outside import Outside

    outside = Outside(arguments.python, extras, cached=not arguments.no_cache)
    reading = _run_reading(arguments, command)
    from reprobuild.capture import guide  # noqa: F401 - loaded now, used when the record is written
    from reprobuild.capture.answer import with_recorder
    from reprobuild.cli import capture_report, console  # noqa: F401 - likewise
    from reprobuild.environment_snapshot import write_clean_record  # noqa: F401 - likewise

    facts = with_recorder(outside.facts())
    _add_data(facts, arguments)
    return reading.add_to_clean(facts)


def _recorded_elsewhere(arguments: argparse.Namespace, extras: tuple[str, ...]) -> dict[str, Any]:
    from reprobuild.capture.answer import with_recorder
    from reprobuild.capture.redaction import redact
    from reprobuild.cli import capture_elsewhere

    if arguments.image:
        facts = capture_elsewhere.facts_of_image(arguments.image, arguments.python, extras)
    elif arguments.container:
        facts = capture_elsewhere.facts_of_container(arguments.container, arguments.python, extras)
    else:
        from reprobuild.capture.ssh import facts_of_host

        facts = facts_of_host(arguments.host, arguments.python, extras)
    return redact(with_recorder(facts))


def _run_reading(arguments: argparse.Namespace, command: tuple[str, ...] | None) -> RunReading:
    """git, started."""
    from reprobuild.capture.configuration import further_variables
    from reprobuild.capture.run_record import RunReading

    return RunReading(command, further_variables(arguments.variable or ()))


def _add_data(facts: dict[str, Any], arguments: argparse.Namespace) -> None:
    if not arguments.data:
        return
    from reprobuild.capture.data_files import fingerprint
    from reprobuild.cli.data_progress import DataProgress

    notes = list(facts.get("notes", []))
    facts["data"] = fingerprint(arguments.data, notes, progress=DataProgress())
    if notes:
        facts["notes"] = notes


def _show(facts: dict[str, Any]) -> int:
    """Print the record; tell what was taken out of it, by place, beside it."""
    from reprobuild.capture.json_text import encode
    from reprobuild.cli import console

    console.write_result(encode(facts))
    redactions = facts.get("redactions", {})
    for place, count in redactions.items():
        console.say(f"removed: {count} {'secret' if count == 1 else 'secrets'} in {place}")
    if not redactions:
        console.say("removed: nothing; no secret was found")
    return 0


def _warn_of_another_environment() -> None:
    """Say so when an environment is active that is not ours: it is what a person most likely meant."""
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    if not active or os.path.realpath(active) == os.path.realpath(sys.prefix):
        return
    from pathlib import Path

    from reprobuild.cli import console

    program = Path(active, "python.exe" if sys.platform == "win32" else "bin/python")
    console.warn(
        f"this is the environment that reprobuild runs in, {sys.prefix}, not the active one, {active}",
        hint=f"reprobuild capture --python {program}",
    )
