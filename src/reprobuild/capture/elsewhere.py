"""The probe as one text, for interpreters that can't read our files: in images, in containers, on other hosts."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Sequence
from typing import Any

from reprobuild import probe
from reprobuild.capture.answer import decode_facts
from reprobuild.capture.interpreter import too_old
from reprobuild.errors import CaptureError

INTERPRETERS = ("/opt/venv/bin/python", "python", "python3", "/opt/conda/bin/python")
"""Where an image has its Python: our own recipes' environment first, then whatever is on the path."""

NO_PYTHON = 127
"""Exit code of ``FIND_PYTHON`` where there is none."""

FIND_PYTHON = (
    "for candidate in " + " ".join(INTERPRETERS) + '; do command -v "$candidate" >/dev/null 2>&1 && '
    'exec "$candidate" "$@"; done; echo "there is no Python: neither '
    + ", ".join(INTERPRETERS[:-1])
    + f" nor {INTERPRETERS[-1]}"
    + '" >&2; exit 127'
)
"""A shell's program that becomes the first of them, with the arguments that it is given."""

ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONIOENCODING": "utf-8"}
"""Variables to run the probe with: it leaves nothing behind."""


def bootstrap(text: str) -> str:
    """A program that runs ``text`` as its main module, small enough for the kernel's limit on one argument."""
    packed = base64.b64encode(zlib.compress(text.encode("utf-8"), 9)).decode("ascii")
    return f"import base64,zlib;exec(compile(zlib.decompress(base64.b64decode('{packed}')),'reprobuild','exec'))"


def probe_arguments(extras: Sequence[str]) -> tuple[str, ...]:
    """The probe's own options."""
    return ("--with", ",".join(extras)) if extras else ()


def facts_of_answer(place: str, exit_code: int, output: bytes, errors: bytes) -> dict[str, Any]:
    """The object that the probe printed in ``place``. Raises CaptureError, in that Python's own words."""
    version = too_old(output)
    if version is not None:
        raise CaptureError(f"{place}: its Python is {version}; the oldest that can be recorded is 3.6")
    if exit_code != 0 or not output.strip():
        last = (errors.decode("utf-8", "replace").strip().splitlines() or [""])[-1][:300]
        said = f": {last}" if last else ""
        hint = "name the Python in it with --python EXE" if exit_code == NO_PYTHON else None
        raise CaptureError(f"{place}: the probe did not run (exit code {exit_code}){said}", hint=hint)
    return decode_facts(output, place)


def probe_text() -> str:
    """The whole probe."""
    return probe.text()
