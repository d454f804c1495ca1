"""Captures in a loop: neither memory nor open files nor left-over processes may grow, however long it goes on.

    python benchmarks/soak.py [--minutes N]

One process records itself, saves, records another interpreter (which starts a process), and lets every twentieth save
fail, again and again. Memory, open files, children and files on disk are counted after each round; the last quarter of
the rounds is compared with the second one, since the first fills caches. Exit code 1 when something has grown. Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import logging
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

from reprobuild import capture_environment, save_environment_snapshot
from reprobuild.capture import capture

MEMORY_LIMIT_KIB = 1024
"""Growth that is no leak: the allocator's own pieces come and go."""

FEWEST_ROUNDS = 40


def main() -> int:
    """Run, print, and tell by the exit code whether anything has grown."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=5.0)
    minutes = parser.parse_args().minutes
    if not Path("/proc/self/statm").exists():
        sys.exit("only Linux tells what is counted here")
    logging.disable(logging.CRITICAL)
    counts: list[dict[str, int]] = []
    with tempfile.TemporaryDirectory() as scratch:
        end = time.monotonic() + minutes * 60
        begun = time.monotonic()
        while time.monotonic() < end or len(counts) < FEWEST_ROUNDS:
            one_round(Path(scratch), len(counts))
            counts.append(count(Path(scratch)))
        elapsed = time.monotonic() - begun
    print(f"{len(counts)} rounds of two captures in {elapsed / 60:.1f} minutes")
    return report(counts)


def one_round(folder: Path, number: int) -> None:
    """Record this process and another interpreter; now and then the disk is in the way."""
    with contextlib.redirect_stdout(io.StringIO()):
        facts = capture_environment()
        save_environment_snapshot({**facts, "round": number}, folder / "run")
        capture(Path(sys.executable))
        if number % 20 == 0:
            (folder / "file").write_text("")
            save_environment_snapshot(facts, folder / "file" / "run", on_error="warn")


def count(folder: Path) -> dict[str, int]:
    """What may not grow."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    children = Path(f"/proc/self/task/{os.getpid()}/children")
    return {
        "memory (KiB)": pages * os.sysconf("SC_PAGE_SIZE") // 1024,
        "open files": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "children": len(children.read_text().split()) if children.exists() else 0,
        "files on disk": sum(len(files) for _, _, files in os.walk(folder)),
    }


def report(counts: list[dict[str, int]]) -> int:
    """Print the medians of the second and the last quarter."""
    quarter = len(counts) // 4
    early, late = counts[quarter : 2 * quarter], counts[-quarter:]
    grown = False
    for name in counts[0]:
        before = statistics.median(each[name] for each in early)
        after = statistics.median(each[name] for each in late)
        limit = MEMORY_LIMIT_KIB if name.startswith("memory") else 0
        grown |= after - before > limit
        print(f"{name:<14} {before:10.0f} -> {after:10.0f}   {'GREW' if after - before > limit else 'no growth'}")
    return 1 if grown else 0


if __name__ == "__main__":
    sys.exit(main())
