"""Answers about torch that several kinds of records lead to: the default index's wheel, the nearest build for ROCm."""

from __future__ import annotations

import msgspec
from packaging.version import Version

from reprobuild.catalog.torch_wheels import PypiWheels
from reprobuild.plan import Fact, Fidelity, PlanWarning
from reprobuild.planner.torch_question import (
    TorchBuild,
    TorchQuestion,
    from_folder,
    no_wheel,
    nvidia_pin,
    others,
    recorded_cudnn,
)
from reprobuild.planner.torch_wheel_needs import lacks_wheel_needs


def from_default_index(question: TorchQuestion, wheel: PypiWheels) -> TorchBuild:
    """The default index's wheel of the release, with a warning where nothing in the record says that it was it."""
    subject, version = question.subject, question.release.version
    plain_folder = _plain_folder(question, wheel)
    if plain_folder is not None:
        return plain_folder
    cuda = f"CUDA {wheel.cuda}" if wheel.cuda else "no CUDA"
    reason = f"torch {question.told} without suffix is the wheel of the default index, which was built for {cuda}"
    facts = [
        Fact(name=f"torch {version} on the default index", value=cuda, source="torch_wheels", certainty="observed")
    ]
    warnings: list[PlanWarning] = []
    pin = nvidia_pin(subject)
    if question.own_local or subject.torch_cuda:
        facts.append(subject.fact("torch.version", subject.torch_version or question.told))
    elif pin is not None:
        facts.append(subject.fact(pin.path, pin.pin))
    elif wheel.cuda:
        warnings.append(_inferred_variant(question, wheel))
    build = TorchBuild(
        release=question.release,
        version=question.told,
        kind="cuda" if wheel.cuda else "cpu",
        cuda=wheel.cuda,
        cudnn=recorded_cudnn(subject) or wheel.cudnn,
        variant=wheel.variant or ("cpu" if wheel.cuda is None else None),
        reason=reason,
        facts=tuple(facts),
        alternatives=others(question, wheel.variant),
        warnings=tuple(warnings),
        wheel_tags=wheel.platform_tags,
    )
    return _of_another_builder(build) if warnings and lacks_wheel_needs(build, question) else build


def _of_another_builder(build: TorchBuild) -> TorchBuild:
    reason = (
        f"{build.reason}; it loads CUDA from nvidia-* wheels, and the record lists torch's other requirements and none "
        "of those: another build of this release ran, such as conda's"
    )
    return msgspec.structs.replace(build, reason=reason, fidelity=Fidelity.EQUIVALENT)


def _plain_folder(question: TorchQuestion, wheel: PypiWheels) -> TorchBuild | None:
    """Up to 1.1 every folder's wheel has the same plain name: a loose CUDA that differs names the folder."""
    loose = question.subject.loose_cuda
    if loose is None or loose == wheel.cuda or question.own_local or question.subject.torch_cuda:
        return None
    variant = next((each for each in question.published if not each.local and each.cuda == loose), None)
    if variant is None:
        return None
    reason = f"the record's CUDA is {loose}, and only PyTorch's {variant.folder} index has torch {question.told} for it"
    return from_folder(question, variant, reason)


def _inferred_variant(question: TorchQuestion, wheel: PypiWheels) -> PlanWarning:
    return PlanWarning(
        code="variant-inferred",
        message=f"the record does not tell which build of torch {question.told} it was; "
        f"the default index's (CUDA {wheel.cuda}) is taken",
        hint="put the suffix into the record (torch==X.Y.Z+cuNNN or +cpu) where you know it",
    )


def by_rocm(question: TorchQuestion, hip: str) -> TorchBuild:
    """A torch that somebody built against ROCm: the published build for that ROCm, or for the next lower one."""
    wanted = Version(".".join(hip.split(".")[:2]))
    built = [each for each in question.published if each.rocm and Version(each.rocm) <= wanted]
    if not built:
        raise no_wheel(question)
    variant = max(built, key=lambda each: (Version(each.rocm or "0"), not each.is_full))
    reason = f"torch {question.told} was built for ROCm {wanted}, and no public index has that build"
    if Version(variant.rocm or "0") == wanted:
        same = f"{reason}; {variant.published_version} is the published one for the same ROCm"
        return from_folder(question, variant, same, Fidelity.EQUIVALENT)
    nearest = f"{reason}; {variant.published_version} is of the nearest lower ROCm that one was published for"
    return from_folder(question, variant, nearest, Fidelity.SUBSTITUTED)
