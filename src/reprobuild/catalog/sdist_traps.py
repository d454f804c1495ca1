"""Packages that no longer build from source as they are, with the way out, and which versions have wheels at all.

Sources: builds that were tried (certainty ``verified``), projects' issue trackers, the package index's file lists.
"""

from __future__ import annotations

from reprobuild.catalog.tables import Fields, Table, canonical, covers, items, pairs, version_of


class SdistTrap(Fields, frozen=True, kw_only=True):
    """One trap of one package."""

    package: str
    versions: str
    """A specifier; empty for every version."""
    pythons: str
    """A specifier of the Pythons under which it strikes; empty for all."""
    trap: str
    builds: bool
    """False: no remedy is known but a Python for which there is a wheel."""
    constraints: tuple[str, ...] = ()
    """Requirement lines that bind the build environment."""
    installers: tuple[str, ...] = ()
    """Which can install it: ``uv``, ``pip<24.1``. Any when empty."""
    isolated: bool = True
    """False: it must be built in the environment itself, after ``requires``."""
    requires: tuple[str, ...] = ()
    environment: dict[str, str]
    """Environment variables of the build."""
    libraries: tuple[str, ...] = ()
    """Names of the table of system packages, for the builder stage."""
    nvcc: bool = False
    certainty: str
    symptom: str

    def concerns(self, version: str | None, python: str | None = None) -> bool:
        """Whether it strikes this version under this Python; what is not known counts as concerned."""
        return covers(self.versions, version, unknown=True) and covers(self.pythons, python, unknown=True)


class WheelCoverage(Fields, frozen=True, kw_only=True):
    """What the default index has of one version, for Linux on x86-64."""

    package: str
    version: str
    released: str
    minors: tuple[int, ...] = ()
    """CPython 3.N with a wheel."""
    abi3: bool = False
    """Whether the wheels also serve later Pythons."""
    pure: bool = False
    sdist: tuple[str, ...] = ()
    """Formats of its source archive: tar.gz, zip, tar.bz2."""
    yanked: bool = False

    def has_wheel(self, python: str) -> bool:
        """Whether there is a wheel for this CPython (3.10 or 3.10.4)."""
        if self.pure:
            return True
        parsed = version_of(python)
        if parsed is None or parsed.major != 3:
            return False
        minor = parsed.minor
        return minor in self.minors or (self.abi3 and bool(self.minors) and minor >= min(self.minors))


class SdistTraps:
    """Look-ups over the traps and the wheels' coverage."""

    def __init__(self, traps: Table, coverage: Table, sdist_only: Table) -> None:
        self.header = traps.header
        self._traps: dict[str, list[SdistTrap]] = {}
        for row in traps.rows:
            self._traps.setdefault(row["package"], []).append(_trap(row))
        self._coverage = {(row["package"], row["version"]): row for row in coverage.rows}
        self._covered = {row["package"] for row in coverage.rows}
        self._pure = frozenset(row["name"] for row in sdist_only.rows if row["pure"] == "yes")
        self._bound = {row["name"]: row["bound"] for row in sdist_only.rows if row["bound"]}
        self._sdist_only = {row["name"]: row["versions"] for row in sdist_only.rows}

    @property
    def all(self) -> tuple[SdistTrap, ...]:
        """Every trap, by package."""
        return tuple(trap for traps in self._traps.values() for trap in traps)

    def of(self, name: str, version: str | None = None, python: str | None = None) -> tuple[SdistTrap, ...]:
        """The traps of a package when it is built from source under this Python."""
        traps = self._traps.get(canonical(name))
        return tuple(trap for trap in traps if trap.concerns(version, python)) if traps else ()

    def coverage(self, name: str, version: str) -> WheelCoverage | None:
        """What the default index has of this version; None when the table does not cover it."""
        row = self._coverage.get((canonical(name), version))
        return _coverage(row) if row else None

    def has_wheel(self, name: str, version: str, python: str, machine: str = "x86_64") -> bool | None:
        """Whether the default index has a wheel of it for this CPython. None when nothing is known."""
        if self.is_sdist_only(name, version):
            return False
        coverage = self.coverage(name, version) if machine == "x86_64" else None
        return coverage.has_wheel(python) if coverage else None

    def is_sdist_only(self, name: str, version: str | None = None) -> bool:
        """Whether the default index has no Linux wheel of this package at this version.

        What is converted by ``use_2to3`` when it is built has none: its projects were left before wheels were usual.
        """
        versions = self._sdist_only.get(canonical(name))
        if versions is not None and covers(versions, version, unknown=True):
            return True
        return any(trap.trap == "use_2to3" for trap in self.of(name, version))

    def speaks_of(self, name: str) -> bool:
        """Whether any row is about a package of this canonical name, whatever its version."""
        return name in self._traps or name in self._covered or name in self._sdist_only

    def bound_to(self, name: str) -> str | None:
        """The library of the operating system that has to be of the package's own version; None for nearly all."""
        return self._bound.get(canonical(name))

    def is_pure(self, name: str) -> bool:
        """Whether its source archive holds nothing to compile, as far as the table knows."""
        return canonical(name) in self._pure


def _trap(row: dict[str, str]) -> SdistTrap:
    return SdistTrap(
        package=row["package"],
        versions=row["versions"],
        pythons=row["pythons"],
        trap=row["trap"],
        builds=row["builds"] == "yes",
        constraints=items(row["constraints"]),
        installers=items(row["installers"]),
        isolated=row["isolated"] == "yes",
        requires=items(row["requires"]),
        environment=pairs(row["environment"]),
        libraries=items(row["libraries"]),
        nvcc=row["nvcc"] == "yes",
        certainty=row["certainty"],
        symptom=row["symptom"],
    )


def _coverage(row: dict[str, str]) -> WheelCoverage:
    return WheelCoverage(
        package=row["package"],
        version=row["version"],
        released=row["released"],
        minors=tuple(int(minor) for minor in items(row["minors"])),
        abi3=row["abi3"] == "yes",
        pure=row["pure"] == "yes",
        sdist=items(row["sdist"]),
        yanked=row["yanked"] == "yes",
    )
