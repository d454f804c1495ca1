"""The record as the planner sees it: only values that passed a grammar, with the path each came from."""

from __future__ import annotations

import datetime
import functools
import re
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec
from packaging.utils import NormalizedName, canonicalize_name
from packaging.version import Version

from reprobuild.plan import Fact
from reprobuild.planner import grammar
from reprobuild.snapshot import Distribution, Snapshot

Machine = Literal["x86_64", "aarch64"]

_MACHINES: dict[str, Machine] = {
    "x86_64": "x86_64",
    "amd64": "x86_64",
    "x64": "x86_64",
    "aarch64": "aarch64",
    "arm64": "aarch64",
}
_TAG = re.compile(r"[A-Za-z0-9_.]{1,64}-[A-Za-z0-9_.]{1,64}-[A-Za-z0-9_.]{1,200}")
_GLIBC = re.compile(r"glibc([0-9]{1,2}\.[0-9]{1,2})")


class Package(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One recorded distribution with its identity validated."""

    path: str
    """``distributions[3]``"""
    name: str
    """As the record spells it."""
    canonical: NormalizedName
    version: Version | None
    """None when the record tells none, or one that PEP 440 does not allow."""
    version_text: str | None
    """As the record spells it."""
    tags: tuple[str, ...]
    hashes: tuple[str, ...]
    distribution: Distribution
    """Everything else of it, not validated yet."""

    @property
    def pin(self) -> str:
        """``name==version``, or the bare name where no version is known."""
        return f"{self.name}=={self.version_text}" if self.version_text else self.name

    @property
    def is_pure(self) -> bool | None:
        """Whether its wheel runs on any platform; None when the record has no tags."""
        return all(tag.endswith("-any") for tag in self.tags) if self.tags else None

    @property
    def compiled_locally(self) -> bool:
        """Tagged for plain ``linux_<machine>``: no index accepts such a wheel, so it was built where it ran."""
        return self.distribution.direct_url is None and any(
            tag.rpartition("-")[2].startswith("linux_") for tag in self.tags
        )


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """Everything of one record that the planner decides on."""

    packages: tuple[Package, ...]
    conda_channels: tuple[str, ...]
    """As the record spells them, not validated yet."""
    python: str | None
    """X.Y.Z or X.Y"""
    free_threaded: bool
    """Whether the interpreter had no global lock: its wheels are others."""
    system: str | None
    """Linux, Darwin, Windows"""
    machine: Machine | None
    machine_text: str | None
    """As the record spells it, also where it is neither x86-64 nor 64-bit ARM."""
    is_jetson: bool
    """One of NVIDIA's small boards, whose torch is NVIDIA's own and in no container and on no index."""
    os_id: str | None
    os_version: str | None
    glibc: str | None
    torch_version: str | None
    torch_cuda: str | None
    """X.Y"""
    torch_hip: str | None
    torch_read_from_files: bool
    """Whether torch's own files were read, so that a CUDA that is not there is none."""
    torch_of_list: bool
    """Whether all that is known of torch was concluded from the list of packages."""
    torch_cudnn: str | None
    loose_cuda: str | None
    """The flat key ``cuda_version``: torch's CUDA, but null without a usable GPU."""
    driver_cuda: str | None
    cuda_toolkit: str | None
    recorded_on: datetime.date | None
    """The told day. An inferred one only bounds it from below, so that nothing may be cut off there."""
    era: datetime.date | None
    """The told or inferred day, for what only needs to know how old the run is."""
    default_index: str | None
    """The index that most packages of a lock file name: the default one of its author, or a mirror of it."""
    listed_indexes: tuple[str, ...]
    """Indexes and pages that the list of packages names beside them."""
    inferred: frozenset[str]
    """Paths of facts that the reader of the record inferred."""
    is_deep: bool
    """Read from an installation, so that it lists every distribution; a list may leave some out."""

    def find(self, name: str) -> Package | None:
        """The package of that name, however it is spelled; the first one where several are recorded."""
        canonical = canonicalize_name(name)
        return next((package for package in self.packages if package.canonical == canonical), None)

    def fact(self, name: str, value: str) -> Fact:
        """A fact of the record, marked as inferred where the record's reader said so."""
        certainty: Literal["inferred", "told"] = "inferred" if name in self.inferred else "told"
        return Fact(name=name, value=value, source="record", certainty=certainty)


def examine(snapshot: Snapshot) -> Subject:
    """Validate what the planner needs of a snapshot. Raises RecordError with the path of what does not fit."""
    system, torch, flat, gpu = snapshot.system, snapshot.torch, snapshot.flat, snapshot.gpu
    platform = grammar.printable(system.platform, "system.platform") if system.platform else None
    machine = _optional(grammar.token, system.machine, "system.machine")
    started = snapshot.command.started_at if snapshot.command else None
    inferred = frozenset(item.fact for item in snapshot.evidence if item.certainty == "inferred")
    day = _date(snapshot.recorded_at, "recorded_at") or _date(started, "command.started_at")
    return Subject(
        packages=tuple(_packages(snapshot)),
        conda_channels=snapshot.conda_channels,
        python=_python(snapshot),
        free_threaded=snapshot.python.free_threaded is True,
        system=_optional(grammar.token, system.system, "system.system") or _system_of(platform),
        machine=_MACHINES.get((machine or "").lower()) or _machine_of(platform),
        machine_text=machine,
        is_jetson="tegra" in f"{system.kernel} {platform}",
        os_id=_optional(grammar.token, system.os_id, "system.os_id"),
        os_version=_optional(grammar.token, system.os_version, "system.os_version"),
        glibc=_glibc(snapshot, platform),
        torch_version=_optional(grammar.version_text, torch.version if torch else None, "torch.version")
        or _optional(grammar.version_text, flat.torch_version, "torch_version"),
        torch_cuda=_minor(_optional(grammar.dotted, torch.cuda if torch else None, "torch.cuda")),
        torch_hip=_optional(grammar.version_text, torch.hip if torch else None, "torch.hip"),
        torch_read_from_files=torch is not None and torch.read_by in ("files", "import"),
        torch_of_list=torch is not None and torch.read_by == "list",
        torch_cudnn=_optional(grammar.dotted, torch.cudnn if torch else None, "torch.cudnn")
        or cudnn_of_integer(flat.cudnn_version),
        loose_cuda=_minor(_optional(grammar.dotted, flat.cuda_version, "cuda_version")),
        driver_cuda=_optional(grammar.dotted, gpu.driver_cuda if gpu else None, "gpu.driver_cuda"),
        cuda_toolkit=_optional(grammar.version_text, snapshot.cuda_toolkit, "cuda_toolkit"),
        recorded_on=None if "recorded_at" in inferred else day,
        era=day,
        default_index=_default_index(snapshot),
        listed_indexes=tuple(
            grammar.url(url, f"package_indexes[{place}]", grammar.WEB_SCHEMES)
            for place, url in enumerate(snapshot.package_indexes)
        ),
        inferred=inferred,
        is_deep=any(distribution.metadata_format for distribution in snapshot.distributions),
    )


def _optional(check: Callable[[str, str], str], text: str | None, path: str) -> str | None:
    return check(text, path) if text else None


def _default_index(snapshot: Snapshot) -> str | None:
    """The index that most distributions came from, where the record tells it for each."""
    named = Counter(each.index_url for each in snapshot.distributions if each.index_url)
    if not named:
        return None
    ((most_common, _),) = named.most_common(1)
    place = next(index for index, each in enumerate(snapshot.distributions) if each.index_url == most_common)
    return grammar.url(most_common, f"distributions[{place}].index_url", grammar.WEB_SCHEMES)


def _minor(cuda: str | None) -> str | None:
    """``10.0`` of 10.0.130: torch told the toolkit's patch up to 1.3, and builds are told apart by the minor."""
    return ".".join(cuda.split(".")[:2]) if cuda else None


def _packages(snapshot: Snapshot) -> Iterator[Package]:
    for index, distribution in enumerate(snapshot.distributions):
        path = f"distributions[{index}]"
        # conda's packages are no Python distributions alone, and conda allows an underscore in front.
        check = grammar.conda_name if distribution.conda is not None else grammar.project_name
        name = check(distribution.name, f"{path}.name")
        # In the address of a conda package the epoch's exclamation mark is escaped.
        text = distribution.version.replace("%21", "!") if distribution.version else None
        version_text = grammar.version_text(text, f"{path}.version") if text else None
        yield Package(
            path=path,
            name=name,
            canonical=_canonical(name),
            version=grammar.pep440(version_text) if version_text else None,
            version_text=version_text,
            tags=_checked(_tag, distribution.tags, f"{path}.tags"),
            hashes=_checked(grammar.file_hash, distribution.hashes, f"{path}.hashes"),
            distribution=distribution,
        )


def _checked(check: Callable[[str, str], str], texts: tuple[str, ...], path: str) -> tuple[str, ...]:
    return tuple([check(text, f"{path}[{place}]") for place, text in enumerate(texts)]) if texts else ()


@functools.lru_cache(maxsize=8192)
def _canonical(name: str) -> NormalizedName:
    """Records repeat each other's names; the cache is bounded, so that a long run's memory stays flat."""
    return canonicalize_name(name)


def _tag(text: str, path: str) -> str:
    if not _TAG.fullmatch(text):
        raise grammar.refuse(text, path, "a wheel tag such as cp310-cp310-manylinux_2_17_x86_64")
    return text


def _python(snapshot: Snapshot) -> str | None:
    deep = _optional(grammar.python_version, snapshot.python.version, "python.version")
    return deep or _optional(grammar.python_version, snapshot.flat.python_version_short, "python_version_short")


def _glibc(snapshot: Snapshot, platform: str | None) -> str | None:
    system = snapshot.system
    if system.libc_version and (system.libc or "glibc") in ("glibc", "libc"):
        return grammar.dotted(system.libc_version, "system.libc_version")
    found = _GLIBC.search(platform or "")
    return found.group(1) if found else None


def _system_of(platform: str | None) -> str | None:
    """``platform.platform()`` starts with the system's name; macOS calls itself so since Python 3.8."""
    starts = {"Linux": "Linux", "Darwin": "Darwin", "macOS": "Darwin", "Windows": "Windows"}
    return next((name for start, name in starts.items() if (platform or "").startswith(start)), None)


def _machine_of(platform: str | None) -> Machine | None:
    words = re.split(r"[-_ ]", (platform or "").lower().replace("x86_64", "amd64"))
    return next((_MACHINES[word] for word in words if word in _MACHINES), None)


def _date(text: str | None, path: str) -> datetime.date | None:
    return grammar.date(text, path) if text else None


def cudnn_of_integer(number: int | None) -> str | None:
    """cuDNN as torch tells it, as a version: 8902 is 8.9.2, 91900 is 9.19.0, 7605 is 7.6.5."""
    if number is None or not 1000 <= number < 1_000_000:
        return None
    thousand = 10_000 if number >= 90_000 else 1_000
    major, rest = divmod(number, thousand)
    return f"{major}.{rest // 100}.{rest % 100}"
