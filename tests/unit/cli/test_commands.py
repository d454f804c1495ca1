"""Every command of the table: it is there, it explains itself, it speaks JSON."""

from __future__ import annotations

import pytest

from reprobuild.cli import main as frame

ACTIONS = ["catalog list", "catalog search", "catalog show"]
"""Commands of a command; their parent has no result of its own."""

COMMANDS = [name for name in frame.COMMANDS if name != "catalog"] + ACTIONS


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_there_with_help_and_json(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        frame.main([*name.split(), "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    usage = printed.splitlines()[0]
    assert usage.startswith(f"usage: reprobuild {name}")
    assert len(usage) < 80
    assert "--json" in printed


@pytest.mark.parametrize("name", frame.COMMANDS)
def test_every_command_refuses_an_option_that_it_does_not_know(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert frame.main([name, "--no-such-option"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("reprobuild: error: ")
    assert len(printed.err.splitlines()) == 2
