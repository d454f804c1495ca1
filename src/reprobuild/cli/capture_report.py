"""How ``reprobuild capture`` says what it recorded: as rows for a person, as one JSON object for a program."""

from __future__ import annotations

from reprobuild.capture.json_text import entries_with

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded before the other interpreter starts
    from typing import Any

_NAMES_SHOWN = 5


def summary(facts: dict[str, Any], paths: tuple[str, str, str]) -> dict[str, Any]:
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


def text(facts: dict[str, Any], paths: tuple[str, str, str], *, scanned: bool) -> str:
    """What a person reads: the facts that decide a rebuild, then the files.

    ``scanned``: whether shared libraries were looked for, so that none means none.
    """
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
    further = (
        *(("Code", _code(facts.get("source"))), ("Data", _data(facts.get("data", [])))),
        ("Libraries", _libraries(facts) if scanned else ""),
        *(("Changed", _changed(facts)), ("Removed", _removed(redactions))),
    )
    rows += [(name, told) for name, told in further if told]
    lines = [f"{name:<10}{value}" for name, value in rows]
    return "\n".join([*lines, "", "Saved:", *(f"  {path}" for path in paths)])


def _origins(facts: dict[str, Any]) -> str:
    """How many did not come from an index."""
    urls = [item["direct_url"] for item in entries_with("direct_url", facts["distributions"])]
    editable = sum(1 for url in urls if url.get("dir_info", {}).get("editable"))
    counts = ((editable, "editable"), (len(urls) - editable, "from a URL or a local file"))
    told = ", ".join(f"{count} {what}" for count, what in counts if count)
    return f" ({told})" if told else ""


def _code(source: dict[str, Any] | None) -> str:
    """The commit, and whether it is the whole truth."""
    if not source or not source.get("commit"):
        return ""
    branch = f" ({source['branch']})" if "branch" in source else ""
    return f"{source['commit'][:12]}{branch}{', with uncommitted changes' if source.get('dirty') else ''}"


def _data(files: list[dict[str, Any]]) -> str:
    if not files:
        return ""
    from reprobuild.cli.data_progress import readable_size

    total = sum(file["size_bytes"] for file in files)
    return f"{len(files)} {'file' if len(files) == 1 else 'files'}, {readable_size(total)}"


def _removed(redactions: dict[str, int]) -> str:
    """Places and numbers, never values."""
    total = sum(redactions.values())
    return f"{total} {'secret' if total == 1 else 'secrets'}, from {', '.join(redactions)}" if total else ""


def _libraries(facts: dict[str, Any]) -> str:
    found = facts.get("system_libraries", [])
    packages = {library["package"] for library in found if "package" in library}
    missing = [library["soname"] for library in found if "path" not in library]
    more = f" and {len(missing) - _NAMES_SHOWN} more" if len(missing) > _NAMES_SHOWN else ""
    told = f"{len(found) or 'none'} of the system" + (f", in {len(packages)} packages" if packages else "")
    return told + (f"; missing: {', '.join(missing[:_NAMES_SHOWN])}{more}" if missing else "")


def _changed(facts: dict[str, Any]) -> str:
    """Empty when nobody looked."""
    looked = entries_with("changed_files", facts["distributions"])
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
    return f"{counted}, driver {gpu['driver_version']}" if "driver_version" in gpu else counted
