"""Which interpreter a command is taken to run in."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from reprobuild.capture.command_interpreter import interpreter_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no first lines that name a program")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is the whole PATH, with a python, scripts of all kinds, and a program that is none."""
    folder = tmp_path / "bin"
    folder.mkdir()
    scripts = {
        "python": "",
        "python3": "",
        "torchrun": f"#!{folder}/python3\nimport x\n",
        "script": "#!/usr/bin/env python3\n",
        "with-options": "#!/usr/bin/env -S python3 -u\n",
        "long": f"#!/bin/sh\n'''exec' \"{folder}/python\" \"$0\" \"$@\"\n' '''\n",
        "shell": "#!/bin/sh\npython train.py\n",
        "binary": "\x7fELF",
        "env": "\x7fELF",
        "nice": "\x7fELF",
    }
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.mark.parametrize(
    ("command", "interpreter"),
    [
        ("python train.py", "python"),
        ("python3 -m train", "python3"),
        ("torchrun --nproc-per-node 8 train.py", "python3"),
        ("script", "python3"),
        ("with-options", "python3"),
        ("long", "python"),
        ("env -i A=1 B=1 python3 train.py", "python3"),
        ("nice -n5 torchrun train.py", "python3"),
    ],
)
def test_a_command_that_tells_it(programs: Path, command: str, interpreter: str) -> None:
    found = interpreter_of(command.split())
    assert (found.path, found.certain) == (str(programs / interpreter), True)


@pytest.mark.parametrize("command", ["shell", "binary run", "absent"])
def test_a_command_that_does_not_tell_it(programs: Path, command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    found = interpreter_of(command.split())
    assert (found.path, found.certain) == (str(programs / "python3"), False)
    monkeypatch.setenv("VIRTUAL_ENV", str(programs.parent))
    found = interpreter_of(command.split())
    assert (found.path, found.certain) == (str(programs / "python"), False)


def test_where_there_is_none_it_is_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert interpreter_of(["absent"]).path is None
