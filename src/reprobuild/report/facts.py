"""What a record tells, in a reader's words and order, with what was inferred and what it does not tell. Pure."""

from __future__ import annotations

import msgspec

from reprobuild.snapshot import (
    CommandFacts,
    Evidence,
    GpuDevice,
    GpuFacts,
    Snapshot,
    SourceFacts,
    TorchFacts,
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One fact."""

    label: str
    value: str
    note: str | None = None
    """How it is known, where the record does not simply state it."""


class FactGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Facts that belong together, and the names of those that the record leaves open."""

    title: str
    rows: tuple[Row, ...]
    unknown: tuple[str, ...] = ()


def recorded_facts(snapshot: Snapshot) -> tuple[FactGroup, ...]:
    """Everything a reviewer asks of a run: what was started, on which software, on which machine."""
    groups = (("The run", _run(snapshot)), ("Software", _software(snapshot)), ("Machine", _machine(snapshot)))
    inferred = {evidence.fact: evidence for evidence in snapshot.evidence if evidence.certainty == "inferred"}
    return tuple(
        FactGroup(
            title=title,
            rows=tuple(
                Row(label=label, value=value, note=_note(inferred.get(path))) for label, path, value in facts if value
            ),
            unknown=tuple(label for label, path, value in facts if value is None and path not in _RARE),
        )
        for title, facts in groups
    )


_RARE = frozenset(
    {
        "recorder",
        "torch.hip",
        "torch.nccl",
        "cuda_toolkit",
        "source.diff",
        "python.environment",
        "command.exit_code",
    }
)
"""Facts that most runs have no use for: their absence is not worth a word."""

Facts = list[tuple[str, str, str | None]]
"""Label, path in the record and text; None for what it does not tell, empty for what does not apply."""


def _run(snapshot: Snapshot) -> Facts:
    source, command = snapshot.source or SourceFacts(), snapshot.command or CommandFacts()
    words = [*([command.program] if command.program else []), *command.arguments]
    recorder = snapshot.recorder
    return [
        ("Recorded", "recorded_at", snapshot.recorded_at),
        ("Recorded by", "recorder", f"{recorder.name} {recorder.version or ''}".strip() if recorder else None),
        ("Command", "command", " ".join(words) or None),
        ("Exit code", "command.exit_code", None if command.exit_code is None else str(command.exit_code)),
        ("Repository", "source.remote", source.remote),
        ("Commit", "source.commit", _commit(source)),
        ("Uncommitted changes", "source.diff", f"{len(source.diff.splitlines())} lines" if source.diff else None),
        ("Seeds", "seeds", ", ".join(f"{name} = {seed}" for name, seed in sorted(snapshot.seeds.items())) or None),
    ]


def _commit(source: SourceFacts) -> str | None:
    if source.commit is None:
        return None
    state = {True: ", with uncommitted changes", False: ", nothing uncommitted", None: ""}[source.dirty]
    return f"{source.commit}{state}"


def _software(snapshot: Snapshot) -> Facts:
    python, torch = snapshot.python, snapshot.torch
    has_torch = torch is not None
    torch = torch or TorchFacts()
    count = len(snapshot.distributions)
    return [
        ("Python", "python.version", _joined(python.implementation, python.version)),
        ("Environment", "python.environment", python.environment),
        ("Packages", "distributions", f"{count} recorded" if count else None),
        ("PyTorch", "torch.version", torch.version if has_torch else ""),
        ("CUDA of PyTorch", "torch.cuda", torch.cuda or ("" if not has_torch or _is_cpu(torch) else None)),
        ("cuDNN of PyTorch", "torch.cudnn", torch.cudnn or ("" if not torch.cuda else None)),
        ("ROCm of PyTorch", "torch.hip", torch.hip),
        ("NCCL of PyTorch", "torch.nccl", torch.nccl),
        ("CUDA toolkit", "cuda_toolkit", snapshot.cuda_toolkit),
    ]


def _is_cpu(torch: TorchFacts) -> bool:
    return (torch.version or "").endswith("+cpu")


def _machine(snapshot: Snapshot) -> Facts:
    system, gpu = snapshot.system, snapshot.gpu
    devices = gpu.devices if gpu else ()
    gpu = gpu or GpuFacts()
    without = "none" if snapshot.flat.cuda_available is False and not devices else None
    return [
        ("Operating system", "system.os_name", system.os_name or _joined(system.os_id, system.os_version)),
        ("Kernel", "system.kernel", _joined(system.system, system.kernel) if system.kernel else None),
        ("C library", "system.libc", _joined(system.libc, system.libc_version)),
        ("Architecture", "system.machine", system.machine),
        ("Processor", "system.cpu_model", system.cpu_model),
        ("GPU", "gpu.devices", ", ".join(_device(one) for one in devices) or without),
        ("GPU driver", "gpu.driver_version", gpu.driver_version or ("" if without else None)),
        ("Highest CUDA of the driver", "gpu.driver_cuda", gpu.driver_cuda or ""),
    ]


def _device(device: GpuDevice) -> str:
    memory = f", {device.memory_bytes / 1024**3:.0f} GiB" if device.memory_bytes else ""
    return f"{device.name}{memory}"


def _joined(*parts: str | None) -> str | None:
    return " ".join(part for part in parts if part) or None


def _note(evidence: Evidence | None) -> str | None:
    if evidence is None:
        return None
    return f"inferred from {evidence.source}" + (f": {evidence.reason}" if evidence.reason else "")
