"""``reprobuild capture --python`` against ``pip freeze`` and ``python -m torch.utils.collect_env``, in turns.

    python benchmarks/capture.py [--rounds N] [--distributions N] [--environment DIR]

Makes an environment with the real torch, its dependencies and pip, and fills it up with generated wheels of an
ordinary size; uv installs them and compiles all of it. ``--environment`` keeps it for the next run. PIP_FIND_LINKS may
name a folder that holds torch's wheel. Exit code 1 when a ratio is above its limit.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from turns import clean_environment, medians, report

LIMITS = {"pip freeze": 0.25, "collect_env": 0.05}
"""The highest ratio of a capture's time to that of each."""

TORCH = "torch==2.13.0"
MODULES = 30
"""Files in each generated wheel: the median of the 350 most downloaded distributions is about that."""


def main() -> int:
    """Measure, print, and tell by the exit code whether the limits hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--distributions", type=int, default=350, help="how many at least (default: 350)")
    parser.add_argument("--environment", type=Path, help="folder to keep the environment in")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.environment or Path(scratch, "environment")
        python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        if not python.exists():
            make_environment(folder, python, arguments.distributions)
        program = str(Path(sys.executable).with_name("reprobuild"))
        times = medians(
            {
                "capture": [program, "capture", "--python", str(python), "-o", str(Path(scratch, "record"))],
                "pip freeze": [str(python), "-m", "pip", "freeze"],
                "uv pip freeze": [*uv(), "pip", "freeze", "--python", str(python)],
                "collect_env": [str(python), "-m", "torch.utils.collect_env"],
            },
            arguments.rounds,
            Path(scratch),
        )
    return 0 if report(times, "capture", LIMITS) else 1


def make_environment(folder: Path, python: Path, count: int) -> None:
    """A virtual environment of this interpreter with torch, pip and generated wheels, all of it compiled."""
    run(*uv(), "venv", "--quiet", "--python", sys.executable, str(folder))
    install = [*uv(), "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    links = [part for place in os.environ.get("PIP_FIND_LINKS", "").split() for part in ("--find-links", place)]
    run(*install, *links, TORCH, "numpy", "pip")
    with tempfile.TemporaryDirectory() as scratch:
        wheels = [str(write_wheel(Path(scratch), index)) for index in range(count)]
        requirements = Path(scratch, "requirements.txt")
        requirements.write_text("".join(f"generated-{index}==1.{index}\n" for index in range(len(wheels))))
        run(*install, "--no-index", "--find-links", scratch, "-r", str(requirements))


def write_wheel(folder: Path, index: int) -> Path:
    """A wheel of ordinary size: modules, a long description, a RECORD with hashes."""
    stem = f"generated_{index}-1.{index}"
    files = {f"generated_{index}/module_{number}.py": f"value = {number}\n" for number in range(MODULES)}
    headers = f"Metadata-Version: 2.1\nName: generated-{index}\nVersion: 1.{index}\nSummary: Generated\n"
    files[f"{stem}.dist-info/METADATA"] = headers + "\n" + "A line of the description.\n" * 300
    files[f"{stem}.dist-info/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    record = "".join(f"{path},sha256={'A' * 43},{len(content)}\n" for path, content in files.items())
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        archive.writestr(f"{stem}.dist-info/RECORD", f"{record}{stem}.dist-info/RECORD,,\n")
    return path


def uv() -> list[str]:
    """uv, from the environment that runs the benchmark."""
    return [sys.executable, "-m", "uv"]


def run(*command: str) -> None:
    """Run a command that has to succeed."""
    subprocess.run(command, check=True, env=clean_environment())


if __name__ == "__main__":
    sys.exit(main())
