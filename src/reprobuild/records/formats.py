"""Every format that is understood, in one dict in plain sight: how it is recognized and who reads it.

A format is known by its content. The order counts: the first that recognizes the content reads it, so the most
particular stand first and the plain list of requirement lines last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from reprobuild.records import environment_json, foreign_json, requirements
from reprobuild.records.text import decode_json
from reprobuild.snapshot import Snapshot


class Format(NamedTuple):
    """One kind of record."""

    description: str
    """For a person, in a list of what is understood."""
    recognizes: Callable[[bytes, str], bool]
    """Whether this content (of that source) is of the format. Never raises anything but RecordError."""
    read: Callable[[bytes, str], Snapshot]
    """Content and source to snapshot; raises RecordError."""


def _is_json(content: bytes) -> bool:
    return content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def _json_that(holds: Callable[[object], bool]) -> Callable[[bytes, str], bool]:
    """Recognition by the decoded value. JSON that does not decode is an error at once: nothing else starts so."""

    def recognizes(content: bytes, source: str) -> bool:
        return _is_json(content) and holds(decode_json(content, source))

    return recognizes


def _lines_that(hold: Callable[[bytes], bool]) -> Callable[[bytes, str], bool]:
    """Recognition of a text format."""

    def recognizes(content: bytes, _source: str) -> bool:
        return not _is_json(content) and hold(content)

    return recognizes


FORMATS: dict[str, Format] = {
    "reprobuild": Format(
        "environment.json of reprobuild",
        _json_that(lambda value: isinstance(value, dict) and "schema_version" in value),
        environment_json.read_own,
    ),
    "environment-json": Format(
        "flat environment.json of the environment snapshot utility",
        _json_that(environment_json.is_flat),
        environment_json.read_flat,
    ),
    "snapshot-json": Format(
        "JSON of other snapshot utilities: Python, torch and package versions",
        _json_that(foreign_json.recognizes),
        foreign_json.read,
    ),
    "requirements": Format(
        "pip freeze, uv pip freeze, requirements.txt",
        _lines_that(requirements.recognizes),
        requirements.read,
    ),
}
