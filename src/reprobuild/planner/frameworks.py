"""What the recorded frameworks were built for, and what becomes of the base where two of them want different CUDAs."""

from __future__ import annotations

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.plan import Accelerator, Decision, PlanWarning
from reprobuild.planner.accelerator import decide_accelerator
from reprobuild.planner.base_image import OLDEST_CUDA_WITH_IMAGES
from reprobuild.planner.gpu import Machine, facts_of, judge, warning_of
from reprobuild.planner.jax import jax_cuda, wheels_cuda
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.rescue import rescued
from reprobuild.planner.subject import Subject
from reprobuild.planner.target import Target
from reprobuild.planner.tensorflow import SystemCuda, recorded_tensorflow, system_cuda
from reprobuild.planner.torch_build import decide_torch
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


class Frameworks(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the first question, and what it means for torch and the base."""

    torch: TorchBuild | None
    """The recorded build, or the one that ``--rescue`` takes in its place."""
    accelerator: Accelerator
    decision: Decision
    base_cuda: BaseCuda
    warnings: tuple[PlanWarning, ...]
    released: str | None = None
    """When the recorded torch was released, as an ISO date."""

    @property
    def was_rescued(self) -> bool:
        """Whether another build of torch takes the recorded one's place."""
        return self.torch is not None and self.torch.rescued_from is not None


def decide_frameworks(
    subject: Subject, machine: Machine, target: Target, catalog: Catalog, options: PlanOptions
) -> Frameworks:
    """What the recorded frameworks were built for. Raises PlanError where nothing published comes near."""
    torch = decide_torch(subject, target, catalog)
    verdict = judge(torch, machine, target, catalog)
    if torch is not None and verdict is not None and verdict.rescues and options.rescue:
        torch, verdict = rescued(torch, verdict, target), None
    accelerator, decision = decide_accelerator(subject, torch)
    other = other_framework(subject, target, catalog)
    if torch is not None:
        base_cuda = beside_torch(torch, accelerator, other, subject)
        decision = decision.with_facts(*facts_of(machine, torch, target, catalog))
    elif other is not None:
        accelerator, decision = other.accelerator, other.decision
        base_cuda = BaseCuda(
            accelerator=accelerator, wheels_bring_cuda=other.wheels_bring_cuda, warnings=other.warnings
        )
    else:
        base_cuda = BaseCuda(accelerator=accelerator, wheels_bring_cuda=True)
    of_torch = (*torch.warnings, *((warning_of(verdict, torch),) if verdict else ())) if torch else ()
    warnings = (*of_torch, *base_cuda.warnings)
    return Frameworks(
        torch=torch,
        accelerator=accelerator,
        decision=decision,
        base_cuda=base_cuda,
        warnings=warnings,
        released=torch.release.released if torch else None,
    )
