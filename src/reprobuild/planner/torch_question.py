"""What is asked of the tables about torch, and the answers: published builds, the nearest one, why there is none."""

from __future__ import annotations

import re
from typing import Literal, assert_never

import msgspec
from packaging.version import Version

from reprobuild.catalog.torch_wheels import PypiWheels, TorchRelease, TorchVariant, local_of
from reprobuild.catalog.vendor_images import NgcContainer
from reprobuild.errors import PlanError
from reprobuild.plan import (
    Alternative,
    DefaultIndex,
    Direct,
    Fact,
    Fidelity,
    FindLinks,
    NamedIndex,
    Origin,
    PlanWarning,
    PytorchFolder,
)
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.target import Target

_NVIDIA_PIN = re.compile(r"nvidia-cuda-runtime-cu[0-9]{2}|nvidia-cuda-runtime|nvidia-cudnn-cu[0-9]{2}")


class TorchBuild(msgspec.Struct, frozen=True, kw_only=True):
    """One published build, and why it is the one."""

    release: TorchRelease
    version: str
    """What is pinned: ``2.1.0+cu121``, or ``2.1.0`` from the default index."""
    origin: Origin = DefaultIndex()
    kind: Literal["cuda", "rocm", "cpu", "xpu"]
    cuda: str | None = None
    rocm: str | None = None
    cudnn: str | None = None
    variant: str | None = None
    reason: str
    fidelity: Fidelity = Fidelity.EXACT
    facts: tuple[Fact, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    warnings: tuple[PlanWarning, ...] = ()
    wheel_tags: tuple[str, ...] = ()
    """Platform tags of its wheels, for the glibc they need."""
    rescued_from: str | None = None
    """The suffix of the recorded build, which may be empty, where another one takes its place."""
    container: NgcContainer | None = None
    """The container that holds it, where no index does."""

    @property
    def folder(self) -> str | None:
        """The folder of PyTorch's index; None for any other origin."""
        return self.origin.folder if isinstance(self.origin, PytorchFolder) else None

    @property
    def origin_name(self) -> str:
        """For a person: PyTorch's cu121 index, or the default index."""
        if self.container is not None:
            return self.container.image
        return origin_words(self.origin)


def origin_words(origin: Origin) -> str:
    """For a person: PyTorch's cu121 index, the default index, or the address of any other."""
    match origin:
        case PytorchFolder(folder=folder):
            return f"PyTorch's {folder} index"
        case DefaultIndex() | Direct():
            return "the default index"
        case NamedIndex(url=url) | FindLinks(url=url):
            return url
        case never:
            assert_never(never)


class TorchQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of the tables, gathered once."""

    subject: Subject
    target: Target
    package: Package | None
    release: TorchRelease
    told: str
    """The version as the list of packages tells it, else torch's own."""
    default_cuda: str | None = None
    """The CUDA of the release's wheel on the default index, whatever Python it is for."""

    @property
    def platform(self) -> str:
        """The platform in the words of the tables: ``linux_x86_64``."""
        return f"linux_{self.target.machine}"

    @property
    def published(self) -> tuple[TorchVariant, ...]:
        """The builds on PyTorch's index for this Python and platform."""
        return self.release.published(self.target.python_tag, self.platform)

    @property
    def pypi(self) -> PypiWheels | None:
        """The default index's wheel for this Python and platform."""
        wheels = self.release.pypi.get(self.platform)
        return wheels if wheels and wheels.offers(self.target.python_tag) else None

    @property
    def own_local(self) -> str:
        """The suffix that ``torch.__version__`` carries."""
        return local_of(self.subject.torch_version or "")


def no_wheel(question: TorchQuestion) -> PlanError:
    """Why nothing published comes near, and what was published instead."""
    offered = sorted({each.published_version for each in question.published})
    tags = sorted({tag for each in question.release.variants for tag in each.pythons.get(question.platform, ())})
    target = f"CPython {question.target.python} on {question.target.platform}"
    cuda = question.subject.torch_cuda
    if offered and cuda and not local_of(question.told):
        target = f"CUDA {cuda}, {target}"
    if offered:
        hint = f"published for it: {', '.join(offered)}"
    else:
        hint = f"torch {question.release.version} was published there for {', '.join(tags) or 'no Python'}"
    return PlanError(f"torch {question.told} was never published for {target}", hint=hint)


def by_cuda(question: TorchQuestion, cuda: str | None) -> TorchVariant | None:
    """The ordinary build for this CUDA, or the CPU's; where that CUDA was never published, the next lower one."""
    own = [each for each in question.published if not each.rocm and each.folder not in ("xpu", "")]
    wanted = [each for each in own if each.cuda == cuda]
    if cuda is not None and not wanted:
        lower = [each.cuda for each in own if each.cuda and Version(each.cuda) < Version(cuda)]
        highest = max(lower, key=Version, default=None)
        wanted = [each for each in own if highest and each.cuda == highest]
    return min(wanted, key=_ordinary_first, default=None)


def _ordinary_first(variant: TorchVariant) -> tuple[bool, bool, bool, str]:
    """Builds of the folder's own name first, then suffixed ones, then the special ones."""
    return (variant.is_full, "-" in variant.folder or "_" in variant.folder, not variant.local, variant.folder)


def others(question: TorchQuestion, chosen: str | None) -> tuple[Alternative, ...]:
    """The other published builds of the release for this Python and platform."""
    variants = [each for each in question.published if each.folder != chosen and not each.is_full]
    return tuple(
        Alternative(
            choice=f"{each.published_version} from {each.folder}",
            reason="another build of the same release than the recorded one",
            fidelity=Fidelity.SUBSTITUTED,
        )
        for each in sorted(variants, key=_ordinary_first)
        if each.accelerator in ("cuda", "cpu")
    )


def from_folder(
    question: TorchQuestion, variant: TorchVariant, reason: str, fidelity: Fidelity = Fidelity.EXACT
) -> TorchBuild:
    """The answer: this build, from its folder of PyTorch's index."""
    row = Fact(
        name=f"torch {variant.published_version} in {variant.folder}",
        value=", ".join(variant.pythons.get(question.platform, ())),
        source="torch_wheels",
        certainty=variant.evidence,
    )
    path = f"{question.package.path}.version" if question.package else "torch.version"
    return TorchBuild(
        release=question.release,
        version=variant.published_version,
        origin=PytorchFolder(folder=variant.folder),
        kind=variant.accelerator,
        cuda=variant.cuda,
        rocm=variant.rocm,
        cudnn=recorded_cudnn(question.subject) or variant.cudnn,
        variant=variant.folder,
        reason=reason,
        fidelity=fidelity,
        facts=(question.subject.fact(path, question.told), row),
        alternatives=others(question, variant.folder),
        wheel_tags=variant.platform_tags.get(question.platform, ()),
    )


def recorded_cudnn(subject: Subject) -> str | None:
    """What the record says of cuDNN: torch's own word first, then the wheel of cuDNN that stands beside it."""
    if subject.torch_cudnn:
        return subject.torch_cudnn
    pins = (each for each in subject.packages if each.canonical.startswith("nvidia-cudnn-cu"))
    return next((str(each.version) for each in pins if each.version), None)


def nvidia_pin(subject: Subject) -> Package | None:
    """A recorded wheel of CUDA or cuDNN; None where the record has none."""
    return next((each for each in subject.packages if _NVIDIA_PIN.fullmatch(each.canonical)), None)
