"""The tables of CPython builds, official Python images and distributions' releases."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

from writing import Row, TableSpecification

UV = "0.13.9"

BUILDS = TableSpecification(
    name="cpython_builds",
    title="standalone CPython builds that uv installs",
    source=f"the download tables of python-build-standalone in uv (2026-08-21) and in the uv {UV} binary",
    as_of="2026-11-23",
    key=("version", "machine", "free_threaded", "build"),
    columns=("version", "machine", "free_threaded", "build", "file", "sha256", "uv"),
    notes=("uv names the release whose own table chooses this build; empty: only the table of 2026-08-21 does",),
)

IMAGES = TableSpecification(
    name="python_images",
    title="Debian suites of the official python:X.Y.Z images",
    source="all commits of Docker's list of official images for python, 2014 to August 2026",
    as_of="2026-08-31",
    key=("version",),
    columns=("version", "slim", "full", "first_listed", "last_listed"),
    notes=("listed is not proof of built; no deletion was seen",),
)

RELEASES = TableSpecification(
    name="cpython_releases",
    title="digests of CPython's release archives",
    source="python-build's definitions",
    as_of="2026-05-08",
    key=("version",),
    columns=("version", "sha256"),
    notes=("of Python-X.Y.Z.tgz",),
)

SYSTEMS = TableSpecification(
    name="operating_systems",
    title="distributions' releases: glibc, Python, OpenSSL, compilers",
    source="the distributions' package indexes where certainty is verified, general knowledge otherwise",
    as_of="2026-11-23",
    key=("id", "version"),
    columns=(
        "id", "version", "codename", "glibc", "python", "other_pythons", "openssl", "gcc", "pip", "setuptools",
        "wheel", "cmake", "glibcxx", "certainty",
    ),
)  # fmt: skip

# The suites of the oldest official Python images, which the collected facts leave out.
OLDER_SYSTEMS: tuple[Row, ...] = (
    {"id": "debian", "version": "7", "codename": "wheezy", "glibc": "2.13", "python": "3.2.3", "openssl": "1.0",
     "gcc": "4.7", "certainty": "general knowledge"},
    {"id": "debian", "version": "8", "codename": "jessie", "glibc": "2.19", "python": "3.4.2", "openssl": "1.0",
     "gcc": "4.9", "certainty": "general knowledge"},
    {"id": "ubuntu", "version": "14.04", "codename": "trusty", "glibc": "2.19", "python": "3.4.3", "openssl": "1.0",
     "gcc": "4.8", "certainty": "general knowledge"},
)  # fmt: skip


def builds(facts: Path) -> Iterator[Row]:
    """One row a build: the same version is there once a table that chooses it differently."""
    content = json.loads((facts / "python_builds.json").read_text(encoding="utf-8"))["builds"]
    for machine, versions in content.items():
        for version, entry in versions.items():
            found: dict[tuple[bool, str], Row] = {}
            for key in ("default", "freethreaded", "default_uv_0_13_9", "freethreaded_uv_0_13_9"):
                build = entry.get(key)
                if build is None:
                    continue
                free_threaded = key.startswith("freethreaded")
                chosen = key.endswith("uv_0_13_9") or (entry["in_uv_0_13_9"] and f"{key}_uv_0_13_9" not in entry)
                sha256 = build["sha256"] if len(build["sha256"]) == 64 else None
                found.setdefault(
                    (free_threaded, build["build_tag"]),
                    {
                        "version": version,
                        "machine": machine,
                        "free_threaded": free_threaded,
                        "build": build["build_tag"],
                        "file": build["file"],
                        "sha256": sha256,
                        "uv": UV if chosen else None,
                    },
                )
            yield from found.values()


def images(facts: Path) -> Iterator[Row]:
    """One row a version."""
    with (facts / "python_images.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            yield {
                **row,
                "slim": row["slim_suites_oldest_to_newest"].split(),
                "full": row["full_suites_oldest_to_newest"].split(),
            }


def releases(facts: Path) -> Iterator[Row]:
    """One row a version. The file lies beside this program: the collected facts have no digests of releases."""
    del facts
    lines = Path(__file__).with_name("cpython_releases.csv").read_text(encoding="utf-8").splitlines()
    yield from csv.DictReader(line for line in lines if not line.startswith("#"))


def systems(facts: Path) -> Iterator[Row]:
    """One row a release."""
    yield from OLDER_SYSTEMS
    for entry in json.loads((facts / "python_builds.json").read_text(encoding="utf-8"))["distros"]:
        yield {
            "id": entry["distro"].split("/")[0],
            "version": entry["release"],
            "codename": entry["codename"],
            "glibc": entry["glibc"],
            "python": entry["python3"],
            "other_pythons": entry["other_python_packages"],
            "openssl": entry["openssl_major"],
            "gcc": entry["gcc_default"],
            "pip": entry["pip_package"],
            "setuptools": entry.get("setuptools_package"),
            "wheel": entry.get("wheel_package"),
            "cmake": entry.get("cmake_package"),
            "glibcxx": entry.get("glibcxx_max (general knowledge)"),
            "certainty": "verified" if entry["certainty"].startswith("verified") else entry["certainty"],
        }
