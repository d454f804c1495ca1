"""What pip installed in place from a repository is installed from that repository again."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import lines, placement, planned, record

from reprobuild.plan import Fidelity
from reprobuild.planner.checkouts import recorded_checkouts
from reprobuild.snapshot import DirectUrl, DirInfo, Distribution, FlatFacts, Snapshot

COMMIT = "9b003386cfce30f9d4e82e44b9f4f3e340684ef2"
FREEZE = f"-e git+https://example.org/team/own.git@{COMMIT}#egg=own_package&subdirectory=python\nsix==1.16.0\n"


def in_place(freeze: str = FREEZE, **facts: object) -> Snapshot:
    """A record of ``pip install -e git+...`` as capture writes it."""
    folder = DirInfo(editable=True, **({"commit_id": COMMIT, "dirty": False} | facts))  # type: ignore[arg-type]  # the tests' own
    direct = DirectUrl(url="file:///home/a/venv/src/own-package", dir_info=folder)
    distribution = Distribution(name="own-package", version="1.0", direct_url=direct)
    return record(distribution, flat=FlatFacts(pip_freeze=freeze))


def test_the_repository_of_the_list_at_the_commit_of_the_clone() -> None:
    plan = planned(in_place())
    ((line,),) = lines(plan).values()
    assert line == f"own-package @ git+https://example.org/team/own.git@{COMMIT}#subdirectory=python"
    assert placement(plan, "own-package").fidelity is Fidelity.EXACT


def test_changes_that_no_commit_holds_are_told() -> None:
    found = placement(planned(in_place(dirty=True)), "own-package")
    assert found.fidelity is Fidelity.SUBSTITUTED
    assert "changes that no commit holds" in found.detail


@pytest.mark.parametrize("freeze", ["", FREEZE.replace("9b", "00"), FREEZE.replace("own_package", "other")])
def test_a_list_that_does_not_tell_of_it_leaves_a_local_folder(freeze: str) -> None:
    assert placement(planned(in_place(freeze)), "own-package").where == "left out"


@pytest.mark.parametrize("line", ["-e /home/a", "-e git+https://h/r@short#egg=x", "own==1", f"-e git+h@{COMMIT}"])
def test_other_lines_name_no_repository(line: str) -> None:
    assert recorded_checkouts(Snapshot(flat=FlatFacts(pip_freeze=line))) == {}
