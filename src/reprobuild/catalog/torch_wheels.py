"""Which PyTorch wheels were published: release by variant by Python by platform, on PyTorch's index and on PyPI.

A *folder* is a part of PyTorch's index (``cu121``, ``cpu``, ``rocm6.1``, ``cu121_full``; empty for the index's root).
A *local* is the version's own suffix (``cu121``, empty for a plain version). The two differ: ``cu121_full`` holds
wheels that call themselves ``+cu121``, ``cpu-cxx11-abi`` those that say ``+cpu.cxx11.abi``, and plain versions lie in
``cpu`` as well as in the folder of the default CUDA of the day. A *platform* is ``linux_x86_64``, ``linux_aarch64``,
``windows_x86_64``, ``macos_arm64`` or ``macos_x86_64``; a *Python tag* is ``cp310``, ``cp313t``, ``cp27mu``.
"""

from __future__ import annotations

import functools
import re
from typing import Literal

from packaging.version import Version

from reprobuild.catalog.tables import Fields, Table, items, known, version_of

Evidence = Literal["observed", "derived", "unverified"]
PLATFORMS = ("linux_x86_64", "linux_aarch64", "windows_x86_64", "macos_arm64", "macos_x86_64")

PYTORCH_INDEX = "https://download.pytorch.org/whl"
STABLE_FIND_LINKS = f"{PYTORCH_INDEX}/torch_stable.html"
"""The old page for everything up to about 2.3; no longer written since June 2024."""
NIGHTLY_DAYS = 60
"""About how long a nightly stays on the index."""


class TorchVariant(Fields, frozen=True, kw_only=True):
    """One build of one release, as it lies in one folder of PyTorch's index."""

    version: str
    """The release without local part: 2.1.0."""
    folder: str
    local: str
    """The version's own suffix without the plus sign, empty when it has none."""
    pythons: dict[str, tuple[str, ...]]
    """Platform to Python tags."""
    platform_tags: dict[str, tuple[str, ...]]
    """Linux platform to the tags in the wheels' names; absent where only the build matrix is known."""
    cuda: str | None = None
    cuda_toolkit: str | None = None
    """The toolkit that built it, with its patch, where it is known."""
    cudnn: str | None = None
    cudnn_source: str | None = None
    rocm: str | None = None
    evidence: Evidence = "observed"
    seen: bool | None = None
    """For derived rows: whether this local version was seen in the wild."""

    @property
    def published_version(self) -> str:
        """The version that the wheel's metadata carries: 2.1.0+cu121."""
        return f"{self.version}+{self.local}" if self.local else self.version

    @property
    def is_full(self) -> bool:
        """Whether it is the fat build for one Python, which bundles CUDA whatever its neighbors do."""
        return self.folder.endswith("_full")

    @property
    def accelerator(self) -> Literal["cuda", "rocm", "xpu", "cpu"]:
        """What it runs on."""
        if self.cuda:
            return "cuda"
        if self.rocm:
            return "rocm"
        return "xpu" if self.folder == "xpu" else "cpu"

    def offers(self, python_tag: str | None, platform: str) -> bool:
        """Whether there is a wheel for this Python and platform; any Python when ``python_tag`` is None."""
        tags = self.pythons.get(platform, ())
        return bool(tags) if python_tag is None else _on(tags, python_tag)


class PypiWheels(Fields, frozen=True, kw_only=True):
    """The wheels of one release on PyPI for one Linux platform."""

    torch_version: str | None = None
    """What ``torch.__version__`` says inside the wheel: 2.1.0+cu121, although the metadata says 2.1.0."""
    cuda: str | None = None
    """``torch.version.cuda``; None for a wheel without CUDA."""
    variant: str | None = None
    """The folder of PyTorch's index that holds the sibling build: cu121, cpu."""
    cudnn: str | None = None
    cudnn_source: str | None = None
    cxx11_abi: bool | None = None
    git_commit: str | None = None
    pythons: tuple[str, ...] = ()
    platform_tags: tuple[str, ...] = ()
    pins: dict[str, str]
    """``nvidia-*`` and triton requirements to their specifier: nvidia-cudnn-cu12 to ==8.9.2.26."""

    def offers(self, python_tag: str) -> bool:
        """Whether there is a wheel for this Python."""
        return _on(self.pythons, python_tag)


class TorchRelease(Fields, frozen=True, kw_only=True):
    """One release of torch with all its variants."""

    version: str
    released: str | None = None
    """ISO date."""
    evidence: Evidence
    """How the index's content is known: observed up to 2.7.1, derived from build matrices after."""
    on_pypi: bool
    requires_python: str | None = None
    variants: tuple[TorchVariant, ...] = ()
    pypi: dict[str, PypiWheels]
    """Linux platform to its wheels on PyPI."""
    trap: str | None = None

    @property
    def locals(self) -> frozenset[str]:
        """Every suffix that was published, the empty one included."""
        return frozenset(variant.local for variant in self.variants)

    def published(self, python_tag: str | None = None, platform: str = "linux_x86_64") -> tuple[TorchVariant, ...]:
        """The variants on PyTorch's index that have a wheel for this Python and platform."""
        return tuple(variant for variant in self.variants if variant.offers(python_tag, platform))

    def named(self, local: str, folder: str | None = None) -> tuple[TorchVariant, ...]:
        """The variants with this suffix; several where only the folder tells them apart (1.0, or ``_full``)."""
        found = [variant for variant in self.variants if variant.local == local]
        return tuple(variant for variant in found if folder in (None, variant.folder))


