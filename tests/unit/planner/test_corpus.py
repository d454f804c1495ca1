"""Real records of the corpus, read in place: each one gives a plan that accounts for every line, or a refusal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from tests.unit.planner.records import planned

from reprobuild import records
from reprobuild.errors import PlanError, RecordError
from reprobuild.snapshot import Snapshot

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
CASES = sorted(path.parent for path in CORPUS.glob("*/case.json"))

pytestmark = pytest.mark.skipif(not CASES, reason="the corpus of real records is not beside this checkout")

REFUSED = {
    "ce-jetson-orin-truncated": "built from source or by a vendor",
    "ce-ngc-114a0": "exists only inside nvcr.io/nvidia/pytorch:22.12-py3",
    "ce-nightly-120-centos": "is a nightly build",
    "ce-nightly-28-cu128-5090": "is a nightly build",
    "ce-pt10-py27": "reprobuild rebuilds 3.6 and later",
    "ce-riscv64-notorch": "riscv64",
    "kaggle-requirements-unpinned": "does not tell its Python",
    "snap-two-torches": "is a nightly build",
}
"""What can't be planned, and the words of the reason."""


def snapshot_of(case: Path) -> Snapshot:
    """The record of a case; skips where reading it takes a choice that only a person can make."""
    try:
        return records.read(case)
    except RecordError as error:
        pytest.skip(f"reading it is another test's matter: {error}")


def facts_of(case: Path) -> dict[str, Any]:
    """What a person read off the record."""
    facts: dict[str, Any] = json.loads((case / "case.json").read_text("utf-8"))["facts"]
    return facts


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_plan_or_a_refusal(case: Path) -> None:
    snapshot = snapshot_of(case)
    if case.name in REFUSED:
        with pytest.raises(PlanError) as refusal:
            planned(snapshot)
        assert REFUSED[case.name] in str(refusal.value)
        assert refusal.value.hint
        return
    result = planned(snapshot)
    assert [placement.name for placement in result.placements] == [each.name for each in snapshot.distributions]
    held = {requirement.line for group in result.groups for requirement in group.requirements}
    for placement in result.placements:
        assert (placement.line in held) == (placement.where == "installed"), placement
        assert placement.detail


@pytest.mark.parametrize("case", [case for case in CASES if case.name not in REFUSED], ids=lambda case: case.name)
def test_cuda_and_python_agree_with_the_record(case: Path) -> None:
    result, facts = planned(snapshot_of(case)), facts_of(case)
    python = str(facts.get("python") or "").split(" ")[0]
    if python.count(".") == 2 and python[0].isdigit():
        assert result.python.version == python.rstrip("+")
    cuda = str(facts.get("cuda_torch") or "")
    if cuda[:1].isdigit() and " " not in cuda:
        assert result.accelerator.version == ".".join(str(part) for part in Version(cuda).release[:2])
