"""System packages: which Python package needs which library, and how the library's package is called where.

The names were looked up in each release's own package index. That a Python package needs a library is mostly general
knowledge: a scan of the recorded libraries is better evidence.
"""

from __future__ import annotations

import re
from typing import Literal

from reprobuild.catalog.tables import Fields, Table, canonical, covers, items, known

SUITES = ("bionic", "focal", "jammy", "noble", "resolute", "bullseye", "bookworm", "trixie")
"""The releases that the table covers, by code name: Ubuntu 18.04 to 26.04, Debian 11 to 13."""


SAME_PACKAGE = {
    "libcrypto": "libssl",
    "libgio-2.0": "libglib-2.0",
    "libgmodule-2.0": "libglib-2.0",
    "libgobject-2.0": "libglib-2.0",
    "libgssapi_krb5": "libgssapi",
    "libgthread-2.0": "libglib-2.0",
    "libhdf5_serial": "libhdf5",
    "libmpi": "libmpi (open mpi)",
}
"""Libraries that lie in the package of another one which the table names."""


class AptNeed(Fields, frozen=True, kw_only=True):
    """What one Python package needs of the operating system. Libraries carry the names of ``apt_packages``."""

    name: str
    """The Python package in its normal form."""
    versions: str
    """A specifier of the versions that this row speaks of; empty for all."""
    condition: str | None = None
    """When it is needed, where it is not always: ``GUI windows``, ``source``."""
    runtime: tuple[str, ...] = ()
    build: tuple[str, ...] = ()
    """What building it from source needs."""
    wheels: bool
    """Whether the default index has Linux wheels of it."""
    certainty: Literal["verified", "known", "likely"]
    why: str
    note: str | None = None

    @property
    def from_source_only(self) -> bool:
        """Whether the row speaks only of builds from source."""
        return self.condition == "source"

    def concerns(self, version: str | None) -> bool:
        """Whether this row speaks of that version; a version that is unknown or odd is taken for concerned."""
        return covers(self.versions, version, unknown=True)


class Apt:
    """Look-ups over the needs and the packages' names."""

    def __init__(self, needs: Table, packages: Table) -> None:
        self.header = packages.header
        self._needs: dict[str, list[AptNeed]] = {}
        for row in needs.rows:
            self._needs.setdefault(row["name"], []).append(_need(row))
        self._packages = {row["library"]: {suite: row[suite] for suite in SUITES} for row in packages.rows}
        self._by_stem: dict[str, list[str]] = {}
        for library in self._packages:
            for alias in library.split("/"):
                self._by_stem.setdefault(_stem(alias), []).append(library)
        self._by_package: dict[str, list[str]] = {}
        for library, names in self._packages.items():
            for name in dict.fromkeys(filter(None, names.values())):
                self._by_package.setdefault(name, []).append(library)

    @property
    def libraries(self) -> tuple[str, ...]:
        """Every library, tool and header package that the table names."""
        return tuple(self._packages)

    @property
    def releases(self) -> tuple[str, ...]:
        """Code names of the releases whose package names are known."""
        return SUITES

    def needs(self, name: str, version: str | None = None) -> tuple[AptNeed, ...]:
        """What a Python package of this version needs; empty when the table does not know it."""
        return tuple(need for need in self._needs.get(canonical(name), ()) if need.concerns(version))

    def package(self, library: str, codename: str) -> str | None:
        """The package of a library of the table in one release (jammy). None when that release has none."""
        return known(self._packages.get(library, {}).get(codename, ""))

    def packages(self, libraries: tuple[str, ...], codename: str) -> tuple[str, ...]:
        """The packages of several libraries in one release, in their order, without repetition or what is absent."""
        return tuple(dict.fromkeys(name for library in libraries if (name := self.package(library, codename))))

    def renamed(self, package: str, soname: str, recorded: str | None, codename: str) -> str | None:
        """What the package that holds ``soname`` in the release ``recorded`` is called in the release ``codename``.

        None when the table does not know it, or when the other release's package holds a library of another number.
        A release that the table does not cover, or None, stands for any.
        """
        for library in self._by_package.get(package, ()):
            if recorded in SUITES and self.package(library, recorded or "") != package:
                continue
            name = self.package(library, codename)
            same = name and name.removesuffix("t64") == package.removesuffix("t64")
            if name and (same or _carries_number(soname, name) or not any(map(str.isdigit, name))):
                return name
        return None

    def of_soname(self, soname: str, codename: str) -> str | None:
        """The package that holds a shared library (``libSM.so.6``) in one release.

        A library whose number is another one than the release's package holds is not found: ``libssl.so.1.1`` is not
        in libssl3. None then, and when the table does not know the library.
        """
        if package := self.package(soname, codename):
            return package
        stem = _stem(soname)
        bare = re.sub(r"[-_]?\d+(\.\d+)*$", "", stem)
        libraries = [*self._by_stem.get(stem, ()), *self._by_stem.get(SAME_PACKAGE.get(stem, bare), ())]
        for library in libraries:
            package = self.package(library, codename)
            if package and _carries_number(soname, package):
                return package
        return None


def _stem(soname: str) -> str:
    return soname.split(".so", 1)[0].lower()


def _carries_number(soname: str, package: str) -> bool:
    """Debian names a library's package after its soname: libX11.so.6 is libx11-6, libffi.so.7 is libffi7."""
    number = re.search(r"\.so\.([0-9.]+)$", soname)
    name = package.removesuffix("t64")
    return number is not None and re.search(rf"(?<![0-9]){re.escape(number[1])}(?![0-9])", name) is not None


def _need(row: dict[str, str]) -> AptNeed:
    return AptNeed(
        name=row["name"],
        versions=row["versions"],
        condition=known(row["condition"]),
        runtime=items(row["runtime"]),
        build=items(row["build"]),
        wheels=row["wheels"] == "yes",
        certainty=row["certainty"],  # type: ignore[arg-type]  # a test holds the closed set
        why=row["why"],
        note=known(row["note"]),
    )
