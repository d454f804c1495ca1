"""What real freezes hold that an index does not: kinds of lines, and names with a fate of their own.

Sources: pip's and conda's behavior, freezes in public repositories, install attempts. The tables say what a line is
and what became the right treatment; whether to follow it is the planner's decision.
"""

from __future__ import annotations

import fnmatch
import functools
import re
from typing import Literal

from reprobuild.catalog.tables import Fields, Table, canonical, covers, known

Treatment = Literal[
    "container",  # built from a commit: torch of a vendor's image, or conda's label of a release of torchvision
    "find-links",  # a page of the project's own holds it
    "ignore",  # no requirement at all
    "keep",  # install as recorded
    "leave out",
    "nightly",  # on a nightly index for weeks, then gone
    "none",  # no public index holds it
    "project",  # code of the run: from source facts or a mount
    "public",  # the public version without its suffix
    "pytorch",  # only on PyTorch's index
    "python<3.2",
    "python<3.4",
    "python<3.5",
    "python<3.7",
    "read",  # a comment that names the next line's distribution
    "refuse",
    "replace",
    "rewrite",  # the same thing in another syntax
    "system",  # the operating system's package manager has it
    "version",  # the path is dead: take the version from elsewhere
]

LONGEST = 4096
"""Characters of a line that are looked at: a hostile record must not make the patterns work for minutes."""


class FreezePattern(Fields, frozen=True, kw_only=True):
    """A kind of line, or of version."""

    id: str
    matches: Literal["line", "version"]
    pattern: str
    """A regular expression; its named groups say what is where."""
    treatment: Treatment
    certainty: str
    reason: str


class FreezeMatch(Fields, frozen=True, kw_only=True):
    """A line, or a version, that a pattern recognized, with what its groups found."""

    pattern: FreezePattern
    groups: dict[str, str]


class FreezeName(Fields, frozen=True, kw_only=True):
    """A name, or a glob of names, that needs care."""

    name: str
    versions: str
    """A specifier; empty for every version."""
    kind: str
    """operating-system, platform-only, conda-only, service-only, moved, deleted, yanked, dangerous, backport ..."""
    treatment: Treatment
    replacement: str | None = None
    """The distribution, or the package of the operating system, that stands for it."""
    certainty: str
    reason: str

    def concerns(self, version: str | None) -> bool:
        """Whether the row speaks of this version; a row for some versions only does not speak of an unknown one."""
        return covers(self.versions, version, unknown=False)


class FreezeTraps:
    """Look-ups over the kinds of lines and the names."""

    def __init__(self, patterns: Table, names: Table) -> None:
        self.header = patterns.header
        self.patterns = tuple(_pattern(row) for row in patterns.rows)
        self.names = tuple(_name(row) for row in names.rows)
        self._exact: dict[str, list[FreezeName]] = {}
        self._globs = []
        for row in self.names:
            if "*" in row.name:
                self._globs.append(row)
            else:
                self._exact.setdefault(row.name, []).append(row)
        self._glob = re.compile("|".join(fnmatch.translate(row.name) for row in self._globs) or r"(?!)")

    def line(self, line: str) -> FreezeMatch | None:
        """The first kind of line that this one is; None for an ordinary requirement."""
        return self._first("line", line.strip())

    def version(self, version: str) -> FreezeMatch | None:
        """The kind of build that a version alone betrays: a nightly, a container's, a vendor's."""
        return self._first("version", version.strip())

    def name(self, name: str, version: str | None = None) -> FreezeName | None:
        """What is known of this distribution of a freeze; None when it needs no care."""
        wanted = canonical(name)
        rows = self._exact.get(wanted, [])
        if self._glob.match(wanted):
            rows = [*rows, *(row for row in self._globs if fnmatch.fnmatchcase(wanted, row.name))]
        return next((row for row in rows if row.concerns(version)), None)

    def speaks_of(self, name: str) -> bool:
        """Whether any row is about a distribution of this canonical name, whatever its version."""
        return name in self._exact or self._glob.match(name) is not None

    def is_system_package(self, name: str) -> bool:
        """Whether a distribution of that name usually belongs to the operating system's own Python."""
        return any(row.kind == "operating-system" for row in self._exact.get(canonical(name), ()))

    def _first(self, matches: str, text: str) -> FreezeMatch | None:
        for pattern in self.patterns:
            if pattern.matches != matches:
                continue
            match = _compiled(pattern.pattern).search(text[:LONGEST])
            if match:
                groups = {key: value for key, value in match.groupdict().items() if value is not None}
                return FreezeMatch(pattern=pattern, groups=groups)
        return None


@functools.cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _pattern(row: dict[str, str]) -> FreezePattern:
    return FreezePattern(
        id=row["id"],
        matches=row["matches"],  # type: ignore[arg-type]  # a test holds the closed set
        pattern=row["pattern"],
        treatment=row["treatment"],  # type: ignore[arg-type]  # a test holds the closed set
        certainty=row["certainty"],
        reason=row["reason"],
    )


def _name(row: dict[str, str]) -> FreezeName:
    return FreezeName(
        name=row["name"],
        versions=row["versions"],
        kind=row["kind"],
        treatment=row["treatment"],  # type: ignore[arg-type]  # a test holds the closed set
        replacement=known(row["replacement"]),
        certainty=row["certainty"],
        reason=row["reason"],
    )
