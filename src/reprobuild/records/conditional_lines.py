"""Lines of a list that are for some machines or Pythons only, and which of them tell something of the run's own.

pipenv, poetry, pip-compile and uv write one list for many machines, with a marker by PEP 508 behind most of its lines.
Where a line holds on the newest Python that the list is for, and no other line is for the same package, its package was
installed wherever the list was: pipenv and poetry write nothing but the package's own bounds there. Any other line is a
choice between versions, or something that only older Pythons need.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence

from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion

from reprobuild.marker_environment import marker_environment
from reprobuild.records.release_tables import Minor
from reprobuild.snapshot import Distribution

_MINORS: tuple[Minor, ...] = tuple((3, minor) for minor in range(6, 16))
_ALL = frozenset(_MINORS)
_LONGEST_MARKER = 2_000
_MOST_MARKERS = 1_000
"""Different markers that are evaluated for one list; exports have a few dozen."""

_OF_A_PLATFORM = re.compile(r"\b(?:sys_platform|platform_system|platform_machine|os_name|platform_release)\b")


def is_for_some_platforms(item: Distribution) -> bool:
    """Whether its line asks for the platform: that it stands there then tells nothing of the run's own."""
    return item.marker is not None and _OF_A_PLATFORM.search(item.marker[:_LONGEST_MARKER]) is not None


def for_linux(distributions: Sequence[Distribution]) -> tuple[Distribution, ...]:
    """Without the lines that are for other platforms only."""
    if not _can_be_evaluated(distributions):
        return tuple(item for item in distributions if not is_for_some_platforms(item))
    return tuple(item for item in distributions if not is_for_some_platforms(item) or _pythons(item))


def python_range(distributions: Sequence[Distribution]) -> tuple[Minor | None, Minor | None]:
    """The oldest and the newest Python that any line is for; None where a line is for all older or newer ones too."""
    if any(item.marker is None for item in distributions) or not _can_be_evaluated(distributions):
        return None, None
    held = frozenset[Minor]().union(*map(_pythons, distributions))
    if not held:
        return None, None
    oldest, newest = min(held), max(held)
    return (oldest if oldest > _MINORS[0] else None), (newest if newest < _MINORS[-1] else None)


def installed(distributions: Sequence[Distribution], python: Minor | None = None) -> tuple[Distribution, ...]:
    """The lines whose packages were installed on Linux: on ``python`` where it is known, else wherever the list was."""
    if not _can_be_evaluated(distributions):
        return tuple(item for item in distributions if item.marker is None)
    newest = python or python_range(distributions)[1] or _MINORS[-1]
    told: dict[str, list[Distribution]] = {}
    for item in distributions:
        pythons = _pythons(item)
        if pythons if python is None else python in pythons:
            told.setdefault(canonicalize_name(item.name), []).append(item)
    return tuple(
        items[0]
        for items in told.values()
        if newest in _pythons(items[0]) and (len(items) == 1 or all(item.marker is None for item in items))
    )


def _can_be_evaluated(distributions: Sequence[Distribution]) -> bool:
    return len({item.marker for item in distributions}) <= _MOST_MARKERS


def _pythons(item: Distribution) -> frozenset[Minor]:
    return _ALL if item.marker is None else _minors(item.marker)


@functools.lru_cache(maxsize=2 * _MOST_MARKERS)
def _minors(marker: str) -> frozenset[Minor]:
    """The CPythons on which a marker holds on Linux; none for one that can't be understood, which tells nothing."""
    if len(marker) > _LONGEST_MARKER:
        return frozenset()
    try:
        parsed = Marker(marker)
        return frozenset(minor for minor in _MINORS if parsed.evaluate(marker_environment(f"{minor[0]}.{minor[1]}.99")))
    except (InvalidMarker, InvalidVersion, UndefinedComparison, UndefinedEnvironmentName, KeyError, RecursionError):
        return frozenset()
