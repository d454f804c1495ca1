"""Which packages of the operating system the image needs beside its base."""

from __future__ import annotations

from reprobuild.catalog import Catalog
from reprobuild.plan import (
    BaseImage,
    Decision,
    Fact,
    Fidelity,
    PackageGroup,
    PlanWarning,
    Question,
    SystemPackage,
    weakest,
)
from reprobuild.planner.libraries import LibraryPlaces
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.plain_base import is_archived
from reprobuild.planner.subject import Package

_NOT_AT_RUN_TIME = frozenset({"git-lfs"})
"""What the table lists beside ``git``, but no package calls."""
_CERTIFICATES = "ca-certificates"
"""Installed always, whatever was recorded: so no answer to a question about the record."""
_COMPILERS = {"apt": ("build-essential",), "dnf": ("gcc", "gcc-c++", "make")}

_FROM_SCAN = "from the shared libraries that the record lists"
_FROM_TABLE = "from the table of what packages need"

SystemChoice = tuple[tuple[SystemPackage, ...], Decision, tuple[PlanWarning, ...]]


def decide_system_packages(
    base: BaseImage,
    packages: tuple[Package, ...],
    libraries: LibraryPlaces,
    groups: tuple[PackageGroup, ...],
    build_libraries: tuple[tuple[str, str], ...],
    of_python: tuple[SystemPackage, ...],
    catalog: Catalog,
    options: PlanOptions,
) -> SystemChoice:
    """Packages for the run and for the builder, each with its reason, and warnings for what no package has.

    ``build_libraries`` are pairs of a library, as the table names it, and the Python package whose build needs it.
    """
    certificates = SystemPackage(name=_CERTIFICATES, reason="TLS connections of the run")
    chosen: dict[str, SystemPackage] = {package.name: package for package in (certificates, *of_python)}
    for package in libraries.packages:
        chosen.setdefault(package.name, package)
    of_table = _of_table(packages, libraries.scanned, base, catalog, chosen)
    warnings = list(libraries.warnings)
    for name in options.extra_apt:
        chosen[name] = SystemPackage(name=name, reason="asked for with --apt")
    if any(group.needs_compiler for group in groups):
        for name in _COMPILERS[base.package_manager]:
            chosen.setdefault(name, SystemPackage(name=name, reason="packages built from source", stage="build"))
    for library, wanted_by in build_libraries:
        for name in catalog.apt.packages((library,), base.codename or ""):
            chosen.setdefault(name, SystemPackage(name=name, reason=f"to build {wanted_by}", stage="build"))
    ordered = tuple(sorted(chosen.values(), key=lambda package: package.name))
    asked = [package.name for package in ordered if package.name != "ca-certificates"]
    asked += ["git"] if any(group.needs_git for group in groups) else []
    if asked and is_archived(base.os_id, base.os_version):
        warnings.append(_archived(base, asked))
    return ordered, _decision(ordered, libraries, of_table), tuple(warnings)


def _archived(base: BaseImage, names: list[str]) -> PlanWarning:
    return PlanWarning(
        code="archived-release",
        message=f"{', '.join(names)} can't be installed: Debian {base.os_version} has left the mirrors that "
        f"{base.reference} asks",
        hint="name a newer base with --base, or one of your own whose sources lead to the archive",
    )


def _of_table(
    packages: tuple[Package, ...],
    scanned: bool,
    base: BaseImage,
    catalog: Catalog,
    chosen: dict[str, SystemPackage],
) -> tuple[str, ...]:
    """What the table says that installed packages need when they run; the packages that this adds.

    A scan tells which libraries are needed, but nothing of the programs that a package calls.
    """
    added = []
    for package in packages:
        for need in catalog.apt.needs(package.canonical, package.version_text):
            if need.from_source_only or need.condition:
                continue
            needed = tuple(
                thing
                for thing in need.runtime
                if thing not in _NOT_AT_RUN_TIME and not (scanned and thing.startswith("lib"))
            )
            for name in catalog.apt.packages(needed, base.codename or ""):
                if name not in chosen:
                    chosen[name] = SystemPackage(name=name, reason=f"{package.name} needs it when it runs")
                    added.append(name)
    return tuple(added)


def _decision(chosen: tuple[SystemPackage, ...], libraries: LibraryPlaces, of_table: tuple[str, ...]) -> Decision:
    names = [package.name for package in chosen if package.stage == "runtime" and package.name != _CERTIFICATES]
    if libraries.scanned:
        facts = [Fact(name="system_libraries", value=_told(libraries), source="record")]
        if of_table:
            value = ", ".join(of_table)
            facts.append(Fact(name="programs", value=value, source="apt_needs", certainty="presumed"))
        basis = _FROM_SCAN + (f"; programs that packages call, {_FROM_TABLE}" if of_table else "")
    else:
        facts = [Fact(name="system_libraries", value=_FROM_TABLE, source="apt_needs", certainty="presumed")]
        basis = _FROM_TABLE
    return Decision(
        question=Question.SYSTEM_PACKAGES,
        choice=", ".join(names) or "nothing but certificates for TLS",
        reason=basis if names else f"no package is known to need more, {basis}",
        fidelity=_fidelity(libraries),
        facts=tuple(facts),
    )


def _fidelity(libraries: LibraryPlaces) -> Fidelity:
    """A library that is known to no package may still come along with another one, so nothing is called missing."""
    if libraries.warnings:
        return Fidelity.SUBSTITUTED
    return weakest(placement.fidelity for placement in libraries.placements)


def _told(libraries: LibraryPlaces) -> str:
    """``19 libraries: 9 in packages, 10 from the base``"""
    places = [placement.where for placement in libraries.placements]
    words = {"system": "in packages", "base": "from the base", "left out": "left out"}
    counts = ", ".join(f"{places.count(where)} {word}" for where, word in words.items() if where in places)
    return f"{len(places)} libraries: {counts}"
