"""Numbers are read out of everything that a run may write, to the last bit, and what is torn is said."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reprobuild import MetricsTracker
from reprobuild.errors import RecordError, UsageError
from reprobuild.results.json_records import read_json
from reprobuild.results.output import pattern_of, read_output
from reprobuild.results.read import read
from reprobuild.results.values import Results, merged


def series(content: str) -> dict[str, dict[int, float]]:
    return read_json(content.encode(), "metrics.json").series


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"loss": 0.1, "nested": {"accuracy": 1}}', {"loss": {0: 0.1}, "nested/accuracy": {0: 1.0}}),
        ('{"loss": [0.5, 0.25]}', {"loss": {0: 0.5, 1: 0.25}}),
        ("[0.5, NaN]", {"value": {0: 0.5, 1: math.nan}}),
        ('[{"step": 10, "loss": 0.5}, {"step": 20, "loss": 0.25}]', {"loss": {10: 0.5, 20: 0.25}}),
        ('{"step": 1, "loss": 0.5}\n{"step": 2, "loss": 0.25}\n', {"loss": {1: 0.5, 2: 0.25}}),
        ('{"loss": 0.5}\n{"loss": 0.25}', {"loss": {0: 0.5, 1: 0.25}}),
        ('{"metric": "loss", "value": 0.5, "step": 3}\n{}', {"loss": {3: 0.5}}),
        (
            '{"epoch": 1.5, "best_metric": 0.1, "log_history": [{"loss": 2.0, "epoch": 0.5, "step": 5}]}',
            {"epoch": {0: 1.5}, "best_metric": {0: 0.1}, "loss": {5: 2.0}},
        ),
        ('{"train": {"loss": [1, 2]}, "good": true, "name": "x"}', {"train/loss": {0: 1.0, 1: 2.0}}),
    ],
)
def test_json(content: str, expected: dict[str, dict[int, float]]) -> None:
    assert str(series(content)) == str(dict(sorted(expected.items())))


@pytest.mark.parametrize("content", ["", "no json", "[]", "{}", '"text"', "[" * 100_000, '{"a": "b"}', "\x00", "1e999"])
def test_what_holds_no_numbers_is_an_error(content: str) -> None:
    with pytest.raises(RecordError):
        read_json(content.encode(), "metrics.json")


def test_a_torn_line_is_noted() -> None:
    results = read_json(b'{"step": 1, "loss": 0.5}\n{"step": 2, "lo', "metrics.jsonl")
    assert results.series == {"loss": {1: 0.5}}
    assert results.notes == ("line 2 is cut off, and it is the last one",)


def test_the_last_of_several_counts() -> None:
    results = read_json(b'{"step": 1, "loss": 0.5}\n{"step": 1, "loss": 0.25}', "metrics.jsonl")
    assert results.series == {"loss": {1: 0.25}}
    assert "more than once" in results.notes[0]


def track(path: Path, *losses: float) -> None:
    tracker = MetricsTracker(use_wandb=False, metrics_file=path)
    for loss in losses:
        tracker.log_scalar("loss", loss)


def test_the_trackers_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "metrics.jsonl"
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    track(path, 1 / 3, math.nan)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    track(path, 1 / 7, math.inf, 2.5)
    monkeypatch.setenv("RANK", "1")
    track(path, 9.0)
    results = read(path)
    assert results.series == {"loss": {0: 1 / 7, 1: math.inf, 2: 2.5}, "loss (rank 1)": {0: 9.0}}
    assert results.facts["environment_variables.OMP_NUM_THREADS"] == "4"
    assert results.notes == ("the file holds 3 runs; the last one counts",)


def test_epochs_of_the_tracker(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    tracker = MetricsTracker(use_wandb=False, metrics_file=path)
    for epoch in (0, 1):
        losses = {"loss": 1 / (epoch + 1), "accuracy": 0.5}
        tracker.log_epoch(epoch, losses, losses, 0.1, 1.0, 3.0)
    assert read(path).series["val/loss"] == {0: 1.0, 1: 0.5}


def test_a_table(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,step,loss,accuracy\n0,1,0.5,\n0,2,0.25,0.75\n0,3,,\n")
    assert read(path).series == {"loss": {1: 0.5, 2: 0.25}, "accuracy": {2: 0.75}}


def test_an_mlflow_run(tmp_path: Path) -> None:
    metrics = tmp_path / "mlruns" / "0" / "abc" / "metrics"
    (metrics / "val").mkdir(parents=True)
    (metrics / "loss").write_text("1700000000000 0.5 0\n1700000000001 0.25 1\n")
    (metrics / "val" / "loss").write_text("1700000000000 nan 0\n")
    expected = "{'loss': {0: 0.5, 1: 0.25}, 'val/loss': {0: nan}}"
    assert str(read(metrics.parent).series) == str(read(tmp_path / "mlruns").series) == expected


OFFLINE = """
import wandb
from reprobuild import MetricsTracker
wandb.init(mode="offline", project="tracker")
tracker = MetricsTracker(gradient_accumulation_steps=2, metrics_file=None)
for value in (4.0, 1 / 3, float("nan"), 1.0):
    tracker.log_scalar("loss", value)
