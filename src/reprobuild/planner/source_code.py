"""The code of the run and its command, where the user asks for them: ``--with-source``.

The place that the code comes from is never taken from a record unasked: the user names a repository, or says in so
many words that the recorded one is meant. What is checked out there is the recorded commit, so that another place can
give nothing else; the recorded changes go on top as a patch.
"""

from __future__ import annotations

import re
from typing import assert_never

import msgspec

from reprobuild.errors import PlanError, RecordError
from reprobuild.plan import Checkout, Decision, Fidelity, Plan, PlanWarning, Question
from reprobuild.planner import grammar
from reprobuild.planner.options import RECORDED, PlanOptions
from reprobuild.planner.run_command import Command, NoCommand, command_in_checkout
from reprobuild.snapshot import Snapshot, SourceFacts

_SECURE_SHELL = re.compile(r"(?:ssh://)?(?:[A-Za-z0-9._-]+@)(?P<host>[A-Za-z0-9.-]+)(?::\d+/|[:/])(?P<path>[^\s:]+)")
_SUBMODULE = re.compile(r"^Submodule .+ [0-9a-f]{7,}\.\.\.?[0-9a-f]{7,}", re.MULTILINE)


def with_source_code(plan: Plan, snapshot: Snapshot, options: PlanOptions) -> Plan:
    """The plan with what is checked out and run; as it is where the user did not ask for it.

    Raises PlanError where the record tells no commit, or no repository when the recorded one is asked for.
    """
    if options.with_source is None:
        return plan
    source = snapshot.source or SourceFacts()
    checkout = _checkout(source, options.with_source)
    command: tuple[str, ...] = ()
    match command_in_checkout(snapshot):
        case Command(words=words):
            command, found = words, _lacking(snapshot)
        case NoCommand(reason=reason):
            hint = "name it when you run the image: docker run IMAGE python PROGRAM"
            found = [PlanWarning(code="no-command", message=f"the image starts no program: {reason}", hint=hint)]
        case never:
            assert_never(never)
    return msgspec.structs.replace(
        plan,
        checkout=checkout,
        command=command,
        decisions=(*plan.decisions, _decision(source, checkout, command)),
        warnings=(*plan.warnings, *_warnings(source, checkout.repository, options), *found),
    )


def _checkout(source: SourceFacts, place: str) -> Checkout:
    commits = [
        grammar.commit(text, f"source.{name}").lower()
        for name, text in (("diff_base", source.diff_base), ("commit", source.commit))
        if text
    ]
    if not commits:
        raise PlanError(
            "--with-source: the record tells no commit of the code that ran",
            hint="plan without it, and mount the code into /workspace or copy it there",
        )
    return Checkout(
        repository=place if place != RECORDED else _recorded(source),
        commit=commits[0],
        directory=_directory(source),
        changed=bool(source.diff),
    )


def _lacking(snapshot: Snapshot) -> list[PlanWarning]:
    hint = "give the whole command to docker run"
    if any(note.code == "no-arguments" for note in snapshot.notes):
        message = "the record's tool keeps no arguments of the program: the image starts it without any"
        return [PlanWarning(code="no-arguments", message=message, hint=hint)]
    count = snapshot.redactions.get("command.arguments", 0)
    if not count:
        return []
    message = f"the values of {count} arguments were secrets, which no record holds: the command lacks them"
    return [PlanWarning(code="secret-arguments", message=message, hint=hint)]


def _recorded(source: SourceFacts) -> str:
    """The recorded repository. What git reached through a secure shell is asked over HTTPS: a build has no keys."""
    if source.remote is None:
        raise PlanError(
            "--with-source=recorded: the record tells no repository",
            hint="name the one that has the commit: --with-source https://host/owner/repository.git",
        )
    shell = _SECURE_SHELL.fullmatch(source.remote) if "://" not in source.remote or "ssh://" in source.remote else None
    address = f"https://{shell['host']}/{shell['path']}" if shell else source.remote
    try:
        return grammar.url(address, "source.remote", grammar.WEB_SCHEMES)
    except RecordError as error:
        raise PlanError(
            f"--with-source=recorded: {error}", hint="name the repository: --with-source https://host/owner/name.git"
        ) from error


def _directory(source: SourceFacts) -> str | None:
    if source.directory in (None, "", "."):
        return None
    return grammar.directory(str(source.directory), "source.directory")


def _decision(source: SourceFacts, checkout: Checkout, command: tuple[str, ...]) -> Decision:
    """Exact where all that the record tells of the code is there."""
    lacking = [
        *(["changes that the record does not hold"] if source.dirty and not source.diff else []),
        *([f"{len(source.untracked)} files that git does not know"] if source.untracked else []),
        *([f"{len(source.submodules)} submodules"] if source.submodules else []),
        *(["the changes inside submodules"] if _SUBMODULE.search(source.diff or "") and not source.submodules else []),
    ]
    changed = " with the recorded changes" if checkout.changed else ""
    reason = "the commit names its content, whatever place it comes from"
    if source.diff_base:
        reason = "the run's own commit was not published; the recorded changes are against this one, and complete"
    if lacking:
        reason = f"not there: {', '.join(lacking)}"
    return Decision(
        question=Question.SOURCE,
        choice=f"commit {checkout.commit[:12]} of {checkout.repository}{changed}"
        + (", and the recorded command" if command else ""),
        reason=reason,
        fidelity=Fidelity.MISSING if lacking else Fidelity.EXACT,
    )


def _warnings(source: SourceFacts, repository: str, options: PlanOptions) -> list[PlanWarning]:
    found = []
    if options.with_source == RECORDED:
        message = f"the code comes from {repository}, as the record says: run what it holds only if you trust it"
        found.append(PlanWarning(code="recorded-repository", message=message))
    if source.submodules:
        names = ", ".join(grammar.excerpt(each.path) for each in source.submodules[:5])
        message = f"submodules are not checked out, because their places stand in the repository alone: {names}"
        found.append(PlanWarning(code="submodules", message=message))
    if source.untracked:
        names = ", ".join(grammar.excerpt(name) for name in source.untracked[:5])
        message = f"git did not know {len(source.untracked)} files of the run, and the record holds only names: {names}"
        found.append(PlanWarning(code="untracked-files", message=message))
    return found
