"""Frameworks beside torch, and what becomes of the base where two of them want different CUDAs."""

from __future__ import annotations

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.plan import Accelerator, PlanWarning
from reprobuild.planner.base_image import OLDEST_CUDA_WITH_IMAGES
from reprobuild.planner.jax import jax_cuda, wheels_cuda
from reprobuild.planner.subject import Subject
from reprobuild.planner.target import Target
from reprobuild.planner.tensorflow import SystemCuda, recorded_tensorflow, system_cuda
from reprobuild.planner.torch_question import TorchBuild


def other_framework(subject: Subject, target: Target, catalog: Catalog) -> SystemCuda | None:
    """What TensorFlow or JAX asks of the base; None where neither uses a GPU."""
    if subject.system not in (None, "Linux"):
        return None
    found = system_cuda(subject, target, catalog) or jax_cuda(subject)
    if found is not None:
        return found
    tensorflow = recorded_tensorflow(subject)
    return wheels_cuda(subject, tensorflow) if tensorflow is not None else None


class BaseCuda(msgspec.Struct, frozen=True, kw_only=True):
    """The CUDA that the base carries beside a torch that brings its own."""

    accelerator: Accelerator
    wheels_bring_cuda: bool
    warnings: tuple[PlanWarning, ...] = ()


def beside_torch(torch: TorchBuild, accelerator: Accelerator, other: SystemCuda | None, subject: Subject) -> BaseCuda:
    """torch's wheels bring their CUDA inside: where another framework loads one from the system, the base is for it.

    One CUDA serves every program of its major version, by the names of its libraries, so torch's serves both then. A
    recorded toolkit of torch's CUDA speaks against the other one: then the other framework found none, and finds none
    again.
    """
    own = BaseCuda(accelerator=accelerator, wheels_bring_cuda=True)
    if other is None or other.wheels_bring_cuda or other.accelerator.kind != "cuda" or torch.container is not None:
        return own
    wanted = Version(other.accelerator.version or "0")
    inside = Version(torch.cuda) if torch.kind == "cuda" and torch.cuda else None
    serves_both = inside is not None and inside.major == wanted.major and inside >= OLDEST_CUDA_WITH_IMAGES
    if serves_both and inside is not None and inside >= wanted:
        return msgspec.structs.replace(own, wheels_bring_cuda=False)
    name = other.decision.reason.partition(" loads ")[0]
    own_cuda = f"CUDA {inside}" if inside else "no CUDA"
    story = f"{name} loads CUDA {wanted} from the system, and torch has {own_cuda} inside"
    has_torchs = bool(torch.cuda) and (subject.cuda_toolkit or "").startswith(torch.cuda or "")
    if serves_both or wanted < OLDEST_CUDA_WITH_IMAGES or has_torchs:
        warning = PlanWarning(code="two-cudas", message=f"{story}: the base carries torch's")
        return msgspec.structs.replace(own, wheels_bring_cuda=not serves_both, warnings=(warning,))
    warning = PlanWarning(code="two-cudas", message=f"{story}: the base carries {wanted}")
    return BaseCuda(accelerator=other.accelerator, wheels_bring_cuda=False, warnings=(warning,))
