"""Writing a table of the catalog: sorted, unique, one row a line, never smaller than it was."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

Cell = str | bool | int | None | Sequence[str] | Mapping[str, str]
Row = Mapping[str, Cell]


class ShrinkingError(Exception):
    """The new table would have fewer rows than the one in place."""


@dataclass(frozen=True, kw_only=True)
class TableSpecification:
    """What a table is called, what its key is, where it comes from."""

    name: str
    title: str
    """One short line for a list of tables."""
    source: str
    as_of: str
    key: tuple[str, ...]
    columns: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Written:
    """A table that was produced, for the list of tables."""

    specification: TableSpecification
    rows: int
    changed: bool


def natural(text: str) -> tuple[tuple[int, str], ...]:
    """A sort key that counts digits as numbers: 9.1 before 10.0."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text) if part)


def cell(value: Cell) -> str:
    """The text of one cell: lists with ``;``, mappings as ``key=value``, nothing for None, one line in any case."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case str() | int():
            return re.sub(r"\s+", " ", str(value)).strip()
        case Mapping():
            return ";".join(f"{key}={item}" for key, item in value.items())
    for item in value:
        if ";" in item:
            raise ValueError(f"a list's item holds a semicolon: {item!r}")
    return ";".join(value)


def table_text(specification: TableSpecification, rows: Iterable[Row]) -> tuple[str, int]:
    """The file's text and its number of rows. Raises ValueError when two rows share a key."""
    texts = [[cell(row.get(column)) for column in specification.columns] for row in rows]
    places = [specification.columns.index(column) for column in specification.key]
    texts.sort(key=lambda row: [natural(row[place]) for place in places])
    keys = [tuple(row[place] for place in places) for row in texts]
    repeated = {key for key, following in itertools.pairwise(keys) if key == following}
    if repeated:
        raise ValueError(f"table {specification.name}: keys that are not unique: {sorted(repeated)[:5]}")
    stream = io.StringIO()
    stream.write(f"# source: {specification.source}\n# as of: {specification.as_of}\n")
    stream.writelines(f"# note: {note}\n" for note in specification.notes)
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(specification.columns)
    writer.writerows(texts)
    return stream.getvalue(), len(texts)


def write_table(folder: Path, specification: TableSpecification, rows: Iterable[Row]) -> Written:
    """Write one table. Raises ShrinkingError, and leaves the old file, when it has more rows than the new one."""
    text, count = table_text(specification, rows)
    path = folder / f"{specification.name}.csv"
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    before = count_rows(old)
    if count < before:
        raise ShrinkingError(f"table {specification.name} would shrink from {before} to {count} rows")
    if text != old:
        temporary = path.with_suffix(".tmp")
        temporary.write_text(text, encoding="utf-8", newline="\n")
        temporary.replace(path)
    return Written(specification, count, text != old)


def count_rows(text: str) -> int:
    """The number of rows below the header and the line of column names."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return max(0, len(list(csv.reader(lines))) - 1)
