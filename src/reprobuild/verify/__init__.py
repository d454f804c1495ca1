"""Proving an image against a record, level by level.

The engine is asked for processes in one module (``container``); every level is a pure function from the
evidence to its result, in the table ``LEVELS``. Layer: beside ``build``, above ``engine``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime

import msgspec
from packaging.utils import canonicalize_name

from reprobuild import __version__
from reprobuild.engine import Engine
from reprobuild.errors import VerificationError
from reprobuild.plan import Plan
from reprobuild.proof import Level, LevelResult, Proof
from reprobuild.snapshot import Snapshot
from reprobuild.verify import declared, device, identical, installed, loads, replays
from reprobuild.verify.container import examine_device, examine_image, probe_image
from reprobuild.verify.evidence import Evidence

LEVELS: dict[Level, Callable[[Evidence], LevelResult]] = {
    Level.DECLARED: declared.check,
    Level.INSTALLED: installed.check,
    Level.IDENTICAL: identical.check,
    Level.LOADS: loads.check,
    Level.DEVICE: device.check,
    Level.REPLAYS: replays.check,
}
"""How each level is judged, in the order in which they are reported."""


class VerifyOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to check, and how long it may take."""

    levels: tuple[Level, ...] = tuple(LEVELS)
    timeout_s: float = 1800.0
    """Seconds for each process in the image."""


def verify(
    snapshot: Snapshot,
    plan: Plan,
    image: str,
    engine: Engine,
    options: VerifyOptions | None = None,
    *,
    now: datetime | None = None,
) -> Proof:
    """Examine an image and compare it with the record and with what the plan announced.

    Differences are findings, never errors. Raises EngineError when the engine does not answer or has no such
    image. ``now`` is the time that the proof names.
    """
    options = options or VerifyOptions()
    facts = engine.inspect(image)
    evidence = _gather(Evidence(snapshot=snapshot, plan=plan, image=facts), image, engine, options)
    return Proof(
        snapshot_digest=snapshot.digest,
        plan_digest=plan.digest,
        image=image,
        image_id=facts.image_id,
        image_digests=facts.repo_digests,
        reprobuild_version=__version__,
        made_at=(now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        levels=tuple(check(evidence) for level, check in LEVELS.items() if level in options.levels),
    )


def _gather(evidence: Evidence, image: str, engine: Engine, options: VerifyOptions) -> Evidence:
    """Run what the chosen levels need in the image; what can't be run there is said, not raised."""
    wanted = set(options.levels)
    try:
        if wanted & {Level.INSTALLED, Level.IDENTICAL, Level.LOADS}:
            found = probe_image(engine, image, timeout_s=options.timeout_s, libraries=Level.LOADS in wanted)
            evidence = msgspec.structs.replace(evidence, found=found)
        if wanted & {Level.IDENTICAL, Level.LOADS}:
            names = _recorded_names(evidence.snapshot) if Level.LOADS in wanted else ()
            examination = examine_image(
                engine, image, files=Level.IDENTICAL in wanted, imports=names, timeout_s=options.timeout_s
            )
            evidence = msgspec.structs.replace(evidence, examination=examination)
        if Level.DEVICE in wanted and device.needs_device(evidence.snapshot):
            reason = engine.reason_without_gpu()
            report = examine_device(engine, image, timeout_s=options.timeout_s) if reason is None else None
            evidence = msgspec.structs.replace(evidence, device=report, reason_without_gpu=reason)
    except VerificationError as error:
        return msgspec.structs.replace(evidence, problem=str(error))
    return evidence


def _recorded_names(snapshot: Snapshot) -> Iterable[str]:
    return {str(canonicalize_name(distribution.name)) for distribution in snapshot.distributions}
