"""JAX: which jaxlib belongs to it, where its GPU builds lie, which wheels the default index still has.

Sources: JAX's repository by release tag, metadata on PyPI. Up to 0.4.29 GPU builds carry a local version
(``0.4.13+cuda12.cudnn89``) and lie on pages of JAX's own; from 0.4.30 on the GPU part is a plug-in on the default
index.
"""

from __future__ import annotations

import re

from packaging.version import Version

from reprobuild.catalog.tables import Fields, Table, canonical, items, known, version_of

CPU_FIND_LINKS = "https://storage.googleapis.com/jax-releases/jax_releases.html"
"""CPU builds of all versions and GPU builds up to jaxlib 0.3.24."""
CUDA_FIND_LINKS = "https://storage.googleapis.com/jax-releases/jax_cuda_releases.html"
"""GPU builds from jaxlib 0.3.25 to 0.4.29."""
TPU_FIND_LINKS = "https://storage.googleapis.com/jax-releases/libtpu_releases.html"


class JaxRelease(Fields, frozen=True, kw_only=True):
    """One release of jax."""

    version: str
    released: str | None = None
    requires_python: str | None = None
    jaxlib: str | None = None
    """The jaxlib that was current."""
    jaxlib_minimum: str | None = None
    gpu_jaxlibs: tuple[str, ...] = ()
    """Versions with local part of the GPU builds that its extras name."""
    find_links: tuple[str, ...] = ()


class JaxWheel(Fields, frozen=True, kw_only=True):
    """One version of jaxlib or of a CUDA plug-in on the default index."""

    package: str
    version: str
    released: str
    pythons: tuple[str, ...] = ()
    aarch64: tuple[str, ...] = ()
    platform_tags: tuple[str, ...] = ()
    cudnn: str | None = None
    """The specifier of cuDNN that a plug-in requires."""


class JaxlibBuild(Fields, frozen=True, kw_only=True):
    """What the local part of a jaxlib version says."""

    cuda: str
    """A major (``12``), or major and minor (``11.1``) in versions up to 0.1."""
    cudnn: str | None = None
    """Digits as written: 89 is 8.9, 805 is 8.0.5."""


class Jax:
    """Look-ups over jax and jaxlib."""

    def __init__(self, releases: Table, wheels: Table) -> None:
        self.header = releases.header
        self._releases = {row["version"]: _release(row) for row in releases.rows}
        self._wheels = {(row["package"], row["version"]): _wheel(row) for row in wheels.rows}

    @property
    def page(self) -> str:
        """The address of one of JAX's own pages, all of which are on one host."""
        return CPU_FIND_LINKS

    def release(self, version: str) -> JaxRelease | None:
        """The release of jax at this version."""
        return self._releases.get(version)

    def wheel(self, package: str, version: str) -> JaxWheel | None:
        """The wheels of jaxlib, jax-cuda12-plugin or jax-cuda13-plugin on the default index. None: it has none."""
        return self._wheels.get((canonical(package), version))

    def find_links(self, jaxlib: str) -> str | None:
        """The page that holds this jaxlib where the default index does not: GPU builds, deleted CPU builds."""
        parsed = version_of(jaxlib)
        if parsed is None:
            return None
        if parsed.local:
            return CPU_FIND_LINKS if parsed.release <= Version("0.3.24").release else CUDA_FIND_LINKS
        return None if self.wheel("jaxlib", parsed.public) or parsed >= Version("0.4.18") else CPU_FIND_LINKS


def build_of_local(jaxlib: str) -> JaxlibBuild | None:
    """What a version's local part says: ``0.4.13+cuda12.cudnn89`` to CUDA 12 and cuDNN 89. None without one."""
    match = re.search(r"\+cuda(\d+)(?:\.cudnn(\d+))?$", jaxlib)
    if match is None:
        return None
    digits = match[1]
    cuda = digits if len(digits) == 2 else f"{digits[:2]}.{digits[2:]}"
    return JaxlibBuild(cuda=cuda, cudnn=match[2])


def _release(row: dict[str, str]) -> JaxRelease:
    return JaxRelease(
        version=row["version"],
        released=known(row["released"]),
        requires_python=known(row["requires_python"]),
        jaxlib=known(row["jaxlib"]),
        jaxlib_minimum=known(row["jaxlib_minimum"]),
        gpu_jaxlibs=items(row["gpu_jaxlibs"]),
        find_links=items(row["find_links"]),
    )


def _wheel(row: dict[str, str]) -> JaxWheel:
    return JaxWheel(
        package=row["package"],
        version=row["version"],
        released=row["released"],
        pythons=items(row["x86_64"]),
        aarch64=items(row["aarch64"]),
        platform_tags=items(row["tags"]),
        cudnn=known(row["cudnn"]),
    )
