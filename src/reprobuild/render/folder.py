"""A recipe written to a folder: every check before the first write, the Dockerfile last."""

from __future__ import annotations

import json
import re
from pathlib import Path

from reprobuild.errors import UsageError
from reprobuild.files import write_atomically
from reprobuild.render.conda import CONDA_FILES
from reprobuild.render.recipe import Recipe

_OF_A_GROUP = re.compile(r"[0-9]{2,}-[A-Za-z0-9._-]+\.txt")


def write_recipe(recipe: Recipe, folder: Path, *, force: bool = False) -> tuple[Path, ...]:
    """Write all files of the recipe below ``folder``, which is made if need be, and name them.

    A folder that holds an older recipe is brought up to date: its requirement and conda files that the recipe no
    longer has are removed, certificates and everything else stay. Raises UsageError, before anything is written, for a
    folder that holds other things, unless ``force``; OSError when a file can't be written.
    """
    _check_folder(folder, force)
    paths = {name: folder.joinpath(*name.split("/")) for name in recipe.files}
    for path in paths.values():
        if path.is_dir():
            raise UsageError(f"{path}: a folder stands where a file of the recipe belongs")
    for parent in sorted({path.parent for path in paths.values()}):
        parent.mkdir(parents=True, exist_ok=True)
    for name in sorted(paths, key=lambda name: (name == "Dockerfile", name)):
        write_atomically(paths[name], recipe.files[name])
    _remove_stale(folder, set(paths.values()))
    return tuple(paths.values())


def _check_folder(folder: Path, force: bool) -> None:
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder}: this is a file, and the recipe needs a folder")
    if force or not folder.exists() or not any(folder.iterdir()) or _holds_recipe(folder):
        return
    raise UsageError(
        f"{folder}: this folder holds files that are not from reprobuild",
        hint="name an empty or new folder, or write into this one with --force",
    )


def _holds_recipe(folder: Path) -> bool:
    try:
        plan = json.loads((folder / "plan.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(plan, dict) and "snapshot_digest" in plan and (folder / "Dockerfile").is_file()


def _remove_stale(folder: Path, current: set[Path]) -> None:
    groups = [path for path in (folder / "requirements").glob("*.txt") if _OF_A_GROUP.fullmatch(path.name)]
    for path in sorted([*groups, *(folder.joinpath(*name.split("/")) for name in CONDA_FILES)]):
        if path not in current:
            path.unlink(missing_ok=True)
