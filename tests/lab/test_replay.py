"""What a replay does with a container: limits, mounts, variables, live output, Ctrl-C, several runs, missing programs.

A Python alone is enough for that; ``test_proof`` replays a real training run.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.lab.derived_images import derived
from tests.lab.laboratory import Laboratory
from tests.lab.recorded_run import PROGRAM

from reprobuild.snapshot import CommandFacts, Snapshot

pytestmark = pytest.mark.lab

BASE = "python:3.11.7-slim-bookworm"
IMAGE = "replay:python"
TRAINING = """
import json, random, sys
noise = float(sys.argv[1])
random.seed(1)
with open("metrics.json", "w") as file:
    steps = range(50)
    json.dump([{"step": n, "loss": 1 / (n + 1) + noise * random.SystemRandom().random()} for n in steps], file)
"""


class Desk:
    """A folder with a record and code, at which commands are typed."""

    def __init__(self, folder: Path, lab: Laboratory) -> None:
        self.folder = folder
        self.lab = lab
        self.code = folder / "code"
        self.code.mkdir()
        (self.code / "train.py").write_text(TRAINING)
        record = Snapshot(command=CommandFacts(program="python", arguments=("train.py", "0")))
        (folder / "environment.json").write_text(record.to_json())
        recorded = [{"step": n, "loss": 1 / (n + 1)} for n in range(50)]
        (folder / "metrics.json").write_text(json.dumps(recorded))

    def command(self, *options: str) -> list[str]:
        """The words of a replay."""
        output = str(self.folder / f"replayed-{len(list(self.folder.glob('replayed-*')))}")
        start = [str(PROGRAM), "replay", "environment.json", "--image", IMAGE, "-o", output]
        return [*start, "--results", "metrics.json", *options]

    def environment(self) -> dict[str, str]:
        """Variables of the commands."""
        return {**os.environ, **self.lab.environment()}

    def replay(self, *options: str) -> tuple[int, dict[str, Any]]:
        """Exit code and replay.json."""
        finished = subprocess.run(
            [*self.command("--json", *options)], cwd=self.folder, env=self.environment(), capture_output=True
        )
        assert finished.stdout, finished.stderr.decode()
        return finished.returncode, json.loads(finished.stdout)


@pytest.fixture(scope="module")
def image(lab: Laboratory) -> str:
    """An image with a Python and nothing else."""
    lab.provide_base(BASE)
    return derived(lab, IMAGE, f"FROM {BASE}", "WORKDIR /workspace")


@pytest.fixture
def desk(lab: Laboratory, image: str, tmp_path: Path) -> Iterator[Desk]:
    """A desk, and the certainty that no container is left at its end."""
    yield Desk(tmp_path, lab)
    assert lab.client.containers.list(all=True) == []


def test_the_recorded_command_is_replayed_to_the_bit(desk: Desk) -> None:
    status, told = desk.replay("--source", "code")
    assert (status, told["comparison"]["outcome"], told["passed"]) == (0, "bit-exact", True)


def test_several_runs_teach_how_far_apart_numbers_may_be(desk: Desk) -> None:
    status, told = desk.replay("--source", "code", "--repeat", "4", "--", "python", "train.py", "1e-9")
    assert (len(told["runs"]), told["comparison"]["repeatable"]) == (4, False)
    # The recorded numbers lie at the edge of the noise, so that some steps may or may not lie within it.
    assert told["comparison"]["outcome"] != "bit-exact"
    status, told = desk.replay("--source", "code", "--relative", "1e-6", "--", "python", "train.py", "1e-9")
    assert (status, told["comparison"]["outcome"]) == (0, "within noise")


def test_a_limit_of_time(desk: Desk) -> None:
    status, told = desk.replay("--timeout", "2", "--", "sleep", "100")
    assert (status, told["runs"][0]["timed_out"]) == (7, True)
    assert "--timeout" in told["level"]["next_step"]


def test_a_limit_of_memory(desk: Desk) -> None:
    status, told = desk.replay("--memory", "64m", "--", "python", "-c", "bytearray(1 << 30)")
    assert (status, told["runs"][0]["out_of_memory"]) == (7, True)
    assert "--memory" in told["level"]["next_step"]


def test_data_are_seen_and_not_written_to(desk: Desk) -> None:
    (desk.folder / "data").mkdir()
    (desk.folder / "data" / "numbers").write_text("0.25")
    code = (
        "import json; json.dump({'loss': float(open('/data/numbers').read())}, open('metrics.json', 'w'))\n"
        "try: open('/data/written', 'w')\n"
        "except OSError as error: print(error)\n"
        "else: raise SystemExit('the data can be written to')\n"
    )
    status, told = desk.replay("--data", "data:/data", "--", "python", "-c", code)
    assert told["runs"][0]["exit_code"] == 0
    assert status == 7 and told["comparison"]["metrics"][0]["first_difference"]["after"] == "0.25"
    assert [one.name for one in (desk.folder / "data").iterdir()] == ["numbers"]


def test_a_container_has_no_network_unless_it_is_given_one(desk: Desk) -> None:
    command = ("--", "python", "-c", f"import urllib.request; urllib.request.urlopen('{desk.lab.site.url}', timeout=9)")
    assert desk.replay(*command)[1]["runs"][0]["exit_code"] == 1
    assert desk.replay("--network", "host", *command)[1]["runs"][0]["exit_code"] == 0


def test_a_program_that_the_image_does_not_have(desk: Desk) -> None:
    status, told = desk.replay("--", "no-such-program", "--steps", "3")
    assert (status, told["runs"][0]["exit_code"]) == (7, 127)
    assert "the image can't execute the command" in told["level"]["next_step"]
    (output,) = desk.folder.glob("replayed-*/output.txt")
    assert "no-such-program" in output.read_text()


def test_output_is_shown_while_the_command_runs_and_ctrl_c_ends_it_cleanly(desk: Desk) -> None:
    code = (
        "import time\n"
        "print('it has begun', flush=True)\n"
        "try: time.sleep(100)\n"
        "except KeyboardInterrupt: print('it was asked to end', flush=True)\n"
    )
    command = desk.command("--", "python", "-c", code)
    with subprocess.Popen(command, cwd=desk.folder, env=desk.environment(), stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        shown = b""
        while b"it has begun" not in shown:
            assert select.select([process.stderr], [], [], 60)[0], f"nothing is shown: {shown!r}"
            piece = os.read(process.stderr.fileno(), 4096)
            assert piece, f"it ended too early: {shown!r}"
            shown += piece
        process.send_signal(signal.SIGINT)
        shown += process.stderr.read()
    assert process.returncode == 130
    assert b"it was asked to end" in shown
    assert shown.rstrip().endswith(b"reprobuild: error: interrupted")
    (output,) = desk.folder.glob("replayed-*/output.txt")
    assert output.read_text() == "it has begun\nit was asked to end\n"
