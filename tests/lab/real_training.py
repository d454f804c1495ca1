"""A real training run, recorded: CPython 3.11, the real torch, numpy, twenty more packages and one from a repository.

The code is ``examples/train.py`` in a repository of its own, started with one thread; its losses are kept beside the
record. Building its image takes minutes, so that every test which needs one shares this one.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.lab.laboratory import Laboratory, interpreters
from tests.lab.laboratory.wheels import offer_real_torch
from tests.lab.recorded_run import RecordedRun

TRAINING = Path(__file__).parents[2] / "examples" / "train.py"
IMAGE = "real-old-run:rebuilt"
STEPS = 200
COMMAND = ("python", "train.py", "--steps", str(STEPS), "--metrics", "metrics.jsonl")
VARIABLES = {"OMP_NUM_THREADS": "1"}
"""Sums are shared among threads, so that their number belongs to the run."""

REQUIREMENTS = (
    "torch==2.13.0",
    "numpy==1.26.2",
    "attrs==23.1.0",
    "certifi==2023.11.17",
    "charset-normalizer==3.3.2",
    "click==8.1.7",
    "einops==0.7.0",
    "idna==3.6",
    "markdown-it-py==3.0.0",
    "mdurl==0.1.2",
    "psutil==5.9.6",
    "Pygments==2.17.2",
    "python-dateutil==2.8.2",
    "pytz==2023.3.post1",
    "PyYAML==6.0.1",
    "regex==2023.10.3",
    "requests==2.31.0",
    "rich==13.7.0",
    "safetensors==0.4.1",
    "six==1.16.0",
    "tabulate==0.9.0",
    "tqdm==4.66.1",
    "urllib3==2.1.0",
)
"""What a run of late 2023 might have had, beside what torch itself brings."""


def make_run(lab: Laboratory, folder: Path) -> RecordedRun:
    """Install, train and record. Skips with the reason where this machine lacks the interpreter or torch."""
    versions = [version for version in interpreters.available_versions() if version.startswith("3.11.")]
    if not versions:
        pytest.skip("no CPython 3.11 under PYENV_ROOT to make the environment with")
    if not offer_real_torch(lab.site):
        pytest.skip("no torch-2.13.0+cpu wheel in the PIP_FIND_LINKS folder")
    lab.provide_python(versions[-1])
    run = RecordedRun(folder, lab)
    from_git = f"git+{lab.site.add_repository('own-package', own_package(folder))}@v1.2"
    run.install(interpreters.interpreter(versions[-1]), *REQUIREMENTS, f"own-package @ {from_git}")
    run.code.mkdir()
    shutil.copy(TRAINING, run.code)
    commit(run.code, "Train")
    run.train_and_capture(COMMAND, VARIABLES)
    (run.code / "metrics.jsonl").rename(run.losses)
    assert len(losses(run)) == STEPS
    return run


def losses(run: RecordedRun) -> list[float]:
    """What the recorded run computed."""
    return [json.loads(line)["loss"] for line in run.losses.read_text().splitlines()]


def build_image(run: RecordedRun) -> str:
    """The image that ``reprobuild build`` makes of the record."""
    run.plan()
    run.program("build", run.record, "-t", IMAGE, *run.network())
    return IMAGE


def own_package(folder: Path) -> Path:
    """A repository with a package of the run's own, tagged v1.2."""
    checkout = folder / "own-package"
    (checkout / "own_package").mkdir(parents=True)
    (checkout / "own_package" / "__init__.py").write_text("ANSWER = 42\n")
    (checkout / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling==1.18.0"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "own-package"\nversion = "1.2"\n'
    )
    commit(checkout, "First")
    subprocess.run(["git", "-C", checkout, "tag", "v1.2"], check=True)
    return checkout


def commit(checkout: Path, message: str) -> str:
    """Put everything in a folder under version control; the commit."""
    identity = ["-c", "user.name=someone", "-c", "user.email=someone@example.com"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", message]):
        subprocess.run(["git", "-C", checkout, *identity, *command], check=True)
    return head(checkout)


def head(checkout: Path) -> str:
    """The commit that is checked out."""
    asked = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
