"""Packages that no image should hold: parts of the recorded operating system, other platforms', accidents."""

from __future__ import annotations

import re

from reprobuild.catalog import Catalog
from reprobuild.catalog.freeze_traps import FreezeName
from reprobuild.plan import DefaultIndex, Fidelity, PlanWarning, Requirement
from reprobuild.planner.subject import Package
from reprobuild.planner.target import Target
from reprobuild.planner.treatment import Install, LeaveOut, Treatment

_OS_VERSION = re.compile(r".*(?:[+~-]ubuntu|ubuntu[0-9]|\+deb[0-9]|-unknown$).*")
_INDEX_INSTALLERS = frozenset({"pip", "uv", "poetry", "pdm"})
_NO_LOSS = frozenset({"artifact", "installer", "moved"})
"""Kinds of names whose absence changes nothing that could be imported."""


def leave_out(package: Package, catalog: Catalog, target: Target) -> Treatment | None:
    """Why the package is left out, or what stands in for it; None when it belongs into the image as it is."""
    if _OS_VERSION.fullmatch(package.version_text or ""):
        return LeaveOut(reason="its version is the operating system's own, which no index has")
    row = catalog.freeze_traps.name(package.canonical, package.version_text)
    if row is None:
        return None
    match row.treatment:
        case "leave out" | "system":
            return _left_out(package, row)
        case "refuse":
            return _refused(package, row)
        case "replace":
            return _replaced(package, row)
        case "python<3.2" | "python<3.4" | "python<3.5" | "python<3.7":
            newest = tuple(int(part) for part in row.treatment.removeprefix("python<").split("."))
            return None if target.python_minor < newest else LeaveOut(reason=row.reason, fidelity=Fidelity.EQUIVALENT)
        case _:
            return None


def _left_out(package: Package, row: FreezeName) -> LeaveOut | None:
    if row.kind == "operating-system" and _came_from_an_index(package):
        return None
    reason = row.reason + (f" ({row.replacement} is its package there)" if row.treatment == "system" else "")
    fidelity = Fidelity.EQUIVALENT if row.kind in _NO_LOSS else Fidelity.MISSING
    return LeaveOut(reason=reason, fidelity=fidelity)


def _came_from_an_index(package: Package) -> bool:
    """Some of those names are also projects on the index; whoever installed it knows which one it is."""
    return (package.distribution.installer or "").lower() in _INDEX_INSTALLERS


def _refused(package: Package, row: FreezeName) -> LeaveOut:
    instead = f"; {row.replacement} stands in for it" if row.replacement else ""
    return LeaveOut(
        reason=f"{row.reason}{instead}",
        warning=PlanWarning(
            code="not-installable",
            message=f"{package.pin} can't be installed as recorded: {row.reason}{instead}",
            hint="install it in an image built on top of this one",
        ),
    )


def _replaced(package: Package, row: FreezeName) -> Install | None:
    if row.replacement is None or package.version is None:
        return None
    return Install(
        origin=DefaultIndex(),
        requirement=Requirement(name=row.replacement, line=f"{row.replacement}=={package.version.public}"),
        fidelity=Fidelity.SUBSTITUTED,
        difference=f"{row.reason}: {row.replacement} takes its place",
        heavy=True,
    )
