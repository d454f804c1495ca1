"""Which Pythons a package's version allows: the table behind an inferred Python version.

``LOWEST``: from this version on, the package requires at least this Python (``Requires-Python`` of its releases).
``HIGHEST``: up to this series, the newest Python that the package has wheels for; compiled packages only, since a
list of installed versions says nothing about a Python for which they had to be compiled.
``BACKPORTS``: packages that others pull in only below a Python. Source: the metadata and file lists of the releases.
"""

from __future__ import annotations

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from reprobuild.snapshot import Distribution, Fields

Minor = tuple[int, int]

LOWEST: dict[str, tuple[tuple[str, Minor], ...]] = {
    "contourpy": (("1.0.5", (3, 7)), ("1.1", (3, 8)), ("1.2", (3, 9)), ("1.3.1", (3, 10)), ("1.3.3", (3, 11))),
    "filelock": (("3.4.2", (3, 7)), ("3.12.3", (3, 8)), ("3.17", (3, 9)), ("3.20", (3, 10))),
    "importlib-metadata": (("4.9", (3, 7)), ("6.8", (3, 8)), ("8.6", (3, 9))),
    "importlib-resources": (("5.5", (3, 7)), ("6.0", (3, 8)), ("6.5", (3, 9))),
    "ipython": (("7.17", (3, 7)), ("8.0", (3, 8)), ("8.13", (3, 9)), ("8.19", (3, 10)), ("9.0", (3, 11))),
    "matplotlib": (("3.1", (3, 6)), ("3.4", (3, 7)), ("3.6", (3, 8)), ("3.8", (3, 9)), ("3.10", (3, 10))),
    "networkx": (("2.6", (3, 7)), ("2.7", (3, 8)), ("3.2", (3, 9)), ("3.3", (3, 10)), ("3.5", (3, 11))),
    "numpy": (
        ("1.19", (3, 6)),
        ("1.20", (3, 7)),
        ("1.22", (3, 8)),
        ("1.25", (3, 9)),
        ("2.1", (3, 10)),
        ("2.3", (3, 11)),
    ),
    "pandas": (("1.0", (3, 6)), ("1.2", (3, 7)), ("1.4", (3, 8)), ("2.1", (3, 9)), ("3.0", (3, 11))),
    "pillow": (("8.0", (3, 6)), ("9.0", (3, 7)), ("10.0", (3, 8)), ("11.0", (3, 9)), ("12.0", (3, 10))),
    "protobuf": (("4.21", (3, 7)), ("5.26", (3, 8)), ("6.30", (3, 9))),
    "scikit-learn": (
        ("0.23", (3, 6)),
        ("1.0", (3, 7)),
        ("1.1", (3, 8)),
        ("1.4", (3, 9)),
        ("1.7", (3, 10)),
        ("1.8", (3, 11)),
    ),
    "scipy": (
        ("1.5", (3, 6)),
        ("1.6", (3, 7)),
        ("1.8", (3, 8)),
        ("1.11", (3, 9)),
        ("1.14", (3, 10)),
        ("1.16", (3, 11)),
    ),
    "torch": (("1.8", (3, 6)), ("1.11", (3, 7)), ("2.0", (3, 8)), ("2.5", (3, 9)), ("2.9", (3, 10))),
    "transformers": (("4.10", (3, 6)), ("4.19", (3, 7)), ("4.31", (3, 8)), ("4.47", (3, 9)), ("5.0", (3, 10))),
    "typing-extensions": (("4.2", (3, 7)), ("4.8", (3, 8)), ("4.14", (3, 9))),
    "urllib3": (("2.0", (3, 7)), ("2.1", (3, 8)), ("2.3", (3, 9))),
    "zipp": (("3.7", (3, 7)), ("3.16", (3, 8)), ("3.21", (3, 9))),
}

HIGHEST: dict[str, tuple[tuple[str, Minor], ...]] = {
    "numpy": (
        ("1.15", (3, 7)),
        ("1.18", (3, 8)),
        ("1.20", (3, 9)),
        ("1.22", (3, 10)),
        ("1.25", (3, 11)),
        ("2.0", (3, 12)),
        ("2.2", (3, 13)),
    ),
    "pandas": (
        ("1.0", (3, 8)),
        ("1.2", (3, 9)),
        ("1.4", (3, 10)),
        ("2.0", (3, 11)),
        ("2.1", (3, 12)),
        ("2.2", (3, 13)),
    ),
    "scipy": (
        ("1.4", (3, 8)),
        ("1.6", (3, 9)),
        ("1.8", (3, 10)),
        ("1.10", (3, 11)),
        ("1.13", (3, 12)),
        ("1.15", (3, 13)),
    ),
    "torch": (
        ("1.3", (3, 7)),
        ("1.6", (3, 8)),
        ("1.10", (3, 9)),
        ("1.12", (3, 10)),
        ("2.1", (3, 11)),
        ("2.4", (3, 12)),
        ("2.8", (3, 13)),
    ),
}

