"""The tags of ``nvidia/cuda``: which exist, what they hold, which driver they ask for.

Source: NVIDIA's recipe history and tag lists, Docker Hub crawls (see the table's header). ``presence`` is the table's
word for whether the tag can still be pulled; only ``present`` is ever offered unless the caller asks for more.
"""

from __future__ import annotations

import functools
import re
from typing import Literal

from packaging.version import Version

from reprobuild.catalog.tables import Fields, Table, items, known, version_of, version_order, within

Presence = Literal["present", "presumed", "presumed-removed", "removed"]
Flavor = Literal["base", "runtime", "devel"]

REPOSITORY = "nvidia/cuda"

OS_OF_DISTRO = {
    "amzn": "amazon",
    "azl": "azurelinux",
    "cm": "mariner",
    "centos": "centos",
    "opensuse": "opensuse",
    "oraclelinux": "oracle",
    "rockylinux": "rocky",
    "suse": "suse",
    "ubi": "ubi",
    "ubuntu": "ubuntu",
}
"""The word in a tag to the name that the operating systems' table uses."""


class CudaImage(Fields, frozen=True, kw_only=True):
    """One tag."""

    tag: str
    cuda: str
    """The CUDA version in the tag: 11.2.2, or 10.2 for the two-part tags up to 10.2."""
    flavor: Flavor
    addon: str
    """The tag's own word: empty, ``cudnn``, ``cudnn8``, ``tensorrt``."""
    cudnn: str | None = None
    """Exact version of the cuDNN inside, as last built."""
    cudnn_basis: str | None = None
    """``recipe`` when NVIDIA's recipe names it, ``inferred`` otherwise."""
    cudnn_earlier: tuple[str, ...] = ()
    """Versions that the same tag held before: tags are mutable."""
    os_id: str
    os_version: str
    architectures: tuple[str, ...] = ()
    """Docker's words: amd64, arm64, ppc64le. Empty where it is not known."""
    presence: Presence
    support: str
    """NVIDIA's own word: supported, unsupported or delisted."""
    require_cuda: str | None = None
    """The CUDA version that ``NVIDIA_REQUIRE_CUDA`` of the image asks of the driver."""

    @property
    def available(self) -> bool:
        """Whether the table says that it can be pulled."""
        return self.presence == "present"

    @property
    def reference(self) -> str:
        """``nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04``"""
        return f"{REPOSITORY}:{self.tag}"

    @property
    def cuda_minor(self) -> str:
        """The first two parts of the CUDA version: 12.1."""
        version = Version(self.cuda)
        return f"{version.major}.{version.minor}"

    @property
    def has_cudnn(self) -> bool:
        """Whether cuDNN is inside."""
        return self.addon.startswith("cudnn")

    @property
    def cudnn_series(self) -> str | None:
        """The major version of the cuDNN inside: 8. None without cuDNN or where the version is not known."""
        if self.cudnn:
            return str(Version(self.cudnn).major)
        return known(self.addon.removeprefix("cudnn")) if self.has_cudnn else None


