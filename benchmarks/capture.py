"""What a capture costs, beside the tools that list an environment, in turns, on environments of three sizes.

    python benchmarks/capture.py [--rounds N] [--distributions N ...] [--environments DIR]

Each environment is made by ``python -m venv``, with the pip that this brings; uv fills it with the real torch, its
dependencies and generated wheels of an ordinary size, and compiles all of it. The newest pip is measured beside the
one that the environment has: it is twice as fast. It also installs our program, as it would for a user: the scripts
that older ones write begin by loading ``re``. ``--environments`` keeps the environments for the next run.
PIP_FIND_LINKS may name a folder that holds torch's wheel. Exit code 1 when something is above its limit.

A capture reads an environment whole once, and then again what has changed since; both are measured, each in every turn,
and the limits are for the latter, which is what every run after an environment's first one takes. ``uv pip freeze``
keeps what it learned of the interpreter likewise; the others keep nothing. For a capture that reads everything, two
interpreters have to start, ours and the recorded one, and for one that does not, ours: the floors are what that takes.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from turns import both_medians, clean_environment, report

from reprobuild.capture.answer_cache import SETTLED_S, VARIABLE

LIMITS = {"pip freeze": 0.10, "collect_env": 0.02, "uv pip freeze": 4.0}
"""The highest ratio of a capture's time to that of each."""

SIZES = (50, 350, 1000)

MEMORY_LIMIT_MB = 60.0
IN_PROCESS_LIMIT_MS = 60.0
"""For ``capture_environment()`` of 350 distributions in a process that has imported torch."""

TORCH = "torch==2.13.0"
MODULES = 30
"""Files in each generated wheel: the median of the 350 most downloaded distributions is about that."""

IN_PROCESS = """
import statistics, sys, time
sys.path.append(sys.argv[1])
import torch
from reprobuild import capture_environment
times = []
for _ in range(9):
    begun = time.perf_counter()
    count = len(capture_environment()["distributions"])
    times.append(time.perf_counter() - begun)
print(count, times[0] * 1000, statistics.median(times) * 1000)
"""

FIRST = f'{VARIABLE}="$0/first/$$" exec "$@"'
"""A shell's script: run a command with no earlier answers."""

INSTALLED = "Lib/site-packages/*.dist-info" if sys.platform == "win32" else "lib/python*/site-packages/*.dist-info"

SOURCE = Path(__file__).parents[1] / "src"