class LtsWheels(Fields, frozen=True, kw_only=True):
    """The wheels of one build of a long-term support release, which lie on a page of links and on no index."""

    version: str
    local: str
    pythons: tuple[str, ...]
    platforms: tuple[str, ...]
    find_links: str
    note: str | None = None


class TorchWheels:
    """Look-ups over the published PyTorch wheels."""

    def __init__(self, releases: Table, variants: Table, pins: Table, lts: Table) -> None:
        self.header = variants.header
        self._lts = {f"{row['version']}+{row['local']}": _lts(row) for row in lts.rows}
        builds: dict[str, list[TorchVariant]] = {}
        for row in variants.rows:
            builds.setdefault(row["version"], []).append(_variant(row))
        requirements: dict[tuple[str, str], dict[str, str]] = {}
        for row in pins.rows:
            requirements.setdefault((row["version"], row["platform"]), {})[row["name"]] = row["specifier"]
        self._releases = {
            row["version"]: _release(row, tuple(builds.get(row["version"], ())), requirements) for row in releases.rows
        }
        self._folders = {row["folder"] for row in variants.rows}

    @property
    def releases(self) -> tuple[TorchRelease, ...]:
        """Every release, oldest first."""
        return tuple(self._releases.values())

    @property
    def folders(self) -> frozenset[str]:
        """Every folder that ever held a torch wheel."""
        return frozenset(self._folders)

    def release(self, version: str) -> TorchRelease | None:
        """The release of a version, its local part ignored; ``1.10`` finds 1.10.0. None when there is none."""
        wanted = _public(version)
        if wanted is None:
            return None
        found = self._releases.get(wanted)
        if found is None:
            found = next((each for each in self.releases if Version(each.version) == Version(wanted)), None)
        return found

    def published(
        self, version: str, python_tag: str | None = None, platform: str = "linux_x86_64"
    ) -> tuple[TorchVariant, ...]:
        """The variants on PyTorch's index of a release for this Python and platform; empty when there are none."""
        release = self.release(version)
        return release.published(python_tag, platform) if release else ()

    def variant(
        self,
        version: str,
        python_tag: str | None = None,
        platform: str = "linux_x86_64",
        *,
        folder: str | None = None,
    ) -> TorchVariant | None:
        """The one variant that a version with its local part names: ``2.1.0+cu121`` to folder cu121.

        A plain version names one only when ``folder`` says which: the default build lies in several. Of builds with
        equal names the ordinary one wins over ``_full``. None when there is no wheel for this Python and platform.
        """
        release = self.release(version)
        if release is None:
            return None
        local = local_of(version)
        if not local and folder is None:
            return None
        found = [each for each in release.named(local, folder) if each.offers(python_tag, platform)]
        return min(found, key=lambda each: (each.is_full, each.folder != local), default=None)

    def plain(
        self, version: str, python_tag: str | None = None, platform: str = "linux_x86_64"
    ) -> tuple[TorchVariant, ...]:
        """The variants without suffix, the ones that say nothing of their CUDA: several folders may hold them."""
        release = self.release(version)
        return tuple(each for each in release.named("") if each.offers(python_tag, platform)) if release else ()

    def by_cuda(
        self, version: str, cuda: str, python_tag: str | None = None, platform: str = "linux_x86_64"
    ) -> TorchVariant | None:
        """The ordinary variant of a release that was built for exactly this CUDA minor (12.1)."""
        found = [each for each in self.published(version, python_tag, platform) if each.cuda == cuda]
        return min(found, key=lambda each: (each.is_full, "_" in each.folder, each.folder), default=None)

    def nearest_cuda(
        self, version: str, cuda: str, python_tag: str | None = None, platform: str = "linux_x86_64"
    ) -> TorchVariant | None:
        """The variant with the highest CUDA that is not above ``cuda``, for a named substitution. None without any."""
        ceiling = version_of(cuda)
        wheels = self.published(version, python_tag, platform)
        below = {each.cuda for each in wheels if each.cuda and ceiling and Version(each.cuda) <= ceiling}
        if not below:
            return None
        return self.by_cuda(version, max(below, key=Version), python_tag, platform)

    def pypi(self, version: str, platform: str = "linux_x86_64") -> PypiWheels | None:
        """The wheels of a release on PyPI for a Linux platform: the default CUDA, its pins, its cuDNN."""
        release = self.release(version)
        return release.pypi.get(platform) if release else None

    def lts(self, version: str) -> LtsWheels | None:
        """The wheels of a long-term support version with its local part (``1.8.2+cu111``). None for any other."""
        return self._lts.get(version)

    @property
    def all_lts(self) -> tuple[LtsWheels, ...]:
        """Every build of every long-term support release."""
        return tuple(self._lts.values())

    def lts_builds(self, version: str) -> tuple[LtsWheels, ...]:
        """Every build of a long-term support release, its local part ignored. Empty for any other version."""
        public = _public(version)
        return tuple(wheels for wheels in self._lts.values() if wheels.version == public)

    def following(self, version: str) -> TorchRelease | None:
        """The release that followed a nightly or a container's build: 2.2.0.dev20231010 to 2.2.0."""
        wanted = version_of(version)
        if wanted is None:
            return None
        floor = Version(wanted.base_version)
        return next((each for each in self.releases if Version(each.version) >= floor), None)


