"""What differs between two records, ranked by how likely it changes a run's results. Pure.

The order is framework, CUDA, cuDNN, numeric libraries, Python, hardware, the other packages, the operating
system, and the code and how it was started. Names are compared as PEP 503 normalizes them, versions as
PEP 440 orders them with their local parts.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from reprobuild.distribution import CondaOrigin, same_channel
from reprobuild.snapshot import CommandFacts, DirectUrl, Distribution, GpuFacts, Snapshot, SourceFacts, TorchFacts

COMPARISON_SCHEMA_VERSION = 1


class Fields(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of the comparison's values."""


class Rank(enum.StrEnum):
    """Kinds of differences, the likeliest to change results first."""

    FRAMEWORK = "framework"
    CUDA = "CUDA"
    CUDNN = "cuDNN"
    NUMERIC = "numeric library"
    PYTHON = "Python"
    HARDWARE = "hardware"
    PACKAGE = "package"
    SYSTEM = "operating system"
    RUN = "code and command"

    @property
    def position(self) -> int:
        """0 for the likeliest."""
        return list(Rank).index(self)


class Change(enum.StrEnum):
    """What happened on the way from the first record to the second."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"


class Difference(Fields, frozen=True, kw_only=True):
    """One thing that is not the same in both records."""

    rank: Rank
    subject: str
    """Path of the fact (``torch.cuda``) or normalized name of the package."""
    change: Change
    before: str | None = None
    after: str | None = None
    detail: str | None = None
    """What else is known, such as ``same version, other files``."""


class Comparison(Fields, frozen=True, kw_only=True):
    """Two records side by side."""

    schema_version: int = COMPARISON_SCHEMA_VERSION
    before_digest: str
    after_digest: str
    differences: tuple[Difference, ...]
    same_packages: int
    """Distributions with the same name and version in both."""
    not_compared: tuple[str, ...] = ()
    """Paths of facts that only one record tells, or that differ but were inferred in one of them."""

    def to_json_object(self) -> dict[str, Any]:
        """What ``--json`` prints."""
        content: dict[str, Any] = msgspec.to_builtins(self)
        return {"schema_version": self.schema_version, "identical": not self.differences, **content}


# The packages, by normalized name, that compute or feed a run's numbers; every other one ranks as a package.
_RANKS: dict[Rank, frozenset[str]] = {
    Rank.FRAMEWORK: frozenset(
        {
            "accelerate",
            "apex",
            "cupy-cuda11x",
            "cupy-cuda12x",
            "deepspeed",
            "flash-attn",
            "flax",
            "jax",
            "jax-cuda12-pjrt",
            "jax-cuda12-plugin",
            "jax-cuda13-pjrt",
            "jax-cuda13-plugin",
            "jaxlib",
            "keras",
            "lightning",
            "mindspore",
            "mxnet",
            "onnxruntime",
            "paddlepaddle",
            "paddlepaddle-gpu",
            "pytorch-lightning",
            "pytorch-triton",
            "tensorflow",
            "tensorflow-cpu",
            "tensorflow-gpu",
            "tensorflow-intel",
            "tf-keras",
            "timm",
            "torch",
            "torchaudio",
            "torchtext",
            "torchvision",
            "transformers",
            "triton",
            "xformers",
        }
    ),
    Rank.CUDA: frozenset(
        {
            "cuda-bindings",
            "cuda-python",
            "cudatoolkit",
            "pytorch-cuda",
        }
    ),
    Rank.NUMERIC: frozenset(
        {
            "albumentations",
            "bitsandbytes",
            "bottleneck",
            "catboost",
            "datasets",
            "einops",
            "imgaug",
            "intel-openmp",
            "librosa",
            "lightgbm",
            "llvmlite",
            "mkl",
            "mkl-service",
            "numba",
            "numexpr",
            "numpy",
            "openblas",
            "opencv-contrib-python",
            "opencv-python",
            "opencv-python-headless",
            "pandas",
            "pillow",
            "pillow-simd",
            "polars",
            "pyarrow",
            "scikit-image",
            "scikit-learn",
            "scipy",
            "sentencepiece",
            "soundfile",
            "statsmodels",
            "tokenizers",
            "torchmetrics",
            "xgboost",
        }
    ),
}


def same_version(first: str | None, second: str | None) -> bool:
    """Whether two versions are equal for PEP 440, local parts included; other texts must be the same text."""
    if first is None or second is None:
        return first is second
    try:
        return Version(first) == Version(second)
    except InvalidVersion:
        return first == second


def by_normalized_name(distributions: Iterable[Distribution]) -> dict[str, Distribution]:
    """Distributions by their PEP 503 name. The first of several with one name wins: it is the one on the path."""
    named: dict[str, Distribution] = {}
    for distribution in distributions:
        named.setdefault(canonicalize_name(distribution.name), distribution)
    return named


def origin_text(url: DirectUrl | None) -> str | None:
    """Where a distribution came from, in one line: version control and commit, or the URL; None for an index."""
    if url is None:
        return None
    if url.vcs_info is not None:
        return f"{url.vcs_info.vcs}+{url.url}@{url.vcs_info.commit_id or url.vcs_info.requested_revision or '?'}"
    if url.dir_info is not None and url.dir_info.commit_id:
        return f"{url.url}@{url.dir_info.commit_id}"
    return url.url


def rank_of_package(name: str) -> Rank:
    """How much a package, by normalized name, has to do with a run's numbers."""
    if name.startswith("nvidia-cudnn"):
        return Rank.CUDNN
    if name.startswith("nvidia-"):
        return Rank.CUDA
    return next((rank for rank, names in _RANKS.items() if name in names), Rank.PACKAGE)


