"""TensorFlow below 2.14 takes CUDA and cuDNN from the system: the base has to carry those it was tested with.

Up to 1.13 the GPU's wheel names CUDA's libraries as ones that it needs (``readelf -d`` of 1.13.1: libcublas.so.10.0,
libcudnn.so.7), so that it is not even imported without them; from 1.14 on they are opened when they are used.
"""

from __future__ import annotations

import re

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.errors import PlanError
from reprobuild.plan import Accelerator, Decision, DefaultIndex, Fact, Fidelity, PlanWarning, Question, Requirement
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.target import Target
from reprobuild.planner.treatment import Install, LeaveOut

OLDEST_CUDA_WITH_IMAGES = Version("11.0")
"""NVIDIA's images of older versions were deleted, and these wheels bring no CUDA of their own."""

_NAMES = ("tensorflow", "tensorflow-gpu")
_IMPORTED_WITHOUT_CUDA_SINCE = Version("1.14")
_LAST_ON_WINDOWS_GPUS = (2, 10)

_CONDA_GPU = re.compile(r"(?:^|_)(?:gpu|cuda)")
_CONDA_CPU = re.compile(r"(?:^|_)(?:mkl|eigen|cpu)")
"""How conda's builds of TensorFlow begin: ``gpu_py37h7a4bb67_0``, ``cuda112py39h01bd6f0_0``, ``mkl_py37h54b45f7_0``."""


class SystemCuda(msgspec.Struct, frozen=True, kw_only=True):
    """The accelerator of a framework other than torch."""

    of: str
    """The package that asks for it: ``tensorflow-gpu 1.13.1``."""
    accelerator: Accelerator
    decision: Decision
    warnings: tuple[PlanWarning, ...] = ()
    wheels_bring_cuda: bool = False
    """False: CUDA and cuDNN have to be in the image."""


def recorded_tensorflow(subject: Subject, catalog: Catalog) -> Package | None:
    """The recorded TensorFlow that uses a GPU where there is one: some records list the CPU's beside it."""
    found = [package for name in _NAMES if (package := subject.find(name))]
    return next((each for each in found if is_for_gpus(each, catalog)), found[0] if found else None)


def is_for_gpus(package: Package, catalog: Catalog) -> bool:
    """Whether this build uses a GPU, by its name and version, or by conda's build."""
    conda = package.distribution.conda
    build = (conda.build or "")[:200] if conda else ""
    if _CONDA_GPU.search(build) or _CONDA_CPU.search(build):
        return _CONDA_GPU.search(build) is not None
    text = package.version_text
    return text is not None and catalog.tensorflow.is_gpu_build(package.canonical, text)


def refuse_unpublished(subject: Subject, target: Target, catalog: Catalog) -> None:
    """Raise PlanError for a TensorFlow that has no wheel for the planned Python and platform.

    There are no sources of it on an index. What the table does not know is taken for published.
    """
    for name in _NAMES:
        found = subject.find(name)
        if found is not None and found.distribution.conda is None:
            _refuse_unpublished(found, target, catalog)


def _refuse_unpublished(found: Package, target: Target, catalog: Catalog) -> None:
    release = catalog.tensorflow.release(found.version_text) if found.version_text else None
    if release is None or (found.canonical != "tensorflow" and release.gpu_package != "wheels"):
        return
    tags = release.pythons if target.machine == "x86_64" else release.aarch64
    known = tags or (release.pythons and target.machine == "x86_64")
    if known and target.python_tag not in tags and not any(tag.startswith("py") for tag in tags):
        raise PlanError(
            f"{found.name} {found.version_text} was never published for CPython {target.python} on {target.platform}",
            hint=f"it was published there for {', '.join(tags)} (--python chooses another one)",
        )


def system_cuda(subject: Subject, target: Target, catalog: Catalog) -> SystemCuda | None:
    """What such a TensorFlow asks of the base; None where none is recorded, or where its wheels have no GPU part."""
    found = recorded_tensorflow(subject, catalog)
    if found is None or found.version_text is None or not is_for_gpus(found, catalog):
        return None
    release = catalog.tensorflow.release(found.version_text)
    if release is None or not release.cuda_from_system or not release.cuda or target.machine != "x86_64":
        return None
    if subject.system == "Windows" and Version(release.version).release[:2] > _LAST_ON_WINDOWS_GPUS:
        return None
    accelerator = Accelerator(kind="cuda", version=release.cuda, cudnn=release.cudnn)
    reason = f"{found.name} {found.version_text} loads CUDA {release.cuda} and cuDNN {release.cudnn} from the system"
    decision = _decision(found, accelerator, reason, Fidelity.EXACT)
    return SystemCuda(of=f"{found.name} {found.version_text}", accelerator=accelerator, decision=decision)


def with_image(found: SystemCuda | None) -> SystemCuda | None:
    """The same where NVIDIA still has images of its CUDA, or wheels bring it; else the CPU in its place."""
    cuda = found.accelerator.version if found and not found.wheels_bring_cuda else None
    if found is None or cuda is None or Version(cuda) >= OLDEST_CUDA_WITH_IMAGES:
        return found
    accelerator = Accelerator(kind="cpu", variant="cpu")
    reason = f"{found.of} would load CUDA {cuda}, whose images NVIDIA has deleted"
    warning = PlanWarning(
        code="cuda-gone",
        message=f"{reason}: it runs on the CPU",
        hint="name a base that has that CUDA with --base",
    )
    decision = msgspec.structs.replace(
        found.decision, choice="no GPU", reason=f"{reason}, so it runs on the CPU", fidelity=Fidelity.SUBSTITUTED
    )
    return SystemCuda(of=found.of, accelerator=accelerator, decision=decision, warnings=(*found.warnings, warning))


def in_place_of_gpu_build(
    package: Package, subject: Subject, system_cuda: str | None, catalog: Catalog
) -> Install | LeaveOut | None:
    """The CPU's build of the release where the GPU's would not be imported; None for whatever is installed as it is.

    ``system_cuda`` is the CUDA that the image has for it.
    """
    version = package.version
    if package.canonical != "tensorflow-gpu" or version is None or version >= _IMPORTED_WITHOUT_CUDA_SINCE:
        return None
    release = catalog.tensorflow.release(package.version_text or "")
    if release is None or release.cuda is None or (system_cuda and Version(system_cuda) == Version(release.cuda)):
        return None
    why = f"its wheel is not even imported without CUDA {release.cuda}, of which no image is left"
    beside = subject.find("tensorflow")
    if beside is not None:
        return LeaveOut(reason=f"{why}, and {beside.pin} stands beside it", fidelity=Fidelity.SUBSTITUTED)
    return Install(
        origin=DefaultIndex(),
        requirement=Requirement(name="tensorflow", line=f"tensorflow=={package.version_text}"),
        fidelity=Fidelity.SUBSTITUTED,
        difference=f"{why}, so the CPU's build of the same release takes its place",
        heavy=True,
    )


def _decision(package: Package, accelerator: Accelerator, reason: str, fidelity: Fidelity) -> Decision:
    choice = f"CUDA {accelerator.version}, cuDNN {accelerator.cudnn}" if accelerator.kind == "cuda" else "no GPU"
    row = Fact(name=f"tensorflow {package.version_text}", value=choice, source="tensorflow", certainty="observed")
    return Decision(question=Question.ACCELERATOR, choice=choice, reason=reason, fidelity=fidelity, facts=(row,))
