"""The plan: what would be built from a snapshot, why, on which fact, and how faithfully. Values only.

A plan is pure data: the planner makes it, ``render`` writes a Dockerfile from it, the command line explains
it, the image's labels carry its digest. Everything in it is validated: a plan holds no text of a record that
has not passed a grammar.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterable
from typing import Any, Literal

import msgspec

PLAN_SCHEMA_VERSION = 1

CONDA_CHANNELS = "https://conda.anaconda.org"
"""Parent of the channels that have a plain name, such as ``conda-forge``."""

CONDA_DEFAULTS = "https://repo.anaconda.com/pkgs"
"""Parent of Anaconda's own channels, of which ``defaults`` stands for some."""


class Fields(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Base of the plan's values."""


class Fidelity(enum.StrEnum):
    """How close a part of the image comes to the record, best first."""

    EXACT = "exact"
    """The same version from the same origin."""
    EQUIVALENT = "equivalent"
    """The same version from another build."""
    SUBSTITUTED = "substituted"
    """Another version, operating system, platform or CUDA, named."""
    MISSING = "missing"
    """Not in the image, named."""

    @property
    def rank(self) -> int:
        """0 for exact up to 3 for missing."""
        return _RANKS[self]


_RANKS = {fidelity: rank for rank, fidelity in enumerate(Fidelity)}


def weakest(fidelities: Iterable[Fidelity]) -> Fidelity:
    """The fidelity of a whole: that of its weakest part; exact when there are no parts."""
    return max(set(fidelities), key=lambda fidelity: fidelity.rank, default=Fidelity.EXACT)


class Question(enum.StrEnum):
    """The questions that the planner answers, in the order in which it answers them; the last only when asked."""

    ACCELERATOR = "accelerator"
    BASE_IMAGE = "base image"
    PYTHON = "python"
    PACKAGES = "packages"
    SYSTEM_PACKAGES = "system packages"
    BUILD_TIME = "build time"
    SOURCE = "source code"


class Fact(Fields, frozen=True, kw_only=True):
    """Something a decision rests on."""

    name: str
    """Path in the record (``torch.cuda``) or name of a table's row."""
    value: str
    source: str
    """``record`` or the table's name."""
    certainty: Literal["told", "inferred", "present", "observed", "presumed", "derived", "unverified"] = "told"


class Alternative(Fields, frozen=True, kw_only=True):
    """A runner-up and why it lost."""

    choice: str
    reason: str
    fidelity: Fidelity | None = None


class Decision(Fields, frozen=True, kw_only=True):
    """The answer to one question."""

    question: Question
    choice: str
    """The winner, in a few words: ``nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04``."""
    reason: str
    """One sentence: why it won, and what differs from the record if anything does."""
    fidelity: Fidelity
    facts: tuple[Fact, ...] = ()
    alternatives: tuple[Alternative, ...] = ()

    def with_facts(self, *facts: Fact) -> Decision:
        """The same decision resting on more facts."""
        return msgspec.structs.replace(self, facts=(*self.facts, *facts))


class PlanWarning(Fields, frozen=True, kw_only=True):
    """Something a person should know or do. ``code`` is stable and made for scripts."""

    code: str
    message: str
    hint: str | None = None


class Platform(Fields, frozen=True, kw_only=True):
    """Where the image runs, in Docker's words."""

    os: Literal["linux"] = "linux"
    architecture: Literal["amd64", "arm64"] = "amd64"

    def __str__(self) -> str:
        return f"{self.os}/{self.architecture}"


class Accelerator(Fields, frozen=True, kw_only=True):
    """What the run's frameworks were built for."""

    kind: Literal["cuda", "rocm", "cpu", "xpu", "tpu", "other"]
    version: str | None = None
    """CUDA or ROCm version, such as ``12.1``."""
    cudnn: str | None = None
    """Exact where known (``8.9.2.26``), else the major version (``8``)."""
    variant: str | None = None
    """The PyTorch variant, such as ``cu121`` or ``cpu``: the folder of its index."""


class BaseImage(Fields, frozen=True, kw_only=True):
    """The image that the recipe starts from."""

    repository: str
    tag: str
    digest: str | None = None
    os_id: str
    """ubuntu, debian, ubi, rocky"""
    os_version: str
    codename: str | None = None
    glibc: str | None = None
    cuda: str | None = None
    cudnn: str | None = None
    flavor: Literal["base", "runtime", "devel", "plain"] = "plain"
    package_manager: Literal["apt", "dnf"] = "apt"

    @property
    def reference(self) -> str:
        """What stands behind FROM."""
        named = f"{self.repository}:{self.tag}"
        return f"{named}@{self.digest}" if self.digest else named


class UvPython(Fields, frozen=True, kw_only=True, tag="uv"):
    """CPython from uv's standalone builds."""

    version: str
    build: str | None = None
    """Release tag of the build (``20240107``), where it is pinned."""
    free_threaded: bool = False
    """The build without the global interpreter lock."""


class ImagePython(Fields, frozen=True, kw_only=True, tag="image"):
    """CPython from an official ``python:`` image: /usr/local of it, or the base itself."""

    version: str
    image: str
    """``python:3.8.1-slim-buster``"""
    is_base: bool = False
    """True when the image itself is the base of the recipe."""


class SourcePython(Fields, frozen=True, kw_only=True, tag="source"):
    """CPython compiled from its release archive in a builder stage."""

    version: str
    url: str
    sha256: str | None = None
    openssl: str | None = None


class BasePython(Fields, frozen=True, kw_only=True, tag="base"):
    """The CPython that the base image brings or that its package manager installs at that very version."""

    version: str
    executable: str
    with_packages: bool = False
    """Whether the environment also sees the packages that the base brings, such as a vendor's torch."""


class CondaPython(Fields, frozen=True, kw_only=True, tag="conda"):
    """The CPython that a conda environment holds as one of its packages."""

    version: str


PythonSource = UvPython | ImagePython | SourcePython | BasePython | CondaPython


class CondaPackage(Fields, frozen=True, kw_only=True):
    """One package that conda's installer is asked for, already validated."""

    name: str
    """conda's name for it: ``pytorch``, not ``torch``."""
    line: str
    """Its URL with ``#`` and a checksum, or ``name==version=build`` with as much of it as the record tells."""


class CondaEnvironment(Fields, frozen=True, kw_only=True):
    """The conda environment that the package groups are installed into. micromamba makes it in one step."""

    packages: tuple[CondaPackage, ...]
    """In the order of installation: what Python's own packages need comes first."""
    explicit: bool
    """Whether every line is a URL, so that no channel is asked and nothing is solved."""
    channels: tuple[str, ...] = ()
    """URLs in the order of their priority; empty where ``explicit``."""
    resolve_dependencies: bool = False
    """True where the record does not list the whole environment, so that a solver adds what is not listed."""
    micromamba_image: str
    cuda: str | None = None
    """The CUDA that packages may ask of a driver, which no build has: conda's virtual package ``__cuda``."""


class PytorchFolder(Fields, frozen=True, kw_only=True, tag="pytorch"):
    """One folder of PyTorch's wheel index, such as ``cu121``; a mirror replaces the host, not the folder."""

    folder: str


class DefaultIndex(Fields, frozen=True, kw_only=True, tag="default"):
    """The package installer's own default index, or the one its configuration names."""


class NamedIndex(Fields, frozen=True, kw_only=True, tag="index"):
    """An index of another project, by URL."""

    url: str


class FindLinks(Fields, frozen=True, kw_only=True, tag="find-links"):
    """A page of links to wheels, by URL. Nothing but this page is searched."""

    url: str


class Direct(Fields, frozen=True, kw_only=True, tag="direct"):
    """Each requirement names its own URL: archives, wheels, version control."""


Origin = PytorchFolder | DefaultIndex | NamedIndex | FindLinks | Direct


class Requirement(Fields, frozen=True, kw_only=True):
    """One line of a requirements file, already validated."""

    name: str
    """As the record spells it."""
    line: str
    """The whole line: ``torch==2.1.0+cu121``, ``pkg @ git+https://...@<sha>``, hashes included."""


class PackageGroup(Fields, frozen=True, kw_only=True):
    """Packages that are installed in one step from exactly one origin, without dependency resolution."""

    name: str
    """A file name without suffix: ``pytorch-cu121``, ``default``."""
    title: str
    """For the reader of the Dockerfile: what it is and why it stands at this place."""
    origin: Origin
    requirements: tuple[Requirement, ...]
    installer: Literal["uv", "pip"] = "uv"
    installer_version: str | None = None
    from_source: bool = False
    """Whether its packages are built from their sources, even where nothing is compiled."""
    needs_git: bool = False
    needs_compiler: bool = False
    needs_nvcc: bool = False
    build_isolation: bool = True
    build_constraints: tuple[str, ...] = ()
    """Requirement lines that bind build environments, such as ``Cython<3``."""
    build_requires: tuple[str, ...] = ()
    """Requirement lines that a build without isolation finds installed, beside the groups before it."""
    build_environment: dict[str, str] = {}
    """Environment variables of the builds, such as ``MAX_JOBS``."""
    exclude_newer: str | None = None
    """ISO date: build requirements as of that day."""
    resolve_dependencies: bool = False
    """True only for the last group of a record that is not a closed set: the recorded pins again, so that none of
    them moves, installed *with* their dependencies, which the record does not list."""


class Placement(Fields, frozen=True, kw_only=True):
    """Where one distribution, or one system library, of the record ends: exactly one of these for each."""

    name: str
    version: str | None = None
    where: Literal["installed", "base", "system", "left out"]
    detail: str
    """Group it is installed in, what provides it, or the reason it is left out."""
    fidelity: Fidelity
    line: str | None = None


class SystemPackage(Fields, frozen=True, kw_only=True):
    """A package of the operating system."""

    name: str
    reason: str
    stage: Literal["runtime", "build"] = "runtime"
    facts: tuple[Fact, ...] = ()
    """What it is known from: the recorded package, and its name in the base's release."""


class Checkout(Fields, frozen=True, kw_only=True):
    """The code of the run, where the user asked for it: a commit, and perhaps changes to it."""

    repository: str
    """URL without credentials, which a build argument may replace."""
    commit: str
    """7 to 64 hexadecimal digits."""
    directory: str | None = None
    """Where the run was started, relative to the top."""
    changed: bool = False
    """Whether the context holds a patch with the recorded changes."""


class Plan(Fields, frozen=True, kw_only=True):
    """What is built from one snapshot."""

    schema_version: int = PLAN_SCHEMA_VERSION
    snapshot_digest: str
    catalog_date: str
    platform: Platform
    accelerator: Accelerator
    base: BaseImage
    python: PythonSource
    groups: tuple[PackageGroup, ...]
    """In the order of installation."""
    system_packages: tuple[SystemPackage, ...] = ()
    build_base: BaseImage | None = None
    """Base of the builder stage where it is not ``base``: a devel image for what needs nvcc."""
    uv_image: str
    checkout: Checkout | None = None
    command: tuple[str, ...] = ()
    """What the image starts, where the user asked for the run's code; else Python."""
    conda: CondaEnvironment | None = None
    """What conda installs, where the run is rebuilt as a conda run."""
    decisions: tuple[Decision, ...]
    placements: tuple[Placement, ...]
    libraries: tuple[Placement, ...] = ()
    """Where each recorded shared library of the operating system ends. ``detail`` names the package."""
    warnings: tuple[PlanWarning, ...] = ()
    notes: tuple[str, ...] = ()
    """Sentences that are worth knowing and ask for nothing."""

    @property
    def fidelity(self) -> Fidelity:
        """That of the weakest part."""
        parts = [decision.fidelity for decision in self.decisions]
        return weakest(parts + [placement.fidelity for placement in self.placements])

    @property
    def digest(self) -> str:
        """``sha256:<hex>`` of the canonical encoding."""
        return "sha256:" + hashlib.sha256(msgspec.json.encode(self, order="deterministic")).hexdigest()

    def to_json_object(self) -> dict[str, Any]:
        """What ``--json`` prints: every field, with the derived fidelity and digest beside them."""
        content: dict[str, Any] = msgspec.to_builtins(self)
        return {"schema_version": self.schema_version, "fidelity": str(self.fidelity), "digest": self.digest, **content}
