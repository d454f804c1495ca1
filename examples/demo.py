"""A tour of reprobuild on a real record: the environment that runs this script. ``make demo`` runs it.

    python examples/demo.py [--no-engine]

Capture, plan and dockerfile need no container engine. When one answers, a small environment is made, recorded,
rebuilt as an image and proved; when none does, the demo says what it would do.
"""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

EXAMPLE = Path(__file__).parent / "guide-example-cu121" / "environment.json"
PROGRAM = Path(sys.executable).with_name("reprobuild.exe" if os.name == "nt" else "reprobuild")
IMAGE = "reprobuild-demo"
PACKAGES = ("numpy", "packaging", "tqdm")
"""What the small environment holds."""

WITHOUT_ENGINE = """\
None answers, or it was left out. With Docker running, this demo would now make a small environment, record it,
build an image from the record ('reprobuild rebuild') and prove that both are the same."""


class StepFailed(Exception):
    """A command of the demo failed; it has already said why."""


def headline(text: str) -> None:
    """Begin a section."""
    print(f"\n--- {text}\n", flush=True)


def show(folder: Path, *arguments: str, lines: int | None = None) -> None:
    """Run reprobuild in a folder as a user would, and print the command and its output, cut after ``lines`` lines."""
    print(f"$ {shlex.join(['reprobuild', *arguments])}", flush=True)
    output = subprocess.PIPE if lines else None
    finished = subprocess.run([PROGRAM, *arguments], cwd=folder, stdout=output, encoding="utf-8")
    if finished.returncode != 0:
        raise StepFailed(f"reprobuild {arguments[0]} ended with exit code {finished.returncode}")
    if lines:
        printed = finished.stdout.splitlines()
        print("\n".join(printed[:lines]))
        if len(printed) > lines:
            print(f"... ({len(printed) - lines} more lines)")
    sys.stdout.flush()


def tour_without_engine(folder: Path) -> None:
    """Record this environment, plan it, write its recipe; then the record of another machine."""
    headline("1. Record the environment that runs this demo: its files are read, nothing is installed or imported")
    show(folder, "capture")
    headline("2. What would be built from that record, and why")
    show(folder, "plan", "environment")
    headline("3. The recipe")
    show(folder, "dockerfile", "environment", lines=30)
    headline("4. The record of a GPU run on another machine: the CUDA image it needs, by a table and not by arithmetic")
    shutil.copyfile(EXAMPLE, folder / "gpu-run.json")
    show(folder, "plan", "gpu-run.json")


def engine_that_answers() -> str | None:
    """One line about the engine that ``docker`` would use, or None."""
    from reprobuild.engine.docker import DockerEngine
    from reprobuild.errors import EngineError

    try:
        return DockerEngine.from_environment().describe()
    except EngineError:
        return None


def tour_with_engine(folder: Path) -> None:
    """Make a small environment, record it, rebuild it as an image, and prove the image."""
    headline("6. A small environment, recorded, rebuilt as an image and proved")
    venv.create(folder / "small", with_pip=True)
    python = str(Path("small") / ("Scripts" if os.name == "nt" else "bin") / "python")
    print(f"$ pip install {' '.join(PACKAGES)}", flush=True)
    installed = subprocess.run(
        [folder / python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES]
    )
    if installed.returncode != 0:
        raise StepFailed("pip could not install the small environment; without a network there is nothing to rebuild")
    show(folder, "capture", "--python", python, "-o", "record")
    show(folder, "rebuild", "record", "--tag", IMAGE)
    print(f"\nThe image is there: docker run --rm {IMAGE} python -c 'import numpy; print(numpy.__version__)'")


def main() -> int:
    """Run the tour. Exit code 1 when a step without an engine fails."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--no-engine", action="store_true", help="leave out what needs a container engine")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="reprobuild-demo-") as temporary:
        try:
            tour_without_engine(Path(temporary))
            headline("5. Is there a container engine?")
            engine = None if arguments.no_engine else engine_that_answers()
            if engine is None:
                print(WITHOUT_ENGINE)
                return 0
            print(engine)
            tour_with_engine(Path(temporary))
        except StepFailed as failure:
            print(f"\n{failure}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
