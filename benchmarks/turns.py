"""Time several commands in turns within one run, so that whatever else the machine does hits all of them alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path


def clean_environment() -> dict[str, str]:
    """The process environment as a user has it: compiled modules are kept, output is buffered."""
    left_out = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONPATH")
    return {name: text for name, text in os.environ.items() if name not in left_out}


def seconds(command: Sequence[str], folder: Path | None = None) -> float:
    """Wall-clock seconds of one run. Ends the program when the command fails, showing why."""
    start = time.perf_counter()
    finished = subprocess.run(command, cwd=folder, env=clean_environment(), capture_output=True)
    elapsed = time.perf_counter() - start
    if finished.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {finished.returncode}:\n{finished.stderr.decode(errors='replace')}")
    return elapsed


def both_medians(
    commands: Mapping[str, Sequence[str]], rounds: int, folder: Path | None = None
) -> tuple[dict[str, float], dict[str, float]]:
    """Medians of wall-clock and of processor seconds, the latter of all processes that a command starts. Unix only."""
    import resource

    def used() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    wall: dict[str, list[float]] = {name: [] for name in commands}
    processor: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            before = used()
            elapsed = seconds(command, folder)
            if turn:
                wall[name].append(elapsed)
                processor[name].append(used() - before)
    return tuple({name: statistics.median(values) for name, values in kind.items()} for kind in (wall, processor))


def medians(commands: Mapping[str, Sequence[str]], rounds: int, folder: Path | None = None) -> dict[str, float]:
    """Median seconds of each named command over ``rounds`` rounds, after one round that only warms up."""
    measured: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            elapsed = seconds(command, folder)
            if turn:
                measured[name].append(elapsed)
    return {name: statistics.median(values) for name, values in measured.items()}


def report(times: Mapping[str, float], ours: str, limits: Mapping[str, float]) -> bool:
    """Print the medians and the ratio of ``ours`` to each other command; tell whether every limit holds."""
    for name, value in times.items():
        print(f"{value * 1000:10.1f} ms  {name}")
    holds = True
    for name, limit in limits.items():
        ratio = times[ours] / times[name]
        holds &= ratio <= limit
        print(f"{ratio:10.3f}     {ours} / {name} (at most {limit}): {'holds' if ratio <= limit else 'MISSED'}")
    return holds
