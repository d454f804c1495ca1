"""What a record's lines install without naming it: the plan says that the image lacks it."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import planned

from reprobuild import records
from reprobuild.errors import PlanError
from reprobuild.plan import PlanWarning
from reprobuild.planner.unread_lines import warnings_of_unread
from reprobuild.snapshot import Note, Snapshot

FREEZE = "Python 3.10.12\nsix==1.16.0\n"


def told(lines: str) -> list[str]:
    """The messages for a list with these lines."""
    result = planned(records.parse(f"{FREEZE}{lines}".encode(), "requirements.txt"))
    return [warning.message for warning in result.warnings if warning.code == "lines-not-installed"]


def test_a_folder_without_a_name_is_said() -> None:
    assert told("-e .\n") == [
        "not in the image: what the line '-e .' stands for; it installs a folder without telling the package"
    ]


def test_other_files_are_counted_and_constraints_install_nothing() -> None:
    assert told("-r base.txt\n-r gpu.txt\n-c limits.txt\n") == [
        "not in the image: what the line '--requirement base.txt' and 1 more like it stands for; "
        "it refers to another file, which is not part of the record"
    ]
    assert told("-c limits.txt\n") == []
    assert told("") == []


def test_a_plan_that_lacks_them_is_not_exact() -> None:
    with pytest.raises(PlanError, match="lines-not-installed"):
        planned(records.parse(f"{FREEZE}-e .\n".encode(), "requirements.txt"), strict=True)


def test_a_hostile_note_is_escaped_and_cut() -> None:
    note = Note(code="url-without-name", message="an address: https://me:secret@h.example/\x1b[2J" + "x" * 500)
    (warning,) = warnings_of_unread(Snapshot(notes=(note,)))
    assert isinstance(warning, PlanWarning)
    assert warning.message.isprintable() and "secret" not in warning.message and len(warning.message) < 200
