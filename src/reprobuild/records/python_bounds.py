"""Which Pythons the versions of a list allow, and since when there can have been such a list.

Evidence that can't be argued with comes first: what Requires-Python and the wheels of the listed releases allow. What
packages need only on an older Python bounds it too, from above where it is listed, from below where it is absent from
a list that seems to be of everything that was installed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from reprobuild.records.conditional_lines import installed, python_range
from reprobuild.records.release_tables import Minor, conditions, day_of_python, known_packages, release_of
from reprobuild.snapshot import Distribution, Fields

_BACKPORTS: dict[str, Minor] = {
    "backports-cached-property": (3, 7),
    "backports-zoneinfo": (3, 8),
    "contextvars": (3, 6),
    "exceptiongroup": (3, 10),
    "graphlib-backport": (3, 8),
    "pickle5": (3, 7),
    "pkgutil-resolve-name": (3, 8),
    "tomli": (3, 10),
}
"""Packages whose only content is a part of a newer standard library: the newest Python that lacks it."""

_MINORS = tuple((3, minor) for minor in range(6, 15))
"""CPython's minors that an old list may be of; each was out on the day of its ``.0``."""

_TELLING: Minor = (3, 8)
"""From here on packages gave up each Python soon after its end, so that a lower bound is near what ran."""

_SMALLEST_WHOLE_LIST = 15
"""Fewer packages are rather what somebody wrote down than what was installed."""

_CALENDAR = re.compile(r"(?P<year>20[12]\d)\.(?P<month>\d{1,2})\.(?P<day>\d{1,2})")
_CALENDAR_PACKAGES = frozenset({"certifi", "regex", "tifffile"})
"""Packages whose version is the day of their release."""
_NIGHTLY = re.compile(r".*\.dev(?P<year>20[12]\d)(?P<month>\d\d)(?P<day>\d\d)(?:\d{4})?(?!\d).*")
"""A nightly build carries its day; TensorFlow's the hour and minute too."""
_MONTHLY = re.compile(r"(?P<year>20[12]\d)\.(?P<month>\d{1,2})\.\d{1,2}")
_MONTHLY_PACKAGES = frozenset({"dask", "distributed", "fsspec", "gcsfs", "s3fs", "xarray"})
"""Packages whose version begins with the month of their release."""


class Bounds(Fields, frozen=True, kw_only=True):
    """The Pythons that a list allows, both ends included, with what sets each end."""

    lowest: Minor | None = None
    lowest_by: str | None = None
    highest: Minor | None = None
    highest_by: str | None = None

    def allow(self, minor: Minor) -> bool:
        """Whether a Python lies within them."""
        return (self.lowest is None or self.lowest <= minor) and (self.highest is None or minor <= self.highest)


class Pin(Fields, frozen=True, kw_only=True):
    """The newest release of a list whose day is known."""

    day: str
    """ISO date."""
    because: str
    """The package and its version."""


def bounds_of(distributions: tuple[Distribution, ...], python: Minor | None = None) -> Bounds:
    """What the versions of a list allow; where lines have markers, those that hold on ``python`` where that is known.

    conda's packages, those from a URL and another builder's tell nothing of the index's wheels.
    """
    there = installed(distributions, python)
    versions = dict(_versions(there))
    of_index = {canonicalize_name(item.name) for item in there if _is_of_an_index(item)}
    lows: list[tuple[Minor, str]] = []
    highs: list[tuple[Minor, str]] = []
    oldest, newest = python_range(distributions)
    lows += [(oldest, f"no line is for a Python older than {_text(oldest)}")] if oldest else []
    highs += [(newest, f"no line is for a Python newer than {_text(newest)}")] if newest else []
    for name, version in versions.items():
        release = release_of(name, version)
        if release is not None and release.lowest is not None:
            lows.append((release.lowest, f"{name} {version} needs at least {_text(release.lowest)}"))
        if release is not None and release.highest is not None and name in of_index:
            highs.append((release.highest, f"{name} {version} is for Python {_text(release.highest)} or older"))
    lowest, highest = max(lows, default=None), min(highs, default=None)
    if len(distributions) >= _SMALLEST_WHOLE_LIST:
        lowest = max(filter(None, (lowest, _by_absence(versions, distributions, highest))), default=None)
    highest = min(filter(None, (highest, _by_backports(versions, lowest))), default=None)
    return Bounds(
        lowest=lowest[0] if lowest else None,
        lowest_by=lowest[1] if lowest else None,
        highest=highest[0] if highest else None,
        highest_by=highest[1] if highest else None,
    )


_VARIANT = re.compile(r"(?:cpu|cu\d|cuda|rocm|xpu).*")


def _is_of_an_index(item: Distribution) -> bool:
    """Whether an index's wheels are what was installed: not conda's package, nor a build that somebody else made."""
    local = (item.version or "").partition("+")[2]
    return not item.conda and not item.direct_url and (not local or _VARIANT.fullmatch(local) is not None)


