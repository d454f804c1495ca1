"""Level *installed*: Python, every distribution, torch's CUDA and cuDNN, the C library and the system. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import InvalidVersion, Version

from reprobuild.compare import same_version
from reprobuild.plan import BasePython, Fidelity, Plan, Question
from reprobuild.proof import Finding, Level, LevelResult, Outcome, Verdict
from reprobuild.snapshot import Snapshot, TorchFacts
from reprobuild.verify.evidence import Evidence
from reprobuild.verify.packages import package_findings


def check(evidence: Evidence) -> LevelResult:
    """Compare what the probe recorded inside the image with the record."""
    if evidence.found is None:
        return _nothing_found(evidence)
    snapshot, plan, found = evidence.snapshot, evidence.plan, evidence.found
    packages = [*package_findings(snapshot, plan, found)]
    findings = [
        *_python(snapshot, plan, found),
        *_torch(snapshot, plan, found),
        *_system(snapshot, plan, found),
        *packages,
    ]
    failures = [finding for finding in findings if finding.is_failure]
    return LevelResult(
        level=Level.INSTALLED,
        outcome=Outcome.FAILED if failures else Outcome.PASSED,
        summary=_summary(found, packages),
        findings=tuple(findings),
        not_checked=tuple(_untold(snapshot)),
        next_step=_next_step(failures) if failures else None,
    )


def _nothing_found(evidence: Evidence) -> LevelResult:
    missing = Finding(
        subject="python", verdict=Verdict.MISSING, expected=evidence.snapshot.python.version, reason=evidence.problem
    )
    return LevelResult(
        level=Level.INSTALLED,
        outcome=Outcome.FAILED,
        summary="nothing could be examined in the image",
        findings=(missing,),
        next_step="verify an image that `reprobuild build` made from this record",
    )


def _python(snapshot: Snapshot, plan: Plan, found: Snapshot) -> Iterator[Finding]:
    recorded, present = snapshot.python, found.python
    if recorded.version is not None:
        verdict, declared, reason = _announced(plan, Question.PYTHON)
        if same_version(recorded.version, present.version):
            # An equivalent build of the recorded version is equivalent; any other promise was exceeded.
            declared = verdict is Verdict.EQUIVALENT
            verdict, reason = (verdict, reason) if declared else (Verdict.EXACT, None)
        elif not (declared and _is_planned_python(plan, present.version)):
            verdict, declared, reason = Verdict.WRONG, False, None
        yield Finding(
            subject="python",
            verdict=verdict,
            expected=recorded.version,
            found=present.version,
            declared=declared,
            reason=reason,
        )
    if recorded.implementation and present.implementation:
        yield _equal("python implementation", recorded.implementation, present.implementation)
    if recorded.free_threaded is not None and present.free_threaded is not None:
        names = {True: "free-threaded", False: "with the global lock"}
        yield _equal("python threading", names[recorded.free_threaded], names[present.free_threaded])


def _is_planned_python(plan: Plan, version: str | None) -> bool:
    """Whether it is the planned version; of a container's own Python the plan may tell the minor alone."""
    planned = plan.python.version
    is_any_patch = isinstance(plan.python, BasePython) and planned.count(".") == 1
    return same_version(planned, version) or (is_any_patch and (version or "").startswith(f"{planned}."))


def _torch(snapshot: Snapshot, plan: Plan, found: Snapshot) -> Iterator[Finding]:
    recorded, present = snapshot.torch, found.torch or TorchFacts()
    if recorded is None:
        return
    verdict, declared, reason = _announced(plan, Question.ACCELERATOR)
    # Whatever the plan says of torch's distribution is said there; here the facts that its files tell count.
    pairs = [
        ("torch", recorded.version, present.version),
        ("torch CUDA", _or_cpu(recorded, recorded.cuda), _or_cpu(present, present.cuda)),
        ("torch ROCm", recorded.hip, present.hip),
        ("torch cuDNN", recorded.cudnn, present.cudnn),
    ]
    for subject, old, new in pairs:
        if old is None:
            continue
        if new is not None and _agree(old, new):
            yield Finding(subject=subject, verdict=Verdict.EXACT, expected=old, found=new)
        elif new is None and found.torch is not None and subject == "torch cuDNN":
            # Before 2022 wheels hold cuDNN without a version in any file name; the level *loads* asks torch itself.
            continue
        elif declared and verdict is not Verdict.EQUIVALENT:
            yield Finding(subject=subject, verdict=verdict, expected=old, found=new, declared=True, reason=reason)
        else:
            missing = found.torch is None
            yield Finding(
                subject=subject, verdict=Verdict.MISSING if missing else Verdict.WRONG, expected=old, found=new
            )


def _or_cpu(facts: TorchFacts, version: str | None) -> str | None:
    """torch's own files that name no CUDA say that it is built without; a list that names none says nothing."""
    if version is None and facts.hip is None and facts.read_by in ("files", "import"):
        return "none"
    return version


