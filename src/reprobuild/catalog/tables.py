"""Reading the catalog's data files: comma-separated tables with a header of comment lines.

A file starts with ``# source: ...`` and ``# as of: YYYY-MM-DD`` lines, then the names of the columns, then one
row a line. A cell that holds a list separates its items with ``;``. An empty cell means that the fact is not known.
"""

from __future__ import annotations

import csv
import functools
import io
import itertools
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import InvalidVersion, Version

from reprobuild.errors import CatalogError

if TYPE_CHECKING:  # its package takes longer to import than a table takes to read
    from importlib.resources.abc import Traversable


class Fields(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of every row of the catalog."""


class Header(Fields, frozen=True, kw_only=True):
    """What the comment lines on top of a table say."""

    source: str
    as_of: str
    """ISO date up to which the table is known to be right."""
    notes: tuple[str, ...] = ()


class Table(Fields, frozen=True, kw_only=True):
    """One data file as it stands on disk: text, not yet typed."""

    name: str
    header: Header
    columns: tuple[str, ...]
    rows: tuple[dict[str, str], ...]


def packaged_folder() -> Traversable:
    """The folder of the tables that this release ships."""
    return Path(__file__).parent / "data"


def read_table(folder: Traversable, name: str) -> Table:
    """The table ``name`` (without suffix) of ``folder``. Raises CatalogError when it is absent or malformed."""
    try:
        text = folder.joinpath(f"{name}.csv").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CatalogError(
            f"the table {name!r} of the catalog can't be read: {error}",
            hint="reinstall reprobuild: its tables are part of the package",
        ) from error
    return parse_table(name, text)


def parse_table(name: str, text: str) -> Table:
    """The table in ``text``. Raises CatalogError, naming the line, when a row has too few or too many cells."""
    lines = text.splitlines()
    length = next((number for number, line in enumerate(lines) if not line.startswith("#")), len(lines))
    reader = csv.reader(lines[length:])
    columns = tuple(next(reader, ()))
    rows = []
    for cells in reader:
        if len(cells) != len(columns):
            raise CatalogError(f"table {name!r}, line {length + reader.line_num}: {len(cells)} cells for {columns}")
        rows.append(dict(zip(columns, cells, strict=True)))
    return Table(name=name, header=_header(name, lines[:length]), columns=columns, rows=tuple(rows))


def table_text(table: Table, key: Sequence[str]) -> str:
    """The file of a table: rows in the order of their key, numbers as numbers. Raises CatalogError for equal keys."""
    rows = sorted(table.rows, key=lambda row: [natural(row[column]) for column in key])
    keys = [tuple(row[column] for column in key) for row in rows]
    twice = next((each for each, following in itertools.pairwise(keys) if each == following), None)
    if twice is not None:
        raise CatalogError(f"table {table.name!r} would hold two rows of {' '.join(twice)}")
    stream = io.StringIO()
    stream.write(f"# source: {table.header.source}\n# as of: {table.header.as_of}\n")
    stream.writelines(f"# note: {note}\n" for note in table.header.notes)
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([row[column] for column in table.columns] for row in rows)
    return stream.getvalue()


def natural(text: str) -> tuple[tuple[int, str], ...]:
    """A sort key that counts digits as numbers: 9.1 before 10.0."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", text) if part)


def _header(name: str, lines: list[str]) -> Header:
    entries: dict[str, list[str]] = {}
    for line in lines:
        key, separator, value = line.removeprefix("#").partition(":")
        if separator:
            entries.setdefault(key.strip(), []).append(value.strip())
    if "source" not in entries or "as of" not in entries:
        raise CatalogError(f"table {name!r} has no '# source:' and '# as of:' lines")
    return Header(source=entries["source"][0], as_of=entries["as of"][0], notes=tuple(entries.get("note", ())))


def items(cell: str) -> tuple[str, ...]:
    """The items of a cell that holds a list."""
    return tuple(cell.split(";")) if cell else ()


def known(cell: str) -> str | None:
    """The cell's text, None when it is empty."""
    return cell or None


def pairs(cell: str) -> dict[str, str]:
    """The mapping in a cell of ``key=value`` items."""
    return dict(item.split("=", 1) for item in items(cell))


def version_of(text: str) -> Version | None:
    """``text`` as a version, None when it is none."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def version_order(text: str) -> Version:
    """A sort key for text that should be a version; what is none comes first."""
    return version_of(text) or Version("0.dev0")


def newest_first(versions: Iterable[str]) -> list[str]:
    """Distinct versions, the highest first."""
    return sorted(set(versions), key=version_order, reverse=True)


@functools.lru_cache(maxsize=8192)
def canonical(name: str) -> str:
    """A distribution's name in its normal form: lower case, runs of ``-_.`` as one hyphen."""
    return re.sub(r"[-_.]+", "-", name).lower()


def covers(versions: str, version: str | None, *, unknown: bool) -> bool:
    """Whether a cell of versions, empty for every one, speaks of ``version``.

    ``unknown`` is the answer for a version that is not known, or is none by PEP 440.
    """
    if not versions:
        return True
    parsed = version_of(version) if version else None
    return unknown if parsed is None else specifier(versions).contains(parsed, prereleases=True)


def within(release: str, prefix: str) -> bool:
    """Whether a dotted version lies under another one: 12.1.1 under 12.1, but 12.10 not under 12.1."""
    return release == prefix or release.startswith(f"{prefix}.")


@functools.cache
def specifier(cell: str) -> SpecifierSet:
    """The versions that a cell of a table speaks of. Cells are few, so that each is read once."""
    return SpecifierSet(cell)
