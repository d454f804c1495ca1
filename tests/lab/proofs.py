"""What a proof has to show in this laboratory: every level that can run here has passed, without a difference."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from reprobuild.proof import Level, LevelResult, Outcome, Proof

_NOT_HERE = {
    Level.DEVICE: ("no torch that is built for a GPU", "no runtime for NVIDIA GPUs"),
    Level.REPLAYS: ("verify runs no training",),
}
"""Levels that do not run here, with the reasons that count."""

_OF_A_LIST = "the record holds no digests"


def read_proof(text: str) -> Proof:
    """What ``reprobuild verify --json`` printed, as a value."""
    return msgspec.json.decode(text, type=Proof)


def unexplained(proof: Proof, *, digests: bool = True) -> list[str]:
    """Every difference that the plan did not announce, and every level that should have passed and did not.

    ``digests`` is False for a record that was written by hand: it holds none of its files.
    """
    missing = [f"{level}: not in the proof" for level in Level if level not in {each.level for each in proof.levels}]
    return missing + [line for level in proof.levels for line in _of_level(level, digests)]


def _of_level(level: LevelResult, digests: bool) -> Iterator[str]:
    yield from (f"{level.level}: {finding}" for finding in level.failures)
    reasons = _NOT_HERE.get(level.level, ())
    if level.level is Level.IDENTICAL and not digests:
        reasons = (_OF_A_LIST,)
    excused = level.outcome is Outcome.NOT_RUN and any(reason in level.summary for reason in reasons)
    if level.outcome is not Outcome.PASSED and not excused:
        yield f"{level.level}: {level.outcome}: {level.summary}"
