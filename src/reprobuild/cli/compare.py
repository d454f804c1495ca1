"""``reprobuild compare A B``: what differs between two records or images, the likeliest to change results first."""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from reprobuild.cli import console
from reprobuild.cli.options import add_json_argument, read_record
from reprobuild.errors import UsageError

if TYPE_CHECKING:
    from reprobuild.snapshot import Snapshot

_EXAMPLES = """\
examples:
  reprobuild compare environment/ requirements.txt
  reprobuild compare last-year/environment.json environment/ --exit-code
  reprobuild compare environment/ image:my-run:rebuilt
  reprobuild compare environment/ container:training --exit-code
  reprobuild compare environment/ image:my-run:rebuilt --html differences.html
"""

IMAGE_PREFIX = "image:"
"""In front of an image's name, to tell it from a file's."""

CONTAINER_PREFIX = "container:"
"""In front of a running container's name or id."""

DIFFERENT = 1
"""Exit code with ``--exit-code`` when there are differences, as ``git diff`` has it."""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.epilog = _EXAMPLES
    kinds = "any that 'reprobuild import' reads, - for a pipe, image:NAME or container:NAME"
    parser.add_argument("first", metavar="A", help=f"the first record: {kinds}")
    parser.add_argument("second", metavar="B", help="the second record")
    parser.add_argument("--html", metavar="FILE", type=Path, help="write the comparison into FILE as a page, too")
    parser.add_argument("--exit-code", action="store_true", help="exit with 1 when there are differences, for CI")
    add_json_argument(parser)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print, and with ``--exit-code`` say it in the exit code too. Raises RecordError."""
    from reprobuild.compare import compare
    from reprobuild.report import comparison_text

    if arguments.first == arguments.second == "-":
        raise UsageError("only one of the two records can come from standard input")
    if arguments.html is not None and not arguments.html.absolute().parent.is_dir():
        raise UsageError(f"--html: {arguments.html.parent} is not a folder")
    comparison = compare(_snapshot(arguments.first), _snapshot(arguments.second))
    if arguments.html is not None:
        from reprobuild.files import write_atomically
        from reprobuild.report.comparison_page import comparison_page

        write_atomically(arguments.html, comparison_page(comparison, arguments.first, arguments.second))
    if arguments.json:
        console.write_json(comparison.to_json_object())
    else:
        width = shutil.get_terminal_size((100, 24)).columns
        console.write_result(comparison_text(comparison, width=width, color=console.uses_color(sys.stdout)))
    return DIFFERENT if arguments.exit_code and comparison.differences else 0


def _snapshot(name: str) -> Snapshot:
    """Read a record, or ask the Python of an image or of a running container for one. A file of that name wins."""
    if Path(name).exists() or not name.startswith((IMAGE_PREFIX, CONTAINER_PREFIX)):
        return read_record(name)
    if name.startswith(CONTAINER_PREFIX):
        from reprobuild.capture.result import snapshot_of_facts
        from reprobuild.cli.capture_elsewhere import facts_of_container

        return snapshot_of_facts(facts_of_container(name.removeprefix(CONTAINER_PREFIX), None, ()), name)
    from reprobuild.engine.docker import DockerEngine
    from reprobuild.verify.container import probe_image

    return probe_image(DockerEngine.from_environment(), name.removeprefix(IMAGE_PREFIX), timeout_s=600)
