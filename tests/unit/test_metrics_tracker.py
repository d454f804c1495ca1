"""The original utility's tracker: its numbers, its printed text, its errors; and the file that a replay reads."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reprobuild import MetricsTracker


@pytest.fixture
def tracker(tmp_path: Path) -> MetricsTracker:
    """One without W&B that writes into the test's folder."""
    return MetricsTracker(use_wandb=False, metrics_file=tmp_path / "metrics.jsonl")


def records(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]


def log_epoch(tracker: MetricsTracker, epoch: int, val_loss: float = 2.7) -> None:
    tracker.log_epoch(
        epoch,
        {"loss": 2.5, "accuracy": 0.7},
        {"loss": val_loss, "accuracy": 0.72},
        learning_rate=1e-3,
        gradient_norm=1.5,
        epoch_duration=12.25,
    )


def test_perplexity_is_capped(tracker: MetricsTracker) -> None:
    assert tracker.compute_perplexity(2.0) == math.exp(2)
    assert tracker.compute_perplexity(1e9) == math.exp(100)


def test_accuracy_leaves_out_what_is_ignored(tracker: MetricsTracker) -> None:
    torch = pytest.importorskip("torch", reason="the real torch is not installed here", exc_type=ImportError)
    logits = torch.tensor([[[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]])
    assert tracker.compute_accuracy(logits, torch.tensor([[1, 1, -100]])) == 0.5
    assert tracker.compute_accuracy(logits, torch.tensor([[1, 1, 0]]), ignore_index=0) == 0.5
    with pytest.raises(ZeroDivisionError):
        tracker.compute_accuracy(logits, torch.tensor([[-100, -100, -100]]))


@pytest.mark.parametrize(
    ("name", "value"), [("", 1.0), (None, 1.0), (3, 1.0), ("loss", "1.0"), ("loss", None), ("loss", [1.0])]
)
def test_no_name_and_no_number_are_errors(tracker: MetricsTracker, name: Any, value: Any) -> None:
    with pytest.raises(ValueError, match="must be a"):
        tracker.log_scalar(name, value)


def test_steps_are_counted_and_grouped(tmp_path: Path) -> None:
    tracker = MetricsTracker(False, 2, metrics_file=tmp_path / "metrics.jsonl")
    for value in (0.5, 0.25, 0.125):
        tracker.log_scalar("loss", value)
    tracker.log_scalar("accuracy", 1, step=10)
    scalars = [record for record in records(tmp_path) if record["kind"] == "scalar"]
    assert [(one["step"], one["effective_step"], one["metric"], one["value"]) for one in scalars] == [
        (0, 0, "loss", 0.5),
        (1, 0, "loss", 0.25),
        (2, 1, "loss", 0.125),
        (10, 5, "accuracy", 1),
    ]


def test_the_frames(tracker: MetricsTracker) -> None:
    pytest.importorskip("pandas", reason="pandas is not installed here")
    assert tracker.get_step_metrics().empty
    assert tracker.get_summary().empty
    tracker.log_scalar("loss", 0.5, step=7)
    tracker.log_scalar("loss", 0.25, step=3)
    log_epoch(tracker, 0)
    assert list(tracker.get_step_metrics()["step"]) == [3, 7]
    assert list(tracker.get_step_metrics().columns) == ["step", "effective_step", "metric", "value", "timestamp"]
    assert tracker.get_summary().loc[0, "val/loss"] == 2.7


def test_an_epoch_is_printed_and_recorded(
    tracker: MetricsTracker, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log_epoch(tracker, 0)
    assert capsys.readouterr().out == ("Epoch 0: train_loss=2.5000 val_loss=2.7000 val_ppl=14.88 val_acc=0.7200\n")
    keys = "epoch train/loss train/perplexity train/accuracy val/loss val/perplexity val/accuracy learning_rate"
    assert list(tracker.metrics_history[0])[:10] == [*keys.split(), "gradient_norm", "epoch_duration"]
    assert records(tmp_path)[-1]["val/perplexity"] == math.exp(2.7)


def test_the_best_epoch(tracker: MetricsTracker) -> None:
    with pytest.raises(ValueError, match="no epoch"):
        tracker.get_best_epoch()
    for epoch, loss in enumerate((3.0, math.nan, 1.0, 1.0, 2.0)):
        log_epoch(tracker, epoch, loss)
    assert tracker.get_best_epoch() == 2
    assert tracker.get_best_epoch("val/loss", "max") == 0
    with pytest.raises(KeyError):
        tracker.get_best_epoch("val/bleu")
    with pytest.raises(ValueError, match="mode"):
        tracker.get_best_epoch(mode="best")


def test_the_file_begins_with_the_run_and_its_facts(
    tracker: MetricsTracker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WANDB_API_KEY", "not to be written")
    tracker.log_scalar("loss", 1.0)
    head, scalar = records(tmp_path)
    assert (head["kind"], head["rank"], head["pid"]) == ("run", 2, os.getpid())
    assert head["facts"]["environment_variables.OMP_NUM_THREADS"] == "3"
    assert scalar["run"] == head["run"]
    assert "not to be written" not in (tmp_path / "metrics.jsonl").read_text()


def test_two_trackers_are_two_runs(tmp_path: Path) -> None:
    for _ in range(2):
        MetricsTracker(use_wandb=False, metrics_file=tmp_path / "metrics.jsonl").log_scalar("loss", 1.0)
    assert len({record["run"] for record in records(tmp_path)}) == 2


def test_a_file_that_cannot_be_written_is_said_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tracker = MetricsTracker(use_wandb=False, metrics_file=tmp_path / "gone" / "metrics.jsonl")
    for _ in range(2):
        tracker.log_scalar("loss", 1.0)
    assert capsys.readouterr().out.count("no longer written") == 1


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    MetricsTracker(use_wandb=False, metrics_file=None).log_scalar("loss", 1.0)
    assert list(tmp_path.iterdir()) == []


WITHOUT_ANY_FRAMEWORK = """
import sys
for name in ("torch", "numpy", "pandas", "wandb"):
    sys.modules[name] = None
from reprobuild import MetricsTracker
tracker = MetricsTracker()
tracker.log_scalar("loss", 0.5)
tracker.log_epoch(0, {"loss": 1.0, "accuracy": 0.5}, {"loss": 1.0, "accuracy": 0.5}, 0.1, 1.0, 1.0)
try:
    tracker.get_summary()
except ImportError as error:
    print(error)
"""


def test_it_works_without_any_of_them(tmp_path: Path) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", WITHOUT_ANY_FRAMEWORK], capture_output=True, encoding="utf-8", check=True, cwd=tmp_path
    )
    warning, epoch, missing = finished.stdout.splitlines()
    assert warning.startswith("⚠️ W&B logging failed for epoch 0: ")
    assert epoch.startswith("Epoch 0: train_loss=1.0000")
    assert "pip install pandas" in missing
    assert len(records(tmp_path)) == 3


KILLED_AGAIN_AND_AGAIN = """
import itertools, json, os, random, signal, sys, time
from reprobuild import MetricsTracker
path, moments = sys.argv[1], random.Random(7)
tracker = MetricsTracker(use_wandb=False, metrics_file=path)
acknowledged = {}
for _ in range(100):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        for step in itertools.count():
            tracker.log_scalar("loss", 1 / (step + 3), step)
            os.write(writing, b".")
    os.close(writing)
    time.sleep(moments.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    with os.fdopen(reading, "rb") as told:
        acknowledged[child] = len(told.read())
    os.waitpid(child, 0)
print(json.dumps(acknowledged))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither fork nor SIGKILL")
def test_killed_at_a_hundred_moments_it_loses_at_most_the_record_being_written(tmp_path: Path) -> None:
    """A training run is killed again and again, and the next one goes on in the same file, as preempted jobs do."""
    path = tmp_path / "metrics.jsonl"
    command = [sys.executable, "-c", KILLED_AGAIN_AND_AGAIN, str(path)]
    acknowledged = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert len(acknowledged) == 100 and sum(acknowledged.values()) > 100
    written: dict[str, list[int]] = {}
    for line in path.read_bytes().split(b"\n"):
        try:
            record = json.loads(line)
        except ValueError:
            continue  # A torn one, which was being written.
        if record["kind"] == "run":
            process = str(record["pid"])
            continue
        assert record["value"] == 1 / (record["step"] + 3)
        written.setdefault(process, []).append(record["step"])
    for process, count in acknowledged.items():
        steps = written.get(process, [])
        assert steps == list(range(len(steps)))
        # The one behind the last acknowledged may be whole, torn or absent; all before it are there.
        assert count <= len(steps) <= count + 1
