"""``reprobuild report`` and ``compare --html`` as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from tests.unit.test_schemas import replay

from reprobuild.cli.main import main
from reprobuild.proof import Level, LevelResult, Outcome, Proof
from reprobuild.snapshot import Distribution, PythonFacts, Snapshot

SNAPSHOT = Snapshot(
    python=PythonFacts(version="3.10.12"), distributions=(Distribution(name="numpy", version="1.24.3"),)
)


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A record of one package."""
    path = tmp_path / "environment.json"
    path.write_text(SNAPSHOT.to_json(), encoding="utf-8")
    return path


def proof_file(folder: Path, digest: str) -> Path:
    """A proof that passed, of the record with this digest."""
    proof = Proof(
        snapshot_digest=digest,
        plan_digest="sha256:" + "b" * 64,
        image="run:rebuilt",
        image_id="sha256:" + "c" * 64,
        reprobuild_version="1.2.3",
        made_at="2026-11-23T08:00:00Z",
        levels=(LevelResult(level=Level.LOADS, outcome=Outcome.PASSED, summary="1 module imported"),),
    )
    path = folder / "proof.json"
    path.write_text(proof.to_json(), encoding="utf-8")
    return path


def test_the_page_is_written_and_named(record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    proof = proof_file(tmp_path, SNAPSHOT.digest)
    assert main(["report", str(record), str(proof), "-o", str(page)]) == 0
    assert capsys.readouterr().out == f"{page}\n"
    assert "run:rebuilt is the recorded environment: 0 differences" in page.read_text("utf-8")


def test_json_tells_what_the_page_says(record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new, page = tmp_path / "old.jsonl", tmp_path / "new.jsonl", tmp_path / "page.html"
    old.write_text('{"step": 0, "loss": 1.0}\n{"step": 1, "loss": 0.5}\n', encoding="utf-8")
    new.write_text('{"step": 0, "loss": 1.0}\n{"step": 1, "loss": 0.5}\n', encoding="utf-8")
    given = ["report", str(record), "-o", str(page), "--results", str(old), str(new), "--json"]
    assert main(given) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["report"], told["proved"], told["results"]) == (str(page), None, "bit-exact")
    new.write_text('{"step": 0, "loss": 1.0}\n{"step": 1, "loss": 0.6}\n', encoding="utf-8")
    assert main(given) == 0
    assert json.loads(capsys.readouterr().out)["results"] == "not reproduced"
    assert main([*given, "--absolute", "0.2"]) == 0
    assert json.loads(capsys.readouterr().out)["results"] == "within noise"


def test_a_replay_is_drawn_and_joins_the_proof_of_its_image(
    record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    proof, page = proof_file(tmp_path, SNAPSHOT.digest), tmp_path / "page.html"
    done = msgspec.structs.replace(replay(), snapshot_digest=SNAPSHOT.digest)
    (tmp_path / "replay.json").write_text(done.to_json(), encoding="utf-8")
    assert main(["report", str(record), str(proof), "-o", str(page), "--replay", str(tmp_path), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["proved"], told["results"]) == (False, "not reproduced")
    text = page.read_text("utf-8")
    assert "loss by step" in text and "torch.threads" in text and "Replays" in text
    (tmp_path / "replay.json").write_text(replay().to_json(), encoding="utf-8")
    assert main(["report", str(record), "-o", str(page), "--replay", str(tmp_path)]) == 3
    assert "is the replay of another record" in capsys.readouterr().err


def test_a_proof_of_another_record_is_refused(record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    proof, page = proof_file(tmp_path, "sha256:" + "0" * 64), tmp_path / "page.html"
    assert main(["report", str(record), str(proof), "-o", str(page)]) == 3
    told = capsys.readouterr().err
    assert told.startswith(f"reprobuild: error: {proof}: is the proof of another record (sha256:000000000000")
    assert not page.exists()


def test_a_folder_that_is_not_there_is_refused_first(record: Path, capsys: pytest.CaptureFixture[str]) -> None:
    missing = record.parent / "missing"
    assert main(["report", str(record), "-o", str(missing / "page.html")]) == 2
    assert capsys.readouterr().err.startswith(f"reprobuild: error: --output: {missing} is not a folder")


def test_a_comparison_as_a_page(record: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other, page = tmp_path / "requirements.txt", tmp_path / "page.html"
    other.write_text("numpy==1.26.0\n", encoding="utf-8")
    assert main(["compare", str(record), str(other), "--html", str(page)]) == 0
    assert "1.24.3 → 1.26.0" in capsys.readouterr().out
    assert "1.26.0" in page.read_text("utf-8")
