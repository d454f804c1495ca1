"""Where an exact CPython can be had: uv's standalone builds and the official ``python:`` images.

Sources: the download table of uv and of python-build-standalone; the history of Docker's list of official images.
"""

from __future__ import annotations

import functools
from typing import Literal

from packaging.version import Version

from reprobuild.catalog.tables import Fields, Table, items, known, newest_first, version_order

Machine = Literal["x86_64", "aarch64"]

MACHINE_OF_ARCHITECTURE: dict[str, Machine] = {
    "amd64": "x86_64",
    "x86_64": "x86_64",
    "arm64": "aarch64",
    "aarch64": "aarch64",
}
"""Docker's words and ``platform.machine()`` to the builds' word."""

UV_VERSION = "0.13.9"
"""The release of uv whose own table of builds was read for the packaged tables."""


class UvBuild(Fields, frozen=True, kw_only=True):
    """One standalone build of CPython that uv installs."""

    version: str
    machine: Machine
    free_threaded: bool = False
    build: str
    """Release tag, such as 20240107; the same X.Y.Z is built again under later tags."""
    file: str
    sha256: str | None = None
    uv: str | None = None
    """The uv whose own table chooses this build; None when only the table of August 2026 does."""


class PythonImage(Fields, frozen=True, kw_only=True):
    """The suites for which ``python:X.Y.Z`` was listed as an official image."""

    version: str
    slim: tuple[str, ...] = ()
    """Debian's code names with a ``-slim-`` tag, oldest first."""
    full: tuple[str, ...] = ()
    first_listed: str
    last_listed: str

    def reference(self, suite: str, *, slim: bool = True) -> str:
        """``python:3.8.1-slim-buster``"""
        return f"python:{self.version}-slim-{suite}" if slim else f"python:{self.version}-{suite}"


class CPython:
    """Look-ups over the sources of CPython."""

    def __init__(self, builds: Table, images: Table, releases: Table) -> None:
        self.header = builds.header
        self._builds: dict[tuple[str, str, bool], list[UvBuild]] = {}
        for row in builds.rows:
            build = _build(row)
            self._builds.setdefault((build.version, build.machine, build.free_threaded), []).append(build)
        self._images = {row["version"]: _image(row) for row in images.rows}
        self._releases = {row["version"]: row["sha256"] for row in releases.rows}

    @functools.cached_property
    def uv_version(self) -> str:
        """The release of uv whose own table of builds this is: the one to install them with."""
        named = {build.uv for builds in self._builds.values() for build in builds if build.uv}
        return max(named, key=version_order, default=UV_VERSION)

    def uv_has(self, version: str, architecture: str = "x86_64", *, free_threaded: bool = False) -> bool:
        """Whether uv can install exactly this version for this machine."""
        return self.uv_build(version, architecture, free_threaded=free_threaded) is not None

    def uv_build(
        self, version: str, architecture: str = "x86_64", *, free_threaded: bool = False, build: str | None = None
    ) -> UvBuild | None:
        """The build that uv installs for this version; ``build`` asks for one by its tag. None when there is none.

        What uv's own table chooses wins over a newer build of another table.
        """
        machine = MACHINE_OF_ARCHITECTURE.get(architecture)
        if machine is None:
            return None
        found = [
            each for each in self._builds.get((version, machine, free_threaded), ()) if build in (None, each.build)
        ]
        return max(found, key=lambda each: (each.uv is not None, each.build), default=None)

    def uv_versions(self, architecture: str = "x86_64", *, minor: str | None = None) -> tuple[str, ...]:
        """Every version that uv has for this machine, newest first; of one minor (3.10) when it is named."""
        machine = MACHINE_OF_ARCHITECTURE.get(architecture)
        versions = {version for version, has, free_threaded in self._builds if has == machine and not free_threaded}
        if minor is not None:
            release = Version(minor).release[:2]
            versions = {version for version in versions if Version(version).release[:2] == release}
        return tuple(newest_first(versions))

    def release_sha256(self, version: str) -> str | None:
        """SHA-256 of the release archive ``Python-X.Y.Z.tgz``; None where it is not known."""
        return self._releases.get(version)

    def image(self, version: str) -> PythonImage | None:
        """The official image of exactly this version. None when it was never listed."""
        return self._images.get(version)

    def image_suites(self, version: str, *, slim: bool = True) -> tuple[str, ...]:
        """Debian's code names for which ``python:X.Y.Z`` was listed, oldest first; empty when it never was."""
        image = self._images.get(version)
        if image is None:
            return ()
        return image.slim if slim else image.full

    def image_versions(self, minor: str | None = None) -> tuple[str, ...]:
        """Every version with an official image, newest first; of one minor (3.7) when it is named."""
        release = Version(minor).release[:2] if minor else None
        return tuple(newest_first(each for each in self._images if release in (None, Version(each).release[:2])))


def _build(row: dict[str, str]) -> UvBuild:
    return UvBuild(
        version=row["version"],
        machine=MACHINE_OF_ARCHITECTURE[row["machine"]],
        free_threaded=row["free_threaded"] == "yes",
        build=row["build"],
        file=row["file"],
        sha256=known(row["sha256"]),
        uv=known(row["uv"]),
    )


def _image(row: dict[str, str]) -> PythonImage:
    return PythonImage(
        version=row["version"],
        slim=items(row["slim"]),
        full=items(row["full"]),
        first_listed=row["first_listed"],
        last_listed=row["last_listed"],
    )
