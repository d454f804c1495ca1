"""Running our own text in the image's Python: the one place of verification that asks the engine for a process."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import resources

import msgspec

from reprobuild import probe
from reprobuild.capture import snapshot_of_probe
from reprobuild.capture.elsewhere import ENVIRONMENT, FIND_PYTHON, INTERPRETERS, NO_PYTHON, bootstrap
from reprobuild.engine import Ended, Engine, Printed, ProcessResult, Task
from reprobuild.errors import ReprobuildError, VerificationError
from reprobuild.snapshot import Snapshot
from reprobuild.verify.evidence import DeviceReport, Examination
from reprobuild.verify.libraries import STANDARD_MODULES


def probe_image(engine: Engine, image: str, *, timeout_s: float, libraries: bool = False) -> Snapshot:
    """Record the environment inside an image, with the system's libraries that its packages need where asked for.

    Raises VerificationError where the image's Python can't be asked.
    """
    result = _run(engine, image, probe.text(), ("--with", "libraries") if libraries else (), timeout_s)
    try:
        return snapshot_of_probe(result.stdout)
    except ReprobuildError as error:
        raise VerificationError(f"{image}: the probe's answer can't be read: {error}") from error


def examine_image(engine: Engine, image: str, *, files: bool, imports: Iterable[str], timeout_s: float) -> Examination:
    """Hash the installed files and import the distributions with these normalized names, inside an image."""
    names = sorted(imports)
    request = {
        "files": files,
        "imports": names,
        "standard": STANDARD_MODULES if names else (),
        "timeout_s": timeout_s * 0.8,
    }
    text = _text_of("reprobuild.verify", "examiner.py")
    result = _run(engine, image, text, (json.dumps(request),), timeout_s)
    try:
        return msgspec.json.decode(_last_line(result.stdout), type=Examination)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise VerificationError(f"{image}: the examiner's answer can't be read: {error}") from error


def examine_device(engine: Engine, image: str, *, timeout_s: float) -> DeviceReport:
    """Compute a little on the first GPU. Raises VerificationError where the image's Python can't be asked."""
    task = Task(
        image=image,
        command=("sh", "-c", FIND_PYTHON, "sh", "-c", bootstrap(_text_of("reprobuild.verify", "computer.py"))),
        environment=ENVIRONMENT,
        network="none",
        gpus=True,
        timeout_s=timeout_s,
    )
    printed = {"stdout": b"", "stderr": b""}
    exit_code = -1
    for event in engine.follow(task):
        match event:
            case Printed(stream=stream, content=content):
                printed[stream] += content
            case Ended():
                exit_code = event.exit_code
    result = ProcessResult(exit_code=exit_code, stdout=printed["stdout"], stderr=printed["stderr"])
    if exit_code:
        raise VerificationError(f"{image}: {_why(result)}", hint=_way_out(result))
    try:
        return msgspec.json.decode(_last_line(result.stdout), type=DeviceReport)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise VerificationError(f"{image}: the device's answer can't be read: {error}") from error


def _run(engine: Engine, image: str, text: str, arguments: tuple[str, ...], timeout_s: float) -> ProcessResult:
    result = engine.run(
        image,
        ("sh", "-c", bootstrap(text), *arguments),
        entrypoint=("/bin/sh", "-c", FIND_PYTHON),
        environment=ENVIRONMENT,
        network="none",
        timeout_s=timeout_s,
    )
    if result.exit_code:
        raise VerificationError(f"{image}: {_why(result)}", hint=_way_out(result))
    return result


def _text_of(package: str, name: str) -> str:
    return resources.files(package).joinpath(name).read_text(encoding="utf-8")


def _last_line(output: bytes) -> bytes:
    """Start-up files of an image may print before our answer does."""
    lines = output.strip().splitlines()
    return lines[-1] if lines else b""


def _why(result: ProcessResult) -> str:
    if result.exit_code == NO_PYTHON:
        return "there is no Python in it: neither " + ", ".join(INTERPRETERS[:-1]) + f" nor {INTERPRETERS[-1]}"
    said = _last_line(result.stderr).decode("utf-8", "replace")[:300]
    return f"its Python ended with exit code {result.exit_code}" + (f": {said}" if said else "")


def _way_out(result: ProcessResult) -> str:
    if result.exit_code == NO_PYTHON:
        return "verify an image that `reprobuild build` made, or one with a Python on its PATH"
    return "see whether `docker run --rm IMAGE python --version` works"
