"""The generator: tables are sorted, never shrink, and come out of the facts as they are packaged."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[3]
TOOL = ROOT / "tools" / "make_catalog"
FACTS = ROOT.parent / "shared" / "facts"
PACKAGED = ROOT / "src" / "reprobuild" / "catalog" / "data"


@pytest.fixture(scope="module")
def writing() -> ModuleType:
    specification = importlib.util.spec_from_file_location("catalog_writing", TOOL / "writing.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    # Its data classes look their own module up while they are made.
    sys.modules[specification.name] = module
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def specification(writing: ModuleType) -> object:
    made: object = writing.TableSpecification(
        name="t", title="a table", source="here", as_of="2026-01-01", key=("version",), columns=("version", "values")
    )
    return made


def test_rows_are_sorted_by_number_and_cells_are_written_out(writing: ModuleType, specification: object) -> None:
    rows = [
        {"version": "10.0", "values": ["b", "a"]},
        {"version": "9.1", "values": None},
        {"version": "9.2", "values": True},
    ]
    text, count = writing.table_text(specification, rows)
    assert count == 3
    assert text == "# source: here\n# as of: 2026-01-01\nversion,values\n9.1,\n9.2,yes\n10.0,b;a\n"


def test_a_key_that_repeats_is_refused(writing: ModuleType, specification: object) -> None:
    with pytest.raises(ValueError, match="keys that are not unique"):
        writing.table_text(specification, [{"version": "1"}, {"version": "1"}])


def test_an_item_with_the_separator_is_refused(writing: ModuleType, specification: object) -> None:
    with pytest.raises(ValueError, match="semicolon"):
        writing.table_text(specification, [{"version": "1", "values": ["a;b"]}])


def test_a_table_never_shrinks(writing: ModuleType, specification: object, tmp_path: Path) -> None:
    rows = [{"version": "1"}, {"version": "2"}]
    assert writing.write_table(tmp_path, specification, rows).changed
    assert not writing.write_table(tmp_path, specification, rows).changed
    before = (tmp_path / "t.csv").read_bytes()
    with pytest.raises(writing.ShrinkingError, match="from 2 to 1 rows"):
        writing.write_table(tmp_path, specification, rows[:1])
    assert (tmp_path / "t.csv").read_bytes() == before


@pytest.mark.skipif(not FACTS.is_dir(), reason="the collected facts are not beside this checkout")
def test_the_packaged_tables_are_what_the_generator_makes(tmp_path: Path) -> None:
    for attempt in range(2):
        command = [sys.executable, str(TOOL), str(FACTS), "--output", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert ("(changed)" in done.stdout) == (attempt == 0)
    made = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    packaged = {path.name: path.read_bytes() for path in PACKAGED.iterdir() if path.suffix == ".csv"}
    assert made.keys() == packaged.keys()
    assert [name for name in made if made[name] != packaged[name]] == []


def test_a_folder_without_facts_is_an_error(tmp_path: Path) -> None:
    command = [sys.executable, str(TOOL), str(tmp_path), "--output", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stderr.startswith("make_catalog: ")
