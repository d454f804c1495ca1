"""What a conda run's frameworks were built for: conda's builds tell it, and conda brings CUDA with them."""

from __future__ import annotations

import re

import msgspec

from reprobuild.catalog import Catalog
from reprobuild.catalog.jax import build_of_local
from reprobuild.errors import PlanError
from reprobuild.plan import Accelerator, Decision, Fact, Fidelity, PlanWarning, Question
from reprobuild.planner.conda_run import CondaRun, refuse_nightlies, short_version
from reprobuild.planner.cuda_libraries import DOTTED, TOOLKITS
from reprobuild.planner.frameworks import BaseCuda, Frameworks, decide_frameworks
from reprobuild.planner.gpu import Machine, facts_of, judge
from reprobuild.planner.jax import tested_minor
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.target import Target
from reprobuild.planner.tensorflow import is_for_gpus, recorded_tensorflow
from reprobuild.planner.torch_build import decide_torch
from reprobuild.planner.torch_question import TorchBuild
from reprobuild.planner.unlisted_torch import TORCH_NAMES

_CUDA_OF_FRAMEWORK = re.compile(r"(?:^|[_*])cuda([0-9]{2})([0-9])(?![0-9])")
_CUDNN = re.compile(r"cudnn_?([0-9]{1,2}(?:\.[0-9]{1,3}){1,3})")


def frameworks_of(
    run: CondaRun | None, subject: Subject, machine: Machine, target: Target, catalog: Catalog, options: PlanOptions
) -> Frameworks:
    """What the recorded frameworks were built for: conda's word where conda installs torch, or there is none.

    Raises PlanError where nothing published comes near.
    """
    torch = subject.find("torch")
    if run is None or (torch is not None and not run.installs(torch)):
        return decide_frameworks(subject, machine, target, catalog, options)
    found = conda_frameworks(run, subject, machine, target, catalog)
    if found.accelerator.kind == "cuda":
        return found
    packages = tuple(package for package in subject.packages if not run.installs(package))
    by_pip = msgspec.structs.replace(subject, packages=packages)
    if _torch_of(run, subject) is not None:
        by_pip = msgspec.structs.replace(by_pip, torch_version=None, torch_cuda=None, torch_hip=None)
    of_pip = decide_frameworks(by_pip, machine, target, catalog, options)
    asks = of_pip.base_cuda.accelerator.kind != "cpu" or of_pip.warnings
    return msgspec.structs.replace(of_pip, released=found.released) if asks else found


def _torch_of(run: CondaRun, subject: Subject) -> Package | None:
    return next((package for name in TORCH_NAMES if (package := subject.find(name)) and run.installs(package)), None)


def conda_frameworks(run: CondaRun, subject: Subject, machine: Machine, target: Target, catalog: Catalog) -> Frameworks:
    """What conda's torch, else its CUDA libraries or TensorFlow, were made for.

    Raises PlanError for a nightly build of torch.
    """
    refuse_nightlies(run, subject.packages)
    torch = _torch_of(run, subject)
    wheel = _wheel_of_it(subject, target, catalog) if torch else None
    cuda, fact = _cuda_of_torch(torch, subject) if torch else _cuda_of_toolkit(run, subject)
    if torch is None and cuda is None and (of_another := _of_another_framework(run, subject, catalog)):
        return of_another
    named = " ".join(filter(None, ("torch", torch.version_text, "from conda"))) if torch else "conda's packages"
    released = wheel.release.released if wheel else None
    default = _default_cuda(run, torch, subject, catalog) if torch is not None and cuda is None else None
    cuda = cuda or default
    if cuda is None:
        is_told = torch is None or bool(_build(torch)) or subject.find("cpuonly") is not None
        return _without_cuda(named, fact, released) if is_told else _of_any_build(named, fact, released)
    same = wheel is not None and wheel.cuda == cuda
    accelerator = Accelerator(
        kind="cuda",
        version=cuda,
        cudnn=_cudnn(run, torch, subject) or (wheel.cudnn if wheel is not None and same else None),
        variant=wheel.variant if wheel is not None and same else None,
    )
    cudnn = f", cuDNN {accelerator.cudnn}" if accelerator.cudnn else ""
    decision = Decision(
        question=Question.ACCELERATOR,
        choice=f"CUDA {cuda}{cudnn}: {named}",
        reason=f"conda's CUDA stands beside it without a version; the release's own wheel is for CUDA {default}, and a "
        "solver chooses conda's"
        if default
        else f"{named} was built for it"
        if torch
        else f"{named} hold it",
        fidelity=Fidelity.EQUIVALENT if default else Fidelity.EXACT,
        facts=(fact, *(facts_of(machine, wheel, target, catalog) if same else ())),
    )
    warnings = _judged(wheel, machine, target, catalog) if same else ()
    base_cuda = BaseCuda(accelerator=accelerator, wheels_bring_cuda=True)
    return Frameworks(
        torch=None,
        accelerator=accelerator,
        decision=decision,
        base_cuda=base_cuda,
        warnings=warnings,
        conda_torch=wheel if same else None,
        released=released,
    )


def _of_another_framework(run: CondaRun, subject: Subject, catalog: Catalog) -> Frameworks | None:
    """TensorFlow's or JAX's build for GPUs beside which no CUDA is listed: a solver adds that. None for any other."""
    tensorflow, jaxlib = recorded_tensorflow(subject, catalog), subject.find("jaxlib")
    if tensorflow is not None and run.installs(tensorflow) and is_for_gpus(tensorflow, catalog):
        release = catalog.tensorflow.release(tensorflow.version_text or "")
        tested = release.cuda if release else None
        tested = f"{tested}.0" if tested and "." not in tested else tested
        return _of_build(tensorflow, tested, release.released if release else None)
    if jaxlib is not None and run.installs(jaxlib) and "cuda" in _build(jaxlib):
        of_jax = catalog.jax.release(jaxlib.version_text or "")
        wheels = (build_of_local(each) for each in of_jax.gpu_jaxlibs) if of_jax else ()
        tested = next((tested_minor(each.cuda, (each.cudnn or "")[:1]) for each in wheels if each), None)
        return _of_build(jaxlib, tested, of_jax.released if of_jax else None)
    return None