def _agree(recorded: str, found: str) -> bool:
    """Whether two versions agree as far as the shorter one tells: 8.9.2 and 8.9.2.26 do."""
    if same_version(recorded, found):
        return True
    try:
        first, second = Version(recorded), Version(found)
    except InvalidVersion:
        return False
    if first.local or second.local or first.is_prerelease or second.is_prerelease:
        return False
    shared = min(len(first.release), len(second.release))
    return first.release[:shared] == second.release[:shared]


def _system(snapshot: Snapshot, plan: Plan, found: Snapshot) -> Iterator[Finding]:
    recorded, present = snapshot.system, found.system
    verdict, declared, reason = _announced(plan, Question.BASE_IMAGE)
    if recorded.libc and recorded.libc_version and present.libc and present.libc_version:
        yield _libc(recorded.libc, recorded.libc_version, present.libc, present.libc_version, declared)
    if recorded.os_id and present.os_id:
        old = f"{recorded.os_id} {recorded.os_version or ''}".strip()
        new = f"{present.os_id} {present.os_version or ''}".strip()
        same = recorded.os_id == present.os_id and recorded.os_version in (None, present.os_version)
        yield Finding(
            subject="operating system",
            verdict=Verdict.EXACT if same else max(verdict, Verdict.SUBSTITUTED, key=lambda one: one.rank),
            expected=old,
            found=new,
            declared=declared and not same,
            reason=None if same else reason,
        )
    if recorded.machine and present.machine and _machine(recorded.machine) != _machine(present.machine):
        planned = plan.platform.architecture == _machine(present.machine)
        yield Finding(
            subject="architecture",
            verdict=Verdict.SUBSTITUTED if planned else Verdict.WRONG,
            expected=recorded.machine,
            found=present.machine,
            declared=planned and declared,
        )


def _libc(kind: str, version: str, found_kind: str, found_version: str, declared: bool) -> Finding:
    expected, found = f"{kind} {version}", f"{found_kind} {found_version}"
    if expected == found:
        return Finding(subject="libc", verdict=Verdict.EXACT, expected=expected, found=found)
    try:
        newer = kind == found_kind == "glibc" and Version(found_version) >= Version(version)
    except InvalidVersion:
        newer = False
    if newer:
        reason = "glibc runs what was built for an older one"
        return Finding(subject="libc", verdict=Verdict.EQUIVALENT, expected=expected, found=found, reason=reason)
    verdict = Verdict.SUBSTITUTED if declared else Verdict.WRONG
    older = "glibc does not run what was built for a newer one" if kind == found_kind == "glibc" else None
    return Finding(subject="libc", verdict=verdict, expected=expected, found=found, declared=declared, reason=older)


def _announced(plan: Plan, question: Question) -> tuple[Verdict, bool, str | None]:
    """What the plan says of one question: verdict, whether that is an announced difference, and its reason."""
    decisions = [one for one in plan.decisions if one.question is question]
    decision = max(decisions, key=lambda one: one.fidelity.rank, default=None)
    if decision is None or decision.fidelity is Fidelity.EXACT:
        return Verdict.EXACT, False, None
    return Verdict(decision.fidelity.value), True, decision.reason


def _equal(subject: str, expected: str, found: str) -> Finding:
    verdict = Verdict.EXACT if expected == found else Verdict.WRONG
    return Finding(subject=subject, verdict=verdict, expected=expected, found=found)


def _machine(name: str) -> str:
    """Docker's word for a machine."""
    return {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(name.lower(), name)


def _untold(snapshot: Snapshot) -> Iterator[str]:
    """What the record does not tell, so that it can't be compared."""
    if snapshot.python.version is None:
        yield "Python: the record does not tell its version"
    if not snapshot.distributions:
        yield "packages: the record lists none"
    if snapshot.system.libc_version is None:
        yield "C library: the record does not tell its version"
    if snapshot.torch is not None and snapshot.torch.cudnn is None and snapshot.torch.cuda is not None:
        yield "torch's cuDNN: the record does not tell its version"


def _summary(found: Snapshot, packages: list[Finding]) -> str:
    exact = sum(finding.verdict is Verdict.EXACT for finding in packages)
    extra = sum(finding.verdict is Verdict.EXTRA for finding in packages)
    parts = [f"Python {found.python.version}", f"{exact} of {len(packages) - extra} packages exact"]
    if extra:
        parts.append(f"{extra} extra")
    if found.torch is not None and found.torch.version:
        parts.append(f"torch {found.torch.version}")
    if found.system.libc and found.system.libc_version:
        parts.append(f"{found.system.libc} {found.system.libc_version}")
    return ", ".join(parts)


def _next_step(failures: list[Finding]) -> str:
    names = ", ".join(finding.subject.removeprefix("package ") for finding in failures[:3])
    more = f" and {len(failures) - 3} more" if len(failures) > 3 else ""
    return (
        f"rebuild the image from this record with `reprobuild rebuild`, which sets {names}{more} right; "
        "whatever was installed into the image afterwards belongs into the record"
    )
