"""NVIDIA's image for a CUDA: only a tag that exists, of the recorded release and cuDNN series where there is one."""

from __future__ import annotations

from typing import Literal

from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.cuda_images import REPOSITORY, CudaImage
from reprobuild.catalog.operating_systems import FAMILY_OF_ID, OperatingSystem
from reprobuild.errors import PlanError
from reprobuild.plan import (
    Alternative,
    BaseImage,
    Decision,
    Fact,
    Fidelity,
    Question,
    weakest,
)
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.plain_base import plain_ubuntu
from reprobuild.planner.recorded_system import BaseChoice, Needs, Wanted, nearest_release, os_reason

_FLAVOR: dict[str, Literal["base", "runtime", "devel"]] = {
    "auto": "runtime",
    "runtime": "runtime",
    "slim": "base",
    "devel": "devel",
}
_SAVING = "every CUDA library that the run loads comes inside its {}: --flavor slim saves 2 to 6 GB"


def cuda_base(wanted: Wanted, needs: Needs, catalog: Catalog, options: PlanOptions) -> BaseChoice:
    """The image of the flavor that was asked for. Raises PlanError where none carries a CUDA that the run loads."""
    flavor = _FLAVOR[options.flavor]
    if flavor == "base" and not needs.wheels_bring_cuda:
        flavor = "runtime"
    cuda = needs.accelerator.version or ""
    series = _series(needs.accelerator.cudnn) if flavor != "base" else None
    family = _family(wanted, options)
    images = _same_minor(_found(catalog, cuda, flavor, needs, series, family), cuda)
    without_cudnn = not images and series is not None and needs.wheels_bring_cuda
    if without_cudnn:
        images = _same_minor(_found(catalog, cuda, flavor, needs, None, family), cuda)
    if not images:
        images = _next_minor(_found(catalog, cuda, flavor, needs, series, family), needs, catalog)
    image = _best_release(images, wanted, needs, catalog)
    if image is None and needs.wheels_bring_cuda:
        return plain_ubuntu(wanted, needs, catalog, f"the tables list no image that carries CUDA {cuda} or a later one")
    if image is None:
        raise PlanError(
            f"no nvidia/cuda image carries CUDA {cuda} or a later one of its major version"
            + (f" with cuDNN {series}" if series and series != "any" else "")
            + f" for {needs.platform} and the glibc that the wheels need",
            hint="name a base of your own with --base",
        )
    base = _base_of(image, catalog)
    inside = "conda packages" if needs.by_conda else "wheels"
    return BaseChoice(
        base=base,
        build_base=_devel_sibling(image, catalog) if needs.needs_nvcc and flavor != "devel" else None,
        decision=_decision(base, image, wanted, needs, _others(images, image, catalog, flavor), without_cudnn),
        notes=(_SAVING.format(inside),) if flavor != "base" and needs.wheels_bring_cuda else (),
    )


def _family(wanted: Wanted, options: PlanOptions) -> str:
    """The distribution of the image: Ubuntu, or Rocky for Red Hat's family where the user wants to stay with it."""
    recorded = wanted.system
    return "rocky" if options.same_family and recorded is not None and recorded.id == "rhel" else "ubuntu"


def _series(cudnn: str | None) -> str | None:
    return str(Version(cudnn).major) if cudnn else "any"


def _found(
    catalog: Catalog,
    cuda: str,
    flavor: Literal["base", "runtime", "devel"],
    needs: Needs,
    series: str | None,
    family: str,
) -> tuple[CudaImage, ...]:
    return catalog.cuda_images.candidates(
        cuda, flavor, os_id=family, architecture=needs.platform.architecture, cudnn_series=series
    )


def _same_minor(images: tuple[CudaImage, ...], cuda: str) -> tuple[CudaImage, ...]:
    """Those of the recorded minor, all of its best patch."""
    release = Version(cuda).release[:2]
    same = [image for image in images if Version(image.cuda).release[:2] == release]
    return tuple(same)


def _next_minor(images: tuple[CudaImage, ...], needs: Needs, catalog: Catalog) -> tuple[CudaImage, ...]:
    fitting = [image for image in images if _runs_wheels(image, needs, catalog)]
    if not fitting:
        return ()
    lowest = min(Version(image.cuda).release[:2] for image in fitting)
    return tuple(image for image in fitting if Version(image.cuda).release[:2] == lowest)


def _system(image: CudaImage, catalog: Catalog) -> OperatingSystem | None:
    return catalog.operating_systems.get(image.os_id, image.os_version)


def _runs_wheels(image: CudaImage, needs: Needs, catalog: Catalog) -> bool:
    system = _system(image, catalog)
    return system is not None and (needs.glibc is None or system.runs_glibc(needs.glibc))


