"""Level *declared*: what the image's labels say of it, and every difference that the plan announces. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reprobuild import __version__
from reprobuild.plan import Fidelity, Plan, Question
from reprobuild.proof import Finding, Level, LevelResult, Outcome, Verdict
from reprobuild.verify.evidence import Evidence

SNAPSHOT_LABEL = "dev.reprobuild.snapshot-digest"
PLAN_LABEL = "dev.reprobuild.plan-digest"
VERSION_LABEL = "dev.reprobuild.version"


def check(evidence: Evidence) -> LevelResult:
    """Compare the labels with the digests at hand, and list what the plan announces."""
    labels = [*_label_findings(evidence)]
    announced = [*announcements(evidence.plan)]
    failed = any(finding.is_failure for finding in labels)
    absent = [name for name in (SNAPSHOT_LABEL, PLAN_LABEL) if name not in evidence.image.labels]
    unlabeled = f"the image has no label {' or '.join(absent)}: it was not built by reprobuild, or labels were removed"
    return LevelResult(
        level=Level.DECLARED,
        outcome=Outcome.FAILED if failed else Outcome.PASSED,
        summary=_summary(evidence.plan, len(announced)),
        findings=(*labels, *announced),
        not_checked=(unlabeled,) if absent else (),
        next_step="the image says that it was built from another record: verify it against that one, or rebuild it "
        "from this one with `reprobuild rebuild`"
        if failed
        else None,
    )


def announcements(plan: Plan) -> Iterator[Finding]:
    """Every part of the plan that is not exact, as a declared difference."""
    for decision in plan.decisions:
        # The packages are named one by one below.
        if decision.fidelity is not Fidelity.EXACT and decision.question is not Question.PACKAGES:
            yield Finding(
                subject=str(decision.question),
                verdict=Verdict(decision.fidelity.value),
                declared=True,
                reason=f"{decision.choice}: {decision.reason}",
            )
    for placement in plan.placements:
        if placement.fidelity is not Fidelity.EXACT:
            yield Finding(
                subject=f"package {placement.name}",
                verdict=Verdict(placement.fidelity.value),
                expected=placement.version,
                declared=True,
                reason=placement.detail,
            )


def _label_findings(evidence: Evidence) -> Iterator[Finding]:
    labels, snapshot, plan = evidence.image.labels, evidence.snapshot.digest, evidence.plan.digest
    if SNAPSHOT_LABEL in labels:
        same = labels[SNAPSHOT_LABEL] == snapshot
        verdict, reason = (Verdict.EXACT, None) if same else _other_record(labels.get(VERSION_LABEL))
        yield Finding(
            subject=f"label {SNAPSHOT_LABEL}",
            verdict=verdict,
            expected=snapshot,
            found=labels[SNAPSHOT_LABEL],
            reason=reason,
        )
    if PLAN_LABEL in labels:
        same = labels[PLAN_LABEL] == plan
        yield Finding(
            subject=f"label {PLAN_LABEL}",
            verdict=Verdict.EXACT if same else Verdict.SUBSTITUTED,
            expected=plan,
            found=labels[PLAN_LABEL],
            reason=None if same else "the image was built from another plan: other options, or another release",
        )


def _other_record(version: str | None) -> tuple[Verdict, str]:
    """Another release may read more out of the same record, so only our own digests can be held against an image."""
    if version not in (None, __version__):
        return Verdict.SUBSTITUTED, f"built by reprobuild {version}, which may have read the same record differently"
    return Verdict.WRONG, "the image was built from another record"


def _summary(plan: Plan, announced: int) -> str:
    if not announced:
        return "the plan announces an exact rebuild"
    noun = "difference" if announced == 1 else "differences"
    return f"the plan announces {announced} {noun}; its weakest part is {plan.fidelity}"
