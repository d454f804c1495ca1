"""Another interpreter: starting the probe in it, and what can go wrong there.

Only the standard library, and little of it: the command line starts the other interpreter first and loads the rest
of what it needs while the probe works.
"""

from __future__ import annotations

import os
import sys

from reprobuild import probe
from reprobuild.errors import CaptureError
from reprobuild.probe.child import Child, TookTooLong

OLDEST = (3, 6)
"""The oldest CPython that the probe runs under."""

TIMEOUT_S = 300
"""Seconds that an interpreter may take to answer."""

# Valid Python 2, too, so that an old interpreter can say how old it is. It loads the probe's modules from our folder,
# with their bytecode from our own __pycache__ where it is there or can be put there. What the interpreter would do
# while it ends is of no use to anybody, so it is not waited for.
_LOADER = """\
import gc, os, sys
gc.disable()
if not getattr(sys.flags, "isolated", 0) and not getattr(sys.flags, "safe_path", 0):
    sys.path.pop(0)
if sys.version_info < (3, 6):
    sys.stdout.write("reprobuild: too old: %d.%d.%d" % sys.version_info[:3])
    sys.exit(0)
package = type(sys)(sys.argv[1])
package.__path__ = [sys.argv[2]]
sys.modules[sys.argv[1]] = package
from reprobuild_probe.record import main
os._exit(main(sys.argv[3:]))
"""
_TOO_OLD = b"reprobuild: too old: "


class Probing:
    """The probe at work in another interpreter. It starts at once; ``output`` waits for it."""

    def __init__(
        self, python: str | os.PathLike[str], without: tuple[str, ...] = (), extras: tuple[str, ...] = ()
    ) -> None:
        """Start it. Raises CaptureError when there is no such program, or it can't be executed."""
        self.python = os.fspath(python)
        command = [self.python, "-c", _LOADER, probe.NAME, probe.FOLDER]
        if without:
            command += ["--without", ",".join(without)]
        if extras:
            command += ["--with", ",".join(extras)]
        try:
            self._child = Child(command, _environment())
        except OSError as error:
            raise _not_startable(self.python, error) from error

    def output(self) -> bytes:
        """The probe's one line of JSON. Raises CaptureError when the program is no Python from 3.6 on, or fails."""
        try:
            exit_code, output, errors = self._child.wait(TIMEOUT_S)
        except TookTooLong:
            raise CaptureError(
                f"{self.python} did not answer within {TIMEOUT_S} s", hint="check that it starts by itself"
            ) from None
        version = too_old(output)
        if version is not None:
            raise CaptureError(
                f"{self.python} is Python {version}; the oldest that can be recorded is 3.6",
                hint="record it with its own `pip freeze`, and give that file to reprobuild",
            )
        if exit_code != 0 or not output.strip():
            raise self._no_answer(exit_code, errors)
        return output

    def _no_answer(self, exit_code: int, errors: bytes) -> CaptureError:
        last = (errors.decode("utf-8", "replace").strip().splitlines() or [""])[-1]
        said = f": {last[:200]}" if last and "import sys" not in last else ""  # Some programs quote our loader.
        return CaptureError(
            f"{self.python} did not run as a Python interpreter (exit code {exit_code}){said}",
            hint="name the python program itself, such as .venv/bin/python",
        )


def too_old(output: bytes) -> str | None:
    """The version of an interpreter that is too old for the probe, which is all that it says then."""
    return output.rpartition(_TOO_OLD)[2].decode("ascii", "replace").strip() if _TOO_OLD in output else None


def _environment() -> dict[str, str]:
    """Ours, without what macOS's launcher leaves there to make a child take the parent's virtual environment."""
    return {key: value for key, value in os.environ.items() if key != "__PYVENV_LAUNCHER__"}


def _not_startable(name: str, error: OSError) -> CaptureError:
    from pathlib import Path

    python = Path(name)
    if python.is_dir():
        inside = python / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
        hint = f"did you mean {inside}?" if inside.exists() else "name the python program itself"
        return CaptureError(f"{python} is a folder, not an interpreter", hint=hint)
    if isinstance(error, FileNotFoundError):
        return CaptureError(f"there is no interpreter {python}", hint="give the path of a python program")
    return CaptureError(f"{python} can't be started: {error.strerror}", hint="give the path of a python program")
