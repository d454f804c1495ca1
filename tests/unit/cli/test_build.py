"""``reprobuild build``: what a person, a log and a script see of a build."""

from __future__ import annotations

import io
import json
import shlex
import sys
from pathlib import Path

import msgspec
import pytest

from reprobuild.build import BuildFailed, BuildOptions
from reprobuild.cli.build import build_shown
from reprobuild.cli.build_progress import LiveProgress
from reprobuild.cli.main import main
from reprobuild.engine import BuildEvent, Built, CacheHit, Failed, Output, Pulling, StepStarted
from reprobuild.engine.docker import DockerEngine
from reprobuild.engine.fake import FakeEngine
from reprobuild.engine.stream import plain_text
from reprobuild.render import Recipe

DOCKERFILE = b"FROM base\n# The tools. All of them.\nRUN install tools\n"
RECIPE = Recipe(files={"Dockerfile": DOCKERFILE})
FAILED = Failed(message="The command '/bin/sh -c install tools' returned a non-zero code: 100", exit_code=100)
EVENTS: tuple[BuildEvent, ...] = (
    StepStarted(number=1, total=2, instruction="FROM base"),
    Pulling(status="Downloading", layer="abc", current_bytes=5_000_000, total_bytes=10_000_000),
    Pulling(status="Status: Downloaded newer image for base"),
    StepStarted(number=2, total=2, instruction="RUN install tools"),
    Output(text="[bold]E: Unable to locate package tools"),
)
RECORD = Path(__file__).parents[3] / "examples" / "plain-scikit-learn" / "environment.json"


def test_a_log_has_every_step_and_every_line(capsys: pytest.CaptureFixture[str]) -> None:
    events = (*EVENTS, CacheHit(), Built(image_id="sha256:1"))
    build_shown(RECIPE, FakeEngine(events=events), BuildOptions(), as_json=False)
    printed = capsys.readouterr()
    assert printed.out == ""
    assert [line.split("] ")[-1] for line in printed.err.splitlines()] == [
        "step 1/2: FROM base",
        "  Status: Downloaded newer image for base",
        "step 2/2: The tools",
        "  [bold]E: Unable to locate package tools",
        "  (from the cache)",
    ]


def test_a_script_gets_one_event_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    events = (*EVENTS, Built(image_id="sha256:1"))
    build_shown(RECIPE, FakeEngine(events=events), BuildOptions(), as_json=True)
    printed = capsys.readouterr()
    assert printed.err == ""
    lines = [json.loads(line) for line in printed.out.splitlines()]
    assert [line["type"] for line in lines] == ["step", "pull", "pull", "step", "output", "built"]
    assert lines[3] == {"type": "step", "number": 2, "total": 2, "instruction": "RUN install tools"}


def test_a_script_gets_the_failure_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BuildFailed):
        build_shown(RECIPE, FakeEngine(events=(*EVENTS, FAILED)), BuildOptions(), as_json=True)
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == msgspec.to_builtins(FAILED)


def pretend_terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Let standard error be a terminal that remembers. Called in a test: pytest puts its own stream back before it."""
    terminal = io.StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    return terminal


def test_a_person_sees_the_done_steps_and_the_end_of_a_failed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = pretend_terminal(monkeypatch)
    with pytest.raises(BuildFailed):
        build_shown(RECIPE, FakeEngine(events=(*EVENTS, FAILED)), BuildOptions(), as_json=False)
    printed = terminal.getvalue()
    assert "✓ 1/2  FROM base" in printed
    assert "✗ 2/2  The tools" in printed
    assert printed.endswith("step 2/2: RUN install tools\n  | [bold]E: Unable to locate package tools\n")


def test_a_step_that_only_notes_something_leaves_no_line_and_a_long_one_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = pretend_terminal(monkeypatch)
    monkeypatch.setenv("COLUMNS", "60")
    steps = ("FROM base", "ARG MIRROR", "RUN " + "make " * 50, "LABEL a=b")
    events = [StepStarted(number=each, total=4, instruction=text) for each, text in enumerate(steps, start=1)]
    with LiveProgress(()) as progress:
        for event in events:
            progress.show(event)
    lines = [plain_text(line) for line in terminal.getvalue().splitlines()]
    done = [line for line in lines if "✓" in line]
    assert [line.split()[1] for line in done] == ["1/4", "3/4"]
    assert done[1].endswith("…  (0:00)")
    assert len(done[1]) == 60


def test_the_changing_line_fits_and_takes_no_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_terminal(monkeypatch)
    progress = LiveProgress((None, "The tools"))
    for event in EVENTS[:2]:
        progress.show(event)
    assert "5 of 10 MB" in progress.__rich__()
    for event in (*EVENTS[2:], Output(text="x" * 500)):
        progress.show(event)
    assert progress.__rich__().startswith("step 2/2, 0:0")
    assert len(progress.__rich__()) <= 100


def test_the_command_that_proves_the_image_makes_the_same_plan(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = FakeEngine()
    monkeypatch.setattr(DockerEngine, "from_environment", classmethod(lambda _: engine))
    options = ["--apt", "ffmpeg", "--apt", "sox", "--flavor", "slim", "--no-strict"]
    assert main(["build", str(RECORD), "-t", "x:1", "--network", "host", *options]) == 0
    printed = capsys.readouterr().out.splitlines()
    proof = shlex.split(printed[-1].removeprefix("prove it: reprobuild verify "))
    assert proof[:2] == [str(RECORD), "x:1"]
    assert sorted(proof[2:]) == sorted(options)


def test_no_engine_is_one_line_and_its_own_exit_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert main(["build", str(RECORD), "-t", "x"]) == 6
    error, hint = capsys.readouterr().err.splitlines()[-2:]
    assert error == f"reprobuild: error: no container engine answers at unix://{tmp_path}/none.sock"
    assert hint.startswith("hint: start Docker")


def test_wrong_options_are_found_before_the_engine_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    assert main(["build", str(RECORD), "--push"]) == 2
    assert "--push needs a name to push to" in capsys.readouterr().err
    assert main(["build", str(RECORD), "-t", "Not A Name"]) == 2
    assert "'Not A Name' is no image name" in capsys.readouterr().err
