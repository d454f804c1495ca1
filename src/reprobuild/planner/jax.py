"""JAX: its CUDA comes from the system with builds up to 0.4.29, from wheels with the plug-ins after."""

from __future__ import annotations

import re

from reprobuild.catalog import Catalog
from reprobuild.catalog.jax import build_of_local
from reprobuild.plan import Accelerator, Decision, Fact, Fidelity, Question
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.tensorflow import SystemCuda

_TESTED_MINORS = {("11", "8"): "11.8", ("12", "8"): "12.2", ("12", "9"): "12.4", ("13", "9"): "13.0"}
"""Majors of CUDA and cuDNN, which is all that many names tell, to a minor whose images hold that cuDNN."""

_PLUGIN = re.compile(r"jax-cuda([0-9]{2})-plugin")
_RUNTIME = re.compile(r"nvidia-cuda-runtime(?:-cu[0-9]{2})?")


def tested_minor(cuda: str, cudnn: str | None) -> str:
    """A minor of this CUDA major whose images hold cuDNN of that series."""
    series = cudnn.split(".")[0] if cudnn else ("8" if cuda in ("11", "12") else "9")
    return _TESTED_MINORS.get((cuda, series), f"{cuda}.0")


def jax_cuda(subject: Subject, catalog: Catalog) -> SystemCuda | None:
    """What the recorded JAX asks of the base; None where there is none, or it is the CPU's."""
    jaxlib = subject.find("jaxlib")
    build = build_of_local(jaxlib.version_text) if jaxlib and jaxlib.version_text else None
    if jaxlib is not None and build is not None:
        cudnn = f"{build.cudnn[0]}.{build.cudnn[1:]}" if build.cudnn and len(build.cudnn) > 1 else build.cudnn
        return _of_build(jaxlib, build.cuda, cudnn, subject, catalog)
    plugin = next((each for each in subject.packages if _PLUGIN.fullmatch(each.canonical)), None)
    if plugin is None or plugin.version_text is None:
        return None
    major = plugin.canonical.removeprefix("jax-cuda")[:2]
    row = catalog.jax.wheel(plugin.canonical, plugin.version_text)
    cudnn = _lowest(row.cudnn) if row and row.cudnn else None
    return wheels_cuda(subject, plugin) or _of_build(plugin, major, cudnn, subject, catalog)


def _lowest(specifier: str) -> str | None:
    """The major and minor of the version that ``<10.0,>=9.1`` starts with."""
    found = re.search(r">=\s*([0-9]+\.[0-9]+)", specifier)
    return found.group(1) if found else None


def _of_build(jaxlib: Package, cuda: str, cudnn: str | None, subject: Subject, catalog: Catalog) -> SystemCuda | None:
    """A build whose suffix names CUDA and cuDNN: wheels bring them where they are recorded, else the system does."""
    if runtime_wheel(subject) is not None:
        return wheels_cuda(subject, jaxlib)
    minor = _minor(cuda, cudnn, subject, catalog)
    accelerator = Accelerator(kind="cuda", version=minor, cudnn=cudnn)
    is_recorded = (subject.cuda_toolkit or "").startswith(minor)
    how = "what its name says" if "." in cuda else "the recorded toolkit's" if is_recorded else "a tested one"
    reason = f"{jaxlib.name} {jaxlib.version_text} loads CUDA {cuda} and cuDNN from the system; {minor} is {how}"
    fidelity = Fidelity.EXACT if "." in cuda or is_recorded else Fidelity.EQUIVALENT
    decision = _decision(jaxlib, accelerator, reason, fidelity)
    return SystemCuda(of=f"{jaxlib.name} {jaxlib.version_text}", accelerator=accelerator, decision=decision)


def _minor(cuda: str, cudnn: str | None, subject: Subject, catalog: Catalog) -> str:
    """The minor that is told; else the recorded toolkit's, where an image of it holds that cuDNN; else a tested one."""
    if "." in cuda:
        return cuda
    recorded = ".".join((subject.cuda_toolkit or "").split(".")[:2])
    if recorded.startswith(f"{cuda}.") and has_image(recorded, cudnn, catalog):
        return recorded
    return tested_minor(cuda, cudnn)


def has_image(minor: str, cudnn: str | None, catalog: Catalog) -> bool:
    """Whether NVIDIA has an image of this CUDA minor with a cuDNN of that series, or with any."""
    series = cudnn.split(".")[0] if cudnn else "any"
    return bool(catalog.cuda_images.find(minor, "runtime", "ubuntu", None, None, series))


def runtime_wheel(subject: Subject) -> Package | None:
    """The recorded wheel of CUDA's runtime: whoever has it loads CUDA from wheels."""
    return next((each for each in subject.packages if _RUNTIME.fullmatch(each.canonical) and each.version), None)


def wheels_cuda(subject: Subject, package: Package) -> SystemCuda | None:
    """The CUDA that recorded wheels bring to ``package``; None where none are recorded."""
    runtime = runtime_wheel(subject)
    if runtime is None or runtime.version is None:
        return None
    version = f"{runtime.version.major}.{runtime.version.minor}"
    pins = (each for each in subject.packages if each.canonical.startswith("nvidia-cudnn-cu"))
    cudnn = next((str(each.version) for each in pins if each.version), None)
    accelerator = Accelerator(kind="cuda", version=version, cudnn=cudnn)
    reason = f"{package.name} {package.version_text} loads CUDA {version} from the recorded wheel {runtime.pin}"
    decision = _decision(package, accelerator, reason, Fidelity.EXACT)
    of = f"{package.name} {package.version_text}"
    return SystemCuda(of=of, accelerator=accelerator, decision=decision, wheels_bring_cuda=True)


def _decision(package: Package, accelerator: Accelerator, reason: str, fidelity: Fidelity) -> Decision:
    cudnn = f", cuDNN {accelerator.cudnn}" if accelerator.cudnn else ""
    row = Fact(name=f"{package.path}.version", value=package.version_text or "", source="record")
    return Decision(
        question=Question.ACCELERATOR,
        choice=f"CUDA {accelerator.version}{cudnn}: {package.name} {package.version_text}",
        reason=reason,
        fidelity=fidelity,
        facts=(row,),
    )
