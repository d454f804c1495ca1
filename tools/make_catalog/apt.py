"""The tables of system packages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from writing import Row, TableSpecification

SUITES = ("bionic", "focal", "jammy", "noble", "resolute", "bullseye", "bookworm", "trixie")

PACKAGES = TableSpecification(
    name="apt_packages",
    title="libraries and tools to package names in eight Ubuntu and Debian releases",
    source="the package indexes of the releases (amd64): every name was found there",
    as_of="2026-11-23",
    key=("library",),
    columns=("library", *SUITES),
    notes=("an empty cell: the release has it under no known name",),
)

NEEDS = TableSpecification(
    name="apt_needs",
    title="Python packages to the libraries they need at run time and when built",
    source="projects' documentation and general knowledge; wheels and sdists checked where certainty is verified",
    as_of="2026-11-23",
    key=("name", "versions", "condition"),
    columns=("name", "versions", "condition", "runtime", "build", "wheels", "certainty", "why", "note"),
)

CUPY = ("90", "92", "100", "101", "102", "110", "111", "112", "113", "114", "115", "116", "117", "11x", "12x", "13x")

# Entries of the facts that are written as prose: their names, versions and conditions.
PROSE: dict[str, tuple[tuple[str, str, str], ...]] = {
    "torchaudio >=0.12 (sox), >=2.1 (ffmpeg)": (("torchaudio", ">=0.12", "sox and ffmpeg backends"),),
    "torchaudio (sox_io/soundfile backend)": (("torchaudio", "", "sox_io or soundfile backend"),),
    "prophet (<1.1)": (("prophet", "<1.1", ""),),
    "kaleido (>=1)": (("kaleido", ">=1", ""),),
    "psycopg (3, without [binary])": (("psycopg", ">=3", "without psycopg-binary"),),
    "trimesh[easy]": (("trimesh", "", "off-screen rendering"),),
    "tkinter users: matplotlib TkAgg": (("matplotlib", "", "TkAgg backend"),),
    "turtle": (),
    "triton": (("triton", "", "torch.compile"),),
    "nvidia-dali-cuda110/120": (("nvidia-dali-cuda110", "", ""), ("nvidia-dali-cuda120", "", "")),
    "cupy-cudaXX": tuple((f"cupy-cuda{suffix}", "", "") for suffix in CUPY),
    "jaxlib +cuda local": (("jaxlib", "", "+cuda local version"),),
    "tensorflow (no and-cuda)": (("tensorflow", "", "without nvidia-* wheels"),),
    "osgeo": (),
}

# Conditions on versions that the facts put into a sentence.
ADDITIONAL: tuple[Row, ...] = tuple(
    {
        "name": name,
        "versions": "<4.3",
        "runtime": ("libgthread/libglib-2.0",),
        "wheels": True,
        "certainty": "likely",
        "why": "older headless builds still load GLib",
    }
    for name in ("opencv-python-headless", "opencv-contrib-python-headless")
)


# Libraries that every image has or that many binaries need; their names have not changed for a decade.
BASIC: dict[str, str] = {
    "libbz2.so.1.0": "libbz2-1.0",
    "libexpat.so.1": "libexpat1",
    "liblzma.so.5": "liblzma5",
    "libsqlite3.so.0": "libsqlite3-0",
    "libstdc++.so.6": "libstdc++6",
    "libz.so.1": "zlib1g",
}


def packages(facts: Path) -> Iterator[Row]:
    """One row a library or tool."""
    for library, package in BASIC.items():
        yield {"library": library, **dict.fromkeys(SUITES, package)}
    yield {"library": "libgcc_s.so.1", **dict.fromkeys(SUITES, "libgcc-s1"), "bionic": "libgcc1"}
    for library, names in _load(facts)["libraries"].items():
        yield {"library": library, **names}


def needs(facts: Path) -> Iterator[Row]:
    """One row a Python package and condition; packages that need nothing are left out."""
    found: dict[tuple[str, str, str], Row] = {}
    for entry in _load(facts)["python_packages"]:
        for written in entry["packages"]:
            for name, versions, condition in PROSE.get(written) or _plain(written):
                row = _need(entry, name, versions, condition)
                found.setdefault((name, versions, condition), row)
    yield from found.values()
    yield from ADDITIONAL


def _need(entry: dict[str, Any], name: str, versions: str, condition: str) -> Row:
    return {
        "name": name,
        "versions": versions,
        "condition": condition,
        "runtime": entry["runtime"],
        "build": entry["build_from_sdist"],
        "wheels": entry["wheel_on_pypi_linux"],
        "certainty": entry["certainty"],
        "why": entry["why"],
        "note": entry.get("note"),
    }


def _plain(written: str) -> tuple[tuple[str, str, str], ...]:
    """``opencv-python (GUI windows)`` to its name and condition."""
    if written in PROSE:
        return ()
    match = re.fullmatch(r"([A-Za-z0-9_.-]+)(?: \((.+)\))?", written)
    if match is None:
        raise ValueError(f"the name of a package is written as prose: {written!r}")
    return ((re.sub(r"[-_.]+", "-", match[1]).lower(), "", match[2] or ""),)


def _load(facts: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((facts / "apt_needs.json").read_text(encoding="utf-8"))
    return content
