"""Level *replays*, as far as ``verify`` goes: it runs no training, and says what does. Pure."""

from __future__ import annotations

from reprobuild.proof import Level, LevelResult, Outcome
from reprobuild.verify.evidence import Evidence


def check(evidence: Evidence) -> LevelResult:
    """Always *not run*: ``reprobuild replay`` adds this level to a proof."""
    told = evidence.snapshot.command is not None and evidence.snapshot.command.program
    how = "" if told else " -- COMMAND"
    return LevelResult(
        level=Level.REPLAYS,
        outcome=Outcome.NOT_RUN,
        summary="verify runs no training",
        next_step=f"`reprobuild replay ENV --proof proof.json{how}` runs it and compares its numbers",
    )
