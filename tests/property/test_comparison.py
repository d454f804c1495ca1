"""What holds for any two records, and for whatever an image prints."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.verify.evidences import RECORD, evidence, plan_of

from reprobuild.compare import Change, compare
from reprobuild.engine import ImageFacts, ProcessResult
from reprobuild.engine.fake import FakeEngine
from reprobuild.proof import Outcome, Proof, Verdict, parse_proof
from reprobuild.report import comparison_text, differences, proof_text
from reprobuild.snapshot import Distribution, PythonFacts, Snapshot
from reprobuild.verify import verify
from reprobuild.verify.installed import check

NAMES = st.sampled_from(["numpy", "NumPy", "torch", "Jinja2", "ruamel.yaml", "ruamel-yaml", "x" * 90, "\x1b[2J", ""])
VERSIONS = st.none() | st.sampled_from(["1.0", "1.0.0", "2.1.0", "2.1.0+cu121", "no version", "\u202e1", ""])
DISTRIBUTIONS = st.builds(
    Distribution, name=NAMES, version=VERSIONS, record_digest=st.sampled_from([None, "sha256:1", "sha256:2"])
)
RECORDS = st.builds(
    Snapshot,
    python=st.builds(PythonFacts, version=VERSIONS),
    distributions=st.lists(DISTRIBUTIONS, max_size=6).map(tuple),
)


@given(RECORDS)
def test_a_record_never_differs_from_itself(record: Snapshot) -> None:
    assert compare(record, record).differences == ()


@given(RECORDS, RECORDS)
def test_the_other_way_round_the_same_things_differ(first: Snapshot, second: Snapshot) -> None:
    opposite = {Change.ADDED: Change.REMOVED, Change.REMOVED: Change.ADDED, Change.CHANGED: Change.CHANGED}
    there, back = compare(first, second), compare(second, first)
    assert {(one.subject, one.change) for one in there.differences} == {
        (one.subject, opposite[one.change]) for one in back.differences
    }
    text = comparison_text(there)
    assert all(character.isprintable() or character == "\n" for character in text)


@given(RECORDS, RECORDS)
def test_an_image_passes_exactly_when_nothing_is_missing_or_wrong(record: Snapshot, found: Snapshot) -> None:
    result = check(evidence(found, record=record))
    bad = [one for one in result.findings if one.verdict in (Verdict.MISSING, Verdict.WRONG) and not one.declared]
    assert (result.outcome is Outcome.FAILED) == bool(bad)
    assert (result.next_step is not None) == bool(bad)


@given(RECORDS)
def test_an_image_that_is_the_record_passes(record: Snapshot) -> None:
    result = check(evidence(record, record=record, plan=plan_of(record)))
    assert result.failures == ()


def proof_of(output: bytes, exit_code: int = 0) -> Proof:
    """The proof of an image in which every program prints this."""
    engine = FakeEngine(
        images={"image": ImageFacts(image_id="sha256:1")},
        respond=lambda request: ProcessResult(exit_code=exit_code, stdout=output, stderr=output),
    )
    return verify(RECORD, plan_of(), "image", engine)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
KEYS = st.sampled_from(["schema_version", "python", "distributions", "torch", "files", "imports", "system", "gpu"])


@given(st.binary(max_size=200) | st.dictionaries(KEYS, JSON, max_size=5).map(lambda value: json.dumps(value).encode()))
def test_whatever_an_image_prints_is_no_proof_unless_it_is_one(output: bytes) -> None:
    proof = proof_of(output)
    assert not proof.passed
    assert differences(proof) != ()
    text = proof_text(proof)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert parse_proof(proof.to_json().encode()) == proof


@pytest.mark.parametrize("exit_code", [1, 126, 127, 137])
def test_a_program_that_does_not_run_in_the_image_is_no_proof(exit_code: int) -> None:
    assert not proof_of(b"Killed", exit_code).passed
