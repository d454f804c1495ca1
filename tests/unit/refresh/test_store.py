"""Where refreshed tables are kept: what is in force, what rests, and that a broken write leaves the old state."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path

import msgspec
import pytest

from reprobuild.catalog import Catalog
from reprobuild.catalog.refreshed import INDEX, RefreshedTables
from reprobuild.catalog.tables import Table, packaged_folder
from reprobuild.errors import CatalogError
from reprobuild.refresh.merging import Refreshed, change_of, new_row, renewed
from reprobuild.refresh.store import Store

DAY = date(2027, 1, 2)
PACKAGED = Catalog.packaged()
TABLE = PACKAGED.table("tool_images")
KEY = ("image", "version")


def extended(version: str, table: Table = TABLE, day: date = DAY) -> Refreshed:
    """The table with one more row."""
    row = new_row(table, {"image": "example/tool", "version": version})
    return Refreshed(table=renewed(table, (*table.rows, row), "https://registry.test/x", day), key=KEY)


def versions(catalog: Catalog) -> tuple[str, ...]:
    return catalog.uv_images.versions("example/tool")


def test_without_a_refresh_the_catalog_is_the_packaged_one(tmp_path: Path) -> None:
    assert Catalog.load(tmp_path) is Catalog.packaged()
    assert Catalog.load(tmp_path / "nothing") is Catalog.packaged()


def test_a_refreshed_table_is_read_and_dates_the_catalog(tmp_path: Path) -> None:
    Store(tmp_path).write({"tool_images": extended("1.0")})
    catalog = Catalog.load(tmp_path)
    assert versions(catalog) == ("1.0",) and versions(PACKAGED) == ()
    assert (catalog.date, PACKAGED.date) == ("2027-01-02", "2026-11-23")
    entry = next(each for each in catalog.tables if each.name == "tool_images")
    assert (entry.rows, entry.as_of, entry.refreshed) == (len(TABLE.rows) + 1, "2027-01-02", True)
    assert [each.name for each in catalog.tables if each.refreshed] == ["tool_images"]
    assert "refreshed from https://registry.test/x" in catalog.table("tool_images").header.source
    assert catalog.table("gpus") == PACKAGED.table("gpus")


def test_the_users_own_folder_is_where_it_looks_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path)
    Store(tmp_path / "catalog").write({"tool_images": extended("1.0")})
    assert versions(Catalog.load()) == ("1.0",)


def test_a_second_refresh_goes_on_from_the_first(tmp_path: Path) -> None:
    Store(tmp_path).write({"tool_images": extended("1.0")})
    again = Store(tmp_path)
    again.write({"tool_images": extended("1.1", again.table("tool_images", KEY))})
    assert versions(Catalog.load(tmp_path)) == ("1.1", "1.0")
    assert Catalog.load(tmp_path).table("tool_images").header.source.count("refreshed from") == 1


def other_release(folder: Path, monkeypatch: pytest.MonkeyPatch, change: tuple[str, str]) -> None:
    """Let the packaged tables be those of another release of reprobuild, whose table of tools differs."""
    folder.mkdir()
    for path in Path(str(packaged_folder())).glob("*.csv"):
        text = path.read_text(encoding="utf-8")
        (folder / path.name).write_text(text.replace(*change) if path.stem == "tool_images" else text, encoding="utf-8")
    for module in ("reprobuild.catalog.catalog", "reprobuild.refresh.store"):
        monkeypatch.setattr(f"{module}.packaged_folder", lambda: folder)


def test_after_an_upgrade_the_table_rests_and_the_next_refresh_takes_its_rows_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(tmp_path / "own").write({"tool_images": extended("1.0")})
    other_release(tmp_path / "new", monkeypatch, ("0.13.0,,", "0.13.0,2026-09-28,"))
    catalog = Catalog.load(tmp_path / "own")
    assert versions(catalog) == () and catalog.superseded == ("tool_images",)
    assert catalog.date == "2026-11-23"
    store = Store(tmp_path / "own")
    table = store.table("tool_images", KEY)
    newer = next(row for row in table.rows if row["version"] == "0.13.0")
    assert newer["date"] == "2026-09-28" and len(table.rows) == len(TABLE.rows) + 1
    store.write({"tool_images": extended("1.1", table)})
    assert versions(Catalog.load(tmp_path / "own")) == ("1.1", "1.0")


def test_a_table_with_other_columns_after_an_upgrade_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store(tmp_path / "own").write({"tool_images": extended("1.0")})
    other_release(tmp_path / "new", monkeypatch, ("digest,certainty", "digest,sureness"))
    store = Store(tmp_path / "own")
    assert len(store.table("tool_images", KEY).rows) == len(TABLE.rows)
    assert store.notes == ["begun anew from the packaged tool_images: this release gives it other columns"]


def test_a_table_that_is_older_than_the_packaged_one_is_not_read(tmp_path: Path) -> None:
    Store(tmp_path).write({"tool_images": extended("1.0", day=date(2026, 11, 22))})
    assert versions(Catalog.load(tmp_path)) == ()


@pytest.mark.parametrize("content", [None, b"", b"# source: x\n# as of: 2027-01-02\na,b\n1,2\n"])
def test_a_table_that_was_changed_is_an_error_with_a_way_out_and_a_refresh_begins_anew(
    content: bytes | None, tmp_path: Path
) -> None:
    Store(tmp_path).write({"tool_images": extended("1.0")})
    path = next(tmp_path.glob("tool_images-*.csv"))
    path.unlink() if content is None else path.write_bytes(content)
    with pytest.raises(CatalogError) as caught:
        Catalog.load(tmp_path).table("tool_images")
    assert str(path) in str(caught.value)
    assert caught.value.hint is not None and "--catalog packaged" in caught.value.hint
    store = Store(tmp_path)
    assert store.table("tool_images", KEY) == TABLE
    assert len(store.notes) == 1 and "begun anew" in store.notes[0]


TOP = "# source: x\n# as of: 2027-01-02\n"


@pytest.mark.parametrize(
    "text", ["", "nothing", f"{TOP}a,b\n", f"{TOP}name,file,rows,as_of,basis\nx,y,many,2027-01-02,z\n"]
)
def test_an_index_that_was_changed_is_an_error_and_a_refresh_begins_anew(text: str, tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text(text)
    with pytest.raises(CatalogError, match=r"refreshed\.csv"):
        Catalog.load(tmp_path)
    store = Store(tmp_path)
    assert "begun anew" in store.notes[0]
    store.write({"tool_images": extended("1.0")})
    assert versions(Catalog.load(tmp_path)) == ("1.0",)


def test_an_index_can_name_no_file_elsewhere(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text(
        "# source: x\n# as of: 2027-01-02\nname,file,rows,as_of,basis\ntool_images,../../etc/passwd,1,2027-01-02,x\n"
    )
    refreshed = RefreshedTables.of(packaged_folder(), tmp_path)
    assert refreshed is not None and refreshed.entries["tool_images"].file == "passwd"


def test_tables_of_earlier_refreshes_are_removed_a_day_later(tmp_path: Path) -> None:
    Store(tmp_path).write({"tool_images": extended("1.0")})
    old = next(tmp_path.glob("tool_images-*.csv"))
    Store(tmp_path).write({"tool_images": extended("1.1")})
    assert old.exists()
    os.utime(old, (time.time() - 90_000,) * 2)
    Store(tmp_path).write({"tool_images": extended("1.2")})
    assert not old.exists() and len(list(tmp_path.glob("tool_images-*.csv"))) == 2


def test_two_refreshes_of_different_tables_keep_each_others(tmp_path: Path) -> None:
    first, second = Store(tmp_path), Store(tmp_path)
    first.write({"tool_images": extended("1.0")})
    gpus = PACKAGED.table("gpus")
    second.write({"gpus": Refreshed(table=renewed(gpus, gpus.rows, "https://x.test", DAY), key=("name",))})
    assert {each.name for each in Catalog.load(tmp_path).tables if each.refreshed} == {"gpus", "tool_images"}


def test_a_reader_never_meets_half_a_refresh(tmp_path: Path) -> None:
    Store(tmp_path).write({"tool_images": extended("1.0")})
    writers = [threading.Thread(target=_write_often, args=(tmp_path, number)) for number in range(3)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert len(versions(Catalog.load(tmp_path))) == 1
    assert len(versions(Catalog.load(tmp_path))) == 1


def _write_often(folder: Path, number: int) -> None:
    for minor in range(10):
        Store(folder).write({"tool_images": extended(f"{number}.{minor}")})


FULL = """
import resource, sys
from pathlib import Path
from tests.unit.refresh.test_store import extended
from reprobuild.errors import CatalogError
from reprobuild.refresh.store import Store
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    Store(Path(sys.argv[1])).write({"tool_images": extended("2.0")})
except CatalogError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="the limit on a file's size is Unix's")
def test_a_write_that_fails_leaves_the_old_tables_in_force(tmp_path: Path) -> None:
    """The kernel refuses to write more than 1000 bytes, as it refuses on a full disk."""
    Store(tmp_path).write({"tool_images": extended("1.0")})
    before = sorted(path.name for path in tmp_path.iterdir())
    command = [sys.executable, "-c", FULL, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3])
    assert done.stdout == f"{tmp_path}: the tables can't be written: File too large\n", done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == before
    assert versions(Catalog.load(tmp_path)) == ("1.0",)


def test_no_refresh_loses_a_row_or_writes_what_no_cell_may_hold() -> None:
    fewer = msgspec.structs.replace(TABLE, rows=TABLE.rows[1:])
    with pytest.raises(CatalogError, match="would lose 1 rows, such as ghcr"):
        change_of(TABLE, Refreshed(table=fewer, key=KEY))
    for cells, words in (
        ({"version": "1.0", "image": "a\nb"}, "image of a row would be"),
        ({"version": "not a version"}, "is no version"),
        ({"version": "1.0", "digest": "sha256:12"}, "is no digest"),
    ):
        row = new_row(TABLE, {"image": "x", **cells})
        with pytest.raises(CatalogError, match=words):
            change_of(TABLE, Refreshed(table=msgspec.structs.replace(TABLE, rows=(*TABLE.rows, row)), key=KEY))