wandb.finish()
"""


def test_an_offline_run_of_the_real_wandb(tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed here")
    environment = {**os.environ, "WANDB_DIR": str(tmp_path), "WANDB_SILENT": "true"}
    subprocess.run([sys.executable, "-c", OFFLINE], env=environment, cwd=tmp_path, check=True, capture_output=True)
    for place in (tmp_path / "wandb", next(tmp_path.glob("wandb/offline-run-*"))):
        # The tracker's effective steps: two parts each, the second of which commits.
        assert read(place).series["loss"] == {0: 1 / 3, 1: 1.0}


@pytest.mark.parametrize(
    ("pattern", "output", "expected"),
    [
        (r"^(?P<step>\d+) (?P<loss>\S+)", "1 0x1.8p-1 x\n2 0.5\n", {"loss": {1: 0.75, 2: 0.5}}),
        (r"loss=(\S+)", "a loss=0.5\nb loss=0.25", {"value": {0: 0.5, 1: 0.25}}),
        (r"(?P<metric>\w+): (?P<value>[\d.]+)", "loss: 1\nacc: 0.5", {"acc": {0: 0.5}, "loss": {0: 1.0}}),
    ],
)
def test_the_output(pattern: str, output: str, expected: dict[str, dict[int, float]]) -> None:
    assert read_output(output, pattern_of(pattern), "output").series == expected


def test_an_expression_without_match_or_group_is_an_error() -> None:
    with pytest.raises(RecordError, match="nothing in it matches"):
        read_output("text", pattern_of("loss=(.*)"), "output")
    for broken in ("loss", "(", "(?P<1>x)"):
        with pytest.raises(UsageError, match="--results"):
            pattern_of(broken)


def test_files_that_are_not_there_or_nothing_known(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="No such file"):
        read(tmp_path / "gone.json")
    with pytest.raises(RecordError, match="neither the folder"):
        read(tmp_path)
    (tmp_path / "run.wandb").write_bytes(b":W&B\x00\x00\x00" + os.urandom(500))
    with pytest.raises(RecordError, match="no numbers"):
        read(tmp_path / "run.wandb")


def test_several_files_become_one() -> None:
    first = Results(source="a.json", series={"loss": {0: 1.0}, "x": {0: 1.0}})
    second = Results(source="b.json", series={"loss": {0: 2.0}}, notes=("cut off",))
    both = merged([first, second])
    assert list(both.series) == ["a.json: loss", "b.json: loss", "x"]
    assert both.notes == ("b.json: cut off",)
    assert json.dumps(merged([first]).series) == json.dumps(first.series)