class CudaImages:
    """Look-ups over the tags of ``nvidia/cuda``."""

    def __init__(self, table: Table) -> None:
        self.header = table.header
        self.all = tuple(_image(row) for row in table.rows)
        self._by_tag = {image.tag: image for image in self.all}
        self._by_minor: dict[str, list[CudaImage]] = {}
        for image in self.all:
            self._by_minor.setdefault(_minor(image.cuda), []).append(image)

    def by_tag(self, tag: str) -> CudaImage | None:
        """The row of a tag, removed ones included; None when the table has never heard of it."""
        return self._by_tag.get(tag)

    def find(
        self,
        cuda: str,
        flavor: Flavor,
        os_id: str | None = None,
        os_version: str | None = None,
        architecture: str | None = None,
        cudnn_series: str | None = None,
        *,
        removed: bool = False,
    ) -> tuple[CudaImage, ...]:
        """Tags that can be pulled, highest CUDA patch first, then the older OS release first.

        ``cuda`` is a minor or an exact version (12.1, 12.1.1). ``cudnn_series`` is a major version (``"8"``),
        ``"any"``, or None for images without cuDNN. ``architecture`` is Docker's word. ``removed`` adds what is gone.
        """
        found = [
            image
            for image in self._by_minor.get(_minor(cuda), ())
            if within(image.cuda, cuda)
            and image.flavor == flavor
            and (image.available or removed)
            and os_id in (None, image.os_id)
            and os_version in (None, image.os_version)
            and (architecture is None or architecture in image.architectures)
            and _holds(image, cudnn_series)
        ]
        found.sort(key=lambda image: (image.os_id, version_order(image.os_version)))
        return tuple(sorted(found, key=lambda image: version_order(image.cuda), reverse=True))

    def candidates(
        self,
        cuda: str,
        flavor: Flavor,
        os_id: str | None = None,
        os_version: str | None = None,
        architecture: str | None = None,
        cudnn_series: str | None = None,
    ) -> tuple[CudaImage, ...]:
        """Tags that can stand for ``cuda``, best first: that very version, then the highest patch of its minor, then
        the next minors of the same major. Never a lower version.
        """
        if version_of(cuda) is None:
            return ()
        wanted = _release(cuda)
        found: list[CudaImage] = []
        for minor in self.minors(wanted[0]):
            if _release(minor)[:2] < wanted[:2]:
                continue
            images = self.find(minor, flavor, os_id, os_version, architecture, cudnn_series)
            found += [image for image in images if _release(image.cuda) >= wanted]
        found.sort(key=lambda image: _release(image.cuda) != wanted or len(wanted) < 3)
        return tuple(found)

    def minors(self, major: int) -> tuple[str, ...]:
        """The minor versions of one major that the table knows, removed ones included, lowest first: 11.0 ... 11.8."""
        return tuple(minor for minor in sorted(self._by_minor, key=version_order) if Version(minor).major == major)

    def removed(self, cuda: str) -> bool:
        """Whether the table knows images of this version and none of them can be pulled any more."""
        images = [image for image in self._by_minor.get(_minor(cuda), ()) if within(image.cuda, cuda)]
        return bool(images) and not any(image.available for image in images)


def _image(row: dict[str, str]) -> CudaImage:
    os_id, os_version = split_distro(row["distro"])
    return CudaImage(
        tag=row["tag"],
        cuda=row["cuda"],
        flavor=row["flavor"],  # type: ignore[arg-type]  # a test holds the closed set; checking it costs on each load
        addon=row["addon"],
        cudnn=known(row["cudnn"]),
        cudnn_basis=known(row["cudnn_basis"]),
        cudnn_earlier=items(row["cudnn_earlier"]),
        os_id=os_id,
        os_version=os_version,
        architectures=items(row["architectures"]),
        presence=row["presence"],  # type: ignore[arg-type]  # as above
        support=row["support"],
        require_cuda=known(row["require_cuda"]),
    )


@functools.cache
def split_distro(distro: str) -> tuple[str, str]:
    """``ubuntu22.04`` to (``ubuntu``, ``22.04``), ``rockylinux8`` to (``rocky``, ``8``)."""
    match = re.fullmatch(r"([a-z]+)([0-9.]+)", distro)
    if match is None:
        return distro, ""
    return OS_OF_DISTRO.get(match[1], match[1]), match[2]


def _holds(image: CudaImage, cudnn_series: str | None) -> bool:
    if cudnn_series is None:
        return image.addon == ""
    return image.has_cudnn and cudnn_series in ("any", image.cudnn_series)


@functools.cache
def _release(version: str) -> tuple[int, ...]:
    return Version(version).release


def _minor(version: str) -> str:
    return ".".join(version.split(".", 2)[:2])
