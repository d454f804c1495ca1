"""A recipe in a folder: nothing of anybody else is overwritten, nothing old stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.unit import plans

from reprobuild.errors import UsageError
from reprobuild.render import Recipe, render, write_recipe


def recipe(**changes: Any) -> Recipe:
    """The recipe of the usual plan with these changes."""
    return render(plans.plan(**changes), plans.SNAPSHOT)


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_new_folder_holds_exactly_the_recipe(tmp_path: Path) -> None:
    written = write_recipe(recipe(), tmp_path / "a" / "b")
    assert content(tmp_path / "a" / "b") == recipe().files
    assert sorted(written) == sorted(path for path in (tmp_path / "a" / "b").rglob("*") if path.is_file())


def test_an_older_recipe_is_brought_up_to_date(tmp_path: Path) -> None:
    write_recipe(recipe(), tmp_path)
    (tmp_path / "certificates" / "company.crt").write_text("mine")
    (tmp_path / "requirements" / "notes.txt").write_text("mine")
    newer = recipe(groups=(plans.group(),))
    write_recipe(newer, tmp_path)
    kept = {"certificates/company.crt": b"mine", "requirements/notes.txt": b"mine"}
    assert content(tmp_path) == newer.files | kept


def test_a_foreign_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    with pytest.raises(UsageError, match="holds files that are not from reprobuild") as caught:
        write_recipe(recipe(), tmp_path)
    assert caught.value.hint is not None and "--force" in caught.value.hint
    assert content(tmp_path) == {"Dockerfile": b"FROM scratch\n"}
    write_recipe(recipe(), tmp_path, force=True)
    assert content(tmp_path) == recipe().files


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("x")
    with pytest.raises(UsageError, match="this is a file, and the recipe needs a folder"):
        write_recipe(recipe(), tmp_path / "out", force=True)


def test_a_folder_in_a_file_s_place_stops_everything(tmp_path: Path) -> None:
    (tmp_path / "plan.json").mkdir()
    with pytest.raises(UsageError, match=r"plan\.json: a folder stands where a file"):
        write_recipe(recipe(), tmp_path, force=True)
    assert content(tmp_path) == {}
