"""Which packages of the operating system the image needs beside its base."""

from __future__ import annotations

from collections.abc import Iterator

from reprobuild.catalog import Catalog
from reprobuild.catalog.apt import AptNeed
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
from reprobuild.snapshot import SystemLibrary

_NOT_AT_RUN_TIME = frozenset({"git-lfs"})
"""What the table lists beside ``git``, but no package calls."""
_CERTIFICATES = "ca-certificates"
"""Installed always, whatever was recorded: so no answer to a question about the record."""
_COMPILERS = {"apt": ("build-essential",), "dnf": ("gcc", "gcc-c++", "make")}

_FROM_SCAN = "from the shared libraries that the record lists"
_FROM_TABLE = "from the table of what packages need"

SystemChoice = tuple[tuple[SystemPackage, ...], Decision, tuple[PlanWarning, ...]]


def needs_system_packages(
    packages: tuple[Package, ...],
    groups: tuple[PackageGroup, ...],
    libraries: tuple[SystemLibrary, ...],
    catalog: Catalog,
    options: PlanOptions,
) -> bool:
    """Whether any base that is taken has to find packages of its system, beside the certificates."""
    return (
        bool(libraries or options.extra_apt)
        or any(group.needs_git or group.needs_compiler for group in groups)
        or any(_called(need, scanned=False) for package in packages for need in _needs_of(package, catalog))
    )


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
    unnamed = _unnamed(packages, libraries.scanned, base, catalog)
    warnings = [*libraries.warnings, *((unnamed,) if unnamed else ())]
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
        for need in _needs_of(package, catalog):
            for name in catalog.apt.packages(_called(need, scanned=scanned), base.codename or ""):
                if name not in chosen:
                    chosen[name] = SystemPackage(name=name, reason=f"{package.name} needs it when it runs")
                    added.append(name)
    return tuple(added)


def _needs_of(package: Package, catalog: Catalog) -> Iterator[AptNeed]:
    """What the table says that a package needs in any case."""
    for need in catalog.apt.needs(package.canonical, package.version_text):
        if not (need.from_source_only or need.condition):
            yield need


def _called(need: AptNeed, *, scanned: bool) -> tuple[str, ...]:
    """The things of a need that have to be there when the package runs; of a scan only the programs."""
    return tuple(
        thing for thing in need.runtime if thing not in _NOT_AT_RUN_TIME and not (scanned and thing.startswith("lib"))
    )


def _unnamed(packages: tuple[Package, ...], scanned: bool, base: BaseImage, catalog: Catalog) -> PlanWarning | None:
    """What is not even looked for, because the tables don't know the names that this system gives its packages."""
    if base.codename in catalog.apt.releases or base.os_version == "unknown":
        return None
    things = {
        thing: package.name
        for package in packages
        for need in _needs_of(package, catalog)
        for thing in _called(need, scanned=scanned)
    }
    if not things:
        return None
    wanted = ", ".join(f"{thing} ({name})" for thing, name in sorted(things.items())[:6])
    return PlanWarning(
        code="unknown-names",
        message=f"what {base.os_id} {base.os_version} calls its packages is not known, so that these are not "
        f"installed: {wanted}",
        hint="name them with --apt, as that system calls them",
    )


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