def compare(before: Snapshot, after: Snapshot) -> Comparison:
    """Every difference between two records, the likeliest to change results first, then by subject."""
    first, second = by_normalized_name(before.distributions), by_normalized_name(after.distributions)
    differences = [*_package_differences(first, second)]
    not_compared: list[str] = []
    inferred = _inferred(before) | _inferred(after)
    for rank, subject, old, new in _facts(before, after):
        if old is None or new is None:
            not_compared += [subject] if old != new else []
        elif old == new or same_version(old, new):
            continue
        elif any(fact.startswith(subject) for fact in inferred):
            not_compared.append(f"{subject} ({old} and {new}, one of them inferred)")
        else:
            differences.append(Difference(rank=rank, subject=subject, change=Change.CHANGED, before=old, after=new))
    ordered = sorted(differences, key=lambda difference: (difference.rank.position, difference.subject))
    shared = first.keys() & second.keys()
    return Comparison(
        before_digest=before.digest,
        after_digest=after.digest,
        differences=tuple(ordered),
        same_packages=sum(same_version(first[name].version, second[name].version) for name in shared),
        not_compared=tuple(not_compared),
    )


def _inferred(snapshot: Snapshot) -> set[str]:
    """Paths of the facts that a reader concluded from others. What nobody recorded is no difference."""
    return {evidence.fact for evidence in snapshot.evidence if evidence.certainty == "inferred"}


def _package_differences(first: dict[str, Distribution], second: dict[str, Distribution]) -> Iterator[Difference]:
    for name in sorted(first.keys() | second.keys()):
        old, new = first.get(name), second.get(name)
        rank = rank_of_package(name)
        if old is None or new is None:
            change = Change.ADDED if old is None else Change.REMOVED
            yield Difference(rank=rank, subject=name, change=change, before=_version(old), after=_version(new))
        elif not same_version(old.version, new.version):
            yield Difference(rank=rank, subject=name, change=Change.CHANGED, before=_version(old), after=_version(new))
        elif detail := _build_difference(old, new):
            yield Difference(
                rank=rank,
                subject=name,
                change=Change.CHANGED,
                before=_version(old),
                after=_version(new),
                detail=detail,
            )


def _version(distribution: Distribution | None) -> str | None:
    return (distribution.version or "version not recorded") if distribution else None


