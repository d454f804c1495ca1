"""TensorFlow's releases: the CUDA and cuDNN they were tested with, their Pythons and wheels.

Sources: TensorFlow's table of tested builds and the wheels' metadata. The wheels never bundle CUDA: below 2.14 it comes
from the system, from 2.14 on the ``and-cuda`` extra brings it as wheels.
"""

from __future__ import annotations

from packaging.version import Version

from reprobuild.catalog.tables import Fields, Table, canonical, items, known, version_of

FIRST_WITH_CUDA_WHEELS = "2.14"

NAMES = ("tensorflow", "tensorflow-gpu", "tensorflow-cpu")
"""The distributions whose versions this table counts."""


class TensorflowRelease(Fields, frozen=True, kw_only=True):
    """One release."""

    version: str
    released: str | None = None
    cuda: str | None = None
    """The tested CUDA: 11.2, or 8 and 9 as the old tables have it."""
    cudnn: str | None = None
    """The tested cuDNN, major and minor: the same major and at least that minor is enough."""
    documented_python: str | None = None
    pythons: tuple[str, ...] = ()
    """Tags of the Linux x86-64 wheels on PyPI."""
    aarch64: tuple[str, ...] = ()
    platform_tags: tuple[str, ...] = ()
    gpu_package: str | None = None
    """``wheels`` or ``stub`` where the separate project tensorflow-gpu has this version."""
    requires: tuple[str, ...] = ()
    """Its requirements of numpy, protobuf and keras."""
    cuda_pins: dict[str, str]
    """What the and-cuda extra requires: distribution to specifier."""

    @property
    def cuda_from_system(self) -> bool:
        """Whether its CUDA and cuDNN must be in the image."""
        return not self.cuda_pins and Version(self.version) < Version(FIRST_WITH_CUDA_WHEELS)


class Tensorflow:
    """Look-ups over TensorFlow's releases."""

    def __init__(self, releases: Table, pins: Table) -> None:
        self.header = releases.header
        extras: dict[str, dict[str, str]] = {}
        for row in pins.rows:
            extras.setdefault(row["version"], {})[row["name"]] = row["specifier"]
        self._releases = {row["version"]: _release(row, extras.get(row["version"], {})) for row in releases.rows}

    @property
    def releases(self) -> tuple[TensorflowRelease, ...]:
        """Every release, oldest first."""
        return tuple(self._releases.values())

    def release(self, version: str) -> TensorflowRelease | None:
        """The release of a version, its local part (``+zzzcolab...``) ignored; 1.12 finds 1.12.0. None without one."""
        parsed = version_of(version)
        if parsed is None:
            return None
        found = self._releases.get(parsed.public) or self._releases.get(parsed.base_version)
        return found or self._releases.get(".".join(str(part) for part in (*parsed.release, 0, 0)[:3]))

    def is_gpu_build(self, name: str, version: str) -> bool:
        """Whether this distribution uses a GPU on Linux: tensorflow-gpu, and tensorflow itself from 2.1 and in 1.15."""
        wanted = canonical(name)
        parsed = version_of(version)
        if wanted != "tensorflow" or parsed is None:
            return wanted == "tensorflow-gpu"
        return parsed.release[:2] == (1, 15) or parsed.release >= (2, 1)


def _release(row: dict[str, str], pins: dict[str, str]) -> TensorflowRelease:
    return TensorflowRelease(
        version=row["version"],
        released=known(row["released"]),
        cuda=known(row["cuda"]),
        cudnn=known(row["cudnn"]),
        documented_python=known(row["documented_python"]),
        pythons=items(row["x86_64"]),
        aarch64=items(row["aarch64"]),
        platform_tags=items(row["tags"]),
        gpu_package=known(row["gpu_package"]),
        requires=items(row["requires"]),
        cuda_pins=pins,
    )
