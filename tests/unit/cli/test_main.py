"""The frame of the command line: help, version, errors as one line and an exit code, quiet ends."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

import reprobuild
from reprobuild.cli import main as frame
from reprobuild.errors import PlanError, RecordError

Run = Callable[[argparse.Namespace], int]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], None]:
    """Install a command ``probe-of-test`` that takes one optional ``--number`` and runs the given function."""

    def install(run: Run) -> None:
        module = types.ModuleType("command_of_test")
        module.__dict__.update(configure=lambda parser: parser.add_argument("--number", type=int), run=run)
        monkeypatch.setitem(sys.modules, "command_of_test", module)
        monkeypatch.setitem(frame.COMMANDS, "probe-of-test", ("command_of_test", "a command of this test"))

    return install


def raising(error: BaseException) -> Run:
    """A command's ``run`` that raises."""

    def run(arguments: argparse.Namespace) -> int:
        raise error

    return run


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_every_command(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert frame.main([option]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    for name, (_, line) in frame.COMMANDS.items():
        assert f"  {name}" in printed.out
        assert line in printed.out


def test_help_fits_a_terminal_of_110_columns() -> None:
    assert max(map(len, frame.help_text().splitlines())) <= 110


@pytest.mark.parametrize("option", ["-V", "--version"])
def test_version(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert frame.main([option]) == 0
    assert capsys.readouterr().out == f"reprobuild {reprobuild.__version__}\n"


def test_no_command_shows_the_help_on_standard_error_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    assert frame.main([]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == frame.help_text()


@pytest.mark.parametrize(
    ("arguments", "error", "hint"),
    [
        (["plna"], "there is no command 'plna'", "did you mean 'reprobuild plan'?"),
        (["frobnicate"], "there is no command 'frobnicate'", "'reprobuild --help' lists the commands"),
        (["--quiet", "plan"], "unknown option --quiet", "'reprobuild --help' lists the commands and options"),
    ],
)
def test_wrong_usage_is_one_line_and_a_hint(
    arguments: list[str], error: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert frame.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == f"reprobuild: error: {error}\nhint: {hint}\n"


def test_a_command_gets_its_arguments_and_gives_the_exit_code(command: Callable[[Run], None]) -> None:
    command(lambda arguments: int(arguments.number))
    assert frame.main(["probe-of-test", "--number", "7"]) == 7


def test_an_error_of_the_parser_is_like_any_other(
    command: Callable[[Run], None], capsys: pytest.CaptureFixture[str]
) -> None:
    command(lambda arguments: 0)
    assert frame.main(["probe-of-test", "--number", "x"]) == 2
    assert capsys.readouterr().err == (
        "reprobuild: error: argument --number: invalid int value: 'x'\n"
        "hint: 'reprobuild probe-of-test --help' shows what it takes\n"
    )


@pytest.mark.parametrize(
    ("error", "exit_code", "message"),
    [
        (PlanError("no base\nimage", hint="try another"), 4, "reprobuild: error: no base image\nhint: try another\n"),
        (
            RecordError("must be a text", source="a.json", path="x[0]"),
            3,
            "reprobuild: error: a.json: x[0]: must be a text\n",
        ),
        (KeyboardInterrupt(), 130, "reprobuild: error: interrupted\n"),
        (
            FileNotFoundError(2, "No such file or directory", "a.json"),
            1,
            "reprobuild: error: a.json: No such file or directory\n",
        ),
        (OSError(28, "No space left on device"), 1, "reprobuild: error: No space left on device\n"),
    ],
)
def test_errors_end_in_one_line_and_their_exit_code(
    error: BaseException,
    exit_code: int,
    message: str,
    command: Callable[[Run], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    command(raising(error))
    assert frame.main(["probe-of-test"]) == exit_code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == message


def test_a_defect_is_named_as_one(command: Callable[[Run], None], capsys: pytest.CaptureFixture[str]) -> None:
    command(raising(ZeroDivisionError("by zero")))
    assert frame.main(["probe-of-test"]) == 1
    printed = capsys.readouterr().err
    assert printed.startswith("reprobuild: error: unexpected ZeroDivisionError: by zero\nhint: this is a defect")


@pytest.mark.parametrize("error", [PlanError("x"), OSError(28, "full"), ZeroDivisionError("by zero")])
def test_traceback_shows_where_it_comes_from(error: Exception, command: Callable[[Run], None]) -> None:
    command(raising(error))
    with pytest.raises(type(error)):
        frame.main(["--traceback", "probe-of-test"])


@pytest.mark.skipif(os.name == "nt", reason="Windows reports a closed pipe in another way")
def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text(
        "import sys, types\n"
        "from reprobuild.cli import main\n"
        "def run(arguments):\n"
        "    while True: print('x' * 1000)\n"
        "sys.modules['endless_command'] = types.SimpleNamespace(configure=lambda parser: None, run=run)\n"
        "main.COMMANDS['endless'] = ('endless_command', 'never ends')\n"
        "sys.exit(main.main(['endless']))\n"
    )
    with subprocess.Popen(
        [sys.executable, tmp_path / "endless.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        complaint = process.stderr.read()
    assert complaint == b""
    assert process.returncode == 141


def test_a_terminal_without_the_character_shows_its_escape(tmp_path: Path) -> None:
    (tmp_path / "unicode.py").write_text(
        "import sys\n"
        "from reprobuild.cli import main\n"
        "main.help_text = lambda: 'a \\u2713 b\\n'\n"
        "sys.exit(main.main(['--help']))\n"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    finished = subprocess.run([sys.executable, tmp_path / "unicode.py"], capture_output=True, env=environment)
    assert finished.returncode == 0
    assert finished.stdout.split() == [b"a", b"\\u2713", b"b"]
    assert finished.stderr == b""
