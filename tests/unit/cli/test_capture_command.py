"""``reprobuild capture -- COMMAND``: output, signals and exit code are the command's own, and its end is recorded."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals to hand on")

CAPTURE = (sys.executable, "-m", "reprobuild.cli.main", "capture", "-o", "run")

WAITING = """
import os, signal, sys, time
def told(number, frame):  # It may come while "ready" is being written, when print would refuse to write.
    os.write(1, (signal.Signals(number).name + "\\n").encode())
    sys.exit(5)
for name in sys.argv[1:]:
    signal.signal(getattr(signal, name), told)
os.write(1, b"ready\\n")
while True:
    time.sleep(60)
"""


def environment(**variables: str) -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "CONDA_PREFIX")} | variables


def capture(
    folder: Path, *words: str, options: tuple[str, ...] = (), variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    command = [*CAPTURE, *options, "--", *words]
    given = environment(**(variables or {}))
    return subprocess.run(
        command, cwd=folder, env=given, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", timeout=300
    )


def start(folder: Path, code: str, *words: str) -> subprocess.Popen[str]:
    """A captured program of Python that has said that it is ready."""
    command = [*CAPTURE, "--", sys.executable, "-c", code, *words]
    process = subprocess.Popen(command, cwd=folder, env=environment(), stdout=subprocess.PIPE, encoding="utf-8")
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


def record(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "run" / "environment.json").read_bytes())
    return content


@pytest.mark.parametrize("status", [0, 3, 255])
def test_output_and_exit_code_are_the_commands(tmp_path: Path, status: int) -> None:
    code = f"import sys; print(sys.argv, sys.stdin.read()); print('!', file=sys.stderr); sys.exit({status})"
    done = capture(tmp_path, sys.executable, "-c", code, "--lr", "0.1")
    assert (done.returncode, done.stdout) == (status, "['-c', '--lr', '0.1'] \n")
    assert done.stderr.splitlines()[-1] == "!"
    assert done.stderr.startswith("reprobuild: recorded Python ")
    command = record(tmp_path)["command"]
    assert (command["program"], command["arguments"][2:]) == ("python", ["--lr", "0.1"])
    assert command["exit_code"] == status and "signal" not in command
    assert command["ended_at"] >= command["started_at"] and command["duration_s"] > 0


def test_it_runs_in_our_working_folder_with_our_variables(tmp_path: Path) -> None:
    done = capture(tmp_path, "sh", "-c", "pwd; echo $WHAT", variables={"WHAT": "here"})
    assert done.stdout.splitlines() == [str(tmp_path.resolve()), "here"]


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1"])
def test_a_signal_sent_to_us_reaches_the_command(tmp_path: Path, name: str) -> None:
    process = start(tmp_path, WAITING, name)
    process.send_signal(getattr(signal, name))
    output, _ = process.communicate(timeout=60)
    assert (output, process.returncode) == (f"{name}\n", 5)
    assert record(tmp_path)["command"]["exit_code"] == 5


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL", "SIGUSR1"])
def test_we_end_by_the_signal_that_ended_the_command(tmp_path: Path, name: str) -> None:
    code = f"import os, signal; os.kill(os.getpid(), signal.{name})"
    done = capture(tmp_path, sys.executable, "-c", code)
    assert done.returncode == -getattr(signal, name)
    command = record(tmp_path)["command"]
    assert command["signal"] == name and "exit_code" not in command


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_command_does_not_survive_us(tmp_path: Path) -> None:
    process = start(
        tmp_path, "import os, time; print('ready', flush=True); print(os.getpid(), flush=True); time.sleep(99)"
    )
    assert process.stdout is not None
    child = int(process.stdout.readline())
    waiting = os.pidfd_open(child)
    process.kill()
    process.communicate()
    assert select.select([waiting], [], [], 60)[0], "the command still runs"
    os.close(waiting)


def test_ctrl_c_at_a_terminal_reaches_the_command_once(tmp_path: Path) -> None:
    code = """
import signal, sys, time
seen = []
signal.signal(signal.SIGINT, lambda *_: seen.append(1))
print("ready", flush=True)
while not seen:
    time.sleep(0.01)
signal.sigtimedwait([signal.SIGUSR1], 0.3)
print("seen", len(seen), flush=True)
"""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(tmp_path)
        os.execve(sys.executable, [*CAPTURE, "--", sys.executable, "-c", code], environment())
    text = b""
    while b"ready" not in text:
        text += os.read(terminal, 1000)
    os.write(terminal, b"\x03")
    while b"seen" not in text or not text.endswith(b"\n"):
        text += os.read(terminal, 1000)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    os.close(terminal)
    assert b"seen 1" in text
    assert status == 0


def test_seeds_and_switches_come_from_the_run(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed here")
    code = "from reprobuild import set_random_seed; set_random_seed(7, deterministic=True)"
    done = capture(tmp_path, sys.executable, "-c", code)
    assert done.returncode == 0
    facts = record(tmp_path)
    assert facts["seeds"] == {"set_random_seed": 7}
    assert facts["switches"]["torch.deterministic_algorithms"] == "True"
    assert facts["switches"]["torch.cudnn.benchmark"] == "False"
    assert "set_random_seed 7" in (tmp_path / "run" / "REPRODUCE.md").read_text("utf-8")


def test_another_rank_tells_no_seeds(tmp_path: Path) -> None:
    code = "from reprobuild import set_random_seed; set_random_seed(8)"
    capture(tmp_path, sys.executable, "-c", code, variables={"RANK": "1"})
    assert "seeds" not in record(tmp_path)


def test_nothing_is_started_where_nothing_can_be_recorded(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    done = capture(tmp_path, "touch", "started")
    assert done.returncode == 9
    assert done.stderr.splitlines()[-2].startswith("reprobuild: error: run: ")
    assert not (tmp_path / "started").exists()


def test_the_command_runs_all_the_same_when_asked_to(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file")
    done = capture(
        tmp_path, sys.executable, "-c", "print('alive'); raise SystemExit(4)", options=("--on-error", "warn")
    )
    assert (done.returncode, done.stdout) == (4, "alive\n")
    assert done.stderr.count("warning: the run is not recorded: run: ") == 1


def test_a_folder_that_vanishes_meanwhile_costs_no_more_than_the_end(tmp_path: Path) -> None:
    done = capture(tmp_path, "sh", "-c", "rm -r run; echo alive; exit 6")
    assert (done.returncode, done.stdout) == (6, "alive\n")
    assert "the end of the run is not recorded" in done.stderr


def test_another_record_in_the_folder_is_left_alone(tmp_path: Path) -> None:
    code = "import pathlib; pathlib.Path('run/environment.json').write_text('another')"
    done = capture(tmp_path, sys.executable, "-c", code)
    assert done.returncode == 0
    assert (tmp_path / "run" / "environment.json").read_text() == "another"
    assert "another run's record" in done.stderr


def test_what_can_not_be_started(tmp_path: Path) -> None:
    done = capture(tmp_path, "no-such-program", "x")
    assert done.returncode == 9
    assert "no-such-program can't be started: there is no such program" in done.stderr
    (tmp_path / "plain").write_text("not executable")
    done = capture(tmp_path, "./plain")
    assert done.returncode == 9
    assert "./plain can't be started: Permission denied" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--show",), "--show does not go with a command"),
        (("--json",), "--json does not go with a command"),
        (("--image", "x"), "--image does not go with a command"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    done = capture(tmp_path, "true", options=options)
    assert done.returncode == 2 and message in done.stderr
    assert not list(tmp_path.iterdir())