BACKPORTS: dict[str, Minor] = {
    "dataclasses": (3, 6),
    "contextvars": (3, 6),
    "immutables": (3, 6),
    "pickle5": (3, 7),
    "backports-cached-property": (3, 7),
    "backports-zoneinfo": (3, 8),
    "pkgutil-resolve-name": (3, 8),
    "graphlib-backport": (3, 8),
    "exceptiongroup": (3, 10),
    "tomli": (3, 10),
}
"""The highest Python below which other packages pull these in."""

ABSENT: dict[tuple[str, str, str], Minor] = {
    ("matplotlib", "3.7", "importlib-resources"): (3, 10),
    ("markdown", "3.3.5", "importlib-metadata"): (3, 10),
    ("pytest", "7.2", "exceptiongroup"): (3, 11),
    ("anyio", "4.0", "exceptiongroup"): (3, 11),
    ("click", "8.0", "importlib-metadata"): (3, 8),
    ("jsonschema", "4.0", "importlib-resources"): (3, 9),
    ("pytest", "4.6", "importlib-metadata"): (3, 8),
}
"""A package of at least a version whose conditional dependency is not there: the lowest Python that explains it."""


_NAMES = {*LOWEST, *HIGHEST, *BACKPORTS, *(name for entry in ABSENT for name in (entry[0], entry[2]))}


class Bounds(Fields, frozen=True, kw_only=True):
    """The Pythons that a list allows, both ends included, with the package that sets each end."""

    lowest: Minor | None = None
    lowest_by: str | None = None
    highest: Minor | None = None
    highest_by: str | None = None


def bounds_of(distributions: tuple[Distribution, ...]) -> Bounds:
    """What the versions of a list allow. Packages of conda are no evidence of wheels, but of ``Requires-Python``."""
    versions = dict(_versions(distributions))
    lows = [(low, f"{name} {version}") for name, version in versions.items() if (low := _lowest(name, version))]
    lows += [
        (low, f"{name} {versions[name]} without {missing}")
        for (name, since, missing), low in ABSENT.items()
        if name in versions and versions[name] >= Version(since) and missing not in versions
    ]
    highs = [(high, f"{name} {version}") for name, version in versions.items() if (high := _highest(name, version))]
    highs += [(high, name) for name, high in BACKPORTS.items() if name in versions]
    lowest, highest = max(lows, default=(None, None)), min(highs, default=(None, None))
    return Bounds(lowest=lowest[0], lowest_by=lowest[1], highest=highest[0], highest_by=highest[1])


def _versions(distributions: tuple[Distribution, ...]) -> list[tuple[str, Version]]:
    """Only the packages of the tables: parsing every version of a long list takes time."""
    found: list[tuple[str, Version]] = []
    for item in distributions:
        name = canonicalize_name(item.name)
        if name not in _NAMES:
            continue
        try:
            found.append((name, Version((item.version or "")[:100])))
        except InvalidVersion:
            continue
    return found


def _lowest(name: str, version: Version) -> Minor | None:
    rows = [low for since, low in LOWEST.get(name, ()) if version >= Version(since)]
    return rows[-1] if rows else None


def _highest(name: str, version: Version) -> Minor | None:
    """The bound of the first series that holds the version: 1.21.3 is still of the series up to 1.22."""
    for series, high in HIGHEST.get(name, ()):
        if version.release[:2] <= Version(series).release[:2]:
            return high
    return None


def likeliest(bounds: Bounds) -> tuple[str, str] | None:
    """The Python to take and why; None when the list says too little.

    Of several the lowest is taken: pip installs the newest release that the running Python allows, so the package
    that sets the lower bound is seldom far from it.
    """
    low, high = bounds.lowest, bounds.highest
    if low is None or (high is not None and high < low) or (high is None and low < (3, 8)):
        return None
    told = f"{bounds.lowest_by} needs at least {_text(low)}"
    if high is None:
        return _text(low), f"{told}; nothing bounds it from above"
    told += f", {bounds.highest_by} is of Python {_text(high)} or older"
    return _text(low), told if low == high else f"{told}; anything in between fits"


def _text(minor: Minor) -> str:
    return f"{minor[0]}.{minor[1]}"
