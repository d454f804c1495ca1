"""The situations under ``examples/``: which files are golden, and how they are made from the record."""

from __future__ import annotations

from pathlib import Path

from reprobuild import records
from reprobuild.catalog import Catalog
from reprobuild.planner import plan
from reprobuild.render import render

EXAMPLES = Path(__file__).parents[2] / "examples"
SITUATIONS = sorted(path.parent.name for path in EXAMPLES.glob("*/environment.json"))
"""Names of the folders that hold a record."""


def expected_files(situation: str) -> dict[str, str]:
    """The text of every golden file of a situation, as this version makes it from the record beside it."""
    snapshot = records.read(EXAMPLES / situation / "environment.json")
    recipe = render(plan(snapshot, Catalog.packaged()), snapshot)
    return {name: content.decode("utf-8") for name, content in recipe.files.items() if _is_golden(name)}


def files_there(situation: str) -> dict[str, str]:
    """The golden files as they lie in the folder."""
    folder = EXAMPLES / situation
    paths = (path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder).as_posix(): path for path in paths}
    return {name: path.read_text(encoding="utf-8") for name, path in names.items() if _is_golden(name)}


def _is_golden(name: str) -> bool:
    return name in ("Dockerfile", "plan.json") or name.startswith(("requirements/", "conda/"))
