"""The example scripts do what they promise."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script with this interpreter in another folder."""
    return subprocess.run([sys.executable, *command], cwd=folder, capture_output=True, encoding="utf-8")


@pytest.mark.skipif(find_spec("torch") is None, reason="torch is not installed: pip install -e .[test]")
def test_the_training_gives_the_same_losses_with_and_without_reprobuild(tmp_path: Path) -> None:
    seeded_by_us = run(EXAMPLES / "train.py", "--steps", "20", folder=tmp_path)
    assert seeded_by_us.returncode == 0, seeded_by_us.stderr
    # A rebuilt image has no reprobuild: hide it, as a module that can't be imported.
    hidden = (
        "import runpy, sys\n"
        "sys.modules['reprobuild'] = None\n"
        f"sys.argv = ['train.py', '--steps', '20']\n"
        f"runpy.run_path({str(EXAMPLES / 'train.py')!r}, run_name='__main__')\n"
    )
    seeded_by_itself = run("-c", hidden, folder=tmp_path)
    assert seeded_by_itself.returncode == 0, seeded_by_itself.stderr
    lines = seeded_by_us.stdout.splitlines()
    assert len(lines) == 20
    assert float.fromhex(lines[-1].split()[1]) < float.fromhex(lines[0].split()[1])
    assert seeded_by_itself.stdout == seeded_by_us.stdout


def test_the_demo_needs_no_engine(tmp_path: Path) -> None:
    finished = run(EXAMPLES / "demo.py", "--no-engine", folder=tmp_path)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert "$ reprobuild capture" in finished.stdout
    assert "nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04" in finished.stdout
    assert list(tmp_path.iterdir()) == []
