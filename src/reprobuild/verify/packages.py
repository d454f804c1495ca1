"""Each recorded distribution against the image: what the record has, what the plan announced, what is there. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.requirements import InvalidRequirement
from packaging.requirements import Requirement as RequirementLine
from packaging.utils import canonicalize_name

from reprobuild.compare import by_normalized_name, origin_text, same_version
from reprobuild.plan import Fidelity, Placement, Plan
from reprobuild.proof import Finding, Verdict
from reprobuild.snapshot import DirectUrl, Distribution, Snapshot
from reprobuild.verify.conda import conda_findings, without_conda

# What an installer brings for itself: freezes leave it out, so its presence says nothing about the record.
INSTALLERS = frozenset({"pip", "setuptools", "wheel", "uv", "distribute", "pkg-resources"})


def placements_by_name(plan: Plan) -> dict[str, Placement]:
    """Where the plan puts each distribution, by normalized name; of two with one name the first is imported."""
    return {canonicalize_name(placement.name): placement for placement in reversed(plan.placements)}


def package_findings(snapshot: Snapshot, plan: Plan, found: Snapshot) -> Iterator[Finding]:
    """One finding for each distribution of either side, in the order of their names; conda's own, where conda installs.

    What pip put over a package of conda's counts as pip's.
    """
    both = snapshot.distributions, found.distributions
    if plan.conda is not None:
        yield from conda_findings(snapshot, plan, found)
        both = without_conda(both[0]), without_conda(both[1])
    recorded, present = by_normalized_name(both[0]), by_normalized_name(both[1])
    placements = placements_by_name(plan)
    for name in sorted(recorded.keys() | present.keys()):
        if name not in recorded:
            yield from _extra(name, present[name], plan)
        elif name not in present:
            yield _absent(recorded[name], placements.get(name), present)
        else:
            yield _present(recorded[name], present[name], placements.get(name))


def _extra(name: str, found: Distribution, plan: Plan) -> Iterator[Finding]:
    """What the record does not have. The installers' own packages are not worth a word."""
    if name in INSTALLERS:
        return
    resolved = any(group.resolve_dependencies for group in plan.groups)
    reason = "the record is no closed set, so the plan has dependencies resolved" if resolved else None
    if any(canonicalize_name(each.name) == name for group in plan.groups for each in group.requirements):
        reason = "the plan adds it to what the record lists"
    yield Finding(
        subject=f"package {found.name}",
        verdict=Verdict.EXTRA,
        found=found.version,
        declared=reason is not None,
        reason=reason,
    )


def _absent(recorded: Distribution, placement: Placement | None, present: dict[str, Distribution]) -> Finding:
    subject, expected = f"package {recorded.name}", recorded.version or "any version"
    if placement is not None and placement.where == "system":
        reason = f"provided outside the environment: {placement.detail}"
        return Finding(
            subject=subject, verdict=_at_least_equivalent(placement), expected=expected, declared=True, reason=reason
        )
    if placement is not None and (placement.where == "left out" or _stands_in(placement, present)):
        return Finding(
            subject=subject,
            verdict=Verdict(placement.fidelity.value),
            expected=expected,
            declared=True,
            reason=placement.detail,
        )
    return Finding(subject=subject, verdict=Verdict.MISSING, expected=expected)


def _stands_in(placement: Placement, present: dict[str, Distribution]) -> bool:
    """Whether the project that the plan installs under another name (``tensorflow`` for its GPU's build) is there."""
    line = _requirement(placement)
    found = present.get(canonicalize_name(line.name)) if line is not None else None
    return found is not None and same_version(planned_version(placement), found.version)


def _present(recorded: Distribution, found: Distribution, placement: Placement | None) -> Finding:
    subject, planned = f"package {found.name}", planned_version(placement)
    fidelity = placement.fidelity if placement is not None else Fidelity.EXACT
    reason: str | None
    if recorded.version is None:
        verdict, declared, reason = Verdict.EQUIVALENT, True, "the record does not tell its version"
    elif same_version(recorded.version, found.version):
        verdict, declared, reason = _same_version(recorded, found, fidelity)
    elif planned is not None and same_version(planned, found.version):
        # Another text for the same release (2.1.0 and 2.1.0+cu121) stays whatever the plan called it.
        verdict, declared = Verdict(max(fidelity, Fidelity.EQUIVALENT, key=lambda one: one.rank).value), True
        reason = placement.detail if placement is not None else None
    else:
        verdict, declared, reason = Verdict.WRONG, False, None
    return Finding(
        subject=subject,
        verdict=verdict,
        expected=recorded.version,
        found=found.version or "version unreadable",
        declared=declared,
        reason=reason,
    )


def _same_version(recorded: Distribution, found: Distribution, fidelity: Fidelity) -> tuple[Verdict, bool, str | None]:
    """Verdict, whether it was announced, and the reason, where the versions agree: origins may still differ."""
    problem = _origin_problem(recorded.direct_url, found.direct_url)
    if problem is None:
        announced = fidelity is Fidelity.EQUIVALENT
        return (Verdict.EQUIVALENT if announced else Verdict.EXACT), announced, None
    if fidelity in (Fidelity.SUBSTITUTED, Fidelity.EQUIVALENT):
        return Verdict(fidelity.value), True, problem
    commits = recorded.direct_url is not None and recorded.direct_url.vcs_info is not None
    return (Verdict.WRONG if commits else Verdict.EQUIVALENT), False, problem


def _origin_problem(recorded: DirectUrl | None, found: DirectUrl | None) -> str | None:
    """What is not the same about where two installations of one version came from; None where nothing speaks for it."""
    if recorded is None:
        return None
    if recorded.vcs_info is not None:
        wanted, has = recorded.vcs_info.commit_id, found and found.vcs_info and found.vcs_info.commit_id
        if wanted is not None and wanted == has:
            return None
        return f"recorded from {origin_text(recorded)}, installed from {origin_text(found) or 'an index'}"
    wanted_hashes = recorded.archive_info.hashes if recorded.archive_info else {}
    has_hashes = found.archive_info.hashes if found and found.archive_info else {}
    shared = wanted_hashes.keys() & has_hashes.keys()
    if shared:
        same = all(wanted_hashes[algorithm] == has_hashes[algorithm] for algorithm in shared)
        return None if same else "the same version from another archive"
    if found is not None and found.url == recorded.url:
        return None
    return f"recorded from {origin_text(recorded)}, installed from {origin_text(found) or 'an index'}"


def planned_version(placement: Placement | None) -> str | None:
    """The version that the plan installs: the pin of its line, else the placement's own."""
    if placement is None:
        return None
    line = _requirement(placement)
    pins = [one.version for one in line.specifier] if line is not None else []
    return pins[0] if len(pins) == 1 else placement.version


def _requirement(placement: Placement) -> RequirementLine | None:
    try:
        return RequirementLine(_without_hashes(placement.line)) if placement.line else None
    except InvalidRequirement:
        return None


def _without_hashes(line: str) -> str:
    return line.split(" --hash", 1)[0].strip()


def _at_least_equivalent(placement: Placement) -> Verdict:
    return Verdict(max(placement.fidelity, Fidelity.EQUIVALENT, key=lambda one: one.rank).value)
