"""``reprobuild dockerfile``: the recipe on standard output, or the whole build context in a folder."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from reprobuild.cli import console, options

if TYPE_CHECKING:
    from reprobuild.plan import Plan
    from reprobuild.render import Recipe
    from reprobuild.snapshot import Snapshot

_EXAMPLES = """\
examples:
  reprobuild dockerfile environment/environment.json
  reprobuild dockerfile environment/environment.json -o rebuilt/ && docker build -t rebuilt rebuilt/
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = _EXAMPLES
    options.add_record_argument(parser)
    parser.add_argument("-o", "--output", metavar="DIR", type=Path, help="write the whole build context into DIR")
    parser.add_argument("--force", action="store_true", help="write into DIR even if it holds other files")
    options.add_json_argument(parser)
    options.add_template_option(parser)
    options.add_plan_options(parser)
    options.add_network_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Plan, render, then print or write."""
    from reprobuild.planner import plan as make_plan
    from reprobuild.render import write_recipe

    snapshot = options.load_snapshot(arguments)
    plan = make_plan(snapshot, options.load_catalog(arguments), options.plan_options(arguments))
    recipe = _recipe(arguments, plan, snapshot)
    if arguments.output is not None:
        write_recipe(recipe, arguments.output, force=arguments.force)
    console.warn_all(plan.warnings)
    if arguments.json:
        console.write_json(_as_json(recipe, plan, arguments.output))
    elif arguments.output is None:
        console.write_bytes(recipe.files["Dockerfile"])
    else:
        console.write_result(_written(recipe, plan, arguments.output))
    return 0


def _recipe(arguments: argparse.Namespace, plan: Plan, snapshot: Snapshot) -> Recipe:
    from reprobuild.render import RecipeDefaults, render

    network = options.network_options(arguments)
    options.refuse_credentials(network)
    defaults = RecipeDefaults(index_url=network.index_url, python_downloads=network.python_downloads)
    mirrors = {name: getattr(network, name) for name in ("pytorch_index", "conda_channels", "conda_defaults")}
    defaults = msgspec.structs.replace(defaults, **{name: url for name, url in mirrors.items() if url is not None})
    recipe = render(plan, snapshot, overrides=options.template_folder(arguments), network=defaults)
    if network.ca_certificate is None:
        return recipe
    # Loads OpenSSL, which takes longer than to plan and to render.
    from reprobuild.build.certificates import GIVEN_CERTIFICATES, read_certificates

    certificate = {GIVEN_CERTIFICATES: read_certificates(network.ca_certificate)}
    return msgspec.structs.replace(recipe, files=recipe.files | certificate)


def _as_json(recipe: Recipe, plan: Plan, folder: Path | None) -> dict[str, object]:
    """The result for scripts: every file as text, with the plan's digest and fidelity."""
    return {
        "schema_version": 1,
        "plan_digest": plan.digest,
        "fidelity": str(plan.fidelity),
        "folder": None if folder is None else str(folder),
        "files": {name: content.decode("utf-8") for name, content in recipe.files.items()},
    }


def _written(recipe: Recipe, plan: Plan, folder: Path) -> str:
    names = "".join(f"  {name}\n" for name in sorted(recipe.files))
    command = f"docker build --platform {plan.platform} --tag rebuilt {shlex.quote(str(folder))}"
    return f"{folder}\n{names}build it: {command}\n"
