"""Which packages of the operating system the image needs beside its base."""

from __future__ import annotations

import re

from reprobuild.catalog import Catalog
from reprobuild.plan import BaseImage, Decision, Fact, Fidelity, PackageGroup, PlanWarning, Question, SystemPackage
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.plain_base import is_archived
from reprobuild.planner.subject import Package
from reprobuild.snapshot import SystemLibrary

_SONAME = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,120}\.so(?:\.[0-9]{1,10}){0,4}")
_ALWAYS_THERE = re.compile(
    r"(?:lib(?:c|m|dl|rt|pthread|util|resolv|nsl|crypt|gcc_s|stdc\+\+|z)|ld-linux[a-z0-9_-]*|linux-vdso)\.so.*"
)
_CUDA_LIBRARY = re.compile(r"lib(?:cuda|cudart|cublas|cublasLt|cudnn|cufft|curand|cusolver|cusparse|nccl|nv|cupti).*")
_NOT_AT_RUN_TIME = frozenset({"git-lfs"})
"""What the table lists beside ``git``, but no package calls."""
_CERTIFICATES = "ca-certificates"
"""Installed always, whatever was recorded: so no answer to a question about the record."""
_COMPILERS = {"apt": ("build-essential",), "dnf": ("gcc", "gcc-c++", "make")}

SystemChoice = tuple[tuple[SystemPackage, ...], Decision, tuple[PlanWarning, ...]]


def decide_system_packages(
    base: BaseImage,
    packages: tuple[Package, ...],
    libraries: tuple[SystemLibrary, ...],
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
    missing: list[PlanWarning] = []
    scanned = bool(libraries)
    if scanned:
        missing = _of_libraries(libraries, base, catalog, chosen)
    else:
        _of_table(packages, base, catalog, chosen)
    unknown = tuple(missing)
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
        missing.append(_archived(base, asked))
    return ordered, _decision(ordered, scanned, bool(unknown)), tuple(missing)


def _archived(base: BaseImage, names: list[str]) -> PlanWarning:
    return PlanWarning(
        code="archived-release",
        message=f"{', '.join(names)} can't be installed: Debian {base.os_version} has left the mirrors that "
        f"{base.reference} asks",
        hint="name a newer base with --base, or one of your own whose sources lead to the archive",
    )


def _of_libraries(
    libraries: tuple[SystemLibrary, ...], base: BaseImage, catalog: Catalog, chosen: dict[str, SystemPackage]
) -> list[PlanWarning]:
    """The packages of the recorded shared libraries, by the base's own names for them."""
    missing = []
    for library in libraries:
        soname = library.soname
        if not _SONAME.fullmatch(soname) or _ALWAYS_THERE.fullmatch(soname) or _CUDA_LIBRARY.fullmatch(soname):
            continue
        package = catalog.apt.of_soname(soname, base.codename or "")
        if package is not None:
            chosen.setdefault(package, SystemPackage(name=package, reason=f"holds {soname}, which the run loads"))
        else:
            message = f"the run loads {soname}, and which package of {base.os_id} {base.os_version} has it is not known"
            missing.append(PlanWarning(code="unknown-library", message=message, hint="name its package with --apt"))
    return missing


def _of_table(
    packages: tuple[Package, ...], base: BaseImage, catalog: Catalog, chosen: dict[str, SystemPackage]
) -> None:
    """What the table says that installed packages need when they run."""
    for package in packages:
        for need in catalog.apt.needs(package.canonical, package.version_text):
            if need.from_source_only or need.condition:
                continue
            needed = tuple(library for library in need.runtime if library not in _NOT_AT_RUN_TIME)
            for name in catalog.apt.packages(needed, base.codename or ""):
                chosen.setdefault(name, SystemPackage(name=name, reason=f"{package.name} needs it when it runs"))


def _decision(chosen: tuple[SystemPackage, ...], scanned: bool, incomplete: bool) -> Decision:
    names = [package.name for package in chosen if package.stage == "runtime" and package.name != _CERTIFICATES]
    basis = "from the shared libraries that the record lists" if scanned else "from the table of what packages need"
    source = "record" if scanned else "apt_needs"
    return Decision(
        question=Question.SYSTEM_PACKAGES,
        choice=", ".join(names) or "nothing but certificates for TLS",
        reason=basis if names else f"no package is known to need more, {basis}",
        fidelity=Fidelity.SUBSTITUTED if incomplete else Fidelity.EXACT,
        facts=(Fact(name="system_libraries", value=basis, source=source, certainty="told" if scanned else "presumed"),),
    )
