"""Records inside of a larger text: an issue that shows a report and a freeze, notes with a list among them.

What a person writes around them is passed over, and said; where it names a version, line by line.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import msgspec

from reprobuild.errors import RecordError
from reprobuild.records import requirements
from reprobuild.records.combine import Part, combine
from reprobuild.records.document import Document
from reprobuild.records.formats import FORMATS, LOOSEST, recognized
from reprobuild.records.pasted import is_prompt, sections
from reprobuild.records.requirement_lines import Option, logical_lines, parse_line
from reprobuild.records.text import LARGEST_TEXT, bounded, shortened
from reprobuild.snapshot import Distribution, Note, Snapshot

_PICKS_ITS_LINES = frozenset({"collect-env", "environment-report", "nvidia-smi", "nvcc", "os-info"})
"""Formats whose readers pick their own lines out of a text: a list that stands there as well is not theirs."""

_MOST_SECTIONS = 60
_MOST_LINES = 20_000
_FEWEST_PINS = 3
"""Fewer lines of ``name==version`` one after the other are an example that somebody gives, and no list."""

_PIN = re.compile(r"\S+\s*==\s*\d.*|\S+ @ \S+.*|-e \S+.*|[\w.-]+ \(\d[^()]{0,100}\)")
_PIP_SHOW = re.compile(r"^Name: (?P<name>[A-Za-z0-9][\w.-]{0,80})\nVersion: (?P<version>\d\S{0,80})$", re.MULTILINE)
_OF_COLLECT_ENV = re.compile(r"\[(?:pip3?|conda)\]")
_NAMES_A_VERSION = re.compile(r"[A-Za-z0-9][\w.-]*(?:\[[\w, -]*\])?==\d")


def records_in(document: Document) -> list[Part]:
    """The records in the parts of a text that marks set apart (fences, folded details), and in the text around them.

    Empty for a text without such marks.
    """
    marks = ("```", "~~~", "<details")
    if len(document.content) > LARGEST_TEXT or not any(mark in document.head for mark in marks):
        return []
    parts: list[Part] = []
    unread: list[str] = []
    numbered = 0
    for text, is_set_apart in sections(document.text)[:_MOST_SECTIONS]:
        numbered += is_set_apart
        place = f"block {numbered}" if is_set_apart else f"the text after block {numbered}"
        section = Document(text.encode("utf-8"), f"{document.source}, {place}", document.choice)
        snapshot = _record(section, may_be_a_list=is_set_apart)
        found, rest = ([Part(source=section.source, snapshot=snapshot)], []) if snapshot else _lists_in(section)
        parts += found
        unread += rest
    return _with_unread(parts, unread)


def lists_in(document: Document) -> list[Part]:
    """The lists of packages that stand in a text of no known format."""
    if document.looks_like_json or len(document.content) > LARGEST_TEXT:
        return []
    return _with_unread(*_lists_in(document))


def with_lists(snapshot: Snapshot, document: Document, format: str) -> Snapshot:
    """``snapshot``, read from ``document``, with the lists and the versions that its reader passed over."""
    if format not in _PICKS_ITS_LINES or len(document.content) > LARGEST_TEXT:
        return snapshot
    found, rest = _lists_in(document)
    passed_over = [line for line in rest if _NAMES_A_VERSION.search(line) and not _OF_COLLECT_ENV.search(line)]
    return combine(_with_unread([Part(source=document.source, snapshot=snapshot), *found], passed_over))


def _record(section: Document, *, may_be_a_list: bool) -> Snapshot | None:
    """What a section tells as a whole. What people write could pass for a list of packages without versions."""
    with contextlib.suppress(RecordError):
        name = recognized(section)
        if name != LOOSEST or may_be_a_list:
            snapshot = FORMATS[name].read(section)
            return with_lists(snapshot, section, name) if _tells_something(snapshot) else None
    return None


def _tells_something(snapshot: Snapshot) -> bool:
    """Whether a section is a record: a single word of a command that somebody shows could pass for a package."""
    facts = (snapshot.python.version, snapshot.system.system, snapshot.torch, snapshot.gpu, snapshot.cuda_toolkit)
    return any(facts) or sum(item.version is not None for item in snapshot.distributions) > 2


def _lists_in(document: Document) -> tuple[list[Part], list[str]]:
    """The lists that stand in a text without any mark, and the other lines; a prompt names a person and a machine."""
    lists, rest = _stretches(document.text)
    parts = []
    for lines in lists:
        part = Document("\n".join(lines).encode("utf-8"), document.source, document.choice)
        parts.append(Part(source=document.source, snapshot=requirements.read(part)))
    shown = tuple(
        Distribution(name=found["name"], version=found["version"]) for found in _PIP_SHOW.finditer("\n".join(rest))
    )
    if shown:
        parts.append(Part(source=document.source, snapshot=Snapshot(distributions=shown)))
    return parts, [line for line in rest if line and not is_prompt(line)]


def _stretches(text: str) -> tuple[list[list[str]], list[str]]:
    """The lines of each list, and all lines that are in none."""
    lists: list[list[str]] = []
    rest: list[str] = []
    lines: list[str] = []
    pins = 0
    for number, line in _lines_and_an_end(text):
        is_pin = _PIN.fullmatch(line[:1000]) is not None and isinstance(parse_line(line), Distribution)
        if is_pin or (pins and (line.startswith("#") or isinstance(parse_line(line), Option))):
            lines.append(line)
            pins += is_pin
            continue
        if pins >= _FEWEST_PINS:
            lists.append(lines)
        else:
            rest += lines
        lines, pins = [], 0
        rest.append(line)
        if number > _MOST_LINES:
            break
    return lists, rest


def _lines_and_an_end(text: str) -> Iterator[tuple[int, str]]:
    yield from logical_lines(text)
    yield 0, ""


def _with_unread(parts: list[Part], unread: list[str]) -> list[Part]:
    """The parts, the last of which says what stands around them and is not read."""
    if not parts or not unread:
        return parts
    telling = [line for line in dict.fromkeys(unread) if _NAMES_A_VERSION.search(line)]
    notes = [
        Note(code="line-passed-over", message=f"names a version, and stands in no list: {shortened(line)}")
        for line in telling
    ]
    others = [line for line in unread if not _NAMES_A_VERSION.search(line)]
    if others:
        lines = "1 line of text" if len(others) == 1 else f"{len(others)} lines of text"
        message = f"{lines} around the records passed over, the first: {shortened(others[0])}"
        notes.append(Note(code="text-passed-over", message=message))
    last = parts[-1]
    told = msgspec.structs.replace(last.snapshot, notes=bounded([*last.snapshot.notes, *notes]))
    return [*parts[:-1], msgspec.structs.replace(last, snapshot=told)]
