"""``reprobuild rebuild ENV -t TAG``: plan, build and verify in one go."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from reprobuild.cli import build, console, options, verify
from reprobuild.errors import UsageError, VerificationError

if TYPE_CHECKING:
    from reprobuild.build import BuildResult
    from reprobuild.engine import Engine
    from reprobuild.proof import Proof

_EXAMPLES = """\
examples:
  reprobuild rebuild environment/ -t my-run:rebuilt
  reprobuild rebuild environment/ -t registry.example.com/lab/my-run --push -o proof.json
An image that fails its verification stays on the engine under its tag, but is not pushed.
"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments: those of build and of verify."""
    parser.epilog = _EXAMPLES
    options.add_record_argument(parser)
    options.add_json_argument(parser)
    build.add_build_options(parser)
    verify.add_verify_options(parser)
    options.add_template_option(parser)
    options.add_plan_options(parser)
    options.add_network_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Plan, build, verify, and push only what was proved. Exits with 7 when the image is not the environment."""
    import msgspec

    from reprobuild.engine.docker import DockerEngine
    from reprobuild.planner import plan as make_plan
    from reprobuild.verify import verify as prove

    if arguments.tag is None:
        raise UsageError("rebuild needs a name for the image", hint="add --tag NAME, such as --tag my-run:rebuilt")
    chosen = verify.verify_options(arguments)
    snapshot = options.load_snapshot(arguments)
    plan = make_plan(snapshot, options.load_catalog(arguments), options.plan_options(arguments))
    build_options = build.options_of_build(arguments, plan)
    console.warn_all(plan.warnings)
    recipe, engine = build.recipe_of(arguments, plan, snapshot), DockerEngine.from_environment()
    unpushed = msgspec.structs.replace(build_options, push=False)
    built = build.build_shown(recipe, engine, unpushed, as_json=arguments.json)
    # By its id: the tag may have moved since, and the proof has to be of what was built here.
    with console.waiting(f"examining {arguments.tag}"):
        proof = prove(snapshot, plan, built.image_id, engine, chosen)
    proof = msgspec.structs.replace(proof, image=arguments.tag)
    if build_options.push and proof.passed:
        for line in engine.push(arguments.tag):
            console.say(line)
        # Only a registry gives an image the digest by which others find it.
        proof = msgspec.structs.replace(proof, image_digests=engine.inspect(built.image_id).repo_digests)
    return _deliver(built, proof, engine, arguments)


def _deliver(built: BuildResult, proof: Proof, engine: Engine, arguments: argparse.Namespace) -> int:
    """One more line of JSON behind the build's events, or the proof as ``reprobuild verify`` prints it."""
    if not arguments.json:
        return verify.deliver(proof, engine, arguments)
    verify.write_proof(proof, arguments)
    verify.attach_proof(proof, engine, arguments)
    console.write_json_line({"type": "proof", "image_id": built.image_id, **proof.to_json_object()})
    return 0 if proof.passed else VerificationError.exit_code
