"""A replay on this machine: a real program runs, its numbers are compared, and the culprit is named."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.unit.verify.local_engine import LocalEngine

from reprobuild.engine import Ended, ImageFacts, Printed, Task, TaskEvent
from reprobuild.engine.fake import FakeEngine
from reprobuild.errors import EngineError, RecordError, UsageError
from reprobuild.proof import Outcome, parse_proof
from reprobuild.replay import replay
from reprobuild.replay.text import replay_text
from reprobuild.replay.values import Replay, ReplayOptions
from reprobuild.results.comparison import Outcome as Reproduced
from reprobuild.results.comparison import Tolerance
from reprobuild.snapshot import CommandFacts, Snapshot, SourceFacts

TRAINING = """
import json, os, random, sys
random.seed(int(sys.argv[1]))
scale = float(os.environ.get("OMP_NUM_THREADS", "1"))
with open("metrics.jsonl", "w") as file:
    for step in range(20):
        file.write(json.dumps({"step": step, "loss": random.random() * scale}) + "\\n")
        print(f"step {step}")
print("done", file=sys.stderr)
"""

RECORD = Snapshot(
    command=CommandFacts(program="/home/someone/venv/bin/python3", arguments=("train.py", "42")),
    environment_variables={"OMP_NUM_THREADS": "2", "LD_LIBRARY_PATH": "/old/machine"},
)


@pytest.fixture
def image(tmp_path: Path) -> str:
    """A folder that stands for an image: it has this Python on its PATH."""
    binaries = tmp_path / "image" / "bin"
    binaries.mkdir(parents=True)
    (binaries / "python").symlink_to(sys.executable)
    return str(tmp_path / "image")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A work tree of git with the training in it, and what an earlier run left."""
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "train.py").write_text(TRAINING)
    (folder / "metrics.jsonl").write_text('{"step": 0, "loss": 999}\n')
    identity = ["-c", "user.name=someone", "-c", "user.email=someone@example.com"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "First"]):
        subprocess.run(["git", "-C", folder, *identity, *command], check=True)
    return folder


def commit_of(folder: Path) -> str:
    return subprocess.run(
        ["git", "-C", folder, "rev-parse", "HEAD"], check=True, capture_output=True, text=True
    ).stdout.strip()


def recorded_numbers(tmp_path: Path, seed: int = 42, steps: int = 20) -> Path:
    """What the run wrote when it was recorded, with two threads."""
    import random

    random.seed(seed)
    path = tmp_path / "recorded.jsonl"
    path.write_text("".join(json.dumps({"step": one, "loss": random.random() * 2}) + "\n" for one in range(steps)))
    return path


def run(image: str, source: Path, tmp_path: Path, record: Snapshot = RECORD, **changes: object) -> Replay:
    options = ReplayOptions(source=source, recorded=(recorded_numbers(tmp_path),), output=tmp_path / "replayed")
    return replay(record, image, LocalEngine(), msgspec.structs.replace(options, **changes))


def test_the_recorded_run_is_replayed_to_the_bit(image: str, source: Path, tmp_path: Path) -> None:
    done = run(image, source, tmp_path)
    assert done.level.outcome is Outcome.PASSED, replay_text(done)
    assert done.comparison is not None
    assert done.comparison.outcome is Reproduced.BIT_EXACT
    assert done.command == ("python", "train.py", "42")
    assert done.variables == {"OMP_NUM_THREADS": "2"}
    assert done.left_out_variables == ("LD_LIBRARY_PATH",)
    assert "bit-exact" in replay_text(done)
    assert "done" in (tmp_path / "replayed" / "output.txt").read_text()
    # The folder itself was not written to.
    assert "999" in (source / "metrics.jsonl").read_text()


def test_another_seed_is_named(image: str, source: Path, tmp_path: Path) -> None:
    done = run(image, source, tmp_path, command=("python", "train.py", "7"))
    assert done.level.outcome is Outcome.FAILED
    assert "command" in done.level.summary
    text = replay_text(done)
    assert "train.py 42 → train.py 7" in text
    assert "first apart at step 0" in text


