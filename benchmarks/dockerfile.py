"""``reprobuild dockerfile`` against ``repo2docker --no-build --debug`` of an equal project: both print a Dockerfile.

    python benchmarks/dockerfile.py [--record FILE] [--repo2docker EXE] [--rounds N]

The equal project for repo2docker is a folder with the record's requirements.txt and runtime.txt. repo2docker is
installed into a throw-away virtual environment unless ``--repo2docker`` names one. Exit code 1 when the ratio is
above its limit. An interpreter that only loads jinja2 is measured as well: no program that fills a template of it can
be faster.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

from turns import medians, report

from reprobuild import records

LIMIT = 0.25
DEFAULT_RECORD = Path(__file__).parents[1] / "examples" / "guide-example-cu121" / "environment.json"


def install_repo2docker(folder: Path) -> str:
    """Install it into a virtual environment under ``folder`` and compile it, as a user's installation is."""
    venv.create(folder, with_pip=True)
    python = str(folder / "bin" / "python")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "jupyter-repo2docker"], check=True)
    subprocess.run([python, "-m", "compileall", "-q", str(folder / "lib")], check=False)
    return str(folder / "bin" / "repo2docker")


def write_equal_project(record: Path, folder: Path) -> None:
    """A folder that repo2docker understands, with the record's packages and its Python."""
    snapshot = records.read(record)
    lines = [f"{item.name}=={item.version}" for item in snapshot.distributions if item.version]
    (folder / "requirements.txt").write_text("\n".join(lines) + "\n")
    version = snapshot.python.version if snapshot.python and snapshot.python.version else "3.10"
    (folder / "runtime.txt").write_text(f"python-{'.'.join(version.split('.')[:2])}\n")


def main() -> int:
    """Measure, print, and tell by the exit code whether the limit holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--record", type=Path, default=DEFAULT_RECORD)
    parser.add_argument("--repo2docker", help="an installed one; default: install one for this run")
    parser.add_argument("--rounds", type=int, default=11)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        project = Path(temporary) / "project"
        project.mkdir()
        write_equal_project(arguments.record, project)
        other = arguments.repo2docker or install_repo2docker(Path(temporary) / "venv")
        ours = str(Path(sys.executable).with_name("reprobuild"))
        times = medians(
            {
                "bare interpreter": [sys.executable, "-c", "pass"],
                "the same, with jinja2 loaded": [sys.executable, "-c", "import jinja2"],
                "repo2docker --no-build --debug": [other, "--no-build", "--debug", str(project)],
                "reprobuild dockerfile": [ours, "dockerfile", str(arguments.record)],
                "reprobuild plan": [ours, "plan", str(arguments.record)],
            },
            arguments.rounds,
        )
    return 0 if report(times, "reprobuild dockerfile", {"repo2docker --no-build --debug": LIMIT}) else 1


if __name__ == "__main__":
    sys.exit(main())
