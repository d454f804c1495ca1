"""``reprobuild catalog refresh``: brings the tables up to date from registries and indexes, and says what is new."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from reprobuild.cli import console, options
from reprobuild.errors import CatalogError

if TYPE_CHECKING:
    from reprobuild.refresh import Change, Report

TABLES = (
    "cuda_images",
    "digests",
    "tool_images",
    "torch_variants",
    "torch_releases",
    "torch_files",
    "cpython_builds",
)
"""What ``--only`` takes. Written out, so that showing a table need not load what asks for one."""

_EXAMPLES = """\
examples:
  reprobuild catalog refresh --dry-run
  reprobuild catalog refresh --only cuda_images --docker-hub https://mirror.example.com
  reprobuild catalog refresh --pytorch-index https://mirror.example.com/whl --missing keep
"""

_SHOWN = 3
"""How many of the rows that are new, gone or changed a person sees; --json has them all."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = _EXAMPLES
    parser.add_argument(
        "--only",
        metavar="TABLE",
        action="append",
        choices=TABLES,
        default=[],
        help=f"refresh only this table and those that its source brings along; repeatable: {', '.join(TABLES)}",
    )
    parser.add_argument(
        "--missing",
        choices=("check", "keep", "remove"),
        default="check",
        help="what a known entry that a source no longer lists is: gone, unless they are too many (check); "
        "still there, for a mirror that holds a part (keep); gone, however many (remove)",
    )
    parser.add_argument("--no-digests", action="store_true", help="don't ask for the digest behind each tag")
    parser.add_argument("--dry-run", action="store_true", help="say what would change, and write nothing")
    parser.add_argument(
        "-o", "--output", metavar="DIR", type=Path, help="folder to write to (default: the user's cache)"
    )
    options.add_json_argument(parser)
    options.add_refresh_options(parser)


def run(arguments: argparse.Namespace) -> int:
    """Refresh and say what came of it. A source that fails is named, and the exit code tells of it."""
    from reprobuild.refresh import Options, refresh

    report = refresh(
        Options(
            **options.refresh_addresses(arguments),
            only=tuple(arguments.only),
            missing=arguments.missing,
            with_digests=not arguments.no_digests,
            folder=arguments.output,
            dry_run=arguments.dry_run,
        ),
        say=console.say,
    )
    if arguments.json:
        console.write_json(_as_json(report))
    elif report.changes:
        console.write_result(_as_text(report))
    for note in report.notes:
        console.warn(note)
    for failure in report.failures:
        console.warn(f"{', '.join(failure.tables)}: left as it was: {failure.message}", failure.hint)
    return CatalogError.exit_code if report.failures else 0


def _as_json(report: Report) -> dict[str, object]:
    import msgspec

    content: dict[str, object] = msgspec.to_builtins(report, enc_hook=str)
    return {"schema_version": 1, **content}


def _as_text(report: Report) -> str:
    blocks = [_block(change) for change in report.changes]
    end = f"written to {report.folder}" if report.written else "nothing was written"
    return "\n".join([*blocks, end])


def _block(change: Change) -> str:
    counts = [
        f"{len(rows):,} {word}"
        for word, rows in (("new", change.added), ("removed", change.removed), ("changed", change.changed))
        if rows
    ]
    lines = [f"{change.name}: {change.rows:,} rows, {', '.join(counts) or 'nothing new'}"]
    for word, rows in (("new", change.added), ("removed", change.removed), ("changed", change.changed)):
        lines += [f"  {word}: {name}" for name in rows[:_SHOWN]]
        lines += [f"  ... and {len(rows) - _SHOWN:,} more {word}"] if len(rows) > _SHOWN else []
    return "\n".join([*lines, *(f"  note: {note}" for note in change.notes)])
