"""What the recorded frameworks were built for, and what becomes of the base where two of them want different CUDAs."""

from __future__ import annotations

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.plan import Accelerator, Decision, PlanWarning
from reprobuild.planner.accelerator import decide_accelerator
from reprobuild.planner.base_image import OLDEST_CUDA_WITH_IMAGES
from reprobuild.planner.cuda_libraries import library_cuda, toolkit_cuda
from reprobuild.planner.gpu import Machine, facts_of, judge, warning_of
from reprobuild.planner.jax import jax_cuda, wheels_cuda
from reprobuild.planner.named_base import may_have_cuda
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.other_devices import for_device, other_device
from reprobuild.planner.rescue import rescued
from reprobuild.planner.subject import Subject
from reprobuild.planner.target import Target
from reprobuild.planner.tensorflow import (
    SystemCuda,
    recorded_tensorflow,
    refuse_unpublished,
    system_cuda,
    with_image,
)
from reprobuild.planner.torch_build import decide_torch
from reprobuild.planner.torch_question import TorchBuild

_WITH_NVIDIA = (None, "Linux", "Windows")
"""Systems on which a GPU of NVIDIA's can have been used."""


def other_framework(subject: Subject, target: Target, catalog: Catalog) -> SystemCuda | None:
    """What TensorFlow or JAX asks of the base; None where neither uses a GPU."""
    if subject.system not in _WITH_NVIDIA:
        return None
    found = system_cuda(subject, target, catalog) or jax_cuda(subject, catalog)
    if found is not None:
        return found
    tensorflow = recorded_tensorflow(subject, catalog)
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
    if other is None or other.wheels_bring_cuda or torch.container is not None:
        return own
    if other.accelerator.kind != "cuda":
        return msgspec.structs.replace(own, warnings=other.warnings)
    wanted = Version(other.accelerator.version or "0")
    inside = Version(torch.cuda) if torch.kind == "cuda" and torch.cuda else None
    serves_both = inside is not None and inside.major == wanted.major and inside >= OLDEST_CUDA_WITH_IMAGES
    if serves_both and inside is not None and inside >= wanted:
        return msgspec.structs.replace(own, wheels_bring_cuda=False)
    own_cuda = f"CUDA {inside}" if inside else "no CUDA"
    story = f"{other.of} loads CUDA {wanted} from the system, and torch has {own_cuda} inside"
    has_torchs = bool(torch.cuda) and (subject.cuda_toolkit or "").startswith(torch.cuda or "")
    if serves_both or wanted < OLDEST_CUDA_WITH_IMAGES or has_torchs:
        warning = PlanWarning(code="two-cudas", message=f"{story}: the base carries torch's")
        return msgspec.structs.replace(own, wheels_bring_cuda=not serves_both, warnings=(warning,))
    warning = PlanWarning(code="two-cudas", message=f"{story}: the base carries {wanted}")
    return BaseCuda(accelerator=other.accelerator, wheels_bring_cuda=False, warnings=(warning,))


def with_library(base: BaseCuda, library: SystemCuda | None) -> BaseCuda:
    """A framework's CUDA is the base's; a library that loads another major version finds none of its own there."""
    if library is None or library.wheels_bring_cuda or library.accelerator.kind != "cuda":
        return base
    carried = Version(base.accelerator.version or "0")
    wanted = Version(library.accelerator.version or "0")
    if base.accelerator.kind == "cuda" and carried.major == wanted.major and carried >= OLDEST_CUDA_WITH_IMAGES:
        return msgspec.structs.replace(base, wheels_bring_cuda=False)
    message = f"{library.of} loads CUDA {wanted} from the system, and the base carries {_words(base.accelerator)}"
    warning = PlanWarning(code="two-cudas", message=message, hint="name a base that has its CUDA with --base")
    return msgspec.structs.replace(base, warnings=(*base.warnings, warning))


def _words(accelerator: Accelerator) -> str:
    return f"CUDA {accelerator.version}" if accelerator.kind == "cuda" else "no CUDA"


