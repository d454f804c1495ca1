"""The shipped JSON Schemas: current, valid, and true of what is written."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError  # type: ignore[import-untyped]  # ships no types
from tests.unit.plans import plan
from tests.unit.test_proof import ANNOUNCED, level, proof

from reprobuild.capture import capture
from reprobuild.compare import compare
from reprobuild.errors import RecordError
from reprobuild.proof import Level
from reprobuild.replay.judging import judge
from reprobuild.replay.values import Replay, RunOutcome, parse_replay
from reprobuild.results.comparison import compare_results
from reprobuild.results.explanation import explain
from reprobuild.results.values import Results
from reprobuild.snapshot import PythonFacts, Snapshot

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "src" / "reprobuild" / "schemas"


def validator(name: str) -> Draft202012Validator:
    """The validator of one shipped schema."""
    return Draft202012Validator(json.loads((FOLDER / f"{name}.schema.json").read_text(encoding="utf-8")))


def test_the_schemas_are_current() -> None:
    tool = ROOT / "tools" / "write_schemas.py"
    finished = subprocess.run([sys.executable, str(tool), "--check"], capture_output=True, text=True)
    assert finished.returncode == 0, f"run `python tools/write_schemas.py`:\n{finished.stdout}{finished.stderr}"


@pytest.mark.parametrize("name", ["environment", "plan", "proof", "replay", "comparison"])
def test_the_schemas_are_schemas(name: str) -> None:
    Draft202012Validator.check_schema(validator(name).schema)


def test_a_captured_environment_is_valid() -> None:
    validator("environment").validate(json.loads(capture(Path(sys.executable)).to_json()))


def test_a_plan_is_valid() -> None:
    validator("plan").validate(json.loads(json.dumps(plan().to_json_object())))


def replay() -> Replay:
    """A replay with a difference and its cause."""
    before = Results(source="old", series={"loss": {0: 1.0, 1: 0.5}}, facts={"torch.threads": "1"})
    after = Results(source="new", series={"loss": {0: 1.0, 1: 0.25}}, facts={"torch.threads": "2"})
    comparison = compare_results(before, [after, after])
    explanations = explain(Snapshot(), Snapshot(), before.facts, after.facts)
    runs = (RunOutcome(exit_code=0, duration_s=1.5, results=("metrics.jsonl",)),) * 2
    return Replay(
        snapshot_digest="sha256:" + "a" * 64,
        image="run:rebuilt",
        image_id="sha256:" + "c" * 64,
        reprobuild_version="1.2.3",
        made_at="2026-11-23T08:00:00Z",
        command=("python", "train.py"),
        runs=runs,
        comparison=comparison,
        explanations=explanations,
        level=judge(runs, comparison, explanations, ()),
    )


def test_a_replay_is_valid_and_survives_its_file() -> None:
    text = replay().to_json()
    validator("replay").validate(json.loads(text))
    assert parse_replay(text.encode()) == replay()
    with pytest.raises(RecordError, match="not a replay of layout 1"):
        parse_replay(b'{"schema_version": 2}')


def test_a_comparison_is_valid() -> None:
    other = Snapshot(python=PythonFacts(version="3.11.7"))
    content = compare(Snapshot(python=PythonFacts(version="3.10.12")), other).to_json_object()
    validator("comparison").validate(json.loads(json.dumps(content)))


def test_a_proof_is_valid() -> None:
    validator("proof").validate(json.loads(proof(level(Level.DECLARED, ANNOUNCED)).to_json()))


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("environment", "schema_version", 2),
        ("environment", "distributions", [{"version": "1.0"}]),
        ("environment", "python", {"version": 3.1}),
        ("replay", "runs", [{"exit_code": "0"}]),
        ("proof", "verdict", "splendid"),
        ("proof", "levels", [{"level": "believed", "outcome": "passed", "summary": ""}]),
        ("plan", "digest", "md5:0"),
        ("plan", "python", {"type": "brew", "version": "3.10.12"}),
    ],
)
def test_wrong_values_are_refused(name: str, key: str, value: Any) -> None:
    all_good = {
        "environment": {"schema_version": 1},
        "plan": plan().to_json_object(),
        "proof": proof(level(Level.DECLARED)).to_json_object(),
        "replay": replay().to_json_object(),
    }
    good = json.loads(json.dumps(all_good[name]))
    validator(name).validate(good)
    with pytest.raises(ValidationError):
        validator(name).validate(good | {key: value})


def test_unknown_keys_are_admitted() -> None:
    validator("environment").validate({"schema_version": 1, "of a later version": {"deep": [1]}})
