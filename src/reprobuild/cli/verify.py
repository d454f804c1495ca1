"""``reprobuild verify ENV IMAGE``: prove an image against the record, level by level."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from reprobuild.cli import console, options
from reprobuild.errors import UsageError, VerificationError

if TYPE_CHECKING:
    from reprobuild.attaching import Destination
    from reprobuild.engine import Engine
    from reprobuild.proof import Proof
    from reprobuild.verify import VerifyOptions

_EXAMPLES = """\
levels, each of which proves more than the one before:
  declared   the image's labels name this record and plan; the plan says what differs
  installed  Python, every package, torch's CUDA and cuDNN and the C library are there
  identical  the files of every package are the recorded ones, byte for byte
  loads      every recorded package imports; torch reports the recorded versions
  device     a GPU computes with the image's torch, where the engine has one
  replays    the recorded command gives the recorded numbers: 'reprobuild replay' runs it

examples:
  reprobuild verify environment/ my-run:rebuilt
  reprobuild verify environment/ my-run:rebuilt -o proof.json
  reprobuild verify environment/ my-run:rebuilt --level declared --level installed --json
  reprobuild verify environment/ my-run:rebuilt --attach label:my-run:proved --attach mlflow:0123abcd
"""

_WIDEST = 120


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = _EXAMPLES
    options.add_record_argument(parser)
    parser.add_argument("image", metavar="IMAGE", help="tag, id or digest of the image")
    add_verify_options(parser)
    options.add_json_argument(parser)
    options.add_plan_options(parser)


def add_verify_options(parser: argparse.ArgumentParser) -> None:
    """What to check and where to put the proof; ``reprobuild rebuild`` has the same."""
    group = parser.add_argument_group("options of the verification")
    group.add_argument("-o", "--output", metavar="FILE", type=Path, help="write the proof into FILE as well")
    add_attach_option(group)
    group.add_argument(
        "--level",
        action="append",
        choices=("declared", "installed", "identical", "loads", "device", "replays"),
        help="check this level only; repeatable (default: all of them)",
    )
    group.add_argument(
        "--timeout", type=float, default=1800.0, metavar="SECONDS", help="limit of each process in the image (1800)"
    )


def add_attach_option(group: argparse._ArgumentGroup) -> None:
    """Where else the proof goes; ``reprobuild replay`` has it, too."""
    group.add_argument(
        "--attach",
        action="append",
        default=[],
        metavar="WHERE",
        help="keep the proof in a label of a new image (label:TAG), or with a run (wandb:ENTITY/PROJECT/RUN,"
        " mlflow:RUN_ID); repeatable",
    )


def verify_options(arguments: argparse.Namespace) -> VerifyOptions:
    """The options of ``add_verify_options``. Raises UsageError."""
    from reprobuild.proof import Level
    from reprobuild.verify import VerifyOptions

    if not 0 < arguments.timeout < 1e7:
        raise UsageError("--timeout: must be a number of seconds above 0")
    if arguments.output is not None and not arguments.output.absolute().parent.is_dir():
        raise UsageError(f"--output: {arguments.output.parent} is not a folder")
    destinations(arguments)
    levels = tuple(Level(level) for level in arguments.level or Level)
    return VerifyOptions(levels=levels, timeout_s=arguments.timeout)


def run(arguments: argparse.Namespace) -> int:
    """Examine the image, print the proof, and exit with 7 when it is not the recorded environment."""
    from reprobuild.engine.docker import DockerEngine
    from reprobuild.planner import plan as make_plan
    from reprobuild.verify import verify

    chosen = verify_options(arguments)
    snapshot = options.load_snapshot(arguments)
    plan = make_plan(snapshot, options.load_catalog(arguments), options.plan_options(arguments))
    engine = DockerEngine.from_environment()
    with console.waiting(f"examining {arguments.image}"):
        proof = verify(snapshot, plan, arguments.image, engine, chosen)
    return deliver(proof, engine, arguments)


def destinations(arguments: argparse.Namespace) -> tuple[Destination, ...]:
    """The places of ``add_attach_option``. Raises UsageError."""
    if not arguments.attach:
        return ()
    from reprobuild.attaching import destination_of

    return tuple(destination_of(text) for text in arguments.attach)


def attach_proof(proof: Proof, engine: Engine, arguments: argparse.Namespace) -> None:
    """Keep the proof in every place that was asked for, and say so."""
    for destination in destinations(arguments):
        from reprobuild.attaching import attach

        console.say(attach(proof, destination, engine))


def deliver(proof: Proof, engine: Engine, arguments: argparse.Namespace) -> int:
    """Write the proof's file, print the proof, keep it where else it was asked for, and give the exit code."""
    from reprobuild.report import proof_text

    write_proof(proof, arguments)
    if arguments.json:
        console.write_json(proof.to_json_object())
    else:
        width = min(shutil.get_terminal_size((100, 24)).columns, _WIDEST)
        console.write_result(proof_text(proof, width=width, color=console.uses_color(sys.stdout)))
    attach_proof(proof, engine, arguments)
    return 0 if proof.passed else VerificationError.exit_code


def write_proof(proof: Proof, arguments: argparse.Namespace) -> None:
    """Write the proof into the file that ``--output`` names, if it names one."""
    from reprobuild.files import write_atomically

    if arguments.output is not None:
        write_atomically(arguments.output, proof.to_json())