def test_another_number_of_threads_is_named(image: str, source: Path, tmp_path: Path) -> None:
    done = run(image, source, tmp_path, variables={"OMP_NUM_THREADS": "4"})
    assert done.level.outcome is Outcome.FAILED
    assert "environment_variables.OMP_NUM_THREADS" in done.level.summary
    assert done.level.next_step == "replay with OMP_NUM_THREADS as recorded, which is 2"


def test_what_the_user_sets_is_not_written_down(image: str, source: Path, tmp_path: Path) -> None:
    done = run(image, source, tmp_path, variables={"SERVICE_TOKEN": "hidden-value"})
    assert done.given_variables == ("SERVICE_TOKEN",)
    assert "hidden-value" not in done.to_json() + replay_text(done)


def test_stale_code_is_named_though_the_numbers_agree(image: str, source: Path, tmp_path: Path) -> None:
    record = msgspec.structs.replace(RECORD, source=SourceFacts(commit="a" * 40, dirty=False))
    done = run(image, source, tmp_path, record)
    assert done.level.outcome is Outcome.FAILED
    (failure,) = done.level.failures
    assert (failure.subject, failure.expected, failure.found) == ("source commit", "a" * 40, commit_of(source))
    assert f"git checkout {'a' * 40}" in str(done.level.next_step)


def test_changes_that_were_not_recorded_are_named(image: str, source: Path, tmp_path: Path) -> None:
    record = msgspec.structs.replace(RECORD, source=SourceFacts(commit=commit_of(source), dirty=False))
    assert run(image, source, tmp_path, record).passed
    (source / "train.py").write_text(TRAINING + "# changed\n")
    done = run(image, source, tmp_path, record, output=tmp_path / "again")
    assert [one.subject for one in done.level.failures] == ["source changes"]


def test_a_truncated_file_is_named(image: str, source: Path, tmp_path: Path) -> None:
    path = recorded_numbers(tmp_path)
    path.write_bytes(path.read_bytes()[:-12])
    done = replay(
        RECORD, image, LocalEngine(), ReplayOptions(source=source, recorded=(path,), output=tmp_path / "replayed")
    )
    assert done.level.outcome is Outcome.FAILED
    assert "recorded: line 20 is cut off, and it is the last one" in done.level.not_checked
    assert "the record lacks 1 step, from step 19 on" in replay_text(done, width=200)
    assert "cut off" in str(done.level.next_step)


def test_a_run_that_fails(image: str, source: Path, tmp_path: Path) -> None:
    done = run(image, source, tmp_path, command=("python", "-c", "raise SystemExit(3)"))
    assert done.level.outcome is Outcome.FAILED
    assert done.level.summary == "the run failed: exit code 3"
    assert "could NOT run" in replay_text(done)


def test_old_results_do_not_pass_for_new_ones(image: str, source: Path, tmp_path: Path) -> None:
    done = run(image, source, tmp_path, command=("python", "-c", "pass"))
    assert done.runs[0].problem == "metrics.jsonl: the run has not written it"
    assert done.level.outcome is Outcome.FAILED


def test_without_recorded_numbers_nothing_is_proved(image: str, source: Path, tmp_path: Path) -> None:
    done = run(image, source, tmp_path, recorded=())
    assert done.level.outcome is Outcome.NOT_RUN
    assert "--recorded" in str(done.level.next_step)


def test_repeated_runs_and_the_output(image: str, source: Path, tmp_path: Path) -> None:
    code = "import random\nfor i in range(9): print(i, 1 + random.random() / 100)"
    (tmp_path / "old.log").write_text("".join(f"{step} 1.005\n" for step in range(9)))
    done = run(
        image,
        source,
        tmp_path,
        command=("python", "-c", code),
        results=(r"output:^(?P<step>\d+) (?P<loss>\S+)",),
        recorded=(tmp_path / "old.log",),
        repeat=3,
        tolerance=Tolerance(absolute=0.1),
    )
    assert done.comparison is not None
    assert (done.comparison.outcome, done.comparison.repeatable) == (Reproduced.WITHIN_NOISE, False)
    assert done.level.outcome is Outcome.PASSED
    assert "other numbers from run to run" in replay_text(done)


