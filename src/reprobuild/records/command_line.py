"""A recorded command line without its secrets."""

from __future__ import annotations

from typing import Any

from reprobuild.records.credentials import REMOVED, is_secret_name, without_credentials
from reprobuild.records.times import iso_time
from reprobuild.snapshot import CommandFacts

_MOST_ARGUMENTS = 10_000


def command_facts(program: str | None, arguments: Any, started_at: str | None) -> tuple[CommandFacts | None, int]:
    """The command with secret arguments replaced, and how many there were. None when no program is told."""
    texts = (
        [item for item in arguments if isinstance(item, str)][:_MOST_ARGUMENTS] if isinstance(arguments, list) else []
    )
    if program is None:
        return None, 0
    cleaned, removed = without_secrets(texts)
    started = iso_time(started_at)
    return CommandFacts(program=program, arguments=tuple(cleaned), started_at=started), removed


def without_secrets(arguments: list[str]) -> tuple[list[str], int]:
    """``--api_key abc`` and ``--token=abc`` without their values, and URLs without credentials."""
    cleaned: list[str] = []
    removed = 0
    secret_follows = False
    for argument in arguments:
        name, equals, value = argument.partition("=")
        if secret_follows and not argument.startswith("--"):
            cleaned.append(REMOVED)
            removed, secret_follows = removed + 1, False
            continue
        secret = is_secret_name(name)
        secret_follows = secret and not equals and name.startswith("-")
        if secret and equals and value:
            cleaned.append(f"{name}={REMOVED}")
            removed += 1
            continue
        text, found = without_credentials(argument)
        cleaned.append(text)
        removed += found
    return cleaned, removed
