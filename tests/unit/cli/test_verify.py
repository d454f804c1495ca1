"""``reprobuild verify`` and ``reprobuild rebuild`` as a user runs them, as far as that goes without an engine."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest
from tests.unit.test_proof import EXACT, WRONG, level, proof

from reprobuild.cli import verify
from reprobuild.cli.main import main
from reprobuild.engine.fake import FakeEngine
from reprobuild.proof import Level, parse_proof
from reprobuild.snapshot import PythonFacts, Snapshot


@pytest.fixture
def record(tmp_path: Path) -> str:
    """A record that can be planned."""
    path = tmp_path / "environment.json"
    path.write_text(Snapshot(python=PythonFacts(version="3.10.12")).to_json(), encoding="utf-8")
    return str(path)


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing listens where the engine should be."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")


def test_without_an_engine_it_says_so(record: str, no_engine: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", record, "image:tag"]) == 6
    error = capsys.readouterr().err
    assert error.startswith("reprobuild: error: ")
    assert "nothing.sock" in error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["verify", "ENV", "image", "--timeout", "0"], "--timeout: must be a number of seconds above 0"),
        (["verify", "ENV", "image", "--timeout", "nan"], "--timeout: must be a number of seconds above 0"),
        (["verify", "ENV", "image", "-o", "no/such/proof.json"], "--output: no/such is not a folder"),
        (["verify", "ENV", "image", "--level", "believed"], "argument --level: invalid choice: 'believed'"),
        (["rebuild", "ENV"], "rebuild needs a name for the image"),
    ],
)
def test_wrong_usage_is_refused_before_anything_is_done(
    arguments: list[str], message: str, record: str, no_engine: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([record if argument == "ENV" else argument for argument in arguments]) == 2
    assert capsys.readouterr().err.startswith(f"reprobuild: error: {message}")


def test_all_levels_are_checked_unless_some_are_chosen() -> None:
    chosen = verify.verify_options(Namespace(timeout=9.0, output=None, attach=[], level=["loads", "declared"]))
    assert (chosen.levels, chosen.timeout_s) == ((Level.LOADS, Level.DECLARED), 9.0)
    assert verify.verify_options(Namespace(timeout=9.0, output=None, attach=[], level=None)).levels == tuple(Level)


def test_a_proof_that_passed_is_printed_and_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole, file = proof(level(Level.INSTALLED, EXACT)), tmp_path / "proof.json"
    assert verify.deliver(whole, FakeEngine(), Namespace(output=file, json=False, attach=[])) == 0
    assert capsys.readouterr().out.startswith("run:rebuilt is the recorded environment: 0 differences\n")
    assert parse_proof(file.read_bytes()) == whole


def test_a_proof_that_failed_exits_with_seven(capfd: pytest.CaptureFixture[str]) -> None:
    whole = proof(level(Level.INSTALLED, WRONG))
    assert verify.deliver(whole, FakeEngine(), Namespace(output=None, json=True, attach=[])) == 7
    assert json.loads(capfd.readouterr().out) == json.loads(whole.to_json())
