"""``reprobuild catalog``: what the tables of facts know, where it is from, and of which date."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from reprobuild.cli import catalog_refresh, console
from reprobuild.cli.options import add_catalog_option, add_json_argument, load_catalog
from reprobuild.errors import UsageError

if TYPE_CHECKING:
    from reprobuild.catalog import Catalog
    from reprobuild.catalog.tables import Table

NOT_SEARCHED = ("torch_files",)
"""Tables that only hold hashes: a search in them says nothing that the other tables don't, and takes long."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(action="list", json=False)
    listing = actions.add_parser("list", help="the tables, with their rows and dates (also without any ACTION)")
    add_json_argument(listing)
    add_catalog_option(listing)
    show = actions.add_parser("show", help="the rows of one table")
    show.add_argument("table", metavar="TABLE", help="a name that 'list' prints")
    show.add_argument(
        "-w",
        "--where",
        metavar="COLUMN=TEXT",
        action="append",
        default=[],
        help="only rows with this text in this column; may be repeated",
    )
    add_json_argument(show)
    add_catalog_option(show)
    search = actions.add_parser("search", help="rows of any table that hold some words")
    search.add_argument(
        "words",
        metavar="WORD",
        nargs="+",
        help="all of them stand in one row, without regard to case; the first one may name a table",
    )
    add_json_argument(search)
    add_catalog_option(search)
    refreshing = actions.add_parser(
        "refresh",
        help="bring the tables up to date from registries and indexes",
        description="Bring the tables of images, torch's wheels and CPython's builds up to date.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    catalog_refresh.configure(refreshing)


def run(arguments: argparse.Namespace) -> int:
    """Print what is asked for. Raises UsageError for a table or column that is not there, CatalogError."""
    if arguments.action == "refresh":
        return catalog_refresh.run(arguments)
    catalog = load_catalog(arguments)
    match arguments.action:
        case "list":
            _list(catalog, arguments.json)
        case "show":
            _show(catalog, arguments.table, arguments.where, arguments.json)
        case _:
            _search(catalog, arguments.words, arguments.json)
    return 0


def _list(catalog: Catalog, as_json: bool) -> None:
    if as_json:
        tables = [
            {
                "name": each.name,
                "title": each.title,
                "rows": each.rows,
                "as_of": each.as_of,
                "key": list(each.key),
                "refreshed": each.refreshed,
            }
            for each in catalog.tables
        ]
        console.write_json({"schema_version": 1, "date": catalog.date, "tables": tables})
        return
    rows = [
        (each.name, str(each.rows), each.as_of, "refreshed" if each.refreshed else "packaged", each.title)
        for each in catalog.tables
    ]
    console.write_result(aligned(("table", "rows", "as of", "from", "what it holds"), rows))
    if catalog.superseded:
        console.warn(
            f"not read, for this release brings other tables than they extend: {', '.join(catalog.superseded)}",
            hint="'reprobuild catalog refresh' takes their rows over",
        )


def _show(catalog: Catalog, name: str, conditions: Sequence[str], as_json: bool) -> None:
    table = _table(catalog, name)
    rows = _where(table, conditions)
    if as_json:
        console.write_json(_as_object(table, rows))
        return
    header = table.header
    lines = [f"source: {header.source}", f"as of: {header.as_of}", *(f"note: {note}" for note in header.notes), ""]
    console.write_result("\n".join(lines) + aligned(_filled(table, rows), _cells(table, rows)))


def _search(catalog: Catalog, words: Sequence[str], as_json: bool) -> None:
    text = " ".join(words)
    if not text.strip():
        raise UsageError("there is nothing to search for", hint="name a package, a tag, a version or a part of one")
    names = [entry.name for entry in catalog.tables if entry.name not in NOT_SEARCHED]
    if len(words) > 1 and words[0] in {entry.name for entry in catalog.tables}:
        names, words = [words[0]], words[1:]
    tables_of = (catalog.table(name) for name in names)
    found = [(table, rows) for table in tables_of if (rows := _holding(table, words))]
    if as_json:
        tables = [_as_object(table, rows) for table, rows in found]
        console.write_json({"schema_version": 1, "date": catalog.date, "text": text, "tables": tables})
        return
    blocks = [
        f"{table.name} (as of {table.header.as_of})\n{aligned(_filled(table, rows), _cells(table, rows))}"
        for table, rows in found
    ]
    console.write_result("\n".join(blocks) if blocks else f"no table holds {text!r}")


def _table(catalog: Catalog, name: str) -> Table:
    names = [entry.name for entry in catalog.tables]
    if name not in names:
        close = [each for each in names if name and name in each] or difflib.get_close_matches(name, names, n=1)
        hint = f"did you mean {close[0]}?" if close else "'reprobuild catalog list' lists the tables"
        raise UsageError(f"there is no table {name!r}", hint=hint)
    return catalog.table(name)


def _where(table: Table, conditions: Sequence[str]) -> list[dict[str, str]]:
    rows = list(table.rows)
    for condition in conditions:
        column, separator, text = condition.partition("=")
        if not separator or column not in table.columns:
            raise UsageError(
                f"--where {condition!r} does not name a column of {table.name}",
                hint=f"write COLUMN=TEXT with one of: {', '.join(table.columns)}",
            )
        rows = [row for row in rows if text == row[column] or text in row[column].split(";")]
    return rows


def _holding(table: Table, words: Sequence[str]) -> list[dict[str, str]]:
    wanted = [word.casefold() for word in words]
    return [row for row in table.rows if all(any(word in cell.casefold() for cell in row.values()) for word in wanted)]


def _as_object(table: Table, rows: Sequence[dict[str, str]]) -> dict[str, Any]:
    header = table.header
    return {
        "schema_version": 1,
        "name": table.name,
        "source": header.source,
        "as_of": header.as_of,
        "notes": list(header.notes),
        "rows": list(rows),
    }


def _filled(table: Table, rows: Sequence[dict[str, str]]) -> tuple[str, ...]:
    """The columns in which any of the rows says something; all of them when there are no rows."""
    return tuple(name for name in table.columns if not rows or any(row[name] for row in rows))


def _cells(table: Table, rows: Sequence[dict[str, str]]) -> list[tuple[str, ...]]:
    return [tuple(row[name] for name in _filled(table, rows)) for row in rows]


def aligned(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A text table: columns padded to their widest cell, two blanks between them, a line feed at the end."""
    lines = [tuple(titles), *(tuple(row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(titles))]
    padded = ("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)
    return "\n".join(line.rstrip() for line in padded) + "\n"
