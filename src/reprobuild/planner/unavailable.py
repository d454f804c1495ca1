"""What no index has: left out, with a warning that says why and what a person can do."""

from __future__ import annotations

from reprobuild.plan import PlanWarning
from reprobuild.planner.subject import Package
from reprobuild.planner.treatment import LeaveOut


def on_no_index(package: Package, why: str) -> LeaveOut:
    """A project that no index holds, as ``why`` says."""
    return LeaveOut(
        reason=why,
        warning=PlanWarning(
            code="not-installable",
            message=f"{package.pin} can't be installed as recorded: {why}",
            hint="put the repository and commit it was built from into the record (NAME @ git+URL@COMMIT)",
        ),
    )


def gone_nightly(package: Package) -> LeaveOut:
    """A nightly build, which was on an index for some weeks."""
    return LeaveOut(
        reason=f"{package.version_text} is a nightly build, and indexes keep those for weeks only",
        warning=PlanWarning(
            code="nightly-gone",
            message=f"{package.pin} is a nightly build, which no index keeps, so the image does not hold it",
            hint="put the release that followed into the record",
        ),
    )


def unpublished(package: Package) -> LeaveOut:
    """A version that somebody built between two releases."""
    return LeaveOut(
        reason=f"{package.version_text} was built from source, and no index has it",
        warning=PlanWarning(
            code="unpublished-version",
            message=f"{package.pin} was built from source, so the image does not hold it",
            hint="record the repository and commit it was built from",
        ),
    )
