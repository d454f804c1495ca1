"""Releases of Linux distributions: their Python, glibc, OpenSSL, code name and package manager."""

from __future__ import annotations

import re

from packaging.version import Version

from reprobuild.catalog.tables import Fields, Table, items, known

FAMILY_OF_ID = {
    "almalinux": "rhel",
    "amzn": "amazon",
    "centos": "rhel",
    "ol": "rhel",
    "oracle": "rhel",
    "raspbian": "debian",
    "redhat": "rhel",
    "rocky": "rhel",
    "ubi": "rhel",
}
"""IDs of os-release, and the names in image tags, that share the rows of another one: the same glibc and packages."""


class OperatingSystem(Fields, frozen=True, kw_only=True):
    """One release of one distribution."""

    id: str
    """``ubuntu``, ``debian``, ``rhel``, ``amazon``: see ``FAMILY_OF_ID`` for the others."""
    version: str
    codename: str | None = None
    glibc: str
    python: str
    """Its own Python 3."""
    other_pythons: tuple[str, ...] = ()
    """Further CPython versions in its own package index."""
    openssl: str
    """The series of OpenSSL: 1.0, 1.1 or 3."""
    gcc: str | None = None
    pip: str | None = None
    setuptools: str | None = None
    wheel: str | None = None
    cmake: str | None = None
    glibcxx: str | None = None
    """The newest GLIBCXX symbol version of its libstdc++."""
    certainty: str
    """``verified`` against the distribution's package index, or ``general knowledge``."""

    @property
    def package_manager(self) -> str:
        """apt or dnf (yum on the oldest releases, where dnf's name does not exist)."""
        return "apt" if self.id in ("ubuntu", "debian") else "dnf"

    @property
    def externally_managed(self) -> bool:
        """Whether pip refuses to touch the system's Python (PEP 668): Debian 12, Ubuntu 23.04 and later."""
        floor = {"debian": "12", "ubuntu": "23.04"}.get(self.id)
        return floor is not None and Version(self.version) >= Version(floor)

    def runs_glibc(self, needed: str) -> bool:
        """Whether a binary that needs this glibc runs here. glibc is upward compatible, never downward."""
        return Version(self.glibc) >= Version(needed)


class OperatingSystems:
    """Look-ups over the distributions' releases."""

    def __init__(self, table: Table) -> None:
        self.header = table.header
        self.all = tuple(_system(row) for row in table.rows)
        self._by_name = {(system.id, system.version): system for system in self.all}

    def get(self, os_id: str, version: str) -> OperatingSystem | None:
        """The release by its os-release ID and VERSION_ID, or by the words of an image's tag. None when unknown.

        RHEL's family shares its rows and counts by major version: (``rocky``, ``8.9``) finds RHEL 8.
        """
        family = FAMILY_OF_ID.get(os_id, os_id)
        return self._by_name.get((family, version)) or self._by_name.get((family, version.split(".", 1)[0]))

    def by_codename(self, codename: str) -> OperatingSystem | None:
        """The release with this code name: jammy, bookworm."""
        return next((system for system in self.all if system.codename == codename.lower()), None)

    def family(self, os_id: str) -> tuple[OperatingSystem, ...]:
        """Every release of one distribution, oldest first."""
        family = FAMILY_OF_ID.get(os_id, os_id)
        return tuple(sorted((each for each in self.all if each.id == family), key=lambda each: Version(each.version)))

    def with_glibc(self, os_id: str, needed: str) -> tuple[OperatingSystem, ...]:
        """The releases of one distribution on which this glibc's binaries run, oldest first."""
        return tuple(system for system in self.family(os_id) if system.runs_glibc(needed))


LEGACY_TAGS = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}


def glibc_of_tag(platform_tag: str) -> str | None:
    """The glibc that a platform tag asks for: ``manylinux_2_28_x86_64`` to 2.28. None for tags that don't say.

    A wheel with several tags (``manylinux_2_17_x86_64.manylinux2014_x86_64``) needs the lowest of them.
    """
    needed = [glibc for part in platform_tag.split(".") if (glibc := _glibc_of_one(part))]
    return min(needed, key=Version, default=None)


def _glibc_of_one(tag: str) -> str | None:
    match = re.match(r"manylinux_(\d+)_(\d+)_", tag)
    if match:
        return f"{match[1]}.{match[2]}"
    return LEGACY_TAGS.get(tag.split("_", 1)[0])


def _system(row: dict[str, str]) -> OperatingSystem:
    return OperatingSystem(
        id=row["id"],
        version=row["version"],
        codename=known(row["codename"]),
        glibc=row["glibc"],
        python=row["python"],
        other_pythons=items(row["other_pythons"]),
        openssl=row["openssl"],
        gcc=known(row["gcc"]),
        pip=known(row["pip"]),
        setuptools=known(row["setuptools"]),
        wheel=known(row["wheel"]),
        cmake=known(row["cmake"]),
        glibcxx=known(row["glibcxx"]),
        certainty=row["certainty"],
    )
