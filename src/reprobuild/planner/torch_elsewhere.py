"""Builds of torch that no folder of PyTorch's index holds: long-term support, and a vendor's index of its own."""

from __future__ import annotations

import re

from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.companions import PackageOrigin
from reprobuild.catalog.torch_wheels import LtsWheels, TorchRelease, TorchVariant, local_of
from reprobuild.errors import PlanError
from reprobuild.plan import Alternative, Fact, Fidelity, FindLinks, NamedIndex, PlanWarning
from reprobuild.planner.subject import Subject
from reprobuild.planner.target import Target
from reprobuild.planner.torch_question import TorchBuild, recorded_cudnn

_DEFAULT_LTS = "cu102"
"""What the installation page of the long-term support releases offered first."""
_CUDA_OF_FOLDER = re.compile(r"cu([0-9]{1,2})([0-9])")


def torch_elsewhere(told: str, path: str, subject: Subject, target: Target, catalog: Catalog) -> TorchBuild | None:
    """The build that ``told`` names on a page or index beside PyTorch's own; None for every ordinary one.

    Raises PlanError where that page has no wheel for this Python and platform.
    """
    builds = catalog.torch_wheels.lts_builds(told)
    if builds:
        return _of_lts(builds, told, path, subject, target, catalog)
    row = catalog.companions.origin("torch", told)
    if row is not None and row.kind == "index" and row.url is not None:
        return _of_vendor(row, row.url, told, path, subject, catalog)
    return None


def _of_lts(
    builds: tuple[LtsWheels, ...], told: str, path: str, subject: Subject, target: Target, catalog: Catalog
) -> TorchBuild:
    local = local_of(told) or local_of(subject.torch_version or "")
    wanted, is_told = _wanted_lts(local, subject)
    chosen = next((build for build in builds if build.local == wanted), None)
    platform = f"linux_{target.machine}"
    if chosen is None or target.python_tag not in chosen.pythons or platform not in chosen.platforms:
        offered = ", ".join(f"{build.version}+{build.local}" for build in builds)
        raise PlanError(
            f"torch {told} was never published for CPython {target.python} on {target.platform}",
            hint=f"its page has {offered} for {', '.join(builds[0].pythons)} on {', '.join(builds[0].platforms)}",
        )
    version = f"{chosen.version}+{chosen.local}"
    sibling = _sibling(chosen, catalog)
    cuda = _cuda_of(chosen.local)
    reason = f"torch {chosen.version} is a long-term support release, which only PyTorch's page of those has"
    warnings = [] if is_told else [_inferred(told, version)]
    return TorchBuild(
        release=TorchRelease(version=chosen.version, evidence="unverified", on_pypi=False, pypi={}),
        version=version,
        origin=FindLinks(url=chosen.find_links),
        kind="cuda" if cuda else "cpu",
        cuda=cuda,
        cudnn=recorded_cudnn(subject) or (sibling.cudnn if sibling else None) if cuda else None,
        variant=chosen.local,
        reason=reason + (f"; note that its wheel {chosen.note}" if chosen.note else ""),
        fidelity=Fidelity.EXACT if local_of(told) else Fidelity.EQUIVALENT,
        facts=(
            subject.fact(path, told),
            Fact(name=f"torch {version}", value=chosen.find_links, source="torch_lts", certainty="presumed"),
        ),
        alternatives=tuple(
            Alternative(choice=f"{build.version}+{build.local}", reason="another build of the same release")
            for build in builds
            if build is not chosen
        ),
        warnings=tuple(warnings),
        wheel_tags=(sibling.platform_tags.get(platform, ()) if sibling else ()),
    )


def _wanted_lts(local: str, subject: Subject) -> tuple[str, bool]:
    """The suffix of the build, and whether the record tells it."""
    if local:
        return local, True
    cuda = subject.torch_cuda or subject.loose_cuda
    if cuda:
        return f"cu{cuda.replace('.', '')}", True
    return ("cpu", True) if subject.torch_read_from_files else (_DEFAULT_LTS, False)


def _sibling(build: LtsWheels, catalog: Catalog) -> TorchVariant | None:
    """The same build of the ordinary release before: it was made with the same CUDA and cuDNN."""
    earlier = [each for each in catalog.torch_wheels.releases if Version(each.version) < Version(build.version)]
    return next((each for each in earlier[-1].named(build.local)), None) if earlier else None


def _cuda_of(folder: str) -> str | None:
    found = _CUDA_OF_FOLDER.fullmatch(folder)
    return f"{found[1]}.{found[2]}" if found else None


def _inferred(told: str, version: str) -> PlanWarning:
    return PlanWarning(
        code="variant-inferred",
        message=f"the record does not tell which build of torch {told} it was; {version} is taken",
        hint="put the suffix into the record (torch==1.8.2+cu111, +cu102 or +cpu) where you know it",
    )


def _of_vendor(row: PackageOrigin, url: str, told: str, path: str, subject: Subject, catalog: Catalog) -> TorchBuild:
    """Intel's builds for its GPUs, which stand on Intel's index beside the extension that drives them."""
    final = Version(told).base_version
    release = catalog.torch_wheels.release(final)
    return TorchBuild(
        release=release or TorchRelease(version=final, evidence="unverified", on_pypi=False, pypi={}),
        version=told,
        origin=NamedIndex(url=url),
        kind="xpu",
        variant="xpu",
        reason=f"torch {told} carries the suffix +{local_of(told)}: {row.note}",
        facts=(
            subject.fact(path, told),
            Fact(name=f"torch +{row.local}", value=url, source="package_origins", certainty="unverified"),
        ),
    )
