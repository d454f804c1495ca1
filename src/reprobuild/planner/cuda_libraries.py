"""Libraries beside the frameworks that load CUDA from the system: CuPy, ONNX Runtime, PaddlePaddle, MXNet, RAPIDS."""

from __future__ import annotations

import re

from reprobuild.catalog import Catalog
from reprobuild.plan import Accelerator, Decision, Fact, Fidelity, Question
from reprobuild.planner.jax import tested_minor, wheels_cuda
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.tensorflow import SystemCuda

_NAMED = re.compile(
    r"(?:cupy-cuda|mxnet-cu|dgl-cu|spconv-cu)(?P<minor>[0-9]{2,3})(?P<any>x?)"
    r"|(?:cudf|cuml|cugraph|cuspatial|raft-dask|pylibraft|rmm)-cu(?P<major>1[0-9])"
)
"""Names that hold the CUDA: cupy-cuda112 is for 11.2, cupy-cuda12x and cudf-cu12 for any 12."""
_PADDLE_POST = re.compile(r".*\.post(?P<major>[0-9]{2})(?P<minor>[0-9])")


def library_cuda(subject: Subject, catalog: Catalog) -> SystemCuda | None:
    """What the first such library of the record asks of the base; None where there is none."""
    for package in subject.packages:
        if wanted := _wanted(package, subject, catalog):
            return wheels_cuda(subject, package) or _of_system(package, *wanted, subject)
    return None


def _wanted(package: Package, subject: Subject, catalog: Catalog) -> tuple[str, str | None] | None:
    """CUDA, as its name or the table tells it (``11.2``, or ``12`` for any of that major), and cuDNN."""
    if package.version_text is None:
        return None
    if found := _NAMED.fullmatch(package.canonical):
        digits = found["major"] or found["minor"]
        is_major = bool(found["major"] or found["any"])
        return (digits if is_major else f"{digits[:-1]}.{digits[-1]}"), None
    if package.canonical == "onnxruntime-gpu":
        row = catalog.companions.onnxruntime(package.version_text)
        return (row.cuda, row.cudnn) if row else None
    if package.canonical == "paddlepaddle-gpu" and (post := _PADDLE_POST.fullmatch(package.version_text)):
        return f"{post['major']}.{post['minor']}", None
    if package.canonical == "cupy" and subject.cuda_toolkit:
        return ".".join(subject.cuda_toolkit.split(".")[:2]), None
    return None


def _of_system(package: Package, cuda: str, cudnn: str | None, subject: Subject) -> SystemCuda:
    minor, how = minor_of(cuda, cudnn, subject)
    accelerator = Accelerator(kind="cuda", version=minor, cudnn=cudnn)
    beside = f" and cuDNN {cudnn}" if cudnn else ""
    fact = Fact(name=f"{package.path}.version", value=package.version_text or "", source="record")
    decision = Decision(
        question=Question.ACCELERATOR,
        choice=f"CUDA {minor}{f', cuDNN {cudnn}' if cudnn else ''}: {package.name} {package.version_text}",
        reason=f"{package.name} {package.version_text} loads CUDA {cuda}{beside} from the system; {minor} is {how}",
        fidelity=Fidelity.EXACT if how != "a tested one" else Fidelity.EQUIVALENT,
        facts=(fact,),
    )
    of = f"{package.name} {package.version_text}"
    return SystemCuda(of=of, accelerator=accelerator, decision=decision)


def minor_of(cuda: str, cudnn: str | None, subject: Subject) -> tuple[str, str]:
    """The CUDA minor for a base, and how it is known: what is told itself, else the recorded toolkit's, else one that
    is tested for that major."""
    if "." in cuda:
        return cuda, "what it is made for"
    recorded = subject.cuda_toolkit or ""
    if recorded.startswith(f"{cuda}."):
        return ".".join(recorded.split(".")[:2]), "the recorded toolkit's"
    return tested_minor(cuda, cudnn), "a tested one"
