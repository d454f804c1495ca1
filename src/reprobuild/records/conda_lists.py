"""conda's lists: ``conda list --export``, the table of ``conda list`` and ``@EXPLICIT`` URLs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from reprobuild.errors import RecordError
from reprobuild.records.conda_packages import (
    distribution_of_spec,
    distribution_of_url,
    has_condas_head,
    platform_in_head,
    snapshot_of_packages,
)
from reprobuild.records.credentials import without_credentials
from reprobuild.records.document import Document
from reprobuild.records.requirement_lines import parse_line
from reprobuild.records.text import at_most, bounded, shortened
from reprobuild.snapshot import CondaOrigin, Distribution, Note, Snapshot

_EXPORT_LINE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*=(?:[^\s=]+=[^\s=]+|\d[^\s=,;<>~!*]*)")
_TABLE_HEAD = re.compile(r"^#?\s+Name\s+Version\s+Build\b", re.MULTILINE)
_ROW_OF_CONDA = re.compile(
    r"[A-Za-z0-9_][\w.-]*[ \t]+\d\S*[ \t]+(?:\S*_\d+|py\d\S*|pypi_0|<pip>|main|h?[0-9a-f]{7,}\S*)(?:[ \t]+\S+)?\s*"
)
"""A row by its build string, for a table whose head was not pasted."""
_TABLE_LINE = re.compile(
    r"(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*)\s+(?P<version>[^\s]+)\s+(?P<build>[^\s]+)(?:\s+(?P<channel>[^\s]+))?\s*"
)
_OF_PIP = re.compile(r"[A-Za-z0-9._-]+(?:\[[^\]]*\])?\s*==[^=]*|-.*|.*(?:://|\s@\s).*")
"""Lines that conda does not export; somebody who has them under conda's head wrote them for pip."""
_PREFIX = re.compile(
    r"^(?:#\s*packages in environment at (?P<prefix>.+?):|\s*List of packages in environment: \"(?P<mamba>.+?)\")\s*$",
    re.MULTILINE,
)


def recognizes_explicit(document: Document) -> bool:
    """Whether one of the lines is conda's ``@EXPLICIT``."""
    return re.search(r"^@EXPLICIT\s*$", document.head, re.MULTILINE) is not None


def recognizes_export(document: Document) -> bool:
    """Whether most lines are ``name=version=build``, or conda's hint stands above lines that nobody wrote for pip."""
    lines = [line.strip() for line in document.head.split("\n")[:200] if line.strip() and not line.startswith("#")]
    exported = sum(bool(_EXPORT_LINE.fullmatch(line)) for line in lines)
    if exported * 2 > len(lines):
        return True
    specs = bool(lines) and all(distribution_of_spec(line) or _OF_PIP.fullmatch(line[:1000]) for line in lines)
    for_pip = sum(bool(_OF_PIP.fullmatch(line[:1000])) for line in lines)
    return specs and has_condas_head(document.head) and for_pip <= exported


def recognizes_table(document: Document) -> bool:
    """Whether it has the table's head line, mamba's too, or nearly all lines are rows with a build of conda's."""
    if _TABLE_HEAD.search(document.head) is not None:
        return True
    lines = [line.strip() for line in document.head.split("\n")[:200] if line.strip() and not line.startswith("#")]
    return len(lines) > 2 and sum(bool(_ROW_OF_CONDA.fullmatch(line[:500])) for line in lines) * 10 >= len(lines) * 9


def read_explicit(document: Document) -> Snapshot:
    """Exact URLs; pip's packages stand in comments that conda-lock writes (``# pip name @ url``)."""
    found: list[Distribution] = []
    notes: list[Note] = []
    secrets = 0
    for number, line in at_most(enumerate(document.lines, start=1)):
        text = line.strip()
        if text.startswith("# pip "):
            item = parse_line(text.removeprefix("# pip "))
            found += [item] if isinstance(item, Distribution) else []
        elif "://" in text and not text.startswith("#"):
            text, removed = without_credentials(text)
            secrets += removed
            package = distribution_of_url(text, text)
            found += [package] if package else []
            notes += [] if package else [_not_understood(text, number)]
    snapshot = _snapshot(found, notes, document)
    return msgspec.structs.replace(snapshot, redactions={"distributions": secrets} if secrets else {})


def read_export(document: Document) -> Snapshot:
    """``name=version=build`` lines; ``pypi_0`` marks what pip installed."""
    found: list[Distribution] = []
    notes: list[Note] = []
    for number, line in at_most(enumerate(document.lines, start=1)):
        text = line.strip()
        if not text or text.startswith(("#", "@")):
            continue
        item = distribution_of_spec(text)
        found += [item] if item else []
        notes += [] if item else [_not_understood(text, number)]
        if item and item.version is None:
            message = f"{item.name} has no exact version: {shortened(text)}"
            notes.append(Note(code="unpinned", message=message, path=f"line {number}"))
    return _snapshot(found, notes, document)


def read_table(document: Document) -> Snapshot:
    """The table of ``conda list``: name, version, build and, where it is not defaults, the channel."""
    found = list(at_most(_rows(document.lines)))
    return _snapshot(found, [], document)


def _rows(lines: list[str]) -> Iterator[Distribution]:
    for line in lines:
        row = None if line.lstrip().startswith("#") else distribution_of_row(line)
        if row is not None:
            yield row


def distribution_of_row(line: str) -> Distribution | None:
    """One row of ``conda list``; ``pypi`` as its channel means that pip installed it."""
    found = _TABLE_LINE.fullmatch(line.strip()[:1000])
    if found is None or (found["name"], found["version"]) == ("Name", "Version"):
        return None
    if found["channel"] == "pypi" or found["build"].startswith("pypi_") or found["build"] == "<pip>":
        return Distribution(name=found["name"], version=found["version"], installer="pip", line=line.strip())
    origin = CondaOrigin(channel=found["channel"], build=found["build"])
    return Distribution(
        name=found["name"], version=found["version"], installer="conda", conda=origin, line=line.strip()
    )


def _snapshot(found: list[Distribution], notes: list[Note], document: Document) -> Snapshot:
    if not found:
        raise RecordError("no line of this file names a package", source=document.source)
    prefix = _PREFIX.search(document.head)
    return snapshot_of_packages(
        tuple(found),
        document.source,
        platform=platform_in_head(document.head),
        prefix=(prefix["prefix"] or prefix["mamba"]) if prefix else None,
        notes=bounded(notes),
    )


def _not_understood(text: str, number: int) -> Note:
    return Note(code="line-not-understood", message=f"not understood: {shortened(text)}", path=f"line {number}")
