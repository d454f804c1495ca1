"""The tables that ``reprobuild catalog refresh`` wrote into the user's cache, and which of them are in force.

A refreshed table is a whole packaged table with what a registry or an index told added to it. It is read in place of
the packaged one when it is not older and was made from exactly that one: after an upgrade of reprobuild the packaged
tables may know more, so the refreshed ones rest until the next refresh takes their rows over.

Each table lies under a name with its content's digest, and one index, which is written last, says which files belong
together. So a reader never sees half of a refresh.
"""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from reprobuild.catalog.tables import Fields, Table, parse_table
from reprobuild.errors import CatalogError

if TYPE_CHECKING:  # its package takes longer to import than a table takes to read
    from importlib.resources.abc import Traversable

INDEX = "refreshed.csv"
INDEX_COLUMNS = ("name", "file", "rows", "as_of", "basis")
_WAY_OUT = "'reprobuild catalog refresh' writes it again; --catalog packaged does without it"


class RefreshedTable(Fields, frozen=True, kw_only=True):
    """One line of the index."""

    name: str
    file: str
    rows: int
    as_of: str
    basis: str
    """Digest of the packaged table that it extends."""


class RefreshedTables:
    """The refreshed tables of one folder, beside the packaged ones that they extend."""

    def __init__(self, packaged: Traversable, folder: Path, entries: dict[str, RefreshedTable]) -> None:
        self._packaged = packaged
        self.folder = folder
        self.entries = entries

    @classmethod
    def of(cls, packaged: Traversable, folder: Path | None = None) -> RefreshedTables | None:
        """What the index of ``folder`` lists, the user's own by default. None without an index. Raises CatalogError."""
        folder = user_folder() if folder is None else folder
        try:
            text = (folder / INDEX).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise CatalogError(f"{folder / INDEX}: {_reason(error)}", hint=_WAY_OUT) from error
        return cls(packaged, folder, _entries(text, folder))

    @functools.cached_property
    def in_force(self) -> dict[str, RefreshedTable]:
        """The tables to read in place of the packaged ones, by name."""
        return {name: entry for name, entry in self.entries.items() if self._extends_packaged(entry)}

    @property
    def superseded(self) -> tuple[str, ...]:
        """Names of the tables that rest, because reprobuild brings another table than they were made from."""
        return tuple(name for name in self.entries if name not in self.in_force)

    def table(self, name: str) -> Table:
        """One refreshed table, in force or not. Raises CatalogError when it is not what was written."""
        path = self.folder / self.entries[name].file
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CatalogError(f"{path}: {_reason(error)}", hint=_WAY_OUT) from error
        if file_name(name, content) != path.name:
            raise CatalogError(f"{path}: the file is not as it was written", hint=_WAY_OUT)
        return parse_table(name, content.decode("utf-8"))

    def _extends_packaged(self, entry: RefreshedTable) -> bool:
        path = self._packaged.joinpath(f"{entry.name}.csv")
        if not path.is_file():
            return False
        content = path.read_bytes()
        return digest_of(content) == entry.basis and entry.as_of >= parse_table(entry.name, _top(content)).header.as_of


def user_folder() -> Path:
    """Where refreshed tables are kept on this system, such as ``~/.cache/reprobuild/catalog``."""
    import platformdirs

    return platformdirs.user_cache_path("reprobuild", appauthor=False) / "catalog"


def digest_of(content: bytes) -> str:
    """``sha256:<hex>`` of a table's file."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def file_name(name: str, content: bytes) -> str:
    """The name under which a refreshed table is kept: ``cuda_images-0123456789abcdef.csv``."""
    return f"{name}-{hashlib.sha256(content).hexdigest()[:16]}.csv"


def _entries(text: str, folder: Path) -> dict[str, RefreshedTable]:
    try:
        table = parse_table("refreshed", text)
        if table.columns != INDEX_COLUMNS:
            raise ValueError(f"its columns are not {', '.join(INDEX_COLUMNS)}")
        entries = [
            RefreshedTable(
                name=row["name"],
                file=Path(row["file"]).name,
                rows=int(row["rows"]),
                as_of=row["as_of"],
                basis=row["basis"],
            )
            for row in table.rows
        ]
    except (CatalogError, ValueError) as error:
        raise CatalogError(f"{folder / INDEX}: {error}", hint=_WAY_OUT) from error
    return {entry.name: entry for entry in entries}


def _top(content: bytes) -> str:
    """The comment lines of a table's file."""
    lines = content.decode("utf-8").split("\n", 20)[:20]
    return "\n".join(line for line in lines if line.startswith("#"))


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return (error.strerror or str(error)) if isinstance(error, OSError) else str(error)
