"""``reprobuild report ENV [PROOF]``: one HTML page that a reviewer can read without installing anything."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from reprobuild.cli import console, options
from reprobuild.errors import RecordError, UsageError

if TYPE_CHECKING:
    from reprobuild.proof import Proof
    from reprobuild.replay.values import Replay
    from reprobuild.results.comparison import ResultsComparison
    from reprobuild.results.explanation import Explanations
    from reprobuild.snapshot import Snapshot

_EXAMPLES = """\
examples:
  reprobuild report environment/
  reprobuild report environment/ proof.json -o report.html
  reprobuild report environment/ proof.json --replay replays/20261125T101500Z
  reprobuild report environment/ proof.json --results old/metrics.jsonl new/metrics.jsonl
"""

_LARGEST_FILE = 256 * 1024 * 1024


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = _EXAMPLES
    options.add_record_argument(parser)
    parser.add_argument(
        "proof", metavar="PROOF", nargs="?", help="proof.json of 'reprobuild verify', or image:NAME for a label's"
    )
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=Path, default=Path("report.html"), help="the page (report.html)"
    )
    numbers = parser.add_mutually_exclusive_group()
    numbers.add_argument(
        "--replay", metavar="DIR", type=Path, help="the folder of 'reprobuild replay', whose comparison is drawn"
    )
    numbers.add_argument(
        "--results",
        nargs=2,
        metavar=("OLD", "NEW"),
        type=Path,
        help="numbers of the recorded run and of the new one, to compare and to draw",
    )
    tolerance = parser.add_argument_group("options of the results")
    tolerance.add_argument("--absolute", type=float, default=0.0, metavar="X", help="numbers may be X apart (0)")
    tolerance.add_argument(
        "--relative", type=float, default=0.0, metavar="X", help="numbers may be X of the recorded one apart (0)"
    )
    tolerance.add_argument("--ulp", type=int, default=0, metavar="N", help="or N units in the last place (0)")
    options.add_json_argument(parser)
    options.add_plan_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Plan, read the proof and the numbers, and write the page. Raises RecordError for a proof of another record."""
    from reprobuild.files import write_atomically
    from reprobuild.planner import plan as make_plan
    from reprobuild.render import render
    from reprobuild.report.page import report_page

    if not arguments.output.absolute().parent.is_dir():
        raise UsageError(f"--output: {arguments.output.parent} is not a folder")
    snapshot = options.load_snapshot(arguments)
    plan = make_plan(snapshot, options.load_catalog(arguments), options.plan_options(arguments))
    proof = _read_proof(arguments.proof, snapshot) if arguments.proof else None
    replay = _read_replay(arguments.replay, snapshot) if arguments.replay else None
    if replay is None:
        results, explanations = _results(arguments, snapshot)
    else:
        results, explanations = replay.comparison, replay.explanations
        # A proof of another image says nothing of this run, nor the run of that image.
        proof = replay.added_to(proof) if proof is None or proof.image_id == replay.image_id else proof
    page = report_page(
        snapshot,
        plan,
        render(plan, snapshot),
        proof=proof,
        results=results,
        explanations=explanations,
        record=(Path(arguments.record).name if arguments.record != "-" else "") or "environment.json",
    )
    write_atomically(arguments.output, page)
    if arguments.json:
        console.write_json(
            {
                "report": str(arguments.output),
                "fidelity": str(plan.fidelity),
                "proved": proof.passed if proof else None,
                "results": str(results.outcome) if results else None,
            }
        )
    else:
        console.write_result(str(arguments.output))
    return 0


def _read_proof(name: str, snapshot: Snapshot) -> Proof:
    from reprobuild.cli.compare import IMAGE_PREFIX
    from reprobuild.proof import parse_proof

    if name.startswith(IMAGE_PREFIX):
        from reprobuild.attaching import proof_of_labels
        from reprobuild.engine.docker import DockerEngine

        image = name.removeprefix(IMAGE_PREFIX)
        proof = proof_of_labels(DockerEngine.from_environment().inspect(image).labels, image)
    else:
        proof = parse_proof(_content(Path(name)), source=name)
    _check_record(proof.snapshot_digest, snapshot, "proof", name)
    return proof


def _read_replay(path: Path, snapshot: Snapshot) -> Replay:
    from reprobuild.replay.values import parse_replay

    file = path / "replay.json" if path.is_dir() else path
    replay = parse_replay(_content(file), source=str(file))
    _check_record(replay.snapshot_digest, snapshot, "replay", str(file))
    return replay


def _content(path: Path) -> bytes:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise RecordError(f"larger than {_LARGEST_FILE // 1024**2} MiB, which is too much", source=str(path))
        return path.read_bytes()
    except OSError as error:
        raise RecordError(error.strerror or str(error), source=str(path)) from error


def _check_record(digest: str, snapshot: Snapshot, kind: str, source: str) -> None:
    if digest != snapshot.digest:
        raise RecordError(
            f"is the {kind} of another record ({digest[:19]}, this one is {snapshot.digest[:19]})",
            source=source,
            hint="name the record that the image was verified against, or verify it against this one",
        )


def _results(arguments: argparse.Namespace, snapshot: Snapshot) -> tuple[ResultsComparison | None, Explanations | None]:
    """The two runs' numbers side by side, and what they say of themselves that could explain a difference."""
    if arguments.results is None:
        return None, None
    import msgspec

    from reprobuild.results.comparison import Tolerance, compare_results
    from reprobuild.results.explanation import explain
    from reprobuild.results.read import read, short_name

    before, after = (msgspec.structs.replace(read(path), source=short_name(path)) for path in arguments.results)
    tolerance = Tolerance(absolute=arguments.absolute, relative=arguments.relative, ulp=arguments.ulp)
    # One record stands for both runs: what differs between the machines only the runs themselves can tell.
    return compare_results(before, (after,), tolerance), explain(snapshot, snapshot, before.facts, after.facts)
