"""What the package index says of a few packages that most environments hold: tables, read at their first use.

``data/python_releases.csv`` has every release of them, with its day and the CPythons that its metadata and wheels
allow; ``data/conditional_dependencies.csv`` what some of them need on older Pythons only. tools/make_python_bounds.py
writes both. ``data/cpython_days.csv`` has the days of CPython's own releases.
"""

from __future__ import annotations

import bisect
import contextlib
import csv
import functools
from collections.abc import Iterator
from pathlib import Path

import msgspec
from packaging.version import InvalidVersion, Version

from reprobuild.snapshot import Fields

Minor = tuple[int, int]

_FOLDER = Path(__file__).parent / "data"


class Release(Fields, frozen=True, kw_only=True):
    """One release."""

    version: str
    """The row's own version."""
    released: str | None
    """ISO date of its first file; None where its files were uploaded anew later."""
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
    versions, releases = _releases_of(name)
    plain = Version(version.public)
    place = bisect.bisect_right(versions, plain) - 1
    if place < 0:
        return None
    known = releases[place]
    return known if versions[place] == plain else msgspec.structs.replace(known, highest=None)


@functools.cache
def day_of_python(version: str) -> str | None:
    """ISO date of a CPython's release; None for one that the table has not."""
    return {row["version"]: row["released"] for row in _rows("cpython_days.csv")}.get(version)


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
def _releases() -> dict[str, list[list[str]]]:
    """The rows of each package. Only those of the packages that a list names are worth more than that."""
    rows: dict[str, list[list[str]]] = {}
    for row in csv.reader(_lines("python_releases.csv")[1:]):
        rows.setdefault(row[0], []).append(row)
    return rows


@functools.cache
def _releases_of(name: str) -> tuple[list[Version], list[Release]]:
    found: list[tuple[Version, Release]] = []
    for _, version, released, lowest, highest in _releases().get(name, ()):
        with contextlib.suppress(InvalidVersion):  # no row has one; an edited table must not end an import
            bounds = {"lowest": _minor(lowest), "highest": _minor(highest)}
            found.append((Version(version), Release(version=version, released=released or None, **bounds)))
    found.sort(key=lambda entry: entry[0])
    return [version for version, _ in found], [release for _, release in found]


def _rows(name: str) -> Iterator[dict[str, str]]:
    return csv.DictReader(_lines(name))


def _lines(name: str) -> list[str]:
    return [line for line in (_FOLDER / name).read_text("utf-8").splitlines() if not line.startswith("#")]


def _minor(text: str) -> Minor | None:
    numbers = _numbers(text)
    return (numbers[0], numbers[1]) if len(numbers) > 1 else None


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part)
