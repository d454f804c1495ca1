"""Striking secrets out of what a build reports: an installer may print the very URL it was given."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from reprobuild.engine import BuildEvent, Failed, Output, StepStarted

STRUCK_OUT = "***"

_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY", re.IGNORECASE)
_SHORTEST = 4


class Redaction:
    """Replaces known secrets in events."""

    def __init__(self, secrets: frozenset[str]) -> None:
        # The longest first: one secret may be a part of another.
        self._secrets = sorted(secrets, key=lambda secret: (-len(secret), secret))

    @classmethod
    def of_arguments(cls, arguments: Mapping[str, str]) -> Redaction:
        """The secrets in build arguments: passwords in URLs, and values whose name says that they are secret."""
        found: set[str] = set()
        for name, value in arguments.items():
            if _SECRET_NAME.search(name):
                found.add(value)
            found.update(_url_secrets(value))
        return cls(frozenset(secret for secret in found if len(secret) >= _SHORTEST))

    def applied(self, event: BuildEvent) -> BuildEvent:
        """The event without secrets."""
        if not self._secrets:
            return event
        match event:
            case Output():
                return Output(text=self._strike(event.text))
            case StepStarted():
                return msgspec.structs.replace(event, instruction=self._strike(event.instruction))
            case Failed():
                return msgspec.structs.replace(event, message=self._strike(event.message))
            case _:
                return event

    def _strike(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, STRUCK_OUT)
        return text


def _url_secrets(value: str) -> set[str]:
    """The password of a URL, as it is written and decoded; a user name alone is often a token."""
    try:
        parts = urlsplit(value)
        password = parts.password or (parts.username if "@" in parts.netloc else None)
    except ValueError:
        return set()
    return {password, unquote(password)} if password else set()