def _build_difference(old: Distribution, new: Distribution) -> str | None:
    """What differs between two installations of one version; None when nothing that both records tell does."""
    origins = origin_text(old.direct_url), origin_text(new.direct_url)
    if None not in origins and origins[0] != origins[1]:
        return f"same version, from {origins[1]} instead of {origins[0]}"
    if old.record_digest and new.record_digest and old.record_digest != new.record_digest:
        return "same version, other files"
    if old.conda is not None and new.conda is not None:
        return _conda_difference(old.conda, new.conda)
    return None


def _conda_difference(old: CondaOrigin, new: CondaOrigin) -> str | None:
    """What differs between two conda packages of one version; None when nothing that both records tell does."""
    if old.build and new.build and old.build != new.build:
        return f"same version, build {new.build} instead of {old.build}"
    if not same_channel(old.channel, new.channel):
        return f"same build, from {new.channel} instead of {old.channel}"
    digests = [(getattr(old, kind), getattr(new, kind)) for kind in ("sha256", "md5")]
    known = next(((first, second) for first, second in digests if first and second), None)
    return "same build, another file" if known is not None and known[0] != known[1] else None


def _facts(before: Snapshot, after: Snapshot) -> Iterator[tuple[Rank, str, str | None, str | None]]:
    """Each fact that both records may tell: rank, path, and its two values."""
    for (rank, path, old), (_, _, new) in zip(_facts_of(before), _facts_of(after), strict=True):
        yield rank, path, old, new


def _facts_of(snapshot: Snapshot) -> Iterator[tuple[Rank, str, str | None]]:
    torch = snapshot.torch or TorchFacts()
    gpu = snapshot.gpu or GpuFacts()
    source = snapshot.source or SourceFacts()
    command = snapshot.command or CommandFacts()
    yield Rank.FRAMEWORK, "torch.version", torch.version
    yield Rank.FRAMEWORK, "torch.git_version", torch.git_version
    yield Rank.CUDA, "torch.cuda", torch.cuda
    yield Rank.CUDA, "torch.hip", torch.hip
    yield Rank.CUDA, "torch.nccl", torch.nccl
    yield Rank.CUDA, "cuda_toolkit", snapshot.cuda_toolkit
    yield Rank.CUDNN, "torch.cudnn", torch.cudnn
    yield Rank.PYTHON, "python.version", snapshot.python.version
    yield Rank.PYTHON, "python.implementation", snapshot.python.implementation
    yield Rank.PYTHON, "python.compiler", snapshot.python.compiler
    yield Rank.HARDWARE, "gpu.devices", ", ".join(device.name for device in gpu.devices) or None
    yield Rank.HARDWARE, "gpu.driver_version", gpu.driver_version
    yield Rank.HARDWARE, "system.machine", snapshot.system.machine
    yield Rank.HARDWARE, "system.cpu_model", snapshot.system.cpu_model
    yield Rank.SYSTEM, "system.system", snapshot.system.system
    yield Rank.SYSTEM, "system.os", _joined(snapshot.system.os_id, snapshot.system.os_version)
    yield Rank.SYSTEM, "system.libc", _joined(snapshot.system.libc, snapshot.system.libc_version)
    yield Rank.SYSTEM, "system.kernel", snapshot.system.kernel
    yield Rank.RUN, "source.commit", source.commit
    yield Rank.RUN, "source.diff", _digest(source.diff)
    yield Rank.RUN, "command", _joined(command.program, *command.arguments)
    yield Rank.RUN, "seeds", _pairs(snapshot.seeds)
    yield Rank.RUN, "environment_variables", _pairs(snapshot.environment_variables)


def _joined(*parts: str | None) -> str | None:
    return " ".join(part for part in parts if part) or None


def _pairs(pairs: dict[str, str] | dict[str, int]) -> str | None:
    return " ".join(f"{name}={value}" for name, value in sorted(pairs.items())) or None


def _digest(text: str | None) -> str | None:
    """A long text is compared whole but named by its length."""
    if not text:
        return None
    return f"{len(text.splitlines())} lines, sha256:{hashlib.sha256(text.encode()).hexdigest()[:12]}"
