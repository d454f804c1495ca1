"""Records, plans and images made by hand, for tests of single levels."""

from __future__ import annotations

from typing import Any

import msgspec

from reprobuild.engine import ImageFacts
from reprobuild.plan import (
    Accelerator,
    BaseImage,
    Decision,
    Fidelity,
    Placement,
    Plan,
    Platform,
    Question,
    UvPython,
)
from reprobuild.proof import Finding, LevelResult
from reprobuild.snapshot import Distribution, PythonFacts, Snapshot, SystemFacts, TorchFacts
from reprobuild.verify.evidence import Evidence, Examination

RECORD = Snapshot(
    python=PythonFacts(version="3.10.12", implementation="CPython", free_threaded=False),
    system=SystemFacts(libc="glibc", libc_version="2.35", os_id="ubuntu", os_version="22.04", machine="x86_64"),
    distributions=(
        Distribution(name="torch", version="2.1.0+cu121", record_digest="sha256:t"),
        Distribution(name="NumPy", version="1.24.3", record_digest="sha256:n"),
    ),
    torch=TorchFacts(version="2.1.0+cu121", cuda="12.1", cudnn="8.9.2.26", read_by="files"),
)


def plan_of(
    record: Snapshot = RECORD,
    *,
    fidelities: dict[Question, Fidelity] | None = None,
    placements: dict[str, Placement] | None = None,
    **changes: Any,
) -> Plan:
    """A plan that is exact but for what is given: fidelities of questions, placements by recorded name."""
    fidelities, placements = fidelities or {}, placements or {}
    whole = Plan(
        snapshot_digest=record.digest,
        catalog_date="2026-11-23",
        platform=Platform(),
        accelerator=Accelerator(kind="cuda", version="12.1", variant="cu121"),
        base=BaseImage(repository="ubuntu", tag="22.04", os_id="ubuntu", os_version="22.04", glibc="2.35"),
        python=UvPython(version=record.python.version or "3.10.12"),
        groups=(),
        uv_image="uv",
        decisions=tuple(
            Decision(
                question=question,
                choice=f"the {question}",
                reason=f"Because of the {question}.",
                fidelity=fidelities.get(question, Fidelity.EXACT),
            )
            for question in Question
        ),
        placements=tuple(
            placements.get(one.name)
            or Placement(
                name=one.name, version=one.version, where="installed", detail="default", fidelity=Fidelity.EXACT
            )
            for one in record.distributions
        ),
    )
    return msgspec.structs.replace(whole, **changes)


def evidence(
    found: Snapshot | None = RECORD,
    *,
    record: Snapshot = RECORD,
    plan: Plan | None = None,
    labels: dict[str, str] | None = None,
    examination: Examination | None = None,
) -> Evidence:
    """The evidence of an image in which ``found`` was probed."""
    return Evidence(
        snapshot=record,
        plan=plan or plan_of(record),
        image=ImageFacts(image_id="sha256:1", labels=labels or {}),
        found=found,
        examination=examination,
    )


def changed(record: Snapshot, **changes: Any) -> Snapshot:
    """The record with other facts."""
    return msgspec.structs.replace(record, **changes)


def with_packages(record: Snapshot, *packages: Distribution) -> Snapshot:
    """The record with these distributions instead of its own."""
    return msgspec.structs.replace(record, distributions=packages)


def finding(result: LevelResult, subject: str) -> Finding:
    """The one finding on a subject; a test that asks for a subject that is not there fails."""
    (found,) = [one for one in result.findings if one.subject == subject]
    return found


def inexact(result: LevelResult) -> list[tuple[str, str, bool]]:
    """Subject, verdict and whether it was announced, of all that is not exact."""
    return [(one.subject, str(one.verdict), one.declared) for one in result.differences]
