"""Level *identical*: the files of every distribution are the recorded ones, byte for byte. Pure.

Two comparisons make it up: the digest over RECORD, recorded and in the image, says whether the same wheel was
installed; every file in the image against its own RECORD says whether it was changed since.
"""

from __future__ import annotations

from collections.abc import Iterator

from packaging.utils import canonicalize_name

from reprobuild.compare import by_normalized_name, same_version
from reprobuild.plan import Fidelity, Placement
from reprobuild.proof import Finding, Level, LevelResult, Outcome, Verdict
from reprobuild.snapshot import Distribution
from reprobuild.verify.evidence import Evidence, FileReport
from reprobuild.verify.packages import placements_by_name


def check(evidence: Evidence) -> LevelResult:
    """Compare digests of both sides, and the image's files with the image's own lists."""
    if evidence.found is None or evidence.examination is None:
        return _not_run(evidence.problem or "nothing could be examined in the image")
    wheels, untold = _wheels(evidence)
    changed = [*_changed_files(evidence)]
    failures = [finding for finding in (*wheels, *changed) if finding.is_failure]
    if not wheels and not failures:
        reason = "the record holds no digests: it was made from a list, or by another tool"
        return _not_run(reason, "record the environment itself with `reprobuild capture --python EXE`")
    return LevelResult(
        level=Level.IDENTICAL,
        outcome=Outcome.FAILED if failures else Outcome.PASSED,
        summary=_summary(wheels, evidence),
        findings=(*changed, *wheels),
        not_checked=untold,
        next_step=_next_step(wheels, changed) if failures else None,
    )


def _not_run(reason: str, next_step: str | None = None) -> LevelResult:
    return LevelResult(level=Level.IDENTICAL, outcome=Outcome.NOT_RUN, summary=reason, next_step=next_step)


def _wheels(evidence: Evidence) -> tuple[list[Finding], tuple[str, ...]]:
    """Findings on distributions of one version on both sides, and a line on those that tell no digest."""
    assert evidence.found is not None
    present, placements = by_normalized_name(evidence.found.distributions), placements_by_name(evidence.plan)
    findings, untold = [], []
    for name, recorded in sorted(by_normalized_name(evidence.snapshot.distributions).items()):
        found = present.get(name)
        if found is None or not same_version(recorded.version, found.version):
            continue
        if recorded.record_digest is None or found.record_digest is None:
            untold.append(recorded.name)
        else:
            findings.append(_wheel(recorded, found, placements.get(name)))
    if not untold:
        return findings, ()
    names = ", ".join(untold[:5]) + (f" and {len(untold) - 5} more" if len(untold) > 5 else "")
    return findings, (f"{len(untold)} packages whose files the record or the image does not list: {names}",)


def _wheel(recorded: Distribution, found: Distribution, placement: Placement | None) -> Finding:
    same = recorded.record_digest == found.record_digest
    built = _built_from_source(recorded, found)
    announced = placement is not None and placement.fidelity is not Fidelity.EXACT
    if same:
        verdict, reason = Verdict.EXACT, None
    elif built or announced:
        verdict = Verdict.EQUIVALENT
        reason = "built from source, which is not the same to the byte" if built else "another build, as planned"
    else:
        verdict, reason = Verdict.WRONG, "the same version, but other files: another wheel or another index"
    return Finding(
        subject=f"files of {found.name}",
        verdict=verdict,
        expected=recorded.record_digest,
        found=found.record_digest,
        declared=not same and (announced or built),
        reason=reason,
    )


def _built_from_source(recorded: Distribution, found: Distribution) -> bool:
    """Whether a source was built into a wheel on at least one side, which seldom gives the same bytes twice.

    A version control or directory URL says so, an archive that is no wheel too, and a tag that no index accepts.
    """
    for one in (recorded, found):
        url = one.direct_url
        if url is not None and not url.url.partition("#")[0].endswith(".whl"):
            return True
        if any(tag.endswith(("-linux_x86_64", "-linux_aarch64")) for tag in one.tags) and not _from_pytorch(one):
            return True
    return False


def _from_pytorch(distribution: Distribution) -> bool:
    """PyTorch's own index carries ``linux_x86_64`` wheels; its packages have a local version."""
    name = canonicalize_name(distribution.name)
    return "+" in (distribution.version or "") or name.startswith(("torch", "nvidia-", "triton", "pytorch-triton"))


def _changed_files(evidence: Evidence) -> Iterator[Finding]:
    assert evidence.examination is not None
    for name, report in sorted(evidence.examination.files.items()):
        if report.changed or report.absent:
            yield Finding(
                subject=f"files of {name}",
                verdict=Verdict.WRONG if report.changed else Verdict.MISSING,
                found=_altered(report),
                reason=f"of the {report.checked} files that its RECORD lists, since the installation",
            )


def _altered(report: FileReport) -> str:
    parts = [f"{path} changed" for path in report.changed[:3]] + [f"{path} gone" for path in report.absent[:3]]
    left = len(report.changed) + len(report.absent) - len(parts)
    return ", ".join(parts) + (f" and {left} more" if left > 0 else "")


def _summary(wheels: list[Finding], evidence: Evidence) -> str:
    assert evidence.examination is not None
    same = sum(finding.verdict is Verdict.EXACT for finding in wheels)
    files = sum(report.checked for report in evidence.examination.files.values())
    return f"{same} of {len(wheels)} packages byte for byte as recorded, {files} files hashed in the image"


def _next_step(wheels: list[Finding], changed: list[Finding]) -> str:
    if changed:
        return (
            "files were edited after the installation: rebuild the image, and carry the edit as a patch if it was meant"
        )
    names = ", ".join(finding.subject.removeprefix("files of ") for finding in wheels if finding.is_failure)
    return f"look where {names} was installed from: `reprobuild plan` names the index of every package"
