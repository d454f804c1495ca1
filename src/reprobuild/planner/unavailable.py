"""What no index has: left out, with a warning that says why and what a person can do."""

from __future__ import annotations

from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.plan import PlanWarning
from reprobuild.planner.conda_channels import own_channel
from reprobuild.planner.subject import Package
from reprobuild.planner.treatment import LeaveOut


def withdrawn(package: Package, catalog: Catalog) -> PlanWarning | None:
    """What a person should know of a release that its project has yanked: a pin still installs it."""
    name, version = package.canonical, package.version_text or ""
    coverage, companion = catalog.sdist_traps.coverage(name, version), catalog.companions.release(name, version)
    listed = catalog.freeze_traps.name(name, version)
    is_yanked = bool((coverage and coverage.yanked) or (companion and companion.yanked))
    if not is_yanked and (listed is None or listed.kind != "yanked"):
        return None
    return PlanWarning(
        code="yanked",
        message=f"{package.pin} was withdrawn (yanked) by its project; it is installed all the same, because it is "
        "what ran",
    )


def deleted(package: Package, catalog: Catalog) -> LeaveOut | None:
    """A release of ONNX Runtime for GPUs that was removed from the index, as most old ones were to save space."""
    if package.canonical != "onnxruntime-gpu" or package.version is None:
        return None
    there = [Version(version) for version in catalog.companions.onnxruntime_versions]
    if package.version in there or package.version > max(there):
        return None
    nearest = min((version for version in there if version > package.version), default=max(there))
    return LeaveOut(
        reason=f"{package.version_text} was deleted from the index; {nearest} is the next one that is there",
        warning=PlanWarning(
            code="deleted",
            message=f"{package.pin} was deleted from the index, so the image does not hold it",
            hint=f"the next release that is there is {nearest}: put it into the record to plan with it",
        ),
    )


def on_no_index(package: Package, why: str) -> LeaveOut:
    """A project that no index holds, as ``why`` says."""
    hint = "put the repository and commit it was built from into the record (NAME @ git+URL@COMMIT)"
    if package.distribution.conda is not None:
        channel = own_channel(package.canonical)
        hint = f"--via conda takes conda's package of it{f' from the channel {channel}' if channel else ''}"
    return LeaveOut(
        reason=why,
        warning=PlanWarning(
            code="not-installable",
            message=f"{package.pin} can't be installed as recorded: {why}",
            hint=hint,
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