def _by_absence(
    versions: dict[str, Version], distributions: tuple[Distribution, ...], highest: tuple[Minor, str] | None
) -> tuple[Minor, str] | None:
    """The lowest Python that explains what is absent; nothing that the wheels contradict."""
    listed = {canonicalize_name(item.name) for item in distributions}
    found = [
        (each.below, f"{each.package} {versions[each.package]} is there without {each.dependency}")
        for each in conditions()
        if each.package in versions
        and each.dependency not in listed
        and (each.witness is None or each.witness in listed)
        and each.holds_for(versions[each.package])
        and (highest is None or each.below <= highest[0])
    ]
    return max(found, default=None)


def _by_backports(versions: dict[str, Version], lowest: tuple[Minor, str] | None) -> tuple[Minor, str] | None:
    """The newest Python for which backports are needed. Somebody may have them for nothing, so that a lower bound
    that contradicts counts more."""
    found = [
        (newest, f"{name} is there, which Python {newest[0]}.{newest[1] + 1} and later don't need")
        for name, newest in _BACKPORTS.items()
        if name in versions and (lowest is None or newest >= lowest[0])
    ]
    return min(found, default=None)


def _versions(distributions: tuple[Distribution, ...]) -> Iterator[tuple[str, Version]]:
    """Only the packages of the tables: parsing every version of a long list takes time. The first of a name counts."""
    known, seen = known_packages() | _BACKPORTS.keys(), set()
    for item in distributions:
        name = canonicalize_name(item.name)
        if name not in known or name in seen:
            continue
        try:
            version = Version((item.version or "")[:100])
        except InvalidVersion:
            continue
        seen.add(name)
        yield name, version


def likeliest(bounds: Bounds, pin: Pin | None = None) -> tuple[str, str] | None:
    """The Python to take and why; None when the list says too little.

    Of several from 3.8 on the lowest is taken: pip installs the newest release that the running Python allows, so the
    package that sets the lower bound is seldom far from it. Older ones were served for so long that a lower bound among
    them tells little: there the newest package's day decides, for the minor that had been out for a year then.
    """
    low, high = bounds.lowest, bounds.highest
    if low is not None and high is not None and high < low:
        return None
    if low is not None and (low >= _TELLING or low == high):
        told = f"{bounds.lowest_by}; {bounds.highest_by or 'nothing bounds it from above'}"
        return _text(low), told if low == high else f"{told}; the lowest is taken"
    ends = "; ".join(filter(None, (bounds.lowest_by, bounds.highest_by)))
    if ends and pin and (minor := _usual_on(pin.day, low, high)):
        return _text(minor), f"{ends}; Python {_text(minor)} was a year old when {pin.because} came out"
    if low is not None and high is not None and low >= _MINORS[0]:
        return _text(low), f"{ends}; the lowest is taken"
    return None


def _usual_on(day: str, low: Minor | None, high: Minor | None) -> Minor | None:
    """The newest minor within the bounds that had been out for a year on a day; None where none had."""
    fitting = (
        minor
        for minor in _MINORS
        if (low is None or minor >= low)
        and (high is None or minor <= high)
        and (since := day_of_python(f"{_text(minor)}.0"))
        and _a_year_after(since) <= day
    )
    return max(fitting, default=None)


def newest_pin(distributions: tuple[Distribution, ...]) -> Pin | None:
    """The listed release that came out last, among those whose day is known, for whatever Python it is listed."""
    day, because = max(_days(distributions), default=("", ""))
    return Pin(day=day, because=because) if day else None


def _days(distributions: tuple[Distribution, ...]) -> Iterator[tuple[str, str]]:
    for item in distributions:
        name, version = canonicalize_name(item.name), (item.version or "")[:100]
        if day := _day_in_version(name, version):
            yield day, f"{name} {version}"
        elif name in known_packages() and (found := _day_of_release(name, version)):
            yield found


def _day_of_release(name: str, text: str) -> tuple[str, str] | None:
    """A final release that the table has not came out after the one before it; of others no day is known."""
    try:
        version = Version(text)
    except InvalidVersion:
        return None
    release = release_of(name, version)
    if release is None or release.released is None:
        return None
    if version.public == release.version or Version(version.public) == Version(release.version):
        return release.released, f"{name} {text}"
    is_final = not version.is_prerelease and not version.is_devrelease
    return (release.released, f"{name} {release.version} (older than the listed {text})") if is_final else None


def _day_in_version(name: str, version: str) -> str | None:
    pattern = _CALENDAR if name in _CALENDAR_PACKAGES else _MONTHLY if name in _MONTHLY_PACKAGES else _NIGHTLY
    return _calendar_day(pattern.fullmatch(version))


def _calendar_day(found: re.Match[str] | None) -> str | None:
    if found is None:
        return None
    month, day = int(found["month"]), int(found.groupdict().get("day") or 1)
    return f"{found['year']}-{month:02}-{day:02}" if 1 <= month <= 12 and 1 <= day <= 31 else None


def _a_year_after(day: str) -> str:
    return f"{int(day[:4]) + 1}{day[4:]}"


def _text(minor: Minor) -> str:
    return f"{minor[0]}.{minor[1]}"
