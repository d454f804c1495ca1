"""The rescue that a user asked for: the same release of torch for a CUDA that runs on the machine."""

from __future__ import annotations

import re

import msgspec

from reprobuild.catalog.torch_wheels import local_of
from reprobuild.plan import Fidelity, PlanWarning, PytorchFolder
from reprobuild.planner.gpu import Verdict
from reprobuild.planner.subject import Package
from reprobuild.planner.target import Target
from reprobuild.planner.torch_question import TorchBuild
from reprobuild.planner.treatment import LeaveOut

_CUDA_LIBRARY = re.compile(r"nvidia-(?:cu[a-z]+|nccl|nvtx|nvjitlink|cusparselt|cufile|nvshmem)(?:-cu[0-9]{2})?")


def rescued(torch: TorchBuild, verdict: Verdict, target: Target) -> TorchBuild:
    """The first rescue in place of the recorded build."""
    platform = f"linux_{target.machine}"
    folder = verdict.rescues[0]
    variant = next(each for each in torch.release.published(target.python_tag, platform) if each.folder == folder)
    reason = f"{verdict.problem}, so --rescue takes the same release for CUDA {variant.cuda}"
    warning = PlanWarning(code="rescued", message=f"torch {variant.published_version} in place of {torch.version}")
    return msgspec.structs.replace(
        torch,
        version=variant.published_version,
        origin=PytorchFolder(folder=variant.folder),
        cuda=variant.cuda,
        cudnn=variant.cudnn,
        variant=variant.folder,
        reason=reason,
        fidelity=Fidelity.SUBSTITUTED,
        warnings=(*torch.warnings, warning),
        wheel_tags=variant.platform_tags.get(platform, ()),
        rescued_from=local_of(torch.version),
    )


def replaced_by_rescue(package: Package, torch: TorchBuild) -> LeaveOut | None:
    """CUDA libraries of the recorded build, which the other one does not load: it brings its own with it."""
    if torch.rescued_from is None or not _CUDA_LIBRARY.fullmatch(package.canonical):
        return None
    reason = f"it belongs to the recorded CUDA; what torch {torch.version} needs is installed with it"
    return LeaveOut(reason=reason, fidelity=Fidelity.SUBSTITUTED)
