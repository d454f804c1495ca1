"""The exact commands that bring one recorded run back, for a person to copy. Pure.

A reader trusts what stands on the page with a shell, and records come from anywhere: only values of a narrow form
become part of a command, each quoted; the others are left out and the reader is told.
"""

from __future__ import annotations

import re
import shlex

import msgspec

from reprobuild import __version__
from reprobuild.plan import Plan
from reprobuild.proof import Proof
from reprobuild.snapshot import Snapshot, SourceFacts

_REMOTE = re.compile(r"(https?|ssh|git)://[A-Za-z0-9][A-Za-z0-9._~@:/+%-]*|git@[A-Za-z0-9.-]+:[A-Za-z0-9._~/+-]+")
_COMMIT = re.compile(r"[0-9a-f]{7,64}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_LONGEST = 4000


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """One step: what it does and the lines to type."""

    purpose: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as they are copied."""
        return "\n".join(self.lines)


def commands_of(snapshot: Snapshot, plan: Plan, record: str, proof: Proof | None = None) -> tuple[Command, ...]:
    """The steps from nothing to a running copy. ``record`` is the file's name as the reader will have it."""
    file = shlex.quote(record if _is_plain(record) else "environment.json")
    steps = [
        Command(purpose="Get the tool that wrote this page", lines=(f"pip install reprobuild=={__version__}",)),
        Command(
            purpose="Build the image from the record and prove it",
            lines=(f"reprobuild rebuild {file} --tag rebuilt --output proof.json",),
        ),
        Command(
            purpose="Or build it with Docker alone, from the same Dockerfile",
            lines=(f"reprobuild dockerfile {file} --output context", "docker build --tag rebuilt context"),
        ),
    ]
    if proof is not None and (published := [one for one in proof.image_digests if _is_reference(one)]):
        purpose = "Or take the very image that was examined, and examine it again"
        lines = (f"docker pull {published[0]}", f"reprobuild verify {file} {published[0]}")
        steps.append(Command(purpose=purpose, lines=lines))
    return (*steps, *_source(snapshot.source), _start(snapshot, plan), *_replay(snapshot, file))


def _is_reference(text: str) -> bool:
    return re.fullmatch(r"[a-z0-9][A-Za-z0-9._:/-]*@sha256:[0-9a-f]{64}", text) is not None


def _source(source: SourceFacts | None) -> tuple[Command, ...]:
    if source is None or not (source.remote and source.commit):
        return ()
    if not (_REMOTE.fullmatch(source.remote) and _COMMIT.fullmatch(source.commit)):
        return ()
    lines = (
        f"git clone -- {shlex.quote(source.remote)} source",
        f"git -C source checkout {source.commit}",
        "cd source",
    )
    return (Command(purpose="Get the code that ran", lines=lines),)


def _start(snapshot: Snapshot, plan: Plan) -> Command:
    """``docker run`` with the recorded variables and command, or with a shell where there is none to run."""
    options = ["docker run --rm --interactive --tty"]
    if plan.accelerator.kind == "cuda":
        options.append("--gpus all")
    options.append('--volume "$PWD:/workspace"')
    options += [
        f"--env {shlex.quote(f'{name}={value}')}"
        for name, value in sorted(snapshot.environment_variables.items())
        if _VARIABLE.fullmatch(name) and _is_plain(value)
    ]
    words = command_words(snapshot)
    # The image's own entry point may not be a shell, and a shell is what a person wants who has no command.
    options.append(f"rebuilt {shlex.join(words)}" if words else "rebuilt bash")
    purpose = "Run the recorded command in it" if words else "Work in it (the record tells no command)"
    return Command(purpose=purpose, lines=(" \\\n    ".join(options),))


def _replay(snapshot: Snapshot, file: str) -> tuple[Command, ...]:
    """The same by reprobuild, which compares the numbers; the recorded ones may have come with this page."""
    if not command_words(snapshot):
        return ()
    purpose = "Or let it be run and its numbers be compared with recorded ones, such as those of metrics.jsonl"
    line = f"reprobuild replay {file} --source . --results metrics.jsonl --recorded recorded.jsonl --proof proof.json"
    return (Command(purpose=purpose, lines=(line,)),)


def command_words(snapshot: Snapshot) -> tuple[str, ...]:
    """The recorded command; a script of Python gets its interpreter. Empty where it is unknown or can't be typed."""
    command = snapshot.command
    if command is None or not command.program:
        return ()
    words = (command.program, *command.arguments)
    if not all(_is_plain(word) for word in words) or sum(map(len, words)) > _LONGEST:
        return ()
    return ("python", *words) if command.program.endswith(".py") else words


def _is_plain(text: str) -> bool:
    """Whether a text can be copied from a page into a shell without a surprise."""
    return len(text) <= _LONGEST and text.isprintable()
