"""The environment of this very process: the probe run here, and what an imported torch says itself."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from reprobuild.capture.answer import with_recorder
from reprobuild.probe.record import probe


def environment_of_this_process(
    without: frozenset[str] = frozenset(), extras: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """The object of environment.json for this process: the original's keys first, then the deeper record.

    torch is asked only when the program has imported it already.
    """
    facts: dict[str, Any] = probe(without, extras)
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "version"):
        _prefer_imported(facts, torch)
    seeding = sys.modules.get("reprobuild.seeding")
    if seeding is not None and seeding.SEEDS:
        facts["seeds"] = dict(seeding.SEEDS)
    return with_recorder(facts)


def _prefer_imported(facts: dict[str, Any], torch: ModuleType) -> None:
    """Let the imported torch overrule what its files and the driver say: it is what the run computes with."""
    available = bool(torch.cuda.is_available())
    facts["torch_version"] = str(torch.__version__)
    facts["cuda_available"] = available
    facts["cuda_version"] = torch.version.cuda if available else None
    facts["cudnn_version"] = torch.backends.cudnn.version() if available else None
    facts["gpu_name"] = torch.cuda.get_device_name(0) if available else None
    facts["gpu_count"] = torch.cuda.device_count() if available else 0
    stated = {
        "version": str(torch.__version__),
        "cuda": torch.version.cuda,
        "hip": getattr(torch.version, "hip", None),
        "git_version": getattr(torch.version, "git_version", None),
        "arch_list": list(torch.cuda.get_arch_list()) if available else [],
        "read_by": "import",
    }
    facts["torch"] = {**facts.get("torch", {}), **{key: value for key, value in stated.items() if value}}