class Frameworks(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to the first question, and what it means for torch and the base."""

    torch: TorchBuild | None
    """The recorded build, or the one that ``--rescue`` takes in its place."""
    accelerator: Accelerator
    decision: Decision
    base_cuda: BaseCuda
    warnings: tuple[PlanWarning, ...]
    conda_torch: TorchBuild | None = None
    """The wheel that conda's torch is another build of: what is compiled against one is compiled against the other."""
    released: str | None = None
    """When the recorded torch was released, as an ISO date."""

    @property
    def brings_cudnn(self) -> bool:
        """Whether the base's cuDNN is a copy of one that a wheel brings: torch's always does."""
        own = self.torch is not None and self.base_cuda.accelerator == self.accelerator
        return own or self.base_cuda.wheels_bring_cuda

    @property
    def system_cuda(self) -> str | None:
        """The CUDA that the image has for whatever loads it from the system: torch's lies inside its wheel."""
        return self.accelerator.version if self.torch is None and self.accelerator.kind == "cuda" else None

    @property
    def was_rescued(self) -> bool:
        """Whether another build of torch takes the recorded one's place."""
        return self.torch is not None and self.torch.rescued_from is not None


def _served(found: SystemCuda | None, options: PlanOptions, catalog: Catalog) -> SystemCuda | None:
    """The same where the base that was asked for may have its CUDA; else what NVIDIA's images leave of it."""
    cuda = found.accelerator.version if found is not None else None
    is_there = options.base is not None and cuda is not None and may_have_cuda(options.base, cuda, catalog)
    return found if is_there else with_image(found)


def unused_gpu(frameworks: Frameworks, machine: Machine) -> tuple[PlanWarning, ...]:
    """Said where the record names a GPU and nothing that would use it: a text may end before it names that.

    A torch that is known to be built for the CPU, and what is warned of already, need no second word.
    """
    is_clear = frameworks.torch is not None or frameworks.conda_torch is not None or frameworks.warnings
    if machine.source != "record" or not machine.devices or frameworks.accelerator.kind != "cpu" or is_clear:
        return ()
    gpu = machine.devices[0].name
    message = f"the run had a GPU, {gpu}, and nothing that is recorded loads or brings CUDA: the image is for the CPU"
    hint = "record the packages of the run as well: reprobuild import FILE FREEZE"
    return (PlanWarning(code="gpu-unused", message=message, hint=hint),)


def decide_frameworks(
    subject: Subject, machine: Machine, target: Target, catalog: Catalog, options: PlanOptions
) -> Frameworks:
    """What the recorded frameworks were built for. Raises PlanError where nothing published comes near."""
    refuse_unpublished(subject, target, catalog)
    torch = decide_torch(subject, target, catalog)
    verdict = judge(torch, machine, target, catalog)
    if torch is not None and verdict is not None and verdict.rescues and options.rescue:
        torch, verdict = rescued(torch, verdict, target), None
    accelerator, decision = decide_accelerator(subject, torch)
    other = other_framework(subject, target, catalog)
    library = library_cuda(subject, catalog) if subject.system in _WITH_NVIDIA else None
    if torch is None and other is None:
        other, library = library or (toolkit_cuda(subject, catalog) if subject.system in _WITH_NVIDIA else None), None
    other, library = (_served(each, options, catalog) for each in (other, library))
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
    if torch is None or torch.container is None:
        base_cuda = with_library(base_cuda, library)
    seen = other_device(subject, torch) if base_cuda.accelerator.kind != "cuda" or torch is not None else None
    of_device: tuple[PlanWarning, ...] = ()
    if seen is not None:
        accelerator, decision, warning = for_device(accelerator, decision, seen)
        base_cuda, of_device = BaseCuda(accelerator=accelerator, wheels_bring_cuda=True), (warning,)
        torch = msgspec.structs.replace(torch, warnings=()) if torch is not None else None
    of_torch = (*torch.warnings, *((warning_of(verdict, torch),) if verdict else ())) if torch else ()
    warnings = (*of_device, *of_torch, *base_cuda.warnings)
    return Frameworks(
        torch=torch,
        accelerator=accelerator,
        decision=decision,
        base_cuda=base_cuda,
        warnings=warnings,
        released=torch.release.released if torch else None,
    )