def index_url(folder: str, index: str = PYTORCH_INDEX) -> str:
    """The address of one folder of PyTorch's index, or of a mirror of it."""
    return f"{index.rstrip('/')}/{folder}" if folder else index.rstrip("/")


def nightly_url(folder: str, index: str = PYTORCH_INDEX) -> str:
    """The address of a folder of the nightly index. Wheels stay there for about two months."""
    return f"{index.rstrip('/')}/nightly/{folder}"


def nightly_date(version: str) -> str | None:
    """``20231010`` of ``2.2.0.dev20231010+cu121``; None for any other version."""
    parsed = version_of(version)
    dev = parsed.dev if parsed else None
    return str(dev) if dev is not None and dev > 20160101 else None


def local_of(version: str) -> str:
    """The local part of a version in its normal form, empty when it has none."""
    return re.sub(r"[-_]", ".", version.partition("+")[2]).lower() if "+" in version else ""


def _on(tags: tuple[str, ...], python_tag: str) -> bool:
    """CPython 2.7's wheels come in two flavors of Unicode; either serves a record that says cp27."""
    return python_tag in tags or (python_tag == "cp27" and "cp27mu" in tags)


@functools.cache
def _public(version: str) -> str | None:
    parsed = version_of(version)
    return parsed.public if parsed else None


def _variant(row: dict[str, str]) -> TorchVariant:
    return TorchVariant(
        version=row["version"],
        folder=row["folder"],
        local=row["local"],
        pythons={platform: items(row[platform]) for platform in PLATFORMS if row[platform]},
        platform_tags={
            platform: items(row[f"{platform}_tags"]) for platform in PLATFORMS[:2] if row[f"{platform}_tags"]
        },
        cuda=known(row["cuda"]),
        cuda_toolkit=known(row["cuda_toolkit"]),
        cudnn=known(row["cudnn"]),
        cudnn_source=known(row["cudnn_source"]),
        rocm=known(row["rocm"]),
        evidence=row["evidence"],  # type: ignore[arg-type]  # a test holds the closed set
        seen=_yes_or_no(row["seen"]),
    )


def _release(
    row: dict[str, str], variants: tuple[TorchVariant, ...], pins: dict[tuple[str, str], dict[str, str]]
) -> TorchRelease:
    version = row["version"]
    pypi = {
        platform: _pypi(row, platform, pins.get((version, platform), {}))
        for platform in PLATFORMS[:2]
        if row[f"{platform}_pythons"]
    }
    return TorchRelease(
        version=version,
        released=known(row["released"]),
        evidence=row["evidence"],  # type: ignore[arg-type]  # a test holds the closed set
        on_pypi=row["on_pypi"] == "yes",
        requires_python=known(row["requires_python"]),
        variants=variants,
        pypi=pypi,
        trap=known(row["trap"]),
    )


def _lts(row: dict[str, str]) -> LtsWheels:
    return LtsWheels(
        version=row["version"],
        local=row["local"],
        pythons=items(row["pythons"]),
        platforms=items(row["platforms"]),
        find_links=row["find_links"],
        note=known(row["note"]),
    )


def _pypi(row: dict[str, str], platform: str, pins: dict[str, str]) -> PypiWheels:
    return PypiWheels(
        torch_version=known(row[f"{platform}_torch_version"]),
        cuda=known(row[f"{platform}_cuda"]),
        variant=known(row[f"{platform}_variant"]),
        cudnn=known(row[f"{platform}_cudnn"]),
        cudnn_source=known(row[f"{platform}_cudnn_source"]),
        cxx11_abi=_yes_or_no(row[f"{platform}_cxx11_abi"]),
        git_commit=known(row["git_commit"]),
        pythons=items(row[f"{platform}_pythons"]),
        platform_tags=items(row[f"{platform}_tags"]),
        pins=pins,
    )


def _yes_or_no(cell: str) -> bool | None:
    return {"yes": True, "no": False}.get(cell)
