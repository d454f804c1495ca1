"""``pip freeze``, ``uv pip freeze``, W&B's requirements.txt and requirements files written by people."""

from __future__ import annotations

import msgspec

from reprobuild.errors import RecordError
from reprobuild.records.conda_packages import PLATFORMS, platform_in_head
from reprobuild.records.document import Document
from reprobuild.records.interpreter_lines import python_in_line
from reprobuild.records.requirement_lines import (
    Option,
    RequirementList,
    indexes_of,
    logical_lines,
    option_notes,
    parse_line,
    parse_lines,
)
from reprobuild.records.text import bounded, shortened
from reprobuild.snapshot import Distribution, Note, PythonFacts, Snapshot, SystemFacts

_LINES_LOOKED_AT = 400


def recognizes(document: Document) -> bool:
    """Whether most of the first lines are requirement lines or pip's options."""
    understood = strange = 0
    for number, (_, line) in enumerate(logical_lines(document.head)):
        if number >= _LINES_LOOKED_AT:
            break
        item = None if python_in_line(line) else parse_line(line)
        if isinstance(item, Distribution | Option):
            understood += 1
        elif isinstance(item, Note) and item.code not in ("tool-output", "editable-without-name"):
            strange += 1
    return understood > 2 * strange


def first_strange_line(document: Document) -> tuple[int, str] | None:
    """The number and the beginning of the first line that is neither a requirement nor what pip says around them."""
    for number, line in logical_lines(document.head):
        item = None if python_in_line(line) else parse_line(line)
        if isinstance(item, Note) and item.code != "tool-output":
            return number, shortened(line)
    return None


def read(document: Document) -> Snapshot:
    """The snapshot of a list. Raises RecordError when no line of it names a package."""
    listed = parse_lines(document.text)
    if not listed.distributions:
        raise RecordError("no line of this file names a package", source=document.source)
    snapshot = snapshot_of_list(listed)
    system, machine = PLATFORMS.get(platform_in_head(document.head) or "", (None, None))
    return msgspec.structs.replace(snapshot, system=SystemFacts(system=system, machine=machine))


def snapshot_of_list(listed: RequirementList) -> Snapshot:
    """What a list tells: its packages, and in notes what was not understood and which options it sets."""
    return Snapshot(
        python=PythonFacts(version=listed.python),
        distributions=listed.distributions,
        package_indexes=indexes_of(listed.options),
        redactions={"requirements": listed.redactions} if listed.redactions else {},
        notes=bounded([*listed.notes, *option_notes(listed.options)]),
    )
