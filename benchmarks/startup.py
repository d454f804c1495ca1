"""``reprobuild --help`` against a bare interpreter: the command line must start at once.

    python benchmarks/startup.py [--rounds N]

Exit code 1 when the ratio is above its limit.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from turns import medians, report

LIMIT = 4.0
"""Times the start of an interpreter that does nothing."""


def main() -> int:
    """Measure, print, and tell by the exit code whether the limit holds."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=21)
    rounds = parser.parse_args().rounds
    program = str(Path(sys.executable).with_name("reprobuild"))
    times = medians(
        {
            "bare interpreter": [sys.executable, "-c", "pass"],
            "reprobuild --help": [program, "--help"],
            "reprobuild --version": [program, "--version"],
        },
        rounds,
    )
    return 0 if report(times, "reprobuild --help", {"bare interpreter": LIMIT}) else 1


if __name__ == "__main__":
    sys.exit(main())
