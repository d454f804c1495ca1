"""``reprobuild capture``: record this environment, or another interpreter's, in three files.

The other interpreter is started first; what we need is loaded while the probe works in it.
"""

from __future__ import annotations

import os
import sys

from reprobuild.errors import CaptureError

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded before the other interpreter starts
    import argparse
    from typing import Any

DEFAULT_FOLDER = "environment"
_NAMES_SHOWN = 5


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
        help="record this interpreter (3.6 or later); nothing is installed into it",
    )
    parser.add_argument(
        "--libraries",
        action="store_true",
        help="also find the system's shared libraries that installed packages need, and their packages",
    )
    parser.add_argument(
        "--check-files",
        action="store_true",
        help="also compare every installed file with what was installed",
    )
    parser.add_argument("--json", action="store_true", help="print what was saved as JSON")


def run(arguments: argparse.Namespace) -> int:
    """Record, save, and say what was saved."""
    chosen = {"libraries": arguments.libraries, "files": arguments.check_files}
    facts = _recorded(arguments.python, tuple(name for name, wanted in chosen.items() if wanted))
    paths = _write(facts, arguments.output)
    from reprobuild.cli import console

    if arguments.json:
        console.write_json(_summary(facts, paths))
    else:
        console.write_result(_text(facts, paths))
    for note in facts.get("notes", []):
        console.warn(note["message"])
    if arguments.python is None:
        _warn_of_another_environment()
    return 0


def _recorded(python: str | None, extras: tuple[str, ...]) -> dict[str, Any]:
    """The object of environment.json."""
    if python is None:
        from reprobuild.capture.process import environment_of_this_process

        return environment_of_this_process(extras=frozenset(extras))
    from reprobuild.capture.interpreter import Probing

    probing = Probing(python, extras=extras)
    from reprobuild.capture import guide  # noqa: F401 - loaded now, used when the record is written
    from reprobuild.capture.answer import decode_facts, with_recorder
    from reprobuild.cli import console  # noqa: F401 - likewise
    from reprobuild.environment_snapshot import write_record  # noqa: F401 - likewise

    return with_recorder(decode_facts(probing.output(), python))


def _write(facts: dict[str, Any], folder: str) -> tuple[str, str, str]:
    from reprobuild.environment_snapshot import write_record

    try:
        return write_record(facts, folder)
    except OSError as error:
        raise CaptureError(
            f"{error.filename or folder}: {error.strerror or error}", hint="choose another folder with -o DIR"
        ) from error


def _summary(facts: dict[str, Any], paths: tuple[str, str, str]) -> dict[str, Any]:
    """What ``--json`` prints. The digest needs the model, which nothing else here loads."""
    from reprobuild.capture.result import snapshot_of_facts

    torch = facts.get("torch", {})
    return {
        "files": dict(zip(("requirements", "environment", "guide"), paths, strict=True)),
        "digest": snapshot_of_facts(facts).digest,
        "python": facts["python"].get("version"),
        "distributions": len(facts["distributions"]),
        "torch": torch.get("version"),
        "cuda": torch.get("cuda"),
        "gpu": facts.get("gpu_name"),
        "redactions": sum(facts.get("redactions", {}).values()),
        "notes": [note["message"] for note in facts.get("notes", [])],
    }


def _text(facts: dict[str, Any], paths: tuple[str, str, str]) -> str:
    """What a person reads: the facts that decide a rebuild, then the files."""
    python, system, redactions = facts["python"], facts["system"], facts.get("redactions", {})
    platform = (system.get("os_name") or system.get("platform"), system.get("machine"))
    libc = (system.get("libc"), system.get("libc_version"))
    rows = [
        ("Python", f"{python.get('version')} ({python.get('environment')}), {python.get('prefix')}"),
        ("System", ", ".join(part for part in (*platform, " ".join(filter(None, libc))) if part)),
        ("Packages", f"{len(facts['distributions'])}{_origins(facts)}"),
        ("PyTorch", _torch(facts.get("torch"))),
        ("GPU", _gpu(facts.get("gpu"))),
    ]
    rows += [(name, text) for name, text in (("Libraries", _libraries(facts)), ("Changed", _changed(facts))) if text]
    if redactions:
        rows.append(("Removed", f"{sum(redactions.values())} secrets, from {', '.join(redactions)}"))
    lines = [f"{name:<10}{value}" for name, value in rows]
    return "\n".join([*lines, "", "Saved:", *(f"  {path}" for path in paths)])


def _origins(facts: dict[str, Any]) -> str:
    """How many did not come from an index."""
    urls = [item["direct_url"] for item in facts["distributions"] if "direct_url" in item]
    editable = sum(1 for url in urls if url.get("dir_info", {}).get("editable"))
    counts = ((editable, "editable"), (len(urls) - editable, "from a URL or a local file"))
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    return f" ({told})" if told else ""


def _libraries(facts: dict[str, Any]) -> str:
    found = facts.get("system_libraries", [])
    missing = [library["soname"] for library in found if "path" not in library]
    return f"{len(found)} of the system" + (f", missing: {', '.join(missing)}" if missing else "") if found else ""


def _changed(facts: dict[str, Any]) -> str:
    """Empty when nobody looked."""
    looked = [item for item in facts["distributions"] if "changed_files" in item]
    changed = [f"{item['name']} ({len(item['changed_files'])})" for item in looked if item["changed_files"]]
    more = f" and {len(changed) - _NAMES_SHOWN} more" if len(changed) > _NAMES_SHOWN else ""
    told = f"files of {', '.join(changed[:_NAMES_SHOWN])}{more}" if changed else "no installed file"
    return told if looked else ""


def _torch(torch: dict[str, Any] | None) -> str:
    if not torch:
        return "not installed"
    named = (("", "version"), ("CUDA ", "cuda"), ("ROCm ", "hip"), ("cuDNN ", "cudnn"))
    return ", ".join(f"{label}{torch[key]}" for label, key in named if key in torch)


def _gpu(gpu: dict[str, Any] | None) -> str:
    if not gpu:
        return "none"
    names = [device["name"] for device in gpu.get("devices", [])]
    counted = ", ".join(f"{names.count(name)} x {name}" for name in dict.fromkeys(names)) or "none"
    return f"{counted}, driver {gpu.get('driver_version')}"


def _warn_of_another_environment() -> None:
    """Say so when an environment is active that is not ours: it is what a person most likely meant."""
    active = os.environ.get("VIRTUAL_ENV") or os.environ.get("CONDA_PREFIX")
    if not active or os.path.realpath(active) == os.path.realpath(sys.prefix):
        return
    from pathlib import Path

    from reprobuild.cli import console

    program = Path(active, "python.exe" if sys.platform == "win32" else "bin/python")
    console.warn(
        f"this is the environment that reprobuild runs in, {sys.prefix}, not the active one, {active}",
        hint=f"reprobuild capture --python {program}",
    )
