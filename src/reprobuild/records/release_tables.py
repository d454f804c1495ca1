"""What the package index says of a few packages that most environments hold: two tables, read at their first use.

``data/python_releases.csv`` has every release of them, with its day and the CPythons that its metadata and wheels
allow; ``data/conditional_dependencies.csv`` what some of them need on older Pythons only. tools/make_python_bounds.py
writes both.
"""

from __future__ import annotations

import bisect
import csv
import functools
from collections.abc import Iterator
from pathlib import Path

from packaging.version import InvalidVersion, Version

from reprobuild.snapshot import Fields

Minor = tuple[int, int]

_FOLDER = Path(__file__).parent / "data"


class Release(Fields, frozen=True, kw_only=True):
    """One release."""

    released: str
    """ISO date of its first file."""
    lowest: Minor | None = None
    """By Requires-Python; of what has wheels only, by those."""
    highest: Minor | None = None
    """By Requires-Python and by the wheels; None where later Pythons run it too."""


class Condition(Fields, frozen=True, kw_only=True):
    """A dependency that a package has on older Pythons only."""

    package: str
    first: tuple[int, ...]
    """First and last series (major and minor) that have it."""
    last: tuple[int, ...]
    dependency: str
    below: Minor
    """The Python from which on it is not needed."""
    witness: str | None
    """What the package needs on every Python: a list without it is not of everything that was installed."""

    def holds_for(self, version: Version) -> bool:
        """Whether this version has the dependency. The newest series of the table stands for later ones too."""
        return self.first <= version.release[:2] <= self.last


def release_of(name: str, version: Version) -> Release | None:
    """The release, by its normalized name; of a version that the table does not know, what the one before it needs.

    A local part (``+cu121``) does not count. None for a package that the table has not, or older than it knows.
    """
    entry = _releases().get(name)
    if entry is None:
        return None
    versions, releases = entry
    plain = Version(version.public)
    place = bisect.bisect_right(versions, plain) - 1
    if place < 0:
        return None
    known = releases[place]
    return known if versions[place] == plain else Release(released=known.released, lowest=known.lowest)


@functools.cache
def known_packages() -> frozenset[str]:
    """Normalized names of all packages that either table tells something about."""
    named = {name for each in conditions() for name in (each.package, each.dependency)}
    return frozenset({*_releases(), *named})


@functools.cache
def conditions() -> tuple[Condition, ...]:
    """All rows of the second table."""
    return tuple(
        Condition(
            package=row["package"],
            first=_numbers(row["first"]),
            last=_numbers(row["last"]),
            dependency=row["dependency"],
            below=_minor(row["below"]) or (3, 0),
            witness=row["witness"] or None,
        )
        for row in _rows("conditional_dependencies.csv")
    )


@functools.cache
def _releases() -> dict[str, tuple[list[Version], list[Release]]]:
    found: dict[str, list[tuple[Version, Release]]] = {}
    for row in _rows("python_releases.csv"):
        release = Release(released=row["released"], lowest=_minor(row["lowest"]), highest=_minor(row["highest"]))
        try:
            found.setdefault(row["package"], []).append((Version(row["version"]), release))
        except InvalidVersion:  # no row has one; a table that someone edited must not end an import
            continue
    return {
        name: ([version for version, _ in entries], [release for _, release in entries])
        for name, each in found.items()
        for entries in [sorted(each, key=lambda entry: entry[0])]
    }


def _rows(name: str) -> Iterator[dict[str, str]]:
    lines = (_FOLDER / name).read_text("utf-8").splitlines()
    return csv.DictReader(line for line in lines if not line.startswith("#"))


def _minor(text: str) -> Minor | None:
    numbers = _numbers(text)
    return (numbers[0], numbers[1]) if len(numbers) > 1 else None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part)
