"""Where refreshed tables are kept: what a refresh starts from, and writing so that nobody reads half of it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from reprobuild.catalog.refreshed import INDEX, INDEX_COLUMNS, RefreshedTable, RefreshedTables, digest_of, file_name
from reprobuild.catalog.tables import Header, Table, packaged_folder, read_table, table_text
from reprobuild.errors import CatalogError
from reprobuild.files import write_atomically
from reprobuild.refresh.merging import Refreshed, rows_by_key

KEPT_S = 24 * 3600.0
"""Seconds for which a table that was replaced stays, for a reader who still holds the older index."""


class Store:
    """The refreshed tables in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[str] = []
        self._stored = self._read_index()

    def table(self, name: str, key: Sequence[str]) -> Table:
        """What the refresh of a table starts from: the packaged one with the rows that earlier refreshes added."""
        packaged = read_table(packaged_folder(), name)
        if self._stored is None or name not in self._stored.entries:
            return packaged
        try:
            own = self._stored.table(name)
        except CatalogError as error:
            self.notes.append(f"begun anew from the packaged {name}: {error}")
            return packaged
        if name in self._stored.in_force:
            return own
        if own.columns != packaged.columns:
            self.notes.append(f"begun anew from the packaged {name}: this release gives it other columns")
            return packaged
        rows = {**rows_by_key(own, key), **rows_by_key(packaged, key)}
        return msgspec.structs.replace(packaged, rows=tuple(rows.values()))

    def write(self, refreshed: Mapping[str, Refreshed]) -> None:
        """Write tables, then the index that puts them in force. Raises CatalogError and leaves the old state."""
        # Read again: another refresh, of other tables, may have ended meanwhile.
        stored = self._read_index()
        entries = dict(stored.entries) if stored is not None else {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for name, each in refreshed.items():
                content = table_text(each.table, each.key).encode("utf-8")
                entry = _entry(each.table, content)
                write_atomically(self.folder / entry.file, content)
                entries[name] = entry
            write_atomically(self.folder / INDEX, table_text(_index(entries), ("name",)))
        except OSError as error:
            raise CatalogError(
                f"{self.folder}: the tables can't be written: {error.strerror or error}",
                hint="what was there before is untouched; --output FOLDER writes elsewhere",
            ) from error
        self._remove_replaced({entry.file for entry in entries.values()})

    def _read_index(self) -> RefreshedTables | None:
        try:
            return RefreshedTables.of(packaged_folder(), self.folder)
        except CatalogError as error:
            self.notes.append(f"begun anew from the packaged tables: {error}")
            return None

    def _remove_replaced(self, files: set[str]) -> None:
        """Remove tables of earlier refreshes. That one can't be removed, or is gone already, harms nobody."""
        for path in self.folder.glob("*-*.csv"):
            with contextlib.suppress(OSError):
                if path.name not in files and time.time() - path.stat().st_mtime > KEPT_S:
                    path.unlink()


def _entry(table: Table, content: bytes) -> RefreshedTable:
    packaged = packaged_folder().joinpath(f"{table.name}.csv").read_bytes()
    return RefreshedTable(
        name=table.name,
        file=file_name(table.name, content),
        rows=len(table.rows),
        as_of=table.header.as_of,
        basis=digest_of(packaged),
    )


def _index(entries: Mapping[str, RefreshedTable]) -> Table:
    rows = tuple({column: str(getattr(entry, column)) for column in INDEX_COLUMNS} for entry in entries.values())
    header = Header(source="reprobuild catalog refresh", as_of=max(entry.as_of for entry in entries.values()))
    return Table(name="refreshed", header=header, columns=INDEX_COLUMNS, rows=rows)