def _build(package: Package) -> str:
    conda = package.distribution.conda
    return (conda.build or "")[:200] if conda else ""


def _of_build(package: Package, tested: str | None, released: str | None) -> Frameworks | None:
    """By the CUDA that the build names, else by the ``tested`` one. None where neither is known."""
    named = _CUDA_OF_FRAMEWORK.search(_build(package))
    cuda = f"{named[1]}.{named[2]}" if named else tested
    if cuda is None:
        return None
    told = f"{package.name} {package.version_text or ''}".rstrip()
    accelerator = Accelerator(kind="cuda", version=cuda)
    decision = Decision(
        question=Question.ACCELERATOR,
        choice=f"CUDA {cuda}: {told} from conda",
        reason=f"{told} is a build for GPUs"
        + ("" if named else f", and the release was tested with CUDA {cuda}; a solver chooses conda's"),
        fidelity=Fidelity.EXACT if named else Fidelity.EQUIVALENT,
        facts=(Fact(name=f"{package.path}.version", value=told, source="record"),),
    )
    base_cuda = BaseCuda(accelerator=accelerator, wheels_bring_cuda=True)
    return Frameworks(
        torch=None, accelerator=accelerator, decision=decision, base_cuda=base_cuda, warnings=(), released=released
    )


def _cuda_of_torch(torch: Package, subject: Subject) -> tuple[str | None, Fact]:
    if subject.torch_cuda is None:
        value = (_build(torch) or "none told")[:120]
        return None, Fact(name=f"{torch.path}.conda.build", value=value, source="record")
    return short_version(subject.torch_cuda), subject.fact("torch.cuda", subject.torch_cuda)


def _default_cuda(run: CondaRun, torch: Package, subject: Subject, catalog: Catalog) -> str | None:
    """The CUDA of the release's own wheel, where the record lists conda's CUDA without a version beside torch."""
    toolkits = (package for name in TOOLKITS if (package := subject.find(name)) and run.installs(package))
    if _build(torch) or not any(package.version_text is None for package in toolkits):
        return None
    wheel = catalog.torch_wheels.pypi(torch.version_text or "")
    return wheel.cuda if wheel else None


def _cudnn(run: CondaRun, torch: Package | None, subject: Subject) -> str | None:
    """What torch's build string names, else torch itself, else conda's package of it."""
    conda = torch.distribution.conda if torch else None
    if conda is not None and (found := _CUDNN.search((conda.build or "")[:200])):
        return found.group(1)
    if subject.torch_cudnn:
        return subject.torch_cudnn
    package = subject.find("cudnn")
    installed = package is not None and run.installs(package)
    return package.version_text if package and installed and DOTTED.fullmatch(package.version_text or "") else None


def _cuda_of_toolkit(run: CondaRun, subject: Subject) -> tuple[str | None, Fact]:
    for name in TOOLKITS:
        package = subject.find(name)
        if package is not None and run.installs(package) and DOTTED.fullmatch(package.version_text or ""):
            version = package.version_text or ""
            return short_version(version), Fact(name=package.path, value=f"{name} {version}", source="record")
    return None, Fact(name="distributions", value="no CUDA library of conda's", source="record")


def _without_cuda(named: str, fact: Fact, released: str | None) -> Frameworks:
    accelerator = Accelerator(kind="cpu", variant="cpu")
    decision = Decision(
        question=Question.ACCELERATOR,
        choice="no GPU",
        reason=f"{named} was built without CUDA" if named.startswith("torch") else f"{named} hold no CUDA",
        fidelity=Fidelity.EXACT,
        facts=(fact,),
    )
    base_cuda = BaseCuda(accelerator=accelerator, wheels_bring_cuda=True)
    return Frameworks(
        torch=None, accelerator=accelerator, decision=decision, base_cuda=base_cuda, warnings=(), released=released
    )


def _of_any_build(named: str, fact: Fact, released: str | None) -> Frameworks:
    """torch without its build and without CUDA beside it: a solver chooses between builds for GPUs and for the CPU."""
    found = _without_cuda(named, fact, released)
    decision = msgspec.structs.replace(
        found.decision,
        choice=f"not known: {named} without its build",
        reason=f"the record tells no build of {named}, so that a solver chooses between those for GPUs and for the CPU",
        fidelity=Fidelity.SUBSTITUTED,
    )
    return msgspec.structs.replace(found, decision=decision)


def _wheel_of_it(subject: Subject, target: Target, catalog: Catalog) -> TorchBuild | None:
    """The wheel of the same release, which the tables know more of: its architectures are those of conda's build."""
    try:
        return decide_torch(subject, target, catalog)
    except PlanError:
        return None


def _judged(wheel: TorchBuild | None, machine: Machine, target: Target, catalog: Catalog) -> tuple[PlanWarning, ...]:
    verdict = judge(wheel, machine, target, catalog)
    if verdict is None:
        return ()
    hint = "no published build of this release runs there"
    if verdict.rescues:
        names = ", ".join(verdict.rescues)
        hint = f"the same release runs there as a wheel ({names}): --via pip --rescue takes the first"
    return (PlanWarning(code=verdict.code, message=verdict.problem, hint=hint),)
