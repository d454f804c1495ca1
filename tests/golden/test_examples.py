"""Each situation of ``examples/`` gives exactly the plan and the recipe that lie beside its record."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from tests.golden.examples import EXAMPLES, SITUATIONS, expected_files, files_there

from reprobuild import records


def test_there_are_situations() -> None:
    assert len(SITUATIONS) >= 4


@pytest.mark.parametrize("situation", SITUATIONS)
def test_situation(situation: str) -> None:
    expected = expected_files(situation)
    there = files_there(situation)
    assert sorted(there) == sorted(expected), "run: python tools/regenerate_examples.py"
    for name, text in expected.items():
        assert there[name] == text, f"{name} differs. If that is meant: python tools/regenerate_examples.py"


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_same_record_gives_the_same_bytes(situation: str) -> None:
    assert expected_files(situation) == expected_files(situation)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_hadolint_finds_nothing(situation: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed beside this interpreter")
    result = subprocess.run([hadolint, EXAMPLES / situation / "Dockerfile"], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "")


@pytest.mark.parametrize("situation", SITUATIONS)
def test_the_verify_script_is_one_that_a_shell_can_read(situation: str) -> None:
    script = EXAMPLES / situation / "verify.sh"
    assert subprocess.run(["sh", "-n", script], capture_output=True).returncode == 0


def test_the_conda_example_is_what_import_makes_of_the_export_beside_it() -> None:
    folder = EXAMPLES / "conda-2020-cu110"
    exported = records.read(folder / "environment.yml")
    assert records.read(folder / "environment.json").digest == exported.digest


def test_the_guide_s_record() -> None:
    """What the original utility's guide shows as its example, planned as its reader would expect."""
    files = files_there("guide-example-cu121")
    assert "\nFROM nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04\n" in files["Dockerfile"]
    assert "uv python install 3.10.12 " in files["Dockerfile"]
    assert '--default-index "${PYTORCH_INDEX}/cu121"' in files["Dockerfile"]
    assert "torch==2.1.0+cu121\n" in files["requirements/01-pytorch-cu121.txt"]
    for line in ("numpy==1.24.3\n", "pandas==2.0.3\n", "transformers==4.36.0\n"):
        assert line in files["requirements/02-default.txt"]
