"""Write the two tables behind an inferred Python version from the package index's own metadata.

    python tools/make_python_bounds.py src/reprobuild/records/data

Asks the index that pip is configured for, through pip's own client (run it where ``pip download numpy`` works), for
the file lists of the packages below, and for the metadata of one release of each series of those with conditional
dependencies. Refuses to write a table that lost rows.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import datetime
import io
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import (
    InvalidSdistFilename,
    InvalidWheelFilename,
    canonicalize_name,
    parse_sdist_filename,
    parse_wheel_filename,
)
from packaging.version import Version
from pip._internal.commands.index import IndexCommand
from pip._internal.models.link import Link

PACKAGES = (
    *("accelerate", "backports-cached-property", "backports-zoneinfo", "certifi", "chex", "contextvars", "contourpy"),
    *("dataclasses", "datasets", "exceptiongroup", "filelock", "flax", "graphlib-backport", "huggingface-hub"),
    *("immutables", "importlib-metadata", "importlib-resources", "ipython", "jax", "jaxlib", "keras", "matplotlib"),
    *("networkx", "numpy", "optax", "pandas", "pickle5", "pillow", "pkgutil-resolve-name", "protobuf"),
    *("pytorch-lightning", "regex", "scikit-image", "scikit-learn", "scipy", "tensorboard", "tensorflow"),
    *("tensorflow-cpu", "tensorflow-gpu", "tomli", "torch", "torchaudio", "torchvision", "transformers"),
    *("typing-extensions", "urllib3", "zipp"),
)
"""Packages that most environments have one of, the frameworks, and those that only older Pythons need."""

CONDITIONAL = (
    ("anyio", "exceptiongroup"),
    ("click", "importlib-metadata"),
    ("jsonschema", "importlib-resources"),
    ("jsonschema", "pkgutil-resolve-name"),
    ("markdown", "importlib-metadata"),
    ("matplotlib", "importlib-resources"),
    ("pytest", "exceptiongroup"),
    ("pytest", "importlib-metadata"),
    ("pytest", "tomli"),
)
"""A package and what it needs on older Pythons only."""

MINORS = range(4, 20)
"""CPython 3.N that bounds are looked for among."""


class File(NamedTuple):
    """One file of a release, as the index lists it."""

    name: str
    version: Version
    requires: str
    uploaded: str
    url: str
    tags: frozenset[Any]
    """Of a wheel; empty for an sdist."""


class Index:
    """The index that pip is configured for, asked by pip's own code."""

    def __init__(self) -> None:
        self._command = IndexCommand("index", "")
        self._options, _ = self._command.parse_args(["versions", "numpy"])
        self._session = self._command._build_session(self._options)
        self._collector = self._command._build_package_finder(  # pip has no public interface
            options=self._options, session=self._session, target_python=None, ignore_requires_python=True
        )._link_collector

    def files(self, name: str) -> list[File]:
        """Every file of a package."""
        for url in self._collector.search_scope.get_index_urls_locations(name):
            page = self._collector.fetch_response(Link(url))
            if page is not None and page.content_type.endswith("json"):
                return [file for entry in json.loads(page.content)["files"] if (file := file_of(entry))]
        raise SystemExit(f"{name}: the index has no page of it in JSON")

    def metadata(self, file: File) -> str:
        """The core metadata of a wheel: from beside it, or where the index has none there, out of the wheel."""
        answer = self._session.get(f"{file.url}.metadata")
        if answer.status_code == 200:
            return str(answer.text)
        whole = self._session.get(file.url)
        whole.raise_for_status()
        with zipfile.ZipFile(io.BytesIO(whole.content)) as archive:
            inside = next(name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name))
            return archive.read(inside).decode("utf-8")


def file_of(entry: dict[str, Any]) -> File | None:
    """An entry of the index's page; None for what is neither wheel nor sdist, or of a pre-release."""
    name = entry["filename"]
    tags: frozenset[Any] = frozenset()
    try:
        if name.endswith(".whl"):
            _, version, _, tags = parse_wheel_filename(name)
        else:
            _, version = parse_sdist_filename(name)
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None
    requires, uploaded = entry.get("requires-python") or "", entry.get("upload-time") or ""
    return None if version.is_prerelease else File(name, version, requires, uploaded, entry["url"], tags)


def release_rows(name: str, files: list[File]) -> Iterator[tuple[str, ...]]:
    """package, version, day of its first file, lowest and highest CPython by metadata and wheels.

    The day is empty where a later release of the same series has an earlier one: the files were uploaded again.
    """
    days = {each: min(file.uploaded for file in files if file.version == each)[:10] for each in versions(files)}
    for version in versions(files):
        own = [file for file in files if file.version == version]
        declared = allowed(next((file.requires for file in own if file.requires), ""))
        built = wheel_minors(own)
        has_sdist = any(not file.tags for file in own)
        low = min(declared) if declared and min(declared) > min(MINORS) else None
        high = max(declared) if declared and max(declared) < max(MINORS) else None
        if built:
            low = max(low or 0, min(built)) if not has_sdist else low
            high = min(high, max(built)) if high is not None else max(built)
        if any(tag.interpreter.startswith(("cp2", "py2")) for file in own for tag in file.tags):
            low = None  # Python 2 had it as well
        later = [day for other, day in days.items() if other > version and other.release[:2] == version.release[:2]]
        day = days[version] if days[version] <= min(later, default=days[version]) else ""
        yield name, str(version), day, f"3.{low}" if low else "", f"3.{high}" if high else ""


