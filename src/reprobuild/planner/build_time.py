"""What is built from source, and as of which day its build requirements are taken."""

from __future__ import annotations

from reprobuild.plan import Decision, Fidelity, PackageGroup, PlanWarning, Question
from reprobuild.planner.grouping import is_built_from_url
from reprobuild.planner.subject import Subject


def decide_build_time(subject: Subject, groups: tuple[PackageGroup, ...]) -> tuple[Decision, tuple[PlanWarning, ...]]:
    """The decision, and a warning where something is built and the record tells no day."""
    compiled = {
        requirement.name
        for group in groups
        if group.from_source or group.needs_compiler or group.needs_nvcc
        for requirement in group.requirements
    }
    names = [
        requirement.name
        for group in groups
        for requirement in group.requirements
        if not group.resolve_dependencies and (requirement.name in compiled or is_built_from_url(requirement))
    ]
    if not names:
        decision = Decision(
            question=Question.BUILD_TIME,
            choice="nothing is built from source",
            reason="every package is a wheel, as far as the record tells",
            fidelity=Fidelity.EXACT,
        )
        return decision, ()
    day = subject.recorded_on
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    if day is not None:
        decision = Decision(
            question=Question.BUILD_TIME,
            choice=f"{listed}: built with what was there on {day.isoformat()}",
            reason="build requirements as of the record's day, so that newer ones can't break an old build",
            fidelity=Fidelity.EXACT,
            facts=(subject.fact("recorded_at", day.isoformat()),),
        )
        return decision, ()
    no_day = "the record tells no day"
    if subject.era is not None:
        no_day += f" (only that it is no older than {subject.era.isoformat()})"
    decision = Decision(
        question=Question.BUILD_TIME,
        choice=f"{listed}: built with what is there today",
        reason=f"{no_day}, so that build requirements can't be bound to it",
        fidelity=Fidelity.EQUIVALENT,
    )
    if not compiled:
        return decision, ()
    message = f"{listed} will be built with today's build requirements, because {no_day}"
    hint = "'reprobuild import RECORD --set date=YYYY-MM-DD' tells it"
    return decision, (PlanWarning(code="no-date", message=message, hint=hint),)
