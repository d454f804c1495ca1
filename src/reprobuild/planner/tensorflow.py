"""TensorFlow below 2.14 takes CUDA and cuDNN from the system: the base has to carry those it was tested with."""

from __future__ import annotations

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.errors import PlanError
from reprobuild.plan import Accelerator, Decision, Fact, Fidelity, PlanWarning, Question
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.target import Target

OLDEST_CUDA_WITH_IMAGES = Version("11.0")
"""NVIDIA's images of older versions were deleted, and these wheels bring no CUDA of their own."""

_NAMES = ("tensorflow", "tensorflow-gpu")


class SystemCuda(msgspec.Struct, frozen=True, kw_only=True):
    """The accelerator of a framework other than torch."""

    accelerator: Accelerator
    decision: Decision
    warnings: tuple[PlanWarning, ...] = ()
    wheels_bring_cuda: bool = False
    """False: CUDA and cuDNN have to be in the image."""


def recorded_tensorflow(subject: Subject) -> Package | None:
    """The recorded TensorFlow, by either of the names that may use a GPU."""
    return next((package for name in _NAMES if (package := subject.find(name))), None)


def refuse_unpublished(subject: Subject, target: Target, catalog: Catalog) -> None:
    """Raise PlanError for a TensorFlow that has no wheel for the planned Python and platform.

    There are no sources of it on an index. What the table does not know is taken for published.
    """
    found = recorded_tensorflow(subject)
    release = catalog.tensorflow.release(found.version_text) if found and found.version_text else None
    if found is None or release is None or found.distribution.conda is not None or found.canonical != "tensorflow":
        return
    tags = release.pythons if target.machine == "x86_64" else release.aarch64
    known = tags or (release.pythons and target.machine == "x86_64")
    if known and target.python_tag not in tags and not any(tag.startswith("py") for tag in tags):
        raise PlanError(
            f"tensorflow {found.version_text} was never published for CPython {target.python} on {target.platform}",
            hint=f"it was published there for {', '.join(tags)} (--python chooses another one)",
        )


def system_cuda(subject: Subject, target: Target, catalog: Catalog) -> SystemCuda | None:
    """What such a TensorFlow asks of the base; None where none is recorded, or where its wheels have no GPU part."""
    found = recorded_tensorflow(subject)
    if found is None or found.version_text is None or subject.system not in (None, "Linux"):
        return None
    release = catalog.tensorflow.release(found.version_text)
    on_gpu = catalog.tensorflow.is_gpu_build(found.canonical, found.version_text)
    if release is None or not on_gpu or not release.cuda_from_system or not release.cuda or target.machine != "x86_64":
        return None
    if old := without_image(found, release.cuda):
        return old
    accelerator = Accelerator(kind="cuda", version=release.cuda, cudnn=release.cudnn)
    reason = f"{found.name} {found.version_text} loads CUDA {release.cuda} and cuDNN {release.cudnn} from the system"
    return SystemCuda(accelerator=accelerator, decision=_decision(found, accelerator, reason, Fidelity.EXACT))


def without_image(package: Package, cuda: str) -> SystemCuda | None:
    """The CPU in place of a CUDA from the system whose images are gone; None for one that has images."""
    if Version(cuda) >= OLDEST_CUDA_WITH_IMAGES:
        return None
    accelerator = Accelerator(kind="cpu", variant="cpu")
    reason = f"{package.name} {package.version_text} would load CUDA {cuda}, whose images NVIDIA has deleted"
    warning = PlanWarning(
        code="cuda-gone",
        message=f"{reason}: it runs on the CPU",
        hint="name a base that has that CUDA with --base",
    )
    decision = _decision(package, accelerator, f"{reason}, so it runs on the CPU", Fidelity.SUBSTITUTED)
    return SystemCuda(accelerator=accelerator, decision=decision, warnings=(warning,))


def _decision(package: Package, accelerator: Accelerator, reason: str, fidelity: Fidelity) -> Decision:
    choice = f"CUDA {accelerator.version}, cuDNN {accelerator.cudnn}" if accelerator.kind == "cuda" else "no GPU"
    row = Fact(name=f"tensorflow {package.version_text}", value=choice, source="tensorflow", certainty="observed")
    return Decision(question=Question.ACCELERATOR, choice=choice, reason=reason, fidelity=fidelity, facts=(row,))