def versions(files: list[File]) -> list[Version]:
    """All of them, in order."""
    return sorted({file.version for file in files})


def allowed(requires: str) -> list[int]:
    """The minors of CPython 3 of which some patch release is allowed; empty when nothing is declared."""
    try:
        specifiers = SpecifierSet(requires)
    except InvalidSpecifier:
        return []
    if not requires or specifiers.contains("2.7.18"):
        specifiers = SpecifierSet(",".join(str(each) for each in specifiers if not str(each).startswith("!=3")))
    return [
        minor for minor in MINORS if requires and any(specifiers.contains(f"3.{minor}.{patch}") for patch in range(25))
    ]


def wheel_minors(files: list[File]) -> set[int]:
    """The minors that compiled wheels are for; empty where a wheel fits any later Python too."""
    tags = [tag for file in files for tag in file.tags]
    if any(tag.abi == "abi3" or tag.interpreter.startswith("py") for tag in tags):
        return set()
    return {int(found[1]) for tag in tags if (found := re.fullmatch(r"cp3(\d+)", tag.interpreter))}


def conditional_rows(name: str, dependency: str, index: Index) -> Iterator[tuple[str, ...]]:
    """package, first and last series of a range, dependency, the Python below which it is needed there, a witness.

    The witness is something that the package needs on every Python: where that is not listed either, the list is not
    of everything that was installed, and what is absent from it tells nothing.
    """
    newest: dict[tuple[int, ...], File] = {}
    for file in sorted(index.files(name), key=lambda file: file.version):
        if file.tags:
            newest[file.version.release[:2]] = file
    ranges: list[list[str]] = []
    previous = ("", "")
    for series, file in sorted(newest.items()):
        metadata = index.metadata(file)
        found = (needed_below(metadata, dependency) or "", needed_always(metadata) or "")
        text = ".".join(map(str, series))
        if found[0] and found == previous:
            ranges[-1][2] = text
        elif found[0]:
            ranges.append([name, text, text, dependency, *found])
        previous = found
    yield from (tuple(each) for each in ranges)


def needed_below(metadata: str, dependency: str) -> str | None:
    """The Python below which a release needs ``dependency``; None where it does not, or needs it on every Python."""
    for requirement in requirements_of(metadata):
        if canonicalize_name(requirement.name) != dependency or requirement.marker is None:
            continue
        needed = [minor for minor in MINORS if requirement.marker.evaluate(environment_of(minor))]
        if needed and max(needed) < max(MINORS):
            return f"3.{max(needed) + 1}"
    return None


def needed_always(metadata: str) -> str | None:
    """The first thing that a release needs whatever the Python."""
    return next((canonicalize_name(each.name) for each in requirements_of(metadata) if each.marker is None), None)


def requirements_of(metadata: str) -> Iterator[Requirement]:
    """What a release needs without extras."""
    for line in re.findall(r"^Requires-Dist: (.+)$", metadata, re.MULTILINE):
        with contextlib.suppress(InvalidRequirement):
            requirement = Requirement(line.strip())
            if "extra" not in str(requirement.marker):
                yield requirement


def environment_of(minor: int) -> dict[str, str]:
    """A marker's variables on Linux."""
    return {
        "python_version": f"3.{minor}",
        "python_full_version": f"3.{minor}.0",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "extra": "",
    }


def write(path: Path, columns: str, rows: list[tuple[str, ...]]) -> None:
    """The table with its source and day on top. Exits when it would have fewer rows than before."""
    before = path.read_text("utf-8").count("\n") - 3 if path.exists() else 0
    if len(rows) < before:
        raise SystemExit(f"{path}: {len(rows)} rows, and it had {before}: not written")
    text = io.StringIO()
    text.write(f"# source: file lists and metadata of the package index, by tools/{Path(__file__).name}\n")
    text.write(f"# as of: {datetime.datetime.now(datetime.UTC).date()}\n{columns}\n")
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.write_text(text.getvalue(), "utf-8")
    sys.stderr.write(f"{path}: {len(rows)} rows\n")


def main() -> None:
    """Ask, then write both tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    index = Index()
    releases = [row for name in PACKAGES for row in release_rows(name, index.files(name))]
    conditional = [row for name, dependency in CONDITIONAL for row in conditional_rows(name, dependency, index)]
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / "python_releases.csv", "package,version,released,lowest,highest", releases)
    write(folder / "conditional_dependencies.csv", "package,first,last,dependency,below,witness", conditional)


if __name__ == "__main__":
    main()
