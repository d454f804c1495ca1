"""Which packages of an index have to be built from source, and with what: from evidence, never by guess.

Evidence is a wheel tag that only a local build carries, or a table that says which versions have wheels for
which Python. What is not known is taken for a wheel.
"""

from __future__ import annotations

import re

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.sdist_traps import SdistTrap
from reprobuild.plan import Fidelity, PlanWarning
from reprobuild.planner.subject import Package
from reprobuild.planner.target import Target
from reprobuild.planner.torch_question import TorchBuild
from reprobuild.planner.treatment import Install, LeaveOut

LAST_LENIENT_PIP = "24.0"
"""The last pip that installs packages whose metadata break PEP 440 or PEP 508."""

OLDEST_NVCC = Version("11.0")
"""The oldest CUDA of which a ``devel`` image is left."""

_FORCES_CUDA = re.compile(r"FORCE_CUDA|APEX_CUDA_EXT")
"""Variables that make a build look for nvcc although torch has no CUDA."""
_OLD_PIP = re.compile(r"pip<24\.1")


class BuildContext(msgspec.Struct, frozen=True, kw_only=True):
    """What the way of a build depends on beside the package."""

    target: Target
    catalog: Catalog
    torch: TorchBuild | None = None
    may_have_nvcc: bool = False
    """Whether the user named a base, which may bring the nvcc of a CUDA whose images are gone."""


def prepared(
    install: Install, package: Package, context: BuildContext, *, is_source: bool = False
) -> Install | LeaveOut:
    """The same installation from an index with what its build needs, where it has to be built at all.

    ``is_source`` tells that the project publishes nothing but sources.
    """
    traps = context.catalog.sdist_traps.of(package.canonical, package.version_text, context.target.python)
    install = _with_installer(install, traps)
    if not is_source and not is_built(package, context):
        return install
    is_equivalent = not package.compiled_locally and bool(package.tags)
    fidelity = max(install.fidelity, Fidelity.EQUIVALENT, key=lambda each: each.rank)
    bound = _bound(package, context.catalog)
    warning = _no_remedy(package, traps, context.target) or bound or install.warning
    compiles = package.compiled_locally or not context.catalog.sdist_traps.is_pure(package.canonical)
    built = msgspec.structs.replace(
        install,
        from_source=True,
        needs_compiler=compiles,
        fidelity=fidelity if is_equivalent else install.fidelity,
        warning=warning,
    )
    return _built(built, package, traps, context)


def prepared_from_url(install: Install, package: Package, context: BuildContext) -> Install | LeaveOut:
    """The same for a repository or an archive of sources, which is built whatever an index has."""
    if package.is_pure is True:
        return install
    traps = context.catalog.sdist_traps.of(package.canonical, package.version_text, context.target.python)
    return _built(install, package, tuple(trap for trap in traps if trap.builds), context)


def _built(
    install: Install, package: Package, traps: tuple[SdistTrap, ...], context: BuildContext
) -> Install | LeaveOut:
    """With what the build takes; left out where it takes an nvcc that no image brings any more."""
    catalog, torch = context.catalog, context.torch
    has_gpu = torch is None or torch.kind == "cuda"
    nvcc = has_gpu and (any(trap.nvcc for trap in traps) or catalog.companions.needs_nvcc(package.canonical))
    if nvcc and torch is not None and torch.cuda and Version(torch.cuda) < OLDEST_NVCC and not context.may_have_nvcc:
        return _without_nvcc(package, torch.cuda)
    environment = {name: value for trap in traps for name, value in sorted(trap.environment.items())}
    if not nvcc:
        environment = {name: value for name, value in environment.items() if not _FORCES_CUDA.fullmatch(name)}
    imports_torch = torch is not None and catalog.companions.imports_torch(package.canonical)
    return msgspec.structs.replace(
        install,
        needs_compiler=install.needs_compiler or nvcc,
        needs_nvcc=nvcc,
        build_isolation=all(trap.isolated for trap in traps) and not imports_torch,
        build_constraints=tuple(sorted({line for trap in traps for line in trap.constraints})),
        build_requires=_build_requires(traps),
        build_libraries=tuple(dict.fromkeys(name for trap in traps for name in trap.libraries)),
        build_environment=environment,
    )


def _without_nvcc(package: Package, cuda: str) -> LeaveOut:
    reason = f"it has to be compiled with nvcc of CUDA {cuda}, whose images NVIDIA has deleted"
    warning = PlanWarning(
        code="no-nvcc",
        message=f"{package.pin}: {reason}, so the image does not hold it",
        hint="name a base that has that CUDA's toolkit with --base",
    )
    return LeaveOut(reason=reason, warning=warning)


def is_built(package: Package, context: BuildContext) -> bool:
    """Whether it was compiled where it ran, or has no wheel for the image's Python as far as the tables know."""
    if package.compiled_locally:
        return True
    if package.version_text is None:
        return False
    catalog, target = context.catalog, context.target
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


def _build_requires(traps: tuple[SdistTrap, ...]) -> tuple[str, ...]:
    """What a build without isolation needs beside torch, which is there already."""
    wanted = (line for trap in traps if not trap.isolated for line in trap.requires)
    return tuple(sorted({line for line in wanted if line != "torch"}))


def _bound(package: Package, catalog: Catalog) -> PlanWarning | None:
    library = catalog.sdist_traps.bound_to(package.canonical)
    if library is None:
        return None
    return PlanWarning(
        code="bound-to-system",
        message=f"{package.pin} builds against {library} of its own version, and the image has the one of its release",
        hint=f"name a base that has {library} {package.version_text} with --base where the build fails",
    )


def _no_remedy(package: Package, traps: tuple[SdistTrap, ...], target: Target) -> PlanWarning | None:
    broken = next((trap for trap in traps if not trap.builds), None)
    if broken is None:
        return None
    return PlanWarning(
        code="does-not-build",
        message=f"{package.pin} has no wheel for CPython {target.python} and is known not to build there",
        hint=f"the symptom is: {broken.symptom}; a Python that it has a wheel for avoids it",
    )
