"""A torch that a list leaves out: torch itself tells it, or what was built against that one release of it."""

from __future__ import annotations

import msgspec
from packaging.utils import canonicalize_name

from reprobuild.catalog import Catalog
from reprobuild.catalog.torch_wheels import local_of
from reprobuild.plan import Fidelity, PlanWarning
from reprobuild.planner import grammar
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.torch_question import TorchBuild
from reprobuild.snapshot import Distribution

TORCH_NAMES = ("torch", "pytorch", "pytorch-gpu", "pytorch-cpu")
"""The index's name and conda's."""
_COMPANIONS = ("torchvision", "torchaudio", "torchtext")


def with_torch_of_companions(subject: Subject, catalog: Catalog) -> Subject:
    """The record with the torch that its torchvision and the like were built against, where it tells none itself.

    Each of their releases requires one release of torch, and a suffix (``+cu111``) is torch's as well.
    """
    if subject.is_deep or subject.torch_version or any(subject.find(name) for name in TORCH_NAMES):
        return subject
    listed = [package for name in _COMPANIONS if (package := subject.find(name)) and _is_of_an_index(package)]
    found = [(torch, package) for package in listed if (torch := catalog.companions.torch_of(*_identity(package)))]
    if not found:
        return subject
    torch, package = max(found, key=lambda pair: bool(local_of(pair[1].version_text or "")))
    local = local_of(package.version_text or "")
    return msgspec.structs.replace(
        subject,
        torch_version=f"{torch}+{local}" if local else torch,
        inferred=subject.inferred | {"torch.version"},
    )


def _is_of_an_index(package: Package) -> bool:
    """conda's label of a development version (``0.9.0a0``) and what came from a repository name no release."""
    return package.version is not None and not package.version.is_prerelease and not package.distribution.direct_url


def _identity(package: Package) -> tuple[str, str]:
    return package.canonical, package.version_text or ""


def unlisted(build: TorchBuild, subject: Subject) -> TorchBuild:
    """The same, with a word about where it comes from."""
    if build.container is not None or subject.is_deep:
        return build
    if "torch.version" not in subject.inferred:
        message = f"the record tells torch {subject.torch_version} and does not list it; it is installed as well"
        return msgspec.structs.replace(build, warnings=(*build.warnings, _warning(message)))
    witness = next(package for name in _COMPANIONS if (package := subject.find(name)))
    story = f"the record lists {witness.pin} and no torch; torch {build.version} is the one that belongs to it"
    return msgspec.structs.replace(
        build,
        reason=f"{story}; {build.reason}",
        fidelity=max(build.fidelity, Fidelity.EQUIVALENT, key=lambda each: each.rank),
        warnings=(*build.warnings, _warning(story)),
    )


def _warning(message: str) -> PlanWarning:
    return PlanWarning(
        code="torch-unlisted", message=message, hint="put the whole list of packages into the record where there is one"
    )


def added(build: TorchBuild | None, subject: Subject) -> tuple[Package, ...]:
    """The torch that the plan installs though no list of the record holds it: one package or none."""
    is_listed = any(subject.find(name) for name in TORCH_NAMES)
    if build is None or build.container is not None or is_listed or subject.is_deep:
        return ()
    package = Package(
        path="torch",
        name="torch",
        canonical=canonicalize_name("torch"),
        version=grammar.pep440(build.version),
        version_text=build.version,
        tags=(),
        hashes=(),
        distribution=Distribution(name="torch", version=build.version),
    )
    return (package,)
