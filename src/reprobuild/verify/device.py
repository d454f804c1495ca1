"""Level *device*: a GPU computes with the image's torch. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reprobuild.proof import Finding, Level, LevelResult, Outcome, Verdict
from reprobuild.snapshot import Snapshot
from reprobuild.verify.evidence import DeviceReport, Evidence


def check(evidence: Evidence) -> LevelResult:
    """Judge what was computed; say why nothing was."""
    reason, next_step = _reason_not_to_run(evidence)
    if reason is not None:
        return LevelResult(level=Level.DEVICE, outcome=Outcome.NOT_RUN, summary=reason, next_step=next_step)
    assert evidence.device is not None
    findings = (*_device(evidence.snapshot, evidence.device), *_checks(evidence.device))
    failures = [finding for finding in findings if finding.is_failure]
    name = evidence.device.name or "no GPU"
    passed = sum(error is None for error in evidence.device.checks.values())
    return LevelResult(
        level=Level.DEVICE,
        outcome=Outcome.FAILED if failures else Outcome.PASSED,
        summary=f"{name}: {passed} of {len(evidence.device.checks)} computations right",
        findings=findings,
        not_checked=tuple(_switches(evidence.snapshot, evidence.device)),
        next_step=_next_step(failures[0]) if failures else None,
    )


def _switches(snapshot: Snapshot, device: DeviceReport) -> Iterator[str]:
    """TF32 and determinism begin as torch has them, and the run's code sets them: a difference is worth knowing."""
    for name, value in sorted(device.switches.items()):
        recorded = snapshot.switches.get(name)
        if recorded is None:
            yield f"{name} begins as {value}; the record does not tell what the run had"
        elif recorded != value:
            yield f"{name} begins as {value}; the run had {recorded}, which its own code has to set"


def needs_device(snapshot: Snapshot) -> bool:
    """Whether the record has a torch that is built for a GPU."""
    return snapshot.torch is not None and (snapshot.torch.cuda or snapshot.torch.hip) is not None


def _reason_not_to_run(evidence: Evidence) -> tuple[str | None, str | None]:
    if not needs_device(evidence.snapshot):
        return "the record has no torch that is built for a GPU", None
    if evidence.reason_without_gpu is not None:
        step = "install the NVIDIA Container Toolkit on a machine with a GPU, and verify there with `--level device`"
        return evidence.reason_without_gpu, step
    if evidence.device is None:
        return evidence.problem or "nothing could be run on a GPU", None
    return None, None


def _device(snapshot: Snapshot, device: DeviceReport) -> Iterator[Finding]:
    """Another GPU than the recorded one is no failure of the image."""
    recorded = snapshot.gpu.devices[0] if snapshot.gpu and snapshot.gpu.devices else None
    if recorded is None or device.name is None:
        return
    same = recorded.name == device.name
    yield Finding(
        subject="GPU",
        verdict=Verdict.EXACT if same else Verdict.SUBSTITUTED,
        expected=recorded.name,
        found=device.name,
        reason=None if same else "another GPU may round sums in another order",
    )


def _checks(device: DeviceReport) -> Iterator[Finding]:
    for name, error in device.checks.items():
        verdict = Verdict.EXACT if error is None else Verdict.WRONG
        yield Finding(subject=f"device {name}", verdict=verdict, expected="computed", found=error or "computed")


def _next_step(failure: Finding) -> str:
    found = failure.found or ""
    if "no kernel image" in found:
        return "this torch has no code for this GPU: `reprobuild plan ENV` names a build that has, if there is one"
    if "sees no GPU" in found or "driver" in found.lower():
        return (
            "see whether the driver is new enough for the recorded CUDA: `docker run --rm --gpus all IMAGE nvidia-smi`"
        )
    return "run the failing computation by hand: `docker run --rm --gpus all IMAGE python`"
