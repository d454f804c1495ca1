"""What conda's packages are called on the package index: names that differ, names that stand for one project on both.

Sources: the mapping that the recipes of conda-forge give (as conda-pypi ships it), recipes, general knowledge. A name
that stands in neither table may be another project's on the index, or nobody's, which anybody can claim.
"""

from __future__ import annotations

from typing import Literal

from reprobuild.catalog.tables import Fields, Table, canonical, covers, known


class CondaName(Fields, frozen=True, kw_only=True):
    """A package of conda's that the index has under another name, or has not."""

    name: str
    versions: str
    """A specifier; empty for every version."""
    kind: Literal["renamed", "namespace", "program", "platform-only"]
    """namespace: an empty package; program: nothing that Python imports."""
    project: str | None = None
    """The project of the index, where it is renamed."""
    certainty: str
    reason: str | None = None

    def concerns(self, version: str | None) -> bool:
        """Whether the row speaks of this version; a row for some versions only does not speak of an unknown one."""
        return covers(self.versions, version, unknown=False)


class CondaNames:
    """Look-ups over conda's names."""

    def __init__(self, differing: Table, shared: Table) -> None:
        self.header = differing.header
        self._rows: dict[str, list[CondaName]] = {}
        for row in map(_row, differing.rows):
            self._rows.setdefault(row.name, []).append(row)
        self._shared = frozenset(row["name"] for row in shared.rows)

    def name(self, name: str, version: str | None = None) -> CondaName | None:
        """What is known of a conda package of this name; None where the index calls it the same, or nobody knows."""
        return next((row for row in self._rows.get(canonical(name), ()) if row.concerns(version)), None)

    def is_shared(self, name: str) -> bool:
        """Whether conda's package and the index's project of this name are known to be one."""
        return canonical(name) in self._shared


def _row(row: dict[str, str]) -> CondaName:
    return CondaName(
        name=row["name"],
        versions=row["versions"],
        kind=row["kind"],  # type: ignore[arg-type]  # a test holds the closed set
        project=known(row["project"]),
        certainty=row["certainty"],
        reason=known(row["reason"]),
    )
