"""Plan to files: a build context that works with a plain ``docker build``, byte for byte the same every time."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from reprobuild.errors import PlanError
from reprobuild.plan import Plan
from reprobuild.render.checkout import PATCH
from reprobuild.render.conda import conda_file, conda_file_path
from reprobuild.render.folder import write_recipe
from reprobuild.render.recipe import PYTORCH_INDEX, Recipe, RecipeDefaults
from reprobuild.render.requirements import build_constraint_file, build_requires_file, requirement_file
from reprobuild.render.templates import fill_dockerfile, shipped_text
from reprobuild.render.view import (
    build_requires_of,
    build_requires_path,
    constraint_path,
    requirement_path,
    view_of,
)
from reprobuild.snapshot import Snapshot

__all__ = ["PYTORCH_INDEX", "Recipe", "RecipeDefaults", "render", "write_recipe"]

_NO_DEFAULTS = RecipeDefaults()


def render(
    plan: Plan, snapshot: Snapshot, *, overrides: Path | None = None, network: RecipeDefaults = _NO_DEFAULTS
) -> Recipe:
    """Write the recipe of ``plan``, which was made from ``snapshot``.

    ``overrides`` is a folder of the user's templates, ``network`` sets defaults of build arguments. Raises
    PlanError when the plan belongs to another record or holds text that can't be made safe, UsageError for
    a broken template or default.
    """
    if plan.snapshot_digest != snapshot.digest:
        raise PlanError("the plan was made from another record", hint="plan again from the record as it is now")
    files = {
        "Dockerfile": fill_dockerfile(view_of(plan, network), overrides).encode("utf-8"),
        ".dockerignore": shipped_text("dockerignore.txt"),
        "certificates/README.txt": shipped_text("certificates/README.txt"),
        "certificates/trust.sh": shipped_text("certificates/trust.sh"),
        "environment.json": snapshot.to_json().encode("ascii"),
        "plan.json": _plan_file(plan),
    }
    if plan.checkout is not None and plan.checkout.changed:
        files[PATCH] = _patch(snapshot)
        files[".dockerignore"] += b"!source\n"
    if plan.conda is not None:
        files[conda_file_path(plan.conda)] = conda_file(plan.conda)
    for number, group in enumerate(plan.groups, start=1):
        files[requirement_path(number, group)] = requirement_file(group)
        if group.build_constraints:
            files[constraint_path(number, group)] = build_constraint_file(group)
        if lines := build_requires_of(number, plan):
            files[build_requires_path(number, group)] = build_requires_file(group, lines)
    return Recipe(files=files)


def _patch(snapshot: Snapshot) -> bytes:
    """The recorded changes as git takes them. Nothing of them stands in the Dockerfile."""
    diff = (snapshot.source.diff if snapshot.source else None) or ""
    return (diff if diff.endswith("\n") else f"{diff}\n").encode("utf-8", "replace")


def _plan_file(plan: Plan) -> bytes:
    """plan.json, indented by two, ASCII. A plan holds no numbers but whole ones, so msgspec writes the same text."""
    text = msgspec.json.format(msgspec.json.encode(plan.to_json_object()), indent=2)
    if text.isascii() and b"\x7f" not in text:
        return text + b"\n"
    return (json.dumps(plan.to_json_object(), indent=2, ensure_ascii=True) + "\n").encode("ascii")
