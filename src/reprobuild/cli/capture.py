"""``reprobuild capture``: record this environment, or another interpreter's, in three files.

The other interpreter is started first; what we need is loaded while the probe works in it.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reprobuild.errors import CaptureError

if TYPE_CHECKING:
    import argparse

    from reprobuild.snapshot import Snapshot

DEFAULT_FOLDER = "environment"


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="DIR",
        default=DEFAULT_FOLDER,
        help="folder for the three files (default: ./environment)",
    )
    parser.add_argument(
        "--python",
        metavar="EXE",
        type=Path,
        help="record this interpreter (3.6 or later); nothing is installed into it",
    )
    parser.add_argument("--json", action="store_true", help="print what was saved as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Record, save, and say what was saved."""
    facts, snapshot = _recorded(arguments.python)
    paths = _write(facts, arguments.output)
    from reprobuild.cli import console

    if arguments.json:
        console.write_json(_summary(snapshot, paths))
    else:
        console.write_result(_text(snapshot, paths))
    for note in snapshot.notes:
        console.warn(note.message)
    if arguments.python is None:
        _warn_of_another_environment()
    return 0


def _recorded(python: Path | None) -> tuple[dict[str, Any], Snapshot]:
    if python is None:
        from reprobuild.capture.process import environment_of_this_process
        from reprobuild.capture.result import snapshot_of_facts

        facts = environment_of_this_process()
        return facts, snapshot_of_facts(facts)
    from reprobuild.capture.interpreter import Probing

    probing = Probing(python)
    from reprobuild.capture.process import with_recorder
    from reprobuild.capture.result import decode_facts, snapshot_of_facts

    facts = decode_facts(probing.output(), str(python))
    return with_recorder(facts), snapshot_of_facts(facts, str(python))


def _write(facts: dict[str, Any], folder: str) -> tuple[str, str, str]:
    from reprobuild.environment_snapshot import write_record

    try:
        return write_record(facts, folder)
    except OSError as error:
        raise CaptureError(
            f"{error.filename or folder}: {error.strerror or error}", hint="choose another folder with -o DIR"
        ) from error


def _summary(snapshot: Snapshot, paths: tuple[str, str, str]) -> dict[str, Any]:
    """What ``--json`` prints."""
    torch = snapshot.torch
    return {
        "files": dict(zip(("requirements", "environment", "guide"), paths, strict=True)),
        "digest": snapshot.digest,
        "python": snapshot.python.version,
        "distributions": len(snapshot.distributions),
        "torch": torch.version if torch else None,
        "cuda": torch.cuda if torch else None,
        "gpu": snapshot.flat.gpu_name,
        "redactions": sum(snapshot.redactions.values()),
        "notes": [note.message for note in snapshot.notes],
    }


def _text(snapshot: Snapshot, paths: tuple[str, str, str]) -> str:
    """What a person reads: the facts that decide a rebuild, then the files."""
    python, system = snapshot.python, snapshot.system
    rows = [
        ("Python", f"{python.version} ({python.environment}), {python.prefix}"),
        ("System", f"{system.os_name or system.platform}, {system.machine}, {_libc(snapshot)}".removesuffix(", ")),
        ("Packages", f"{len(snapshot.distributions)}{_origins(snapshot)}"),
        ("PyTorch", _torch(snapshot)),
        ("GPU", _gpu(snapshot)),
    ]
    if snapshot.redactions:
        rows.append(("Removed", f"{sum(snapshot.redactions.values())} secrets, from {', '.join(snapshot.redactions)}"))
    lines = [f"{name:<10}{value}" for name, value in rows]
    return "\n".join([*lines, "", "Saved:", *(f"  {path}" for path in paths)])


def _libc(snapshot: Snapshot) -> str:
    return f"{snapshot.system.libc} {snapshot.system.libc_version}" if snapshot.system.libc else ""


def _origins(snapshot: Snapshot) -> str:
    """How many did not come from an index."""
    urls = [item.direct_url for item in snapshot.distributions if item.direct_url]
    editable = sum(1 for url in urls if url.dir_info and url.dir_info.editable)
    counts = ((editable, "editable"), (len(urls) - editable, "from a URL or a local file"))
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    return f" ({told})" if told else ""


def _torch(snapshot: Snapshot) -> str:
    torch = snapshot.torch
    if torch is None:
        return "not installed"
    parts = [
        f"{torch.version}",
        f"CUDA {torch.cuda}" if torch.cuda else "",
        f"cuDNN {torch.cudnn}" if torch.cudnn else "",
    ]
    return ", ".join(part for part in parts if part)


def _gpu(snapshot: Snapshot) -> str:
    if snapshot.gpu is None:
        return "none"
    names = [device.name for device in snapshot.gpu.devices]
    counted = ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names)) or "none"
    return f"{counted}, driver {snapshot.gpu.driver_version}"


def _warn_of_another_environment() -> None:
    """Say so when an environment is active that is not ours: it is what a person most likely meant."""
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    if not active or os.path.realpath(active) == os.path.realpath(sys.prefix):
        return
    from reprobuild.cli import console

    program = Path(active, "python.exe" if sys.platform == "win32" else "bin/python")
    console.warn(
        f"this is the environment that reprobuild runs in, {sys.prefix}, not the active one, {active}",
        hint=f"reprobuild capture --python {program}",
    )
