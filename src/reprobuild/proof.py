"""The proof: what was checked in an image against a record, level by level, and what was found. Values only.

A proof is a file of its own (``proof.json``, schema in ``reprobuild/schemas``) that names the digests of the
record, the plan and the image, the version of reprobuild and the time, so that it can be stored with a run.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import Any

import msgspec

from reprobuild.versioned_json import decode

PROOF_SCHEMA_VERSION = 1
"""Version of the layout written by this release. Readers refuse a higher one."""


class Fields(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of the proof's values."""


class Verdict(enum.StrEnum):
    """How one thing in the image stands to the record, best first."""

    EXACT = "exact"
    """As recorded."""
    EQUIVALENT = "equivalent"
    """The same version from another build, or something that is known to serve as well."""
    EXTRA = "extra"
    """In the image, but not in the record."""
    SUBSTITUTED = "substituted"
    """Something else stands in its place."""
    MISSING = "missing"
    """In the record, but not in the image."""
    WRONG = "wrong"
    """In the image, but neither as recorded nor as planned."""

    @property
    def rank(self) -> int:
        """0 for exact up to 5 for wrong."""
        return list(Verdict).index(self)


class Level(enum.StrEnum):
    """The levels of verification, each of which proves more than the one before."""

    DECLARED = "declared"
    """The image says that it was built from this record and this plan; the plan says what differs."""
    INSTALLED = "installed"
    """Python, every distribution, torch's CUDA and cuDNN and the C library, as the image's own metadata tell."""
    IDENTICAL = "identical"
    """The files of every distribution are the recorded ones, byte for byte."""
    LOADS = "loads"
    """What was recorded can be imported, its libraries are found, and torch reports the recorded CUDA and cuDNN."""
    DEVICE = "device"
    """A GPU computes: a kernel runs, cuDNN runs, TF32 and determinism stand as recorded."""
    REPLAYS = "replays"
    """The recorded command gives the recorded numbers. ``reprobuild replay`` shows it."""


class Outcome(enum.StrEnum):
    """What came of one level."""

    PASSED = "passed"
    FAILED = "failed"
    NOT_RUN = "not run"


class Finding(Fields, frozen=True, kw_only=True):
    """One thing that was compared."""

    subject: str
    """``python``, ``package numpy``, ``torch CUDA``, ``libc``, ``label ...``"""
    verdict: Verdict
    expected: str | None = None
    """As recorded, or as planned where the plan announced something else. None for what is extra."""
    found: str | None = None
    """In the image. None for what is missing."""
    declared: bool = False
    """Whether the plan announced the difference, so that it is no surprise and no failure."""
    reason: str | None = None
    """One sentence: why it differs or why that is acceptable."""

    @property
    def is_failure(self) -> bool:
        """True for what is missing or wrong without having been announced."""
        return self.verdict in (Verdict.MISSING, Verdict.WRONG) and not self.declared


class LevelResult(Fields, frozen=True, kw_only=True):
    """What one level checked, found and could not check."""

    level: Level
    outcome: Outcome
    summary: str
    """One line without a final period."""
    findings: tuple[Finding, ...] = ()
    """Everything that was compared, also what is exact."""
    not_checked: tuple[str, ...] = ()
    """What this level could not check, each with the reason."""
    next_step: str | None = None
    """What to do about it, when the level failed or did not run."""

    @property
    def differences(self) -> tuple[Finding, ...]:
        """The findings that are not exact, worst first, in the order of the findings otherwise."""
        inexact = [finding for finding in self.findings if finding.verdict is not Verdict.EXACT]
        return tuple(sorted(inexact, key=lambda finding: (finding.declared, -finding.verdict.rank)))

    @property
    def failures(self) -> tuple[Finding, ...]:
        """The findings for which this level fails."""
        return tuple(finding for finding in self.findings if finding.is_failure)


class Proof(Fields, frozen=True, kw_only=True):
    """The whole proof of one image against one record."""

    schema_version: int = PROOF_SCHEMA_VERSION
    snapshot_digest: str
    plan_digest: str
    image: str
    """The reference that was asked for."""
    image_id: str
    """``sha256:<hex>`` of the image's configuration."""
    image_digests: tuple[str, ...] = ()
    """Registry digests, such as ``registry.example/name@sha256:...``; none for an image that was never pushed."""
    reprobuild_version: str
    made_at: str
    """ISO 8601, UTC."""
    levels: tuple[LevelResult, ...]

    @property
    def passed(self) -> bool:
        """Whether no level failed and at least one was run."""
        outcomes = {result.outcome for result in self.levels}
        return Outcome.PASSED in outcomes and Outcome.FAILED not in outcomes

    @property
    def verdict(self) -> Verdict:
        """That of the worst finding of every level."""
        return worst(finding.verdict for result in self.levels for finding in result.findings)

    def to_json_object(self) -> dict[str, Any]:
        """What proof.json holds: every field, with the derived verdict and whether it passed."""
        content: dict[str, Any] = msgspec.to_builtins(self)
        content.pop("schema_version", None)
        return {
            "schema_version": self.schema_version,
            "passed": self.passed,
            "verdict": str(self.verdict),
            **content,
        }

    def to_json(self) -> str:
        """The text of proof.json, indented by two."""
        return msgspec.json.format(msgspec.json.encode(self.to_json_object()), indent=2).decode() + "\n"


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The worst of several verdicts; exact when there are none."""
    return max(verdicts, key=lambda verdict: verdict.rank, default=Verdict.EXACT)


def parse_proof(content: bytes, *, source: str | None = None) -> Proof:
    """Read proof.json. Raises RecordError for anything else, naming the place of the first wrong value."""
    hint = "`reprobuild verify ENV IMAGE -o proof.json` writes one"
    return decode(content, Proof, version=PROOF_SCHEMA_VERSION, name="proof", hint=hint, source=source)
