"""``reprobuild replay ENV [-- COMMAND]``: run the recorded command in the rebuilt image and compare its numbers."""

from __future__ import annotations

import argparse
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reprobuild.cli import console, options, verify
from reprobuild.cli.parser import Parser
from reprobuild.errors import EngineError, UsageError, VerificationError

if TYPE_CHECKING:
    from reprobuild.engine import Engine, Mount, Printed
    from reprobuild.proof import Proof
    from reprobuild.replay.values import Replay, ReplayOptions
    from reprobuild.snapshot import Snapshot

_EXAMPLES = """\
examples:
  reprobuild replay environment/ --source . --recorded old/metrics.jsonl
  reprobuild replay environment/ --source . --results metrics.json --recorded old/metrics.json -- python train.py
  reprobuild replay environment/ --results 'output:^(?P<step>\\d+) (?P<loss>\\S+)' --recorded old.log -- python train.py
  reprobuild replay environment/ --data /datasets/mnist:/data --repeat 3 --relative 1e-5 -o proof-run/
The command runs on a copy of the source; results are brought back, and nothing of yours is written to.
"""

_SIZES = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = _EXAMPLES
    if isinstance(parser, Parser):
        parser.takes_command = True
    options.add_record_argument(parser)
    options.add_json_argument(parser)
    _add_run_options(parser.add_argument_group("options of the run"))
    _add_results_options(parser.add_argument_group("options of the results"))


def _add_run_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--image", metavar="IMAGE", help="the image (default: the newest one built from this record)")
    group.add_argument("--source", metavar="DIR", type=Path, help="the code, of which a copy is run")
    group.add_argument(
        "--data", action="append", default=[], metavar="PATH[:TARGET]", help="mount data, read-only; repeatable"
    )
    group.add_argument(
        "-e", "--env", action="append", default=[], metavar="NAME=VALUE", help="set a variable; repeatable"
    )
    group.add_argument("--gpus", choices=("auto", "all", "none"), default="auto", help="auto: if the engine has any")
    group.add_argument("--network", default="none", metavar="MODE", help="the engine's name of a network (none)")
    group.add_argument("--memory", metavar="SIZE", help="limit of memory, such as 16g")
    group.add_argument("--timeout", type=float, metavar="SECONDS", help="limit of time of each run")
    group.add_argument("--repeat", type=int, default=1, metavar="N", help="run it N times to learn its noise (1)")


def _add_results_options(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--results",
        action="append",
        default=[],
        metavar="WHERE",
        help="what the run writes its numbers into: a file, a pattern, a folder of W&B or MLflow, or output:REGEX"
        " for what it prints; repeatable (metrics.jsonl)",
    )
    group.add_argument(
        "--recorded",
        action="append",
        default=[],
        metavar="FILE",
        help="the recorded numbers, for each --results one (default: the file of that name beside the record)",
    )
    group.add_argument("--absolute", type=float, default=0.0, metavar="X", help="tolerate differences up to X")
    group.add_argument("--relative", type=float, default=0.0, metavar="X", help="tolerate X times the recorded number")
    group.add_argument("--ulp", type=int, default=0, metavar="N", help="tolerate N units in the last place")
    group.add_argument("--ignore", action="append", default=[], metavar="PATTERN", help="leave metrics out; repeatable")
    group.add_argument("-o", "--output", metavar="DIR", type=Path, help="where results go (replays/TIME)")
    group.add_argument("--proof", metavar="FILE", type=Path, help="add the level to this proof, or begin it")
    verify.add_attach_option(group)


def run(arguments: argparse.Namespace) -> int:
    """Replay, print the verdict, and exit with 7 when the recorded numbers did not come out."""
    from reprobuild.engine.docker import DockerEngine
    from reprobuild.replay import replay

    snapshot = options.load_snapshot(arguments)
    chosen = _options(arguments)
    verify.destinations(arguments)
    proof = _proof_before(arguments, snapshot)
    engine = DockerEngine.from_environment()
    image = arguments.image or _image_of(engine, snapshot)
    chosen = _with_gpus(chosen, engine, arguments.gpus)
    _warn_of_another_record(engine, image, snapshot)
    console.say(f"running in {image}; results go to {chosen.output}")
    done = replay(snapshot, image, engine, chosen, _show)
    whole = done.added_to(proof)
    status = _deliver(done, chosen, arguments, whole)
    verify.attach_proof(whole, engine, arguments)
    return status


def _options(arguments: argparse.Namespace) -> ReplayOptions:
    """Raises UsageError for a value that makes no sense."""
    from reprobuild.replay.values import ReplayOptions
    from reprobuild.results.comparison import IGNORED, Tolerance

    if not 1 <= arguments.repeat <= 100:
        raise UsageError("--repeat: must be from 1 to 100")
    if arguments.timeout is not None and not 0 < arguments.timeout < 1e7:
        raise UsageError("--timeout: must be a number of seconds above 0")
    for name in ("absolute", "relative", "ulp"):
        if not 0 <= getattr(arguments, name) < float("inf"):
            raise UsageError(f"--{name}: must be 0 or more")
    if arguments.proof is not None and not arguments.proof.absolute().parent.is_dir():
        raise UsageError(f"--proof: {arguments.proof.parent} is not a folder")
    return ReplayOptions(
        command=arguments.command,
        source=arguments.source,
        variables=_variables(arguments.env),
        mounts=tuple(_mount(text) for text in arguments.data),
        results=tuple(arguments.results),
        recorded=_recorded(arguments),
        repeat=arguments.repeat,
        tolerance=Tolerance(absolute=arguments.absolute, relative=arguments.relative, ulp=arguments.ulp),
        ignore=(*IGNORED, *arguments.ignore),
        timeout_s=arguments.timeout,
        memory_bytes=_size(arguments.memory) if arguments.memory is not None else None,
        network=arguments.network,
        output=arguments.output or Path("replays") / datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ"),
    )


