"""Libraries beside the frameworks that load CUDA from the system: CuPy, ONNX Runtime, PaddlePaddle, MXNet, RAPIDS.

And CUDA itself, where a record lists it without whatever loaded it.
"""

from __future__ import annotations

import re

from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.plan import Accelerator, Decision, Fact, Fidelity, PlanWarning, Question
from reprobuild.planner.jax import has_image, runtime_wheel, tested_minor, wheels_cuda
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.tensorflow import OLDEST_CUDA_WITH_IMAGES, SystemCuda
from reprobuild.planner.torch_question import recorded_cudnn

_NAMED = re.compile(
    r"(?:cupy-cuda|mxnet-cu|dgl-cu|spconv-cu)(?P<minor>[0-9]{2,3})(?P<any>x?)"
    r"|(?:cudf|cuml|cugraph|cuspatial|raft-dask|pylibraft|rmm)-cu(?P<major>1[0-9])"
)
"""Names that hold the CUDA: cupy-cuda112 is for 11.2, cupy-cuda12x and cudf-cu12 for any 12."""
TOOLKITS = ("cudatoolkit", "pytorch-cuda", "cuda-version", "cuda-cudart", "cuda-toolkit", "cuda-runtime", "cuda")
"""conda's packages whose version is that of the CUDA beside them, the most telling first."""
DOTTED = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){1,3}")
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


def toolkit_cuda(subject: Subject, catalog: Catalog) -> SystemCuda | None:
    """The CUDA that the record lists as a package of conda's or as wheels; None where it lists none.

    It speaks for a GPU though nothing of the record loads it: whoever installed CUDA had something that did.
    """
    runtime = runtime_wheel(subject)
    package = runtime or next((found for name in TOOLKITS if (found := _toolkit(name, subject))), None)
    if package is None or package.version_text is None:
        return None
    cuda = ".".join(package.version_text.split(".")[:2])
    cudnn = recorded_cudnn(subject) or _version_of("cudnn", subject)
    if runtime is None and cudnn and not has_image(cuda, cudnn, catalog):
        cudnn = None
    told = f"{package.name} {package.version_text}"
    is_new = Version(cuda) >= OLDEST_CUDA_WITH_IMAGES
    decision = Decision(
        question=Question.ACCELERATOR,
        choice=f"CUDA {cuda}{f', cuDNN {cudnn}' if cudnn else ''}: {told}",
        reason=f"the record lists {told}, and nothing that is known to load it",
        fidelity=Fidelity.EQUIVALENT,
        facts=(subject.fact(f"{package.path}.version", package.version_text),),
    )
    warning = PlanWarning(
        code="no-framework",
        message=f"the record lists CUDA {cuda} ({told}), and nothing that is known to load it: it may not list all "
        "that was installed",
        hint="record the environment with `reprobuild capture`, or put the whole list into the record",
    )
    return SystemCuda(
        of=f"what used {told}",
        accelerator=Accelerator(kind="cuda", version=cuda, cudnn=cudnn),
        decision=decision,
        warnings=(warning,),
        # A CUDA that is newer than the tables is no reason to refuse the rest.
        wheels_bring_cuda=runtime is not None or (is_new and not has_image(cuda, None, catalog)),
    )


def _toolkit(name: str, subject: Subject) -> Package | None:
    return subject.find(name) if _version_of(name, subject) else None


def _version_of(name: str, subject: Subject) -> str | None:
    """The version of a package of conda's, where it is one of CUDA's kind."""
    package = subject.find(name)
    text = package.version_text if package is not None and package.distribution.conda is not None else None
    return text if text is not None and DOTTED.fullmatch(text) else None
