"""conda's packages against the image's ``conda-meta``: version, build, channel and checksum of each. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from reprobuild.compare import same_version
from reprobuild.distribution import same_channel
from reprobuild.plan import Fidelity, Placement, Plan
from reprobuild.proof import Finding, Verdict
from reprobuild.snapshot import CondaOrigin, Distribution, Snapshot

_INSTALLERS = frozenset({"pip", "setuptools", "wheel"})


class CondaPart(msgspec.Struct, frozen=True, kw_only=True):
    """One package as conda tells it."""

    name: str
    version: str | None
    origin: CondaOrigin

    @property
    def text(self) -> str:
        """``1.7.0 py3.8_cuda11.0.221_cudnn8.0.3_0``, as far as it is told."""
        return " ".join(part for part in (self.version, self.origin.build) if part) or "any version"


def part_of(distribution: Distribution) -> CondaPart | None:
    """What conda tells of a distribution; None where conda did not install it."""
    origin = distribution.conda
    if origin is None:
        return None
    name = (origin.package or distribution.name).lower()
    return CondaPart(name=name, version=origin.version or distribution.version, origin=origin)


def without_conda(distributions: tuple[Distribution, ...]) -> tuple[Distribution, ...]:
    """Those that conda did not install."""
    return tuple(each for each in distributions if each.conda is None)


def conda_findings(snapshot: Snapshot, plan: Plan, found: Snapshot) -> Iterator[Finding]:
    """One finding for each conda package of either side, by conda's own names, in their order."""
    present = {part.name: part for each in found.distributions if (part := part_of(each))}
    recorded: dict[str, tuple[CondaPart, Placement | None]] = {}
    aligned = len(plan.placements) == len(snapshot.distributions)
    for index, each in enumerate(snapshot.distributions):
        if part := part_of(each):
            recorded.setdefault(part.name, (part, plan.placements[index] if aligned else None))
    for name in sorted(recorded.keys() | present.keys()):
        if name not in recorded:
            yield from _extra(present[name], plan)
        elif name not in present:
            yield _absent(*recorded[name])
        else:
            yield _present(*recorded[name], present[name])


def _extra(found: CondaPart, plan: Plan) -> Iterator[Finding]:
    resolved = plan.conda is not None and plan.conda.resolve_dependencies
    if found.name in _INSTALLERS:
        return
    yield Finding(
        subject=f"conda package {found.name}",
        verdict=Verdict.EXTRA,
        found=found.text,
        declared=resolved,
        reason="the record does not list the whole environment, so a solver adds to it" if resolved else None,
    )


def _absent(recorded: CondaPart, placement: Placement | None) -> Finding:
    left_out = placement is not None and placement.where == "left out"
    fidelity = placement.fidelity if placement is not None else Fidelity.MISSING
    return Finding(
        subject=f"conda package {recorded.name}",
        verdict=Verdict(fidelity.value) if left_out else Verdict.MISSING,
        expected=recorded.text,
        declared=left_out,
        reason=placement.detail if placement is not None and left_out else None,
    )


def _present(recorded: CondaPart, placement: Placement | None, found: CondaPart) -> Finding:
    verdict, declared, reason = _verdict(recorded, placement, found)
    return Finding(
        subject=f"conda package {recorded.name}",
        verdict=verdict,
        expected=recorded.text,
        found=found.text,
        declared=declared,
        reason=reason,
    )


def _verdict(recorded: CondaPart, placement: Placement | None, found: CondaPart) -> tuple[Verdict, bool, str | None]:
    """How the image's package stands to the recorded one, whether that was announced, and why it differs."""
    announced = placement is not None and placement.fidelity is not Fidelity.EXACT
    planned = Verdict(placement.fidelity.value) if placement is not None else Verdict.EXACT
    detail = placement.detail if placement is not None else None
    if recorded.version is None:
        return Verdict.SUBSTITUTED, True, "the record does not tell its version"
    if not _fits(recorded.version, found.version, exactly=recorded.origin.build is not None):
        return Verdict.WRONG, False, None
    if recorded.origin.build is None or (announced and recorded.origin.build != found.origin.build):
        return planned if announced else Verdict.EQUIVALENT, True, detail
    if recorded.origin.build != found.origin.build:
        return Verdict.WRONG, False, "another build of the same version"
    if (digest := _other_digest(recorded.origin, found.origin)) is not None:
        return Verdict.WRONG, False, f"another file of the same build: its {digest} differs"
    if not same_channel(recorded.origin.channel, found.origin.channel):
        reason = f"the same build from {found.origin.channel}, recorded from {recorded.origin.channel}"
        return Verdict.EQUIVALENT, False, reason
    return Verdict.EXACT, False, None


def _fits(recorded: str, found: str | None, *, exactly: bool) -> bool:
    """Without a build, ``3.8`` is what the record tells of 3.8.20."""
    if found is None:
        return False
    return same_version(recorded, found) or (not exactly and found.startswith(f"{recorded}."))


def _other_digest(recorded: CondaOrigin, found: CondaOrigin) -> str | None:
    """The first kind of digest that both tell and that differs; None where nothing speaks for another file."""
    for kind in ("sha256", "md5"):
        old, new = getattr(recorded, kind), getattr(found, kind)
        if old and new:
            return None if old.lower() == new.lower() else kind
    return None
