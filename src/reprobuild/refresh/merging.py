"""What is common to every refresh of a table: nothing that is known is lost, and what is written is checked."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from typing import Literal

import msgspec
from packaging.version import InvalidVersion, Version

from reprobuild.catalog.tables import Header, Table
from reprobuild.errors import CatalogError
from reprobuild.refresh.http import without_credentials

Missing = Literal["check", "keep", "remove"]
"""What it means that a source does not list what is known: gone unless that is too much of it; nothing; gone."""

FEW = 20
"""Rows that may always be missing."""
SHARE = 0.2
"""Share of the known rows that may be missing before the listing itself is doubted."""

Row = dict[str, str]
Key = tuple[str, ...]


class Refreshed(msgspec.Struct, frozen=True, kw_only=True):
    """A table with what a source told of it, not yet written, and what a person should know of it."""

    table: Table
    key: tuple[str, ...]
    notes: tuple[str, ...] = ()


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What a refresh does to one table. Rows are named by their keys, joined by blanks."""

    name: str
    rows_before: int
    rows: int
    as_of: str
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    """Rows that are marked as removed now and were not before. They stay in the table."""
    changed: tuple[str, ...] = ()
    """Other rows that say something else than before."""
    notes: tuple[str, ...] = ()


def rows_by_key(table: Table, key: Sequence[str]) -> dict[Key, Row]:
    """Copies of a table's rows by their key."""
    return {tuple(row[column] for column in key): dict(row) for row in table.rows}


def new_row(table: Table, cells: Row) -> Row:
    """A row with every column of the table, empty where ``cells`` does not name it."""
    return {**dict.fromkeys(table.columns, ""), **cells}


def renewed(table: Table, rows: Iterable[Row], source: str, day: date) -> Table:
    """The table with these rows, as of ``day``; its header names ``source`` beside what the table comes from."""
    own = table.header.source.partition("; refreshed from ")[0]
    header = Header(
        source=f"{own}; refreshed from {without_credentials(source)}", as_of=day.isoformat(), notes=table.header.notes
    )
    return Table(name=table.name, header=header, columns=table.columns, rows=tuple(rows))


def change_of(before: Table, after: Refreshed) -> Change:
    """The difference. Raises CatalogError when a row is lost or a cell holds what no cell may."""
    old, new = rows_by_key(before, after.key), rows_by_key(after.table, after.key)
    check_rows(after.table)
    lost = sorted(old.keys() - new.keys())
    if lost:
        raise CatalogError(f"table {before.name!r} would lose {len(lost)} rows, such as {' '.join(lost[0])}")
    differing = [key for key in old if old[key] != new[key]]
    removed = [key for key in differing if new[key].get("presence") == "removed" != old[key]["presence"]]
    return Change(
        name=before.name,
        rows_before=len(old),
        rows=len(new),
        as_of=after.table.header.as_of,
        added=_names(key for key in new if key not in old),
        removed=_names(removed),
        changed=_names(key for key in differing if key not in set(removed)),
        notes=after.notes,
    )


def check_missing(missing: Collection[object], known: int, mode: Missing, place: str) -> None:
    """Doubt a listing that lacks too much of what is known. Raises CatalogError with the ways out."""
    if mode != "check" or len(missing) <= max(FEW, SHARE * known):
        return
    example = min(" ".join(each) if isinstance(each, tuple) else str(each) for each in missing)
    raise CatalogError(
        f"{place} lacks {len(missing):,} of {known:,} known entries, such as {example}: the listing is doubted",
        hint="--missing keep takes only what is new, for a mirror that holds a part; --missing remove believes it",
    )


def check_rows(table: Table) -> None:
    """What holds for every table: plain cells, versions, digests and hashes that are ones. Raises CatalogError."""
    for row in table.rows:
        for column, cell in row.items():
            if cell != cell.strip() or not cell.isprintable() or len(cell) > 450:
                raise CatalogError(f"table {table.name!r}: {column} of a row would be {cell[:60]!a}")
            pattern = _FORMS.get(column)
            if cell and pattern is not None and not pattern.fullmatch(cell):
                raise CatalogError(f"table {table.name!r}: {cell[:60]!a} is no {column}")
        for column in ("version", "cuda"):
            if row.get(column):
                _check_version(table.name, row[column])


_FORMS = {
    "sha256": re.compile(r"[0-9a-f]{64}"),
    "digest": re.compile(r"sha256:[0-9a-f]{64}"),
    "tag": re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"),
    "file": re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!-]*"),
    "presence": re.compile(r"present|presumed|presumed-removed|removed"),
    "evidence": re.compile(r"observed|derived|unverified"),
}


def _check_version(name: str, text: str) -> None:
    try:
        Version(text)
    except InvalidVersion as error:
        raise CatalogError(f"table {name!r}: {text[:60]!a} is no version") from error


def _names(keys: Iterable[Key]) -> tuple[str, ...]:
    return tuple(" ".join(part for part in key if part) for key in keys)
