"""A proof in an image's label, and with runs of the real W&B (offline) and the real MLflow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest
from tests.unit.test_proof import ANNOUNCED, EXACT, WRONG, level, proof

from reprobuild.attaching import DIGEST_LABEL, PROOF_LABEL, attach, destination_of, labels_of, proof_of_labels
from reprobuild.engine import ImageFacts
from reprobuild.engine.fake import FakeEngine
from reprobuild.errors import RecordError, UsageError
from reprobuild.proof import Finding, Level, Verdict

WHOLE = proof(level(Level.DECLARED, ANNOUNCED), level(Level.INSTALLED, EXACT, WRONG, next_step="rebuild"))


@pytest.mark.parametrize("text", ["label:my-run:proved", "wandb:team/digits/abc123", "mlflow:0123abcd"])
def test_places(text: str) -> None:
    assert str(destination_of(text)) == text


@pytest.mark.parametrize("text", ["", "label:", "label:Upper", "proof.json", "wandb:run", "mlflow:../x", "label:-rm"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is no place for a proof"):
        destination_of(text)


def test_a_label_carries_what_differs_and_the_digest_of_the_whole() -> None:
    engine = FakeEngine(images={WHOLE.image_id: ImageFacts(image_id=WHOLE.image_id, labels={"own": "kept"})})
    told = attach(WHOLE, destination_of("label:run:proved"), engine)
    labels = engine.inspect("run:proved").labels
    assert "run:proved is the examined image with the proof in its label" in told
    assert labels["own"] == "kept"
    carried = proof_of_labels(labels, "run:proved")
    assert (carried.snapshot_digest, carried.image_id, carried.passed) == (WHOLE.snapshot_digest, WHOLE.image_id, False)
    assert [one.subject for one in carried.levels[1].findings] == [WRONG.subject]
    assert labels[DIGEST_LABEL].startswith("sha256:") and labels == {**labels_of(WHOLE), "own": "kept"}


def test_an_image_without_a_proof_and_a_proof_too_large_for_a_label() -> None:
    with pytest.raises(RecordError, match="plain: it has no label"):
        proof_of_labels({}, "plain")
    with pytest.raises(RecordError, match="odd: not JSON"):
        proof_of_labels({PROOF_LABEL: "{"}, "odd")
    many = [Finding(subject=f"package {n}", verdict=Verdict.WRONG, found="x" * 500) for n in range(1000)]
    with pytest.raises(UsageError, match="too much for a label"):
        labels_of(proof(level(Level.INSTALLED, *many)))


ATTACH = """
import sys
from pathlib import Path
from reprobuild.attaching import attach, destination_of
from reprobuild.engine.fake import FakeEngine
from reprobuild.errors import ReprobuildError
from reprobuild.proof import parse_proof
try:
    print(attach(parse_proof(Path("given.json").read_bytes()), destination_of(sys.argv[1]), FakeEngine()))
except ReprobuildError as error:
    print("refused:", error)
"""


def attached(place: str, folder: Path, **variables: str) -> str:
    """The last line that is printed when the proof is kept there, in a process and a folder of its own."""
    (folder / "given.json").write_text(WHOLE.to_json(), encoding="utf-8")
    wandb = {f"WANDB_{name}_DIR": str(folder / name) for name in ("CACHE", "CONFIG", "DATA", "ARTIFACT")}
    finished = subprocess.run(
        [sys.executable, "-c", ATTACH, place],
        cwd=folder,
        env={**os.environ, **wandb, "HOME": str(folder), **variables},
        capture_output=True,
        encoding="utf-8",
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout.splitlines()[-1]


def test_an_offline_run_of_the_real_wandb_gets_an_artifact(tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed here")
    told = attached("wandb:team/digits/abc123", tmp_path, WANDB_MODE="offline", WANDB_SILENT="true")
    assert told == "the proof is with the run wandb:team/digits/abc123"
    (log,) = tmp_path.glob("wandb/offline-run-*-abc123/*.wandb")
    content = log.read_bytes()
    assert b"abc123-proof" in content and WHOLE.snapshot_digest.encode() in content
    kept = [
        path for path in (tmp_path / "DATA").rglob("*") if path.is_file() and b"schema_version" in path.read_bytes()
    ]
    assert [json.loads(path.read_text()) for path in kept] == [json.loads(WHOLE.to_json())]


@pytest.mark.skipif(find_spec("mlflow") is None, reason="mlflow is not installed here")
def test_a_run_of_the_real_mlflow_gets_an_artifact_and_tags(tmp_path: Path) -> None:
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/mlflow.db", "GIT_PYTHON_REFRESH": "quiet"}
    code = (
        "import mlflow; mlflow.create_experiment('e', artifact_location='kept'); mlflow.set_experiment('e')\n"
        "with mlflow.start_run() as run: print(run.info.run_id)"
    )
    environment = {**os.environ, **store}
    made = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    run_id = made.stdout.splitlines()[-1]
    assert attached(f"mlflow:{run_id}", tmp_path, **store) == f"the proof is with the run mlflow:{run_id}"
    (kept,) = tmp_path.glob("kept/**/proof.json")
    assert kept.read_text() == WHOLE.to_json()
    asking = f"import mlflow, json; print(json.dumps(mlflow.MlflowClient().get_run('{run_id}').data.tags))"
    asked = subprocess.run(
        [sys.executable, "-c", asking], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    tags = json.loads(asked.stdout.splitlines()[-1])
    assert (tags["reprobuild.proof.passed"], tags["reprobuild.proof.installed"]) == ("false", "failed")
    assert attached("mlflow:0123", tmp_path, **store).startswith("refused: mlflow:0123: ")


@pytest.mark.parametrize("place", ["wandb:a/b/c", "mlflow:0123"])
def test_without_the_package_the_way_out_is_said(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    package = place.partition(":")[0]
    # Its modules as well: another test of this process may have loaded them.
    for name in [package, *(name for name in sys.modules if name.startswith(f"{package}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(RecordError) as caught:
        attach(msgspec.structs.replace(WHOLE), destination_of(place), FakeEngine())
    assert str(caught.value.hint).startswith("pip install reprobuild[")
