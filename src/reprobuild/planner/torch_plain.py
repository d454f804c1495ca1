"""``torch==2.1.0``: the default index's wheel, unless other evidence names another build."""

from __future__ import annotations

import re

import msgspec
from packaging.version import Version

from reprobuild.catalog.torch_wheels import local_of
from reprobuild.plan import Fidelity, PlanWarning
from reprobuild.planner import grammar
from reprobuild.planner.torch_answers import by_rocm, from_default_index
from reprobuild.planner.torch_question import (
    TorchBuild,
    TorchQuestion,
    by_cuda,
    from_folder,
    no_wheel,
)
from reprobuild.planner.torch_suffix import with_suffix

_CONDA_CUDA = re.compile(r"cuda_?([0-9]{1,2})\.?([0-9])")
_CONDA_CPU = re.compile(r"(?:^|_)cpu(?:_|$)")


def without_suffix(question: TorchQuestion) -> TorchBuild:
    """``torch==2.1.0``: the default index's wheel, unless other evidence names another build."""
    conda = _conda_build(question)
    if conda is not None:
        return conda
    if question.subject.system not in (None, "Linux"):
        return _from_another_system(question)
    if question.subject.torch_hip and not question.own_local:
        return by_rocm(question, question.subject.torch_hip)
    wheel = question.pypi
    own_local, cuda = question.own_local, question.subject.torch_cuda
    if own_local and (wheel is None or local_of(wheel.torch_version or "") != own_local):
        build = with_suffix(question, own_local)
        reason = f"torch calls itself {question.subject.torch_version}: {build.reason}"
        return msgspec.structs.replace(build, reason=reason)
    if cuda is not None and (wheel is None or wheel.cuda != cuda):
        return _by_told_cuda(question, cuda)
    if cuda is None and _told_cpu(question) and wheel is not None and wheel.cuda:
        return _cpu(question, "the record says that torch was built without CUDA")
    if wheel is None:
        return _without_wheel(question)
    return from_default_index(question, wheel)


def _told_cpu(question: TorchQuestion) -> bool:
    """A deep record reads torch's version file: no CUDA there means none. A list's silence means nothing."""
    return question.subject.torch_read_from_files and not question.subject.torch_hip and not question.own_local


def _conda_build(question: TorchQuestion) -> TorchBuild | None:
    """conda's own build of torch: its build string tells the CUDA, and the nearest wheel is another build."""
    package = question.package
    conda = package.distribution.conda if package else None
    if package is None or (conda is None and package.distribution.installer != "conda"):
        return None
    build = grammar.printable(conda.build, f"{package.path}.conda.build") if conda and conda.build else ""
    found = _CONDA_CUDA.search(build)
    cuda = question.subject.torch_cuda or (f"{found.group(1)}.{found.group(2)}" if found else None)
    if cuda is None and not _CONDA_CPU.search(build):
        cuda = question.subject.loose_cuda
    variant = by_cuda(question, cuda)
    if variant is None:
        raise no_wheel(question)
    exact_cuda = variant.cuda == cuda
    told = f" for CUDA {cuda}" if cuda else " for the CPU"
    reason = f"conda installed torch {question.told}{told}; {variant.published_version} is the wheel of that release"
    fidelity = Fidelity.EQUIVALENT if exact_cuda else Fidelity.SUBSTITUTED
    return from_folder(question, variant, reason if exact_cuda else f"{reason} for CUDA {variant.cuda}", fidelity)


def _from_another_system(question: TorchQuestion) -> TorchBuild:
    """macOS and Windows wheels say nothing of CUDA; what ran there without CUDA gets the CPU's wheel on Linux."""
    cuda = question.subject.torch_cuda or question.subject.loose_cuda
    if cuda is None:
        return _cpu(question, f"the run was made on {question.subject.system} without CUDA")
    return _by_told_cuda(question, cuda)


def _by_told_cuda(question: TorchQuestion, cuda: str) -> TorchBuild:
    variant = by_cuda(question, cuda)
    if variant is None:
        raise no_wheel(question)
    if variant.cuda == cuda:
        plain = variant.local == ""
        reason = f"torch {question.told} was built for CUDA {cuda}, and PyTorch's {variant.folder} index has that build"
        return from_folder(question, variant, reason, Fidelity.EXACT if plain else Fidelity.EQUIVALENT)
    reason = (
        f"torch {question.told} was built for CUDA {cuda}, for which no wheel was published; "
        f"CUDA {variant.cuda} is the nearest lower one that was"
    )
    return from_folder(question, variant, reason, Fidelity.SUBSTITUTED)


def _cpu(question: TorchQuestion, why: str) -> TorchBuild:
    same_system = question.subject.system in (None, "Linux")
    fidelity = Fidelity.EQUIVALENT if same_system else Fidelity.SUBSTITUTED
    if question.pypi is not None and question.pypi.cuda is None:
        build = from_default_index(question, question.pypi)
        reason = f"{why}, and the default index's torch {build.version} has none for {question.target.platform}"
        return msgspec.structs.replace(build, reason=reason, fidelity=fidelity)
    variant = by_cuda(question, None)
    if variant is None:
        raise no_wheel(question)
    if same_system and not variant.local and not local_of(question.told):
        fidelity = Fidelity.EXACT
    reason = f"{why}, so torch {variant.published_version} of PyTorch's {variant.folder} index is the one for it"
    return from_folder(question, variant, reason, fidelity)


def _without_wheel(question: TorchQuestion) -> TorchBuild:
    """Nothing on the default index and no suffix: the plain wheel of PyTorch's index, in the folder of its CUDA.

    Where the record tells no CUDA, that of the default index's wheel of the same release (a ``.post2`` has none).
    """
    plain = [each for each in question.published if not each.local]
    loose = question.subject.loose_cuda
    fitting = [each for each in plain if loose is None or each.cuda == loose] or plain
    if not fitting:
        raise no_wheel(question)
    usual = question.default_cuda
    variant = max(fitting, key=lambda each: (each.cuda is not None and each.cuda == usual, Version(each.cuda or "0")))
    reason = (
        f"torch {question.told} is not on the default index for this Python; PyTorch's {variant.folder} index has it"
    )
    build = from_folder(question, variant, reason)
    if loose is not None or len({each.cuda for each in fitting}) == 1:
        return build
    warning = PlanWarning(
        code="variant-inferred",
        message=f"the record does not tell which build of torch {question.told} it was; "
        f"that of PyTorch's {variant.folder} index is taken",
        hint="put torch's CUDA (torch.version.cuda) into the record where you know it",
    )
    return msgspec.structs.replace(build, warnings=(*build.warnings, warning))
