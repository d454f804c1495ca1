"""Packages of Debian's and Ubuntu's that pip lists as well: their versions tell the release, and so its Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from reprobuild.records.python_bounds import Bounds
from reprobuild.records.release_tables import Minor
from reprobuild.snapshot import Distribution

_SYSTEM_PACKAGES = {
    "python-apt": {
        "1.6": ("ubuntu", "18.04"),
        "1.8": ("debian", "10"),
        "2.0": ("ubuntu", "20.04"),
        "2.2": ("debian", "11"),
        "2.4": ("ubuntu", "22.04"),
        "2.6": ("debian", "12"),
        "2.7": ("ubuntu", "24.04"),
        "3.0": ("debian", "13"),
    },
    "dbus-python": {"1.2.6": ("ubuntu", "18.04"), "1.2.18": ("ubuntu", "22.04")},
    "pygobject": {"3.26.1": ("ubuntu", "18.04"), "3.36.0": ("ubuntu", "20.04"), "3.42.1": ("ubuntu", "22.04")},
}
"""Packages of the system that pip lists too, with the version that each release has."""

_OWN_PYTHONS: dict[tuple[str, str], Minor] = {
    ("ubuntu", "18.04"): (3, 6),
    ("debian", "10"): (3, 7),
    ("ubuntu", "20.04"): (3, 8),
    ("debian", "11"): (3, 9),
    ("ubuntu", "22.04"): (3, 10),
    ("debian", "12"): (3, 11),
    ("ubuntu", "24.04"): (3, 12),
    ("debian", "13"): (3, 13),
}
"""The Python 3 that python-apt is compiled for."""

_OF_PYTHON_2 = frozenset({"backports-functools-lru-cache", "enum34", "functools32", "futures", "subprocess32"})
"""What was needed on Python 2 only, for which those releases have python-apt too."""
_UBUNTU_UPDATE = re.compile(r".*\+ubuntu0\.(?P<year>[12]\d)\.(?P<month>0?4|10)(?:\..*)?")
"""What Ubuntu adds to the version of an updated package (``1.1.0b1+ubuntu0.16.4.1``), as setuptools writes it."""


class OsRelease(NamedTuple):
    """A release by the words of its os-release."""

    os_id: str
    os_version: str


def release_of_packages(packages: Mapping[str, Distribution]) -> tuple[OsRelease, str] | None:
    """The release, and the package that tells it; ``packages`` by their normalized names."""
    for name in _SYSTEM_PACKAGES:
        version = (packages[name].version or "")[:100] if name in packages else ""
        release = _release_of(name, version)
        if release is not None and (name != "pygobject" or "dbus-python" in packages):
            return (
                release,
                f"{name} {version} is what {release.os_id} {release.os_version} has as a package of the system",
            )
    return None


def _release_of(name: str, version: str) -> OsRelease | None:
    if update := _UBUNTU_UPDATE.fullmatch(version):
        return OsRelease("ubuntu", f"{update['year']}.{int(update['month']):02}")
    releases = _SYSTEM_PACKAGES[name].items()
    return next((OsRelease(*found) for start, found in releases if f"{version}.".startswith(f"{start}.")), None)


def own_python(packages: Mapping[str, Distribution], bounds: Bounds) -> tuple[str, str] | None:
    """The release's own Python and why, where python-apt is listed, which no index has, and nothing contradicts."""
    if not packages.keys().isdisjoint(_OF_PYTHON_2):
        return None
    found = release_of_packages({name: packages[name] for name in ("python-apt",) if name in packages})
    minor = _OWN_PYTHONS.get(found[0]) if found else None
    if found is None or minor is None or not bounds.allow(minor):
        return None
    return f"{minor[0]}.{minor[1]}", f"{found[1]}, for its own Python"
