"""The answer about packages as a whole: how many go where, why in this way, and how faithfully."""

from __future__ import annotations

from reprobuild.plan import Decision, Fidelity, PackageGroup, Placement, Question, weakest
from reprobuild.planner.closure import Gap
from reprobuild.planner.conda_environment import conda_reason
from reprobuild.planner.conda_run import CondaRun
from reprobuild.planner.grouping import COMPLETION


def packages_decision(
    groups: tuple[PackageGroup, ...],
    placements: tuple[Placement, ...],
    open_ends: tuple[Gap, ...],
    run: CondaRun | None,
) -> Decision:
    """The groups, what conda installs where there is a conda run, and what an open record leaves out."""
    counts = [f"{len(run.packages)} in conda"] if run else []
    counts += [f"{len(each.requirements)} in {each.name}" for each in groups if each.name != COMPLETION]
    left_out = sum(placement.where == "left out" for placement in placements)
    reason = "each group comes from exactly one index and without dependency resolution, because a freeze is closed"
    fidelity = weakest(placement.fidelity for placement in placements)
    if run is not None:
        reason = conda_reason(run) + ("; pip's go on top of them without dependency resolution" if groups else "")
        fidelity = fidelity if run.is_closed else weakest((fidelity, Fidelity.SUBSTITUTED))
    if open_ends:
        names = sorted({name for gap in open_ends for name in gap.absent})
        versions = f"{conda_reason(run)}; pip's" if run is not None else "the recorded versions"
        reason = (
            f"{versions} are installed exactly; the record does not list all that they need "
            f"({', '.join(names)}), so a resolver adds the rest around them"
        )
        fidelity = weakest((fidelity, Fidelity.SUBSTITUTED))
    return Decision(
        question=Question.PACKAGES,
        choice=", ".join(counts + ([f"{left_out} left out"] if left_out else [])) or "none",
        reason=reason,
        fidelity=fidelity,
    )
