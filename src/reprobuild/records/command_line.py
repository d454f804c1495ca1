"""A recorded command line without its secrets."""

from __future__ import annotations

import re
from typing import Any

from reprobuild.records.credentials import without_credentials
from reprobuild.records.times import iso_time
from reprobuild.snapshot import CommandFacts

_SECRET_NAME = re.compile(
    r"-{0,2}[\w.-]*(?:api[_-]?key|token(?!s|iz)|secret|passw(?:or)?d|credential|_key$|-key$)[\w.-]*", re.I
)
_HARMLESS_NAME = re.compile(r"(?:max|min|num|n|pad|eos|bos|unk|mask|sep|cls)[_-]|(?:_|-)(?:id|length|len|limit)$", re.I)
_MOST_ARGUMENTS = 10_000
REMOVED = "REMOVED"


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
        secret = _is_secret(name)
        secret_follows = secret and not equals and name.startswith("-")
        if secret and equals and value:
            cleaned.append(f"{name}={REMOVED}")
            removed += 1
            continue
        text, found = without_credentials(argument)
        cleaned.append(text)
        removed += found
    return cleaned, removed


def _is_secret(name: str) -> bool:
    bare = name[:200].lstrip("-")
    return bool(_SECRET_NAME.fullmatch(name[:200])) and not _HARMLESS_NAME.search(bare)
