"""The tables of traps: lines of real freezes, packages that no longer build, which versions have wheels."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from reading import canonical, certainty_word, curated, listed, load_json
from writing import Row, TableSpecification

PATTERNS = TableSpecification(
    name="freeze_patterns",
    title="kinds of lines and versions in real freezes, and what to do with them",
    source="pip's and conda's behavior, Colab's published freezes; install attempts where certainty is verified",
    as_of="2026-11-23",
    key=("order",),
    columns=("order", "id", "matches", "pattern", "treatment", "certainty", "reason"),
    notes=("the first pattern that matches wins; matches: line, or version for the version alone",),
)

NAMES = TableSpecification(
    name="freeze_names",
    title="names that a freeze may hold and an index may not: the system's, other platforms', moved, deleted",
    source="freezes of Ubuntu, RHEL, Colab and conda in public repositories; general knowledge",
    as_of="2026-11-23",
    key=("name", "versions"),
    columns=("name", "versions", "kind", "treatment", "replacement", "certainty", "reason"),
    notes=("name may be a glob",),
)

CONDA_NAMES = TableSpecification(
    name="conda_names",
    title="packages of conda's that the package index has under another name, or has not",
    source="the mapping of conda-forge's recipes that conda-pypi 0.13.1 ships; recipes; general knowledge",
    as_of="2026-10-31",
    key=("name", "versions"),
    columns=("name", "versions", "kind", "project", "certainty", "reason"),
    notes=("kind: renamed, namespace (an empty package), program (nothing that Python imports), platform-only",),
)

CONDA_SHARED_NAMES = TableSpecification(
    name="conda_shared_names",
    title="names under which conda and the package index have the same project",
    source="the mapping of conda-forge's recipes that conda-pypi 0.13.1 ships, as far as the index has the name; "
    "the 5,000 most downloaded projects of the index; general knowledge",
    as_of="2026-10-31",
    key=("name",),
    columns=("name",),
)

SDISTS = TableSpecification(
    name="sdist_traps",
    title="packages that no longer build from source, and the way out",
    source="builds on CPython 3.11 with uv 0.13.9 and pip 26.3 where certainty is verified; projects' issue trackers",
    as_of="2026-11-23",
    key=("package", "versions", "pythons", "trap"),
    columns=(
        "package", "versions", "pythons", "trap", "builds", "constraints", "installers", "isolated", "requires",
        "environment", "libraries", "nvcc", "certainty", "symptom",
    ),
    notes=(
        "builds no: no remedy is known but a Python that has a wheel",
        "installers: which can install it, any when empty; libraries are names of apt_packages",
    ),
)  # fmt: skip

COVERAGE = TableSpecification(
    name="wheel_coverage",
    title="which Pythons have Linux x86-64 wheels of packages that are hard to build",
    source="the package index's file lists",
    as_of="2026-11-23",
    key=("package", "version"),
    columns=("package", "version", "released", "minors", "abi3", "pure", "sdist", "yanked"),
    notes=("minors are CPython 3.N; abi3 wheels also serve later ones",),
)

SDIST_ONLY = TableSpecification(
    name="sdist_only",
    title="packages without Linux wheels on the default index",
    source="the package index's file lists; general knowledge where certainty says so",
    as_of="2026-11-23",
    key=("name", "versions"),
    columns=("name", "versions", "pure", "certainty", "bound"),
    notes=(
        "pure: whether the source archive holds nothing to compile",
        "bound: what of the operating system its version has to be the same as",
    ),
)

PURE = ("deepspeed", "gym", "jax", "sklearn")
"""Sources of Python alone, as their builds showed; deepspeed compiles its operators at first use."""

BOUND = {"gdal": "libgdal"}
"""Bindings of a library whose sources fit that very version of it."""

GENERAL_KNOWLEDGE = ("pycairo", "pygobject", "dbus-python", "mysqlclient", "python-ldap")


def patterns(facts: Path) -> Iterator[Row]:
    """One row a pattern, its reason and certainty from the facts."""
    traps = {trap["id"]: trap for trap in load_json(facts, "freeze_traps.json")["traps"]}
    for row in curated("freeze_patterns"):
        trap = traps[row["trap"]]
        re.compile(row["pattern"])
        yield {**row, "certainty": certainty_word(trap["certainty"]), "reason": trap["why"]}


def names(facts: Path) -> Iterator[Row]:
    """One row a name and range of versions: the hand-kept ones and the distributions' own packages."""
    traps = {trap["id"]: trap for trap in load_json(facts, "freeze_traps.json")["traps"]}
    known = set()
    for row in curated("freeze_names"):
        known.add(row["name"])
        yield {**row, "certainty": certainty_word(traps[row["trap"]]["certainty"])}
    for written in traps["distro-packages"]["drop_names"]:
        name = canonical(written.split(" (")[0])
        if "(keep" not in written and name not in known:
            yield {
                "name": name,
                "kind": "operating-system",
                "treatment": "leave out",
                "certainty": "general knowledge",
                "reason": "a package of the distribution's own Python",
            }


def conda_names(_: Path) -> Iterator[Row]:
    """One row a name and range of versions, all hand-kept."""
    for row in curated("conda_names"):
        yield {**row, "certainty": "general knowledge" if row["source"] == "general knowledge" else "documented"}


def conda_shared_names(_: Path) -> Iterator[Row]:
    """One row a name, all hand-kept."""
    yield from curated("conda_shared_names")


def sdists(facts: Path) -> Iterator[Row]:
    """One row a package, range of versions and Pythons, and trap."""
    traps = {trap["id"]: trap for trap in load_json(facts, "sdist_build_traps.json")["traps"]}
    for row in curated("sdist_traps"):
        trap = traps[row["trap"]]
        yield {
            **row,
            "isolated": "no" if row["isolated"] == "no" else "yes",
            "nvcc": row["nvcc"] == "yes",
            "constraints": listed(row["constraints"]),
            "certainty": "verified" if row["verified"] == "yes" else "general knowledge",
            "symptom": trap["symptom"],
        }


def coverage(facts: Path) -> Iterator[Row]:
    """One row a package and version."""
    for package, versions in load_json(facts, "sdist_build_traps.json")["wheel_coverage"]["packages"].items():
        for version, entry in versions.items():
            yield {
                "package": canonical(package),
                "version": version,
                "released": entry["date"],
                "minors": [str(minor) for minor in entry["py"]],
                "abi3": entry["abi3"],
                "pure": entry["any"],
                "sdist": entry["sdist"],
                "yanked": entry["yanked"],
            }


def sdist_only(facts: Path) -> Iterator[Row]:
    """One row a package."""
    for name, library in BOUND.items():
        yield {"name": name, "pure": False, "certainty": "verified", "bound": library}
    for written in load_json(facts, "sdist_build_traps.json")["sdist_only_on_linux_pypi"]:
        match = re.fullmatch(r"([A-Za-z0-9_.-]+)(?: ([<>=]+[0-9.]+))?(?: \(.*\))?", written)
        if match is None:
            raise ValueError(f"a package without wheels is written as prose: {written!r}")
        name = canonical(match[1])
        yield {
            "name": name,
            "versions": match[2] or "",
            "pure": name in PURE,
            "certainty": "general knowledge" if name in GENERAL_KNOWLEDGE else "verified",
        }
