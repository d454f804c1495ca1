"""``%reprobuild`` in a real IPython shell, and the cell for Colab as it lies in examples/."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CELL = Path(__file__).parents[3] / "examples" / "notebook" / "colab.ipynb"

SHELL = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell()
for cell in sys.stdin.read().split("\\0"):
    result = shell.run_cell(cell)
    if not result.success:
        sys.exit(1)
"""


@pytest.fixture(autouse=True)
def needs_ipython() -> None:
    pytest.importorskip("IPython", reason="ipython is not installed here")


def run(folder: Path, *cells: str) -> subprocess.CompletedProcess[str]:
    """Run the cells in a shell of their own."""
    return subprocess.run(
        [sys.executable, "-c", SHELL],
        input="\0".join(cells),
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "IPYTHONDIR": str(folder / "ipython")},
        capture_output=True,
        encoding="utf-8",
        timeout=300,
    )


def test_capture_records_the_notebooks_own_process(tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "from reprobuild import set_random_seed\nset_random_seed(5)",
        "%load_ext reprobuild",
        "%reprobuild capture -o 'my record' --variable WHAT",
    )
    assert done.returncode == 0, done.stderr
    facts = json.loads((tmp_path / "my record" / "environment.json").read_bytes())
    assert facts["seeds"] == {"set_random_seed": 5}
    assert str(Path("my record", "environment.json")) in done.stdout


def test_errors_are_one_line_and_the_notebook_goes_on(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(
        tmp_path,
        "%load_ext reprobuild",
        "%reprobuild capture -o file/x",
        "%reprobuild capture --no-such-option",
        "%reprobuild capture -- python train.py",
        "%reprobuild 'unfinished",
        "print('alive')",
    )
    assert done.returncode == 0, done.stderr
    assert "alive" in done.stdout
    errors = [line for line in done.stderr.splitlines() if line.startswith("reprobuild: error: ")]
    assert len(errors) == 4
    assert "would take this notebook's place" in errors[2]
    assert "Traceback" not in done.stderr


def test_other_commands_run_in_a_process_of_their_own(tmp_path: Path) -> None:
    done = run(tmp_path, "%load_ext reprobuild", "%reprobuild --version", "%reprobuild", "%reprobuild plan absent")
    assert "reprobuild 0." in done.stdout and "usage: reprobuild" in done.stdout
    assert "reprobuild: error: " in done.stderr


def test_the_cell_for_colab(tmp_path: Path) -> None:
    notebook = json.loads(CELL.read_text("utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert cells[0].startswith("%pip install")
    done = run(tmp_path, *cells[1:])
    assert done.returncode == 0, done.stderr
    assert "saved: " in done.stdout
    assert (tmp_path / "environment.zip").exists()
    assert (tmp_path / "environment" / "environment.json").exists()
