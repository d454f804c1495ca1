"""Which packages of an index have to be built from source, and with what: from evidence, never by guess.

Evidence is a wheel tag that only a local build carries, or a table that says which versions have wheels for
which Python. What is not known is taken for a wheel.
"""

from __future__ import annotations

import re

import msgspec

from reprobuild.catalog import Catalog
from reprobuild.catalog.sdist_traps import SdistTrap
from reprobuild.plan import Fidelity, PlanWarning
from reprobuild.planner.subject import Package
from reprobuild.planner.target import Target
from reprobuild.planner.treatment import Install

LAST_LENIENT_PIP = "24.0"
"""The last pip that installs packages whose metadata break PEP 440 or PEP 508."""

_OLD_PIP = re.compile(r"pip<24\.1")


def prepared(install: Install, package: Package, target: Target, catalog: Catalog) -> Install:
    """The same installation with what its build needs, where it has to be built at all."""
    traps = catalog.sdist_traps.of(package.canonical, package.version_text, target.python)
    install = _with_installer(install, traps)
    if not is_built(package, target, catalog):
        return install
    nvcc = _needs_nvcc(package, traps, catalog)
    warning = _no_remedy(package, traps, target) or install.warning
    return msgspec.structs.replace(
        install,
        needs_compiler=True,
        needs_nvcc=nvcc,
        build_isolation=all(trap.isolated for trap in traps) and not _imports_torch(package, catalog),
        build_constraints=tuple(sorted({line for trap in traps for line in trap.constraints})),
        build_requires=_build_requires(traps),
        build_libraries=tuple(dict.fromkeys(name for trap in traps for name in trap.libraries)),
        build_environment={name: value for trap in traps for name, value in sorted(trap.environment.items())},
        fidelity=max(install.fidelity, Fidelity.EQUIVALENT, key=lambda each: each.rank)
        if not package.compiled_locally and package.tags
        else install.fidelity,
        warning=warning,
    )


def is_built(package: Package, target: Target, catalog: Catalog) -> bool:
    """Whether it was compiled where it ran, or has no wheel for the image's Python as far as the tables know."""
    if package.compiled_locally:
        return True
    if package.version_text is None:
        return False
    has_wheel = catalog.sdist_traps.has_wheel(package.canonical, package.version_text, target.python, target.machine)
    return has_wheel is False


def _with_installer(install: Install, traps: tuple[SdistTrap, ...]) -> Install:
    """Old metadata need an installer that overlooks their faults; uv does for some of them."""
    named = [trap.installers for trap in traps if trap.installers]
    if not named or all("uv" in installers for installers in named):
        return install
    if any(_OLD_PIP.fullmatch(installer) for installers in named for installer in installers):
        return msgspec.structs.replace(install, needs_pip=LAST_LENIENT_PIP)
    return install


def _needs_nvcc(package: Package, traps: tuple[SdistTrap, ...], catalog: Catalog) -> bool:
    origin = catalog.companions.origin(package.canonical, package.version_text)
    return any(trap.nvcc for trap in traps) or bool(origin and origin.needs_nvcc)


def _imports_torch(package: Package, catalog: Catalog) -> bool:
    origin = catalog.companions.origin(package.canonical, package.version_text)
    return bool(origin and origin.imports_torch)


def _build_requires(traps: tuple[SdistTrap, ...]) -> tuple[str, ...]:
    """What a build without isolation needs beside torch, which is there already."""
    wanted = (line for trap in traps if not trap.isolated for line in trap.requires)
    return tuple(sorted({line for line in wanted if line != "torch"}))


def _no_remedy(package: Package, traps: tuple[SdistTrap, ...], target: Target) -> PlanWarning | None:
    broken = next((trap for trap in traps if not trap.builds), None)
    if broken is None:
        return None
    return PlanWarning(
        code="does-not-build",
        message=f"{package.pin} has no wheel for CPython {target.python} and is known not to build there",
        hint=f"the symptom is: {broken.symptom}; a Python that it has a wheel for avoids it",
    )