def test_a_tolerance(image: str, source: Path, tmp_path: Path) -> None:
    path = recorded_numbers(tmp_path)
    path.write_text(path.read_text().replace("0.", "0.0000", 1))
    options = ReplayOptions(source=source, recorded=(path,), output=tmp_path / "x", tolerance=Tolerance(absolute=2))
    done = replay(RECORD, image, LocalEngine(), options)
    assert done.comparison is not None
    assert done.comparison.outcome is Reproduced.WITHIN_NOISE
    assert "1 of 20 steps within tolerance" in replay_text(done, width=200)


def test_a_folder_of_results_and_a_pattern(image: str, source: Path, tmp_path: Path) -> None:
    code = (
        "import os, json\nos.makedirs('out/deep')\nfor n in 'ab': json.dump({n: 1}, open(f'out/deep/{n}.json', 'w'))\n"
    )
    (tmp_path / "old.json").write_text('{"a": 1, "b": 1}')
    done = run(
        image,
        source,
        tmp_path,
        command=("python", "-c", code),
        results=("out/*/*.json",),
        recorded=(tmp_path / "old.json",),
    )
    assert done.runs[0].results == ("out/deep/a.json", "out/deep/b.json")
    assert done.passed


def test_errors_come_before_the_run(image: str, source: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="how the run was started"):
        run(image, source, tmp_path, Snapshot())
    with pytest.raises(UsageError, match="2 given for 1"):
        run(image, source, tmp_path, recorded=(tmp_path / "a", tmp_path / "b"))
    with pytest.raises(RecordError, match="No such file"):
        run(image, source, tmp_path, recorded=(tmp_path / "gone",))
    with pytest.raises(UsageError, match="no file below"):
        run(image, source, tmp_path, results=("../x",))
    with pytest.raises(UsageError, match="not a folder"):
        run(image, tmp_path / "gone", tmp_path)
    with pytest.raises(EngineError, match="no such image"):
        run(str(tmp_path / "gone"), source, tmp_path)
    run(image, source, tmp_path)
    with pytest.raises(UsageError, match="not an empty folder"):
        run(image, source, tmp_path)


def test_limits_go_to_the_engine_and_are_told(tmp_path: Path) -> None:
    def stopped(task: Task) -> list[TaskEvent]:
        return [Ended(exit_code=137, duration_s=5.0, timed_out=task.timeout_s == 5)]

    engine = FakeEngine(images={"i": ImageFacts(image_id="sha256:1")}, follow=stopped)
    engine.images["sha256:1"] = engine.images["i"]
    options = ReplayOptions(command=("sleep", "9"), timeout_s=5, memory_bytes=2**30, output=tmp_path / "out")
    done = replay(Snapshot(), "i", engine, options)
    assert (engine.tasks[0].memory_bytes, engine.tasks[0].network, engine.tasks[0].image) == (2**30, "none", "sha256:1")
    assert "the limit of time" in done.level.summary
    assert "--timeout" in str(done.level.next_step)


def test_the_level_joins_a_proof(image: str, source: Path, tmp_path: Path) -> None:
    done = run(image, source, tmp_path)
    proof = done.added_to(None)
    assert [level.level for level in proof.levels] == ["replays"]
    again = parse_proof(done.added_to(proof).to_json().encode())
    assert len(again.levels) == 1
    assert again.passed


class InterruptedEngine(LocalEngine):
    """Its command is interrupted, and has something to say then."""

    def follow(self, task: Task) -> Iterator[TaskEvent]:
        try:
            yield Printed(stream="stdout", content=b"it has begun")
        except KeyboardInterrupt:
            yield Printed(stream="stdout", content=b", it was asked to end")
            raise
        raise AssertionError("the command did not hear of it")


def test_ctrl_c_while_output_is_shown_reaches_the_command_all_the_same(
    image: str, source: Path, tmp_path: Path
) -> None:
    def show(printed: Printed) -> None:
        if printed.content == b"it has begun":
            raise KeyboardInterrupt

    options = ReplayOptions(source=source, output=tmp_path / "replayed")
    with pytest.raises(KeyboardInterrupt):
        replay(RECORD, image, InterruptedEngine(), options, show)
    assert (tmp_path / "replayed" / "output.txt").read_text() == "it has begun, it was asked to end"
