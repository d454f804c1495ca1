"""Plans made by hand, for tests of what happens after planning."""

from __future__ import annotations

from typing import Any

import msgspec

from reprobuild.plan import (
    Accelerator,
    BaseImage,
    Decision,
    DefaultIndex,
    Fidelity,
    PackageGroup,
    Placement,
    Plan,
    Platform,
    PytorchFolder,
    Question,
    Requirement,
    SystemPackage,
    UvPython,
)
from reprobuild.snapshot import Distribution, PythonFacts, Snapshot

CUDA_BASE = BaseImage(
    repository="nvidia/cuda",
    tag="12.1.1-cudnn8-runtime-ubuntu22.04",
    os_id="ubuntu",
    os_version="22.04",
    codename="jammy",
    glibc="2.35",
    cuda="12.1.1",
    cudnn="8.9.0",
    flavor="runtime",
)
PLAIN_BASE = BaseImage(repository="ubuntu", tag="22.04", os_id="ubuntu", os_version="22.04", glibc="2.35")
SNAPSHOT = Snapshot(
    python=PythonFacts(version="3.10.12"),
    distributions=(
        Distribution(name="torch", version="2.1.0+cu121"),
        Distribution(name="numpy", version="1.24.3"),
    ),
)


def group(**changes: Any) -> PackageGroup:
    """A group of the default index that installs numpy."""
    fields: dict[str, Any] = {
        "name": "default",
        "title": "Everything else",
        "origin": DefaultIndex(),
        "requirements": (Requirement(name="numpy", line="numpy==1.24.3"),),
    }
    return PackageGroup(**(fields | changes))


def pytorch_group(**changes: Any) -> PackageGroup:
    """A group of PyTorch's folder cu121 that installs torch."""
    fields: dict[str, Any] = {
        "name": "pytorch-cu121",
        "title": "PyTorch, first because it is heavy",
        "origin": PytorchFolder(folder="cu121"),
        "requirements": (Requirement(name="torch", line="torch==2.1.0+cu121"),),
    }
    return PackageGroup(**(fields | changes))


def decisions() -> tuple[Decision, ...]:
    """One exact decision for each question."""
    return tuple(
        Decision(
            question=question, choice=f"the {question}", reason=f"Because of the {question}.", fidelity=Fidelity.EXACT
        )
        for question in Question
    )


def plan(snapshot: Snapshot = SNAPSHOT, **changes: Any) -> Plan:
    """The plan of a CUDA run with torch and numpy; ``changes`` replace fields."""
    whole = Plan(
        snapshot_digest=snapshot.digest,
        catalog_date="2026-11-23",
        platform=Platform(),
        accelerator=Accelerator(kind="cuda", version="12.1", cudnn="8.9.2.26", variant="cu121"),
        base=CUDA_BASE,
        python=UvPython(version="3.10.12"),
        groups=(pytorch_group(), group()),
        system_packages=(SystemPackage(name="libgomp1", reason="torch's OpenMP"),),
        uv_image="ghcr.io/astral-sh/uv:0.13.9",
        decisions=decisions(),
        placements=(
            Placement(
                name="torch", version="2.1.0+cu121", where="installed", detail="pytorch-cu121", fidelity=Fidelity.EXACT
            ),
            Placement(name="numpy", version="1.24.3", where="installed", detail="default", fidelity=Fidelity.EXACT),
        ),
    )
    return msgspec.structs.replace(whole, **changes)
