"""A base image that the user named: what is known of it."""

from __future__ import annotations

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.operating_systems import OperatingSystem
from reprobuild.plan import BaseImage, Decision, Fact, Fidelity, PlanWarning, Question
from reprobuild.planner.recorded_system import Needs

_RPM_FAMILY = ("rockylinux", "almalinux", "centos", "fedora", "ubi", "oraclelinux")


class NamedBase(msgspec.Struct, frozen=True, kw_only=True):
    """The base with its decision and what a person should know of it."""

    base: BaseImage
    decision: Decision
    warnings: tuple[PlanWarning, ...]


def named_base(reference: str, digest: str | None, needs: Needs, catalog: Catalog) -> NamedBase:
    """The base that ``--base`` names; what the tables don't know of it is assumed, with a warning."""
    repository, tag, own_digest = _parts(reference)
    base = _known(repository, tag, catalog) or _assumed(repository, tag)
    base = msgspec.structs.replace(base, digest=digest or own_digest or None)
    decision = Decision(
        question=Question.BASE_IMAGE,
        choice=base.reference,
        reason="it was asked for with --base",
        fidelity=Fidelity.SUBSTITUTED,
        facts=(Fact(name="--base", value=reference, source="option"),),
    )
    return NamedBase(base=base, decision=decision, warnings=_warnings(base, needs, catalog))


def may_have_cuda(reference: str, cuda: str, catalog: Catalog) -> bool:
    """Whether nothing that is known of the image speaks against this minor of CUDA in it."""
    repository, tag, _ = _parts(reference)
    base = _known(repository, tag, catalog)
    if base is None:
        return True
    return base.cuda is not None and (*Version(base.cuda).release, 0)[:2] == (*Version(cuda).release, 0)[:2]


def _parts(reference: str) -> tuple[str, str, str]:
    """Repository, tag and digest."""
    named, _, digest = reference.partition("@")
    repository, separator, tag = named.rpartition(":")
    return (named, "latest", digest) if not separator or "/" in tag else (repository, tag, digest)


def _known(repository: str, tag: str, catalog: Catalog) -> BaseImage | None:
    image = catalog.cuda_images.by_tag(tag) if repository.endswith("nvidia/cuda") else None
    if image is not None:
        system = catalog.operating_systems.get(image.os_id, image.os_version)
        base = _of_system(repository, tag, system) if system else _assumed(repository, tag)
        cudnn = image.cudnn if image.has_cudnn else None
        return msgspec.structs.replace(base, cuda=image.cuda, cudnn=cudnn, flavor=image.flavor)
    name = repository.rpartition("/")[2]
    if name == "python":
        system = catalog.operating_systems.by_codename(tag.rpartition("-")[2])
    else:
        system = catalog.operating_systems.get(name, tag) or catalog.operating_systems.by_codename(tag)
    return _of_system(repository, tag, system) if system else None


def _of_system(repository: str, tag: str, system: OperatingSystem) -> BaseImage:
    return BaseImage(
        repository=repository,
        tag=tag,
        os_id=system.id,
        os_version=system.version,
        codename=system.codename,
        glibc=system.glibc,
        package_manager="dnf" if system.package_manager == "dnf" else "apt",
    )


def _assumed(repository: str, tag: str) -> BaseImage:
    is_rpm = any(name in repository for name in _RPM_FAMILY)
    return BaseImage(
        repository=repository,
        tag=tag,
        os_id="rhel" if is_rpm else "debian",
        os_version="unknown",
        package_manager="dnf" if is_rpm else "apt",
    )


def _warnings(base: BaseImage, needs: Needs, catalog: Catalog) -> tuple[PlanWarning, ...]:
    warnings = []
    accelerator = needs.accelerator
    row = catalog.cuda_images.by_tag(base.tag) if base.repository.endswith("nvidia/cuda") else None
    if row is not None and row.presence != "present":
        message = f"NVIDIA has deleted {base.reference}: it is found in a registry of your own, or nowhere"
        warnings.append(PlanWarning(code="base-removed", message=message))
    if base.glibc and needs.glibc and Version(base.glibc) < Version(needs.glibc):
        message = f"{base.reference} has glibc {base.glibc}, and the recorded wheels need {needs.glibc}"
        warnings.append(PlanWarning(code="glibc-too-old", message=message, hint="they won't install there"))
    wanted = accelerator.version if accelerator.kind == "cuda" and not needs.wheels_bring_cuda else None
    if wanted and base.cuda and Version(base.cuda).release[:2] != Version(wanted).release[:2]:
        message = f"{base.reference} carries CUDA {base.cuda}, and the run loads {wanted} from the system"
        warnings.append(PlanWarning(code="base-with-other-cuda", message=message))
    if base.os_version == "unknown":
        message = f"nothing is known of {base.reference}: its glibc and its packages' names are assumed"
        warnings.append(PlanWarning(code="unknown-base", message=message))
    if accelerator.kind == "cuda" and base.cuda is None:
        message = f"{base.reference} carries no CUDA that the tables know of; the run's wheels have to bring theirs"
        warnings.append(PlanWarning(code="base-without-cuda", message=message))
    return tuple(warnings)
