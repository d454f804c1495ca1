"""NVIDIA's PyTorch containers: torch built from a commit that no index has, and the packages that came with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from reprobuild.catalog import Catalog
from reprobuild.catalog.torch_wheels import TorchRelease
from reprobuild.catalog.vendor_images import NgcContainer
from reprobuild.plan import Alternative, BaseImage, Decision, Fact, Fidelity, PlanWarning, Question
from reprobuild.planner.recorded_system import BaseChoice
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.torch_question import TorchBuild, recorded_cudnn
from reprobuild.planner.treatment import Provided

REPOSITORY = "nvcr.io/nvidia/pytorch"

_OF_THE_CONTAINER = re.compile(
    r"torch|torchvision|torchtext|torchdata|torch-tensorrt|torchprofile|pytorch-quantization|pytorch-triton|triton|apex"
    r"|transformer-engine.*|nvfuser|flash-attn|tensorrt.*|polygraphy|uff|graphsurgeon|onnx-graphsurgeon|dllogger"
    r"|nvidia-.*|cudf|cuml|cugraph.*|dask-cu.*|rmm|raft-dask|pylibraft|pylibcu.*|nvtx|jupyter-tensorboard|lightning-thunder"
)
"""Projects of which NVIDIA builds its own into the container."""


def containers_of(told: str, subject: Subject, catalog: Catalog) -> tuple[NgcContainer, ...]:
    """The containers whose torch calls itself so, the one that fits the rest of the record best first.

    Where the record fits several alike, the one that most is known of. Empty for a Jetson: its wheels share numbers and
    commits with containers, and are not in them.
    """
    if subject.is_jetson or (subject.machine != "x86_64" and catalog.ngc.is_of_a_jetson_alone(told)):
        return ()
    found = catalog.ngc.by_torch_version(told)
    return tuple(sorted(found, key=lambda each: (_agreements(each, subject), _known(each)), reverse=True))


def _known(container: NgcContainer) -> int:
    return sum(fact is not None for fact in (container.cuda, container.python, container.ubuntu, container.cudnn))


def _agreements(container: NgcContainer, subject: Subject) -> int:
    """How many facts of the record the table confirms of this container, less those that it denies."""
    pairs = (
        (container.cuda, subject.torch_cuda),
        (container.python, subject.python),
        (container.ubuntu, subject.os_version),
        (container.cudnn, subject.torch_cudnn),
    )
    told = [(known, recorded) for known, recorded in pairs if known and recorded]
    return sum(1 if known.startswith(recorded) or recorded.startswith(known) else -1 for known, recorded in told)


def torch_of(containers: tuple[NgcContainer, ...], told: str, path: str, subject: Subject) -> TorchBuild:
    """The torch inside the first container."""
    container, *others = containers
    alike = [each for each in others if _agreements(each, subject) == _agreements(container, subject)]
    certainty: Literal["observed", "presumed"]
    certainty = "observed" if container.torch_certainty in ("observed", "documented") else "presumed"
    year, month = container.release.split(".")
    return TorchBuild(
        release=TorchRelease(
            version=told.partition("+")[0],
            released=f"20{year}-{month}-01",
            evidence="unverified",
            on_pypi=False,
            pypi={},
        ),
        version=told,
        kind="cuda",
        cuda=subject.torch_cuda or _minor(container.cuda),
        cudnn=recorded_cudnn(subject) or _digits(container.cudnn),
        container=container,
        reason=f"torch {told} was built by NVIDIA from a commit, and only {container.image} holds it"
        + (f", or {' or '.join(each.image for each in alike)}" if alike else ""),
        fidelity=Fidelity.EQUIVALENT if alike else Fidelity.EXACT,
        warnings=(*_ambiguous(container, alike, told), *_maybe_of_a_jetson(told, subject)),
        facts=(
            subject.fact(path, told),
            Fact(name=container.image, value=container.torch_version, source="ngc_pytorch", certainty=certainty),
        ),
        alternatives=tuple(
            Alternative(choice=each.image, reason="its torch is of the same commit, and the record fits it no better")
            for each in others
        ),
    )


def _ambiguous(container: NgcContainer, alike: list[NgcContainer], told: str) -> Iterator[PlanWarning]:
    if alike:
        names = " and ".join(each.image for each in alike)
        yield PlanWarning(
            code="container-inferred",
            message=f"torch {told} is in {names} too, and the record does not tell which of them it was; "
            f"{container.image} is taken",
            hint="put what tells them apart into the record: torch's CUDA, or the Ubuntu release",
        )


def _maybe_of_a_jetson(told: str, subject: Subject) -> Iterator[PlanWarning]:
    if subject.machine is None and re.search(r"\.nv[0-9]", told):
        yield PlanWarning(
            code="container-inferred",
            message=f"NVIDIA's wheel for Jetson boards may call itself torch {told} too, and the record tells no "
            "machine; the container is taken",
        )


def _digits(text: str | None) -> str | None:
    found = re.match(r"\d+(?:\.\d+)*", text or "")
    return found.group() if found else None


def _minor(cuda: str | None) -> str | None:
    digits = _digits(cuda)
    return ".".join(digits.split(".")[:2]) if digits else None


def container_base(container: NgcContainer, subject: Subject, catalog: Catalog) -> BaseChoice:
    """The container as the base. Where the table does not know its Ubuntu, it is taken for the recorded one."""
    version = container.ubuntu or (subject.os_version if subject.os_id == "ubuntu" else None)
    system = catalog.operating_systems.get("ubuntu", version) if version else None
    base = BaseImage(
        repository=REPOSITORY,
        tag=container.image.rpartition(":")[2],
        os_id="ubuntu",
        os_version=version or "unknown",
        codename=system.codename if system else None,
        glibc=system.glibc if system else None,
        cuda=_digits(container.cuda) or subject.torch_cuda or "unknown",
        cudnn=_digits(container.cudnn),
        flavor="devel",
    )
    row = Fact(name=container.image, value=container.release, source="ngc_pytorch", certainty="presumed")
    decision = Decision(
        question=Question.BASE_IMAGE,
        choice=base.reference,
        reason="the recorded torch exists only inside this container, which brings Python, CUDA and cuDNN as well",
        fidelity=Fidelity.EXACT,
        facts=(row,),
    )
    return BaseChoice(base=base, build_base=None, decision=decision, warnings=_warnings(container, subject))


def _warnings(container: NgcContainer, subject: Subject) -> tuple[PlanWarning, ...]:
    warnings = [
        PlanWarning(
            code="large-base",
            message=f"{container.image} is NVIDIA's, about 10 GB or more, and pulling it accepts NVIDIA's license",
        )
    ]
    recorded = subject.python or ""
    if container.python and recorded and not recorded.startswith(".".join(container.python.split(".")[:2])):
        message = f"{container.image} has Python {container.python} and the record says {recorded}"
        warnings.append(PlanWarning(code="base-python-differs", message=message))
    return tuple(warnings)


def provided(package: Package, container: NgcContainer) -> Provided | None:
    """That the container brings the package; None for what came from an index on top of it."""
    if package.canonical == "torch":
        return Provided(by=container.image, reason="the base holds this very build", fidelity=Fidelity.EXACT)
    if package.distribution.direct_url is not None and package.distribution.direct_url.vcs_info is not None:
        return None
    own = package.version is not None and (package.version.local or package.version.is_prerelease)
    own = own and "ubuntu" not in (package.version_text or "")
    if _OF_THE_CONTAINER.fullmatch(package.canonical) or (own and not _names_another_builder(package)):
        reason = "NVIDIA builds it into the base, whose own version is taken"
        return Provided(by=container.image, reason=reason, fidelity=Fidelity.EQUIVALENT)
    return None


def _names_another_builder(package: Package) -> bool:
    """``k2==1.23.2.dev20221221+cuda11.8.torch1.14.0a0`` was built by a user against the container's torch."""
    return "torch" in (package.version_text or "") or bool(package.version and package.version.is_devrelease)