def _best_release(images: tuple[CudaImage, ...], wanted: Wanted, needs: Needs, catalog: Catalog) -> CudaImage | None:
    """The recorded release of any patch of the minor before another release of the best patch."""
    fitting = [image for image in images if _runs_wheels(image, needs, catalog)]
    recorded = wanted.system
    if recorded is not None and any(FAMILY_OF_ID.get(image.os_id, image.os_id) == recorded.id for image in images):
        same = [image for image in fitting if image.os_version == recorded.version]
        if same:
            return same[0]
    if not fitting:
        return None
    best_patch = [image for image in fitting if image.cuda == fitting[0].cuda]
    best_patch.sort(key=lambda image: Version(image.os_version))
    if best_patch[0].os_id != "ubuntu":
        return best_patch[0]
    chosen = nearest_release([image.os_version for image in best_patch], wanted.glibc, needs.built_around, catalog)
    return next(image for image in best_patch if image.os_version == chosen)


def _base_of(image: CudaImage, catalog: Catalog) -> BaseImage:
    system = _system(image, catalog)
    return BaseImage(
        repository=REPOSITORY,
        tag=image.tag,
        os_id=image.os_id,
        os_version=image.os_version,
        codename=system.codename if system else None,
        glibc=system.glibc if system else None,
        cuda=image.cuda,
        cudnn=image.cudnn if image.has_cudnn else None,
        flavor=image.flavor,
        package_manager="dnf" if system and system.package_manager == "dnf" else "apt",
    )


def _devel_sibling(image: CudaImage, catalog: Catalog) -> BaseImage | None:
    """The same release and CUDA with nvcc, for the builder stage only."""
    series = image.cudnn_series if image.has_cudnn else None
    found = catalog.cuda_images.find(image.cuda, "devel", image.os_id, image.os_version, None, series)
    return _base_of(found[0], catalog) if found else None


def _others(images: tuple[CudaImage, ...], chosen: CudaImage, catalog: Catalog, flavor: str) -> tuple[Alternative, ...]:
    others = [
        Alternative(choice=image.reference, reason=_why_not(image, chosen), fidelity=Fidelity.SUBSTITUTED)
        for image in images
        if image.tag != chosen.tag
    ][:4]
    slim = catalog.cuda_images.find(chosen.cuda, "base", chosen.os_id, chosen.os_version)
    if flavor != "base" and slim:
        reason = "leaves CUDA to the wheels; the default carries the recorded one (--flavor slim)"
        others.append(Alternative(choice=slim[0].reference, reason=reason))
    return tuple(others)


def _why_not(image: CudaImage, chosen: CudaImage) -> str:
    if image.os_version != chosen.os_version:
        return "another release of the operating system"
    return f"CUDA {image.cuda} where {chosen.cuda} is nearer"


def _decision(
    base: BaseImage,
    image: CudaImage,
    wanted: Wanted,
    needs: Needs,
    others: tuple[Alternative, ...],
    without_cudnn: bool,
) -> Decision:
    cuda = needs.accelerator.version or ""
    same_cuda = Version(image.cuda).release[:2] == Version(cuda).release[:2]
    cuda_reason = (
        f"CUDA {cuda}'s highest published patch is {image.cuda}"
        if same_cuda
        else f"no image carries CUDA {cuda} with that cuDNN any more; {image.cuda} is the next one of its major version"
    )
    cudnn_reason, cudnn_fidelity = _cudnn_reason(image, needs, without_cudnn)
    system, os_fidelity = os_reason(base, wanted)
    reason = "; ".join(part for part in (cuda_reason, cudnn_reason, system) if part)
    fidelities = (Fidelity.EXACT if same_cuda else Fidelity.SUBSTITUTED, cudnn_fidelity, os_fidelity)
    row = Fact(name=image.reference, value=image.presence, source="cuda_images", certainty="present")
    return Decision(
        question=Question.BASE_IMAGE,
        choice=base.reference,
        reason=reason,
        fidelity=weakest(fidelities),
        facts=(*((wanted.fact,) if wanted.fact else ()), row),
        alternatives=others,
    )


def _cudnn_reason(image: CudaImage, needs: Needs, without_cudnn: bool) -> tuple[str, Fidelity]:
    recorded = needs.accelerator.cudnn
    own = "conda's packages" if needs.by_conda else "the wheels"
    if without_cudnn:
        text = f"no image of this CUDA has cuDNN {_series(recorded)}, which {own} bring themselves"
        return text, Fidelity.EXACT
    if not image.has_cudnn or image.cudnn is None or recorded is None:
        return "", Fidelity.EXACT
    told = Version(recorded).release[:3]
    if Version(image.cudnn).release[: len(told)] == told:
        return f"it holds cuDNN {image.cudnn}, the one that the run loads", Fidelity.EXACT
    if needs.wheels_bring_cudnn:
        return f"it holds cuDNN {image.cudnn}, and {own} load their own {recorded}", Fidelity.EXACT
    return f"it holds cuDNN {image.cudnn} where {recorded} was meant, of the same series", Fidelity.EQUIVALENT
