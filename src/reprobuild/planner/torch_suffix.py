"""``torch==2.1.0+cu121``: the suffix names the build, or somebody who built it and no index has it."""

from __future__ import annotations

import re

import msgspec
from packaging.version import Version

from reprobuild.catalog.torch_wheels import PypiWheels, TorchVariant
from reprobuild.plan import Fidelity
from reprobuild.planner.torch_answers import by_rocm, from_default_index
from reprobuild.planner.torch_question import (
    TorchBuild,
    TorchQuestion,
    by_cuda,
    from_folder,
    no_wheel,
    nvidia_pin,
)
from reprobuild.planner.torch_wheel_needs import FULL_WHEELS_SINCE


def with_suffix(question: TorchQuestion, local: str) -> TorchBuild:
    """``torch==2.1.0+cu121``: the suffix names the build, and only PyTorch's index has such versions."""
    found = [each for each in question.published if each.local == local]
    if not found:
        return _foreign_suffix(question, local)
    full = [each for each in found if each.is_full]
    ordinary = [each for each in found if not each.is_full]
    variant = full[0] if full and (not ordinary or _brings_cuda_inside(question)) else ordinary[0]
    reason = f"torch {question.told} carries the suffix +{local}, which only PyTorch's {variant.folder} index has"
    if variant.is_full:
        reason += "; no nvidia-* wheel stands beside it, so it is the build that brings CUDA inside"
    return from_folder(question, variant, reason)


def _brings_cuda_inside(question: TorchQuestion) -> bool:
    newer = Version(question.release.version) >= FULL_WHEELS_SINCE
    return newer and question.subject.is_deep and nvidia_pin(question.subject) is None


def _foreign_suffix(question: TorchQuestion, local: str) -> TorchBuild:
    """A suffix that no wheel of this release, Python and platform has: another builder's, or another platform's."""
    elsewhere = [each for each in question.release.variants if each.local == local]
    if elsewhere and any(each.offers(None, question.platform) for each in elsewhere):
        raise no_wheel(question)
    if question.subject.torch_hip:
        return by_rocm(question, question.subject.torch_hip)
    told_cuda = question.subject.torch_cuda or question.subject.loose_cuda
    cuda = told_cuda or _cuda_of_folder(elsewhere) or _cuda_of_suffix(local)
    told_cpu = question.subject.torch_read_from_files
    if cuda is None and not elsewhere and not told_cpu and question.pypi is not None:
        return _instead_of_foreign(question, question.pypi)
    variant = by_cuda(question, cuda)
    if variant is None:
        raise no_wheel(question)
    reason = (
        f"torch {question.told} is a build that no public index has for {question.target.platform}; "
        f"{variant.published_version} is the nearest published build of the same release"
    )
    return from_folder(question, variant, reason, Fidelity.SUBSTITUTED)


def _instead_of_foreign(question: TorchQuestion, wheel: PypiWheels) -> TorchBuild:
    """Another builder's torch of which not even the CUDA is known: the release's default build."""
    plain = msgspec.structs.replace(question, told=question.release.version)
    build = from_default_index(plain, wheel)
    reason = (
        f"torch {question.told} is a build that no public index has; {question.release.version} of the default "
        f"index ({f'CUDA {wheel.cuda}' if wheel.cuda else 'no CUDA'}) is the same release"
    )
    return msgspec.structs.replace(build, reason=reason, fidelity=Fidelity.SUBSTITUTED)


def _cuda_of_suffix(local: str) -> str | None:
    """The CUDA that a suffix speaks of, although no build of this release carries it."""
    found = re.fullmatch(r"cu([0-9]{1,2})([0-9])", local)
    return f"{found.group(1)}.{found.group(2)}" if found else None


def _cuda_of_folder(variants: list[TorchVariant]) -> str | None:
    return next((each.cuda for each in variants if each.cuda), None)
