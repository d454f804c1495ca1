"""``reprobuild build``: plan, render and build, with live progress and a readable failure."""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from reprobuild.cli import console, options

if TYPE_CHECKING:
    from reprobuild.build import BuildFailed, BuildOptions, BuildResult
    from reprobuild.engine import Engine
    from reprobuild.plan import Plan
    from reprobuild.render import Recipe
    from reprobuild.snapshot import Snapshot

_EXAMPLES = """\
examples:
  reprobuild build environment/environment.json -t rebuilt
  reprobuild build environment/ -t registry.example.com/lab/run-17 --push
  reprobuild build environment/ -t rebuilt --ca-certificate company.pem --index-url https://mirror.example.com/simple
"""

_SHOWN_LINES = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the command's options."""
    parser.epilog = _EXAMPLES
    options.add_record_argument(parser)
    options.add_json_argument(parser)
    add_build_options(parser)
    options.add_template_option(parser)
    options.add_plan_options(parser)
    options.add_network_options(parser)


def add_build_options(parser: argparse.ArgumentParser) -> None:
    """What changes the build and neither the plan nor the recipe."""
    group = parser.add_argument_group("options of the build")
    group.add_argument("-t", "--tag", metavar="TAG", help="name of the image: [REGISTRY/]NAME[:VERSION]")
    group.add_argument("--pull", action="store_true", help="ask the registry for a newer base image")
    group.add_argument("--no-cache", action="store_true", help="run every step again")
    group.add_argument("--push", action="store_true", help="push the image when it is built")


def run(arguments: argparse.Namespace) -> int:
    """Plan, render, build, and say what came of it."""
    from reprobuild.engine.docker import DockerEngine
    from reprobuild.planner import plan as make_plan

    snapshot = options.load_snapshot(arguments)
    plan = make_plan(snapshot, options.load_catalog(arguments), options.plan_options(arguments))
    build_options = options_of_build(arguments, plan)
    console.warn_all(plan.warnings)
    recipe = recipe_of(arguments, plan, snapshot)
    result = build_shown(recipe, DockerEngine.from_environment(), build_options, as_json=arguments.json)
    if arguments.json:
        console.write_json_line(_as_json(result, plan))
    else:
        console.write_result(_as_text(result, [arguments.record, *options.given_plan_options(arguments)]))
    return 0


def options_of_build(arguments: argparse.Namespace, plan: Plan) -> BuildOptions:
    """The build's options, checked. The platform is the plan's, whatever the engine's own is. Raises UsageError."""
    from reprobuild.build import BuildOptions, check_options

    network = options.network_options(arguments)
    build_options = BuildOptions(
        tag=arguments.tag,
        build_arguments=network.build_arguments,
        ca_certificate=network.ca_certificate,
        network=network.network,
        platform=str(plan.platform),
        pull=arguments.pull,
        no_cache=arguments.no_cache,
        push=arguments.push,
    )
    check_options(build_options)
    return build_options


def recipe_of(arguments: argparse.Namespace, plan: Plan, snapshot: Snapshot) -> Recipe:
    """The recipe as anyone would get it: what is local to this network goes in as build arguments, not into it."""
    from reprobuild.render import render

    return render(plan, snapshot, overrides=options.template_folder(arguments))


def build_shown(recipe: Recipe, engine: Engine, build_options: BuildOptions, *, as_json: bool) -> BuildResult:
    """Build with progress on standard error, or with one JSON event a line on standard output.

    Raises what ``reprobuild.build.build`` raises, after showing the end of a failed step's output.
    """
    from reprobuild.build import BuildFailed, build, foreseen, step_descriptions
    from reprobuild.cli.build_progress import JsonProgress, progress_for_person

    console.warn_all(foreseen(build_options))
    descriptions = step_descriptions(recipe.dockerfile)
    progress = JsonProgress() if as_json else progress_for_person(descriptions)
    try:
        with progress:
            return build(recipe, engine, build_options, progress.show)
    except BuildFailed as failed:
        if not as_json and not progress.shows_output:
            _show_end(failed)
        raise


def _show_end(failed: BuildFailed) -> None:
    """The end of what the failed step printed, which a progress line had no room for."""
    if failed.step is not None:
        console.say(f"step {failed.step.number}/{failed.step.total}: {failed.step.instruction}")
    for line in failed.output[-_SHOWN_LINES:]:
        console.say(f"  | {line}")


def _as_json(result: BuildResult, plan: Plan) -> dict[str, object]:
    import msgspec

    return {
        "type": "result",
        "schema_version": 1,
        **msgspec.to_builtins(result),
        "plan_digest": plan.digest,
        "fidelity": str(plan.fidelity),
    }


def _as_text(result: BuildResult, planned: list[str]) -> str:
    """What was built, and the command that proves it: ``planned`` is the record and all that changed its plan."""
    name = result.tag or result.image_id
    size = f", {result.size_bytes / 1e9:.2f} GB" if result.size_bytes else ""
    cached = f", {result.cached_steps} of {result.steps} steps from the cache" if result.cached_steps else ""
    pushed = ", pushed" if result.pushed else ""
    return (
        f"{name}\n"
        f"  {result.image_id}\n"
        f"  {result.platform or 'platform unknown'}{size}{cached}{pushed}\n"
        f"prove it: reprobuild verify {shlex.join([planned[0], name, *planned[1:]])}\n"
    )
