"""``reprobuild import``: other tools' records of a run to one environment.json."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from reprobuild.cli import console
from reprobuild.errors import CaptureError, UsageError

if TYPE_CHECKING:
    from reprobuild.snapshot import Snapshot

_EXAMPLES = """\
examples:
  reprobuild import wandb/run-20240316_230623-abc -o environment.json
  reprobuild import freeze.txt collect_env.txt nvidia-smi.txt -o environment.json
  reprobuild import uv.lock --extra gpu --python 3.11
  pip freeze | reprobuild import - --set python=3.8.10
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "records",
        metavar="RECORD",
        nargs="*",
        help="a file, a folder of W&B or MLflow, mlflow:RUN, wandb:ENTITY/PROJECT/RUN or -; several are combined",
    )
    parser.add_argument("-o", "--output", metavar="FILE", help="write here instead of standard output")
    parser.add_argument("--format", metavar="NAME", help="what the record is, instead of looking at its content")
    parser.add_argument("--formats", action="store_true", help="list the formats that are understood")
    parser.add_argument(
        "--set", metavar="FACT=VALUE", action="append", default=[], help="settle a fact, such as python=3.8.10"
    )
    parser.add_argument("--ask", action="store_true", help="ask on the terminal for what the record leaves open")
    choices = parser.add_argument_group("lock files hold many environments: which one")
    choices.add_argument("--platform", metavar="NAME", help="linux-64 (the default), linux-aarch64, osx-arm64, win-64")
    choices.add_argument(
        "--python", metavar="VERSION", help="the Python that ran, also the one to evaluate markers for"
    )
    choices.add_argument("--extra", metavar="NAME", action="append", default=[], help="an extra that was installed")
    choices.add_argument("--group", metavar="NAME", action="append", default=[], help="a group that was installed")
    parser.add_argument("--json", action="store_true", help="print the result as JSON, as it is without this option")


def run(arguments: argparse.Namespace) -> int:
    """Read, combine, settle, write. Notes and inferred facts go to standard error. Raises RecordError."""
    if arguments.formats:
        return _list_formats()
    if not arguments.records:
        raise UsageError("no record is named", hint="'reprobuild import --formats' lists what is understood")
    if arguments.records.count("-") > 1:
        raise UsageError("only one of the records can come from standard input")
    snapshot = _read(arguments)
    if arguments.output in (None, "-"):
        console.write_bytes(snapshot.to_json().encode("utf-8"))
    else:
        _write(Path(arguments.output), snapshot)
    _tell(snapshot, arguments.output)
    chosen = [name for name in ("platform", "extra", "group") if getattr(arguments, name)]
    if chosen and not any(note.code == "read-for" for note in snapshot.notes):
        console.warn(f"--{', --'.join(chosen)}: a choice from lock files, and no record is one")
    return 0


def _read(arguments: argparse.Namespace) -> Snapshot:
    from reprobuild.cli.live_records import is_live, read_live
    from reprobuild.records import Choice, Part, joined, read, settle

    choice = Choice(
        platform=arguments.platform,
        python=arguments.python,
        extras=tuple(arguments.extra),
        groups=tuple(arguments.group),
    )
    parts = [
        Part(
            source=name if is_live(name) else PurePath(name).name or name,
            snapshot=read_live(name, choice=choice)
            if is_live(name)
            else read(name, format=arguments.format, choice=choice),
        )
        for name in arguments.records
    ]
    snapshot = joined(parts)
    settings = [*([f"python={arguments.python}"] if arguments.python else []), *arguments.set]
    return settle(snapshot, [*settings, *(_answers(snapshot, settings) if arguments.ask else ())])


def _answers(snapshot: Snapshot, already: list[str]) -> list[str]:
    """What a person answers to the open questions; an empty answer keeps what was inferred, or leaves it open."""
    if not console.is_terminal(sys.stdin):
        raise UsageError("--ask needs a terminal", hint="use --set FACT=VALUE in a script")
    names = {"python": "python.version", "system": "system.system", "cuda": "torch.cuda", "os": "system.os_id"}
    inferred = {item.fact: item for item in snapshot.evidence if item.certainty == "inferred"}
    answers = []
    for name, fact in names.items():
        group, _, field = fact.partition(".")
        known = getattr(getattr(snapshot, group), field, None)
        if any(setting.startswith(f"{name}=") for setting in already) or (known and fact not in inferred):
            continue
        why = f" ({inferred[fact].reason})" if fact in inferred else ""
        if answer := _answer(snapshot, name, f"{name} [{known or 'unknown'}]{why}: "):
            answers.append(answer)
    return answers


def _answer(snapshot: Snapshot, name: str, question: str) -> str | None:
    """One answer as ``name=value``; asked again when it is none. None for an empty one."""
    from reprobuild.records import settle

    while True:
        sys.stderr.write(question)
        sys.stderr.flush()
        answer = sys.stdin.readline().strip()
        if not answer:
            return None
        try:
            settle(snapshot, [f"{name}={answer}"])
        except UsageError as error:
            console.warn(str(error))
            continue
        return f"{name}={answer}"


def _write(path: Path, snapshot: Snapshot) -> None:
    from reprobuild.files import write_atomically

    try:
        write_atomically(path, snapshot.to_json())
    except OSError as error:
        raise CaptureError(f"{path}: could not be written: {error.strerror or error}") from error


def _tell(snapshot: Snapshot, output: str | None) -> None:
    """What a person should know: how much was read, what was inferred and from what, what was odd."""
    from reprobuild.records.text import printable

    where = f" to {output}" if output not in (None, "-") else ""
    console.say(f"imported {len(snapshot.distributions)} packages{where}")
    for item in snapshot.evidence:
        if item.certainty == "inferred":
            console.say(printable(f"inferred: {item.fact} = {item.value}: {item.reason or item.source}"))
    for note in snapshot.notes:
        place = f"{note.path}: " if note.path and note.path not in note.message else ""
        console.say(printable(f"note: {place}{note.message}"))


def _list_formats() -> int:
    from reprobuild.records import FOLDERS, FORMATS

    known = {**{name: kind.description for name, kind in FOLDERS.items()}}
    known |= {name: kind.description for name, kind in FORMATS.items()}
    console.write_result("\n".join(f"{name:20} {description}" for name, description in known.items()))
    return 0
