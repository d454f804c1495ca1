"""What the run's frameworks were built for: never what the driver reports."""

from __future__ import annotations

from reprobuild.plan import Accelerator, Decision, Fact, Fidelity, Question
from reprobuild.planner.subject import Subject
from reprobuild.planner.torch_question import TorchBuild


def decide_accelerator(subject: Subject, torch: TorchBuild | None) -> tuple[Accelerator, Decision]:
    """The accelerator of the recorded frameworks, with its decision; the CPU where none of them asks for more."""
    if torch is None:
        return _without_framework(subject)
    version = torch.cuda or torch.rocm
    accelerator = Accelerator(kind=torch.kind, version=version, cudnn=torch.cudnn, variant=torch.variant)
    cuda = f"CUDA {version}" if version else "a CUDA that the tables don't tell"
    names = {"cuda": cuda, "rocm": f"ROCm {version}", "cpu": "no GPU", "xpu": "Intel GPUs"}
    cudnn = f", cuDNN {torch.cudnn}" if torch.cudnn and torch.kind == "cuda" else ""
    decision = Decision(
        question=Question.ACCELERATOR,
        choice=f"{names[torch.kind]}{cudnn}: torch {torch.version} from {torch.origin_name}",
        reason=torch.reason + _passed_over(subject, torch),
        fidelity=torch.fidelity,
        facts=(*torch.facts, *_other_cudas(subject)),
        alternatives=torch.alternatives,
    )
    return accelerator, decision


def _passed_over(subject: Subject, torch: TorchBuild) -> str:
    """The other CUDA versions of the record, which a reader would otherwise miss."""
    others = [f"the driver's {subject.driver_cuda}"] if subject.driver_cuda not in (None, torch.cuda) else []
    if subject.cuda_toolkit and torch.cuda and not subject.cuda_toolkit.startswith(torch.cuda):
        others.append(f"nvcc's {subject.cuda_toolkit}")
    if not others or torch.kind != "cuda":
        return ""
    return f"; {' and '.join(others)} {'says' if len(others) == 1 else 'say'} nothing of it"


def _other_cudas(subject: Subject) -> tuple[Fact, ...]:
    facts = []
    if subject.driver_cuda:
        facts.append(subject.fact("gpu.driver_cuda", subject.driver_cuda))
    if subject.cuda_toolkit:
        facts.append(subject.fact("cuda_toolkit", subject.cuda_toolkit))
    return tuple(facts)


_FRAMEWORKS = ("torch", "tensorflow", "tensorflow-gpu")


def _without_framework(subject: Subject) -> tuple[Accelerator, Decision]:
    found = (subject.find(name) for name in _FRAMEWORKS)
    unversioned = [package.name for package in found if package is not None and package.version_text is None]
    choice, reason, fidelity = "no GPU", "the record holds no framework that was built for one", Fidelity.EXACT
    if unversioned:
        names = " and ".join(unversioned)
        choice = f"not known: {names} without a version"
        reason = f"the record tells no version of {names}; what the one is for that a resolver chooses shows then only"
        fidelity = Fidelity.SUBSTITUTED
    decision = Decision(
        question=Question.ACCELERATOR, choice=choice, reason=reason, fidelity=fidelity, facts=_other_cudas(subject)
    )
    return Accelerator(kind="cpu", variant="cpu"), decision