def main() -> int:
    """Measure, print, and tell by the exit code whether the limits hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--distributions", type=int, nargs="+", default=SIZES, help="how many at least (50 350 1000)")
    parser.add_argument("--environments", type=Path, help="folder to keep the environments in")
    arguments = parser.parse_args()
    holds = True
    with tempfile.TemporaryDirectory() as scratch:
        os.environ[VARIABLE] = str(Path(scratch, "answers"))
        newest = newest_pip(Path(scratch, "pip"))
        program = installed_program(Path(scratch, "ours"), newest)
        for size in arguments.distributions:
            folder = (arguments.environments or Path(scratch)) / str(size)
            python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
            if not python.exists():
                make_environment(folder, python, size)
                time.sleep(2 * SETTLED_S)  # Of files that changed just now, no answer is kept.
            holds &= measure(program, python, newest, arguments.rounds, Path(scratch))
    return 0 if holds else 1


def measure(program: Path, python: Path, newest: Path, rounds: int, scratch: Path) -> bool:
    """One environment: print its table, and tell whether every limit holds."""
    capture = [str(program), "capture", "--python", str(python)]
    capture += ["-o", str(scratch / "record")]
    without = [*capture, "--no-libraries"]
    count = len(list(python.parents[1].glob(INSTALLED)))
    version = subprocess.run([python, "-m", "pip", "--version"], capture_output=True, text=True).stdout.split()[1]
    print(
        f"\n{count} distributions, with pip {version}; load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    commands = {
        "bare interpreter": [str(python), "-c", "pass"],
        "capture": without,
        "capture, everything read anew": [*without, "--no-cache"],
        "capture, the first one, which keeps what it read": ["sh", "-c", FIRST, str(scratch), *without],
        "capture, libraries": capture,
        "capture, libraries, everything read anew": [*capture, "--no-cache"],
        "uv pip freeze": [uv(), "pip", "freeze", "--python", str(python)],
        "pip freeze": [str(python), "-m", "pip", "freeze"],
        "pip freeze, newest": [str(python), str(newest / "pip"), "freeze"],
        "pip inspect": [str(python), "-m", "pip", "inspect"],
        "collect_env": [str(python), "-m", "torch.utils.collect_env"],
    }
    if conda := shutil.which("conda"):
        commands["conda list"] = [conda, "list", "--prefix", str(python.parents[1])]
    times, processor = both_medians(commands, rounds, scratch)
    holds = report(times, "capture", LIMITS)
    anew = "capture, everything read anew"
    for name in (*LIMITS, "pip freeze, newest"):
        print(f"{times[anew] / times[name]:10.3f}     {anew} / {name}")
    print("               the same in processor time, which other programs on the machine change less:")
    for ours in ("capture", anew):
        for name in (*LIMITS, "pip freeze, newest"):
            print(f"{processor[ours] / processor[name]:10.3f}     {ours} / {name}")
    for name in ("pip freeze", "pip freeze, newest"):
        floor = processor["bare interpreter"] / processor[name]
        print(f"{floor:10.3f}     the floor, one bare interpreter / {name}; two: {2 * floor:.3f}")
    return holds & memory([*without, "--no-cache"], scratch) & in_process(python, scratch)


def memory(command: list[str], folder: Path) -> bool:
    """The most that either process of a capture holds."""
    finished = subprocess.Popen(command, cwd=folder, env=clean_environment(), stdout=subprocess.DEVNULL)
    _, _, usage = os.wait4(finished.pid, 0)
    finished.returncode = 0
    peak = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    holds = peak <= MEMORY_LIMIT_MB
    print(f"{peak:10.1f} MB  capture, its larger process (at most {MEMORY_LIMIT_MB:.0f}): {told(holds)}")
    return holds


def in_process(python: Path, folder: Path) -> bool:
    """``capture_environment()`` beside an imported torch, outside a repository: the first call and the later ones."""
    done = subprocess.run(
        [str(python), "-c", IN_PROCESS, str(SOURCE)],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    count, first, later = (float(number) for number in done.stdout.split())
    limited = count < 2 * SIZES[1]
    holds = not limited or first <= IN_PROCESS_LIMIT_MS
    limit = f" (at most {IN_PROCESS_LIMIT_MS:.0f}): {told(holds)}" if limited else ""
    print(f"{first:10.1f} ms  capture_environment() after torch, the first call{limit}; later {later:.1f} ms")
    return holds


def told(holds: bool) -> str:
    """A verdict."""
    return "holds" if holds else "MISSED"


def newest_pip(folder: Path) -> Path:
    """The newest pip in a folder of its own, to be run by any interpreter."""
    run(uv(), "pip", "install", "--quiet", "--compile-bytecode", "--target", str(folder), "--upgrade", "pip")
    return folder


def installed_program(folder: Path, newest: Path) -> Path:
    """``reprobuild`` of this checkout in an environment of its own; a capture needs none of its dependencies."""
    run(sys.executable, "-m", "venv", "--without-pip", str(folder))
    programs = folder / ("Scripts" if sys.platform == "win32" else "bin")
    run(str(programs / "python"), str(newest / "pip"), "install", "--quiet", "--no-deps", str(SOURCE.parent))
    return programs / "reprobuild"


def make_environment(folder: Path, python: Path, count: int) -> None:
    """A virtual environment of this interpreter with torch, pip and generated wheels, all of it compiled."""
    run(sys.executable, "-m", "venv", str(folder))
    run(str(python), "-m", "compileall", "-q", str(folder))
    install = [uv(), "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    links = [part for place in os.environ.get("PIP_FIND_LINKS", "").split() for part in ("--find-links", place)]
    run(*install, *links, TORCH, "numpy")
    left = count - len(list(folder.glob(INSTALLED)))
    with tempfile.TemporaryDirectory() as scratch:
        wheels = [str(write_wheel(Path(scratch), index)) for index in range(left)]
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


def uv() -> str:
    """uv's own program, from the environment that runs the benchmark: its Python wrapper would be timed as well."""
    import uv as package

    return str(package.find_uv_bin())


def run(*command: str) -> None:
    """Run a command that has to succeed."""
    subprocess.run(command, check=True, env=clean_environment())


if __name__ == "__main__":
    sys.exit(main())
