"""``pip freeze``, ``uv pip freeze``, W&B's requirements.txt and requirements files written by people."""

from __future__ import annotations

from reprobuild.errors import RecordError
from reprobuild.records.document import Document
from reprobuild.records.requirement_lines import Option, RequirementList, logical_lines, parse_line, parse_lines
from reprobuild.records.text import bounded
from reprobuild.snapshot import Distribution, Note, Snapshot

_LINES_LOOKED_AT = 400


def recognizes(document: Document) -> bool:
    """Whether most of the first lines are requirement lines or pip's options."""
    understood = strange = 0
    for number, (_, line) in enumerate(logical_lines(document.head)):
        if number >= _LINES_LOOKED_AT:
            break
        item = parse_line(line)
        if isinstance(item, Distribution | Option):
            understood += 1
        elif isinstance(item, Note) and item.code != "tool-output":
            strange += 1
    return understood > 2 * strange


def read(document: Document) -> Snapshot:
    """The snapshot of a list. Raises RecordError when no line of it names a package."""
    listed = parse_lines(document.text)
    if not listed.distributions:
        raise RecordError("no line of this file names a package", source=document.source)
    return snapshot_of_list(listed)


def snapshot_of_list(listed: RequirementList) -> Snapshot:
    """What a list tells: its packages, and in notes what was not understood and which options it sets."""
    return Snapshot(
        distributions=listed.distributions,
        redactions={"requirements": listed.redactions} if listed.redactions else {},
        notes=bounded([*listed.notes, *map(_option_note, listed.options)]),
    )


def _option_note(option: Option) -> Note:
    text = f"{option.name} {option.value}".strip()
    if option.name in ("--requirement", "--constraint"):
        return Note(
            code="other-file", message=f"the list refers to another file, which is not part of it: {text[:200]}"
        )
    return Note(code="list-option", message=f"the list sets {text[:200]}")
