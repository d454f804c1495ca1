"""What the scan of shared libraries adds to a capture beside torch, against ``ldd`` of the same files, in turns.

    python benchmarks/libraries.py [--rounds N] [--environment DIR]

Makes an environment with the real torch, numpy, opencv-python and soundfile. ``ldd`` asks the system's loader for each
shared object, so it opens all that lies below as well; the scan needs only what each file asks for itself.
PIP_FIND_LINKS may name a folder that holds torch's wheel. Exit code 1 when something is above its limit. Linux only.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from turns import clean_environment, medians, report

PACKAGES = ("torch==2.13.0", "numpy", "opencv-python", "soundfile", "pip")
LIMITS = {"ldd of each file": 1.0, "pip freeze": 1.0}
"""The highest ratio to each of a capture's time with the scan."""
LONGEST_SCAN_S = 2.0
"""Seconds that the scan may add."""


def main() -> int:
    """Measure, print, and tell by the exit code whether the limits hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--environment", type=Path, help="folder to keep the environment in")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = arguments.environment or Path(scratch, "environment")
        python = folder / "bin" / "python"
        if not python.exists():
            make_environment(folder, python)
        files = sorted(str(path) for path in folder.rglob("*.so*") if path.is_file())
        program = str(Path(sys.executable).with_name("reprobuild"))
        capture = [program, "capture", "--no-cache", "--python", str(python), "-o", str(Path(scratch, "record"))]
        times = medians(
            {
                "capture with the scan": capture,
                "capture without": [*capture, "--no-libraries"],
                "ldd of each file": ["ldd", *files],
                "pip freeze": [str(python), "-m", "pip", "freeze"],
            },
            arguments.rounds,
            Path(scratch),
        )
    holds = report(times, "capture with the scan", LIMITS)
    added = times["capture with the scan"] - times["capture without"]
    fits = added <= LONGEST_SCAN_S
    told = "holds" if fits else "MISSED"
    print(f"{added * 1000:10.1f} ms  for {len(files)} files (at most {LONGEST_SCAN_S:.0f} s): {told}")
    return 0 if holds and fits else 1


def make_environment(folder: Path, python: Path) -> None:
    """A virtual environment of this interpreter, all of it compiled."""
    uv = [sys.executable, "-m", "uv"]
    links = [part for place in os.environ.get("PIP_FIND_LINKS", "").split() for part in ("--find-links", place)]
    for command in (
        [*uv, "venv", "--quiet", "--python", sys.executable, str(folder)],
        [*uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *links, *PACKAGES],
    ):
        subprocess.run(command, check=True, env=clean_environment())


if __name__ == "__main__":
    sys.exit(main())