def _variables(pairs: list[str]) -> dict[str, str]:
    for pair in pairs:
        if not re.fullmatch(r"[A-Za-z_]\w*=.*", pair, re.DOTALL):
            raise UsageError(f"--env: {pair.partition('=')[0]!r} is no NAME=VALUE")
    return {name: text for name, _, text in (pair.partition("=") for pair in pairs)}


def _mount(text: str) -> Mount:
    from reprobuild.engine import Mount

    source, _, target = text.rpartition(":") if ":/" in text[1:] else (text, "", "")
    path = Path(source)
    if not path.exists():
        raise UsageError(f"--data: there is no {path}")
    absolute = path.resolve()
    return Mount(source=str(absolute), target=target or f"/workspace/{absolute.name}")


def _size(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([bkmgt]?)i?b?", text.strip().lower())
    if not found or not float(found[1]):
        raise UsageError(f"--memory: {text!r} is no size such as 512m or 16g")
    return int(float(found[1]) * _SIZES[found[2]])


def _recorded(arguments: argparse.Namespace) -> tuple[Path, ...]:
    """The files of recorded numbers; those of the results' own names beside the record, where there are any."""
    from reprobuild.metrics_tracker import METRICS_FILE

    if arguments.recorded:
        return tuple(Path(text) for text in arguments.recorded)
    record = Path(arguments.record)
    folder = record if record.is_dir() else record.parent
    names = arguments.results or [METRICS_FILE]
    places = [
        next((base / name for base in _bases(folder, arguments) if (base / name).exists()), None) for name in names
    ]
    return tuple(place for place in places if place is not None) if all(places) else ()


def _bases(folder: Path, arguments: argparse.Namespace) -> list[Path]:
    return [folder, *([arguments.source] if arguments.source is not None else [])]


def _proof_before(arguments: argparse.Namespace, snapshot: Snapshot) -> Proof | None:
    """The proof that the level is added to. Raises RecordError, or UsageError for one of another record."""
    from reprobuild.proof import parse_proof

    if arguments.proof is None or not arguments.proof.exists():
        return None
    proof = parse_proof(arguments.proof.read_bytes(), source=str(arguments.proof))
    if proof.snapshot_digest != snapshot.digest:
        raise UsageError(f"--proof: {arguments.proof} is of another record", hint="name another file")
    return proof


def _image_of(engine: Engine, snapshot: Snapshot) -> str:
    """The newest image that was built from this record, by a tag where it has one. Raises EngineError where none is."""
    from reprobuild.verify.declared import SNAPSHOT_LABEL

    images = engine.images_labeled(SNAPSHOT_LABEL, snapshot.digest)
    if not images:
        raise EngineError(
            "the engine has no image that was built from this record",
            hint="build it with 'reprobuild rebuild ENV -t NAME', or name an image with --image",
        )
    tags = engine.inspect(images[0]).tags
    return tags[0] if tags else images[0]


def _with_gpus(chosen: ReplayOptions, engine: Engine, wanted: str) -> ReplayOptions:
    import msgspec

    if wanted == "none":
        return chosen
    reason = engine.reason_without_gpu()
    if reason is not None and wanted == "all":
        raise EngineError(f"no GPU for the run: {reason}", hint="install the NVIDIA Container Toolkit on its machine")
    return msgspec.structs.replace(chosen, gpus=reason is None)


def _warn_of_another_record(engine: Engine, image: str, snapshot: Snapshot) -> None:
    from reprobuild.verify.declared import SNAPSHOT_LABEL

    label = engine.inspect(image).labels.get(SNAPSHOT_LABEL)
    if label not in (None, snapshot.digest):
        console.warn(f"{image} says that it was built from another record", "see 'reprobuild verify ENV IMAGE'")


def _show(printed: Printed) -> None:
    """The run's output, as it comes, beside the result."""
    sys.stderr.flush()
    buffer = getattr(sys.stderr, "buffer", None)
    if buffer is None:
        sys.stderr.write(printed.content.decode("utf-8", "replace"))
        return
    buffer.write(printed.content)
    buffer.flush()


def _deliver(done: Replay, chosen: ReplayOptions, arguments: argparse.Namespace, whole: Proof) -> int:
    from reprobuild.files import write_atomically
    from reprobuild.proof import Outcome
    from reprobuild.replay.text import replay_text

    write_atomically(chosen.output / "replay.json", done.to_json())
    if arguments.proof is not None:
        write_atomically(arguments.proof, whole.to_json())
    if arguments.json:
        console.write_json(done.to_json_object())
    else:
        width = min(shutil.get_terminal_size((100, 24)).columns, 120)
        console.write_result(replay_text(done, width=width, color=console.uses_color(sys.stdout)))
    return VerificationError.exit_code if done.level.outcome is Outcome.FAILED else 0
