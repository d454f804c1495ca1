"""``%reprobuild``: the commands in a notebook. ``capture`` records the notebook's own process, as it is now.

%load_ext reprobuild
%reprobuild capture -o environment
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from reprobuild.errors import ReprobuildError, UsageError

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


def add_magic(shell: InteractiveShell) -> None:
    """Register the magic with a shell of IPython's."""
    register: Any = shell.register_magic_function  # Its annotations are those of something else.
    register(run_line, magic_kind="line", magic_name="reprobuild")


def run_line(line: str) -> None:
    """Run what stands behind ``%reprobuild``. An error is said as on the command line, and the notebook goes on."""
    try:
        words = shlex.split(line)
    except ValueError as error:
        sys.stderr.write(f"reprobuild: error: {error}\n")
        return
    if words[:1] == ["capture"] and not {"-h", "--help"}.intersection(words):
        _capture(words[1:])
        return
    # A process of its own: nothing of it stays in the notebook.
    command = [sys.executable, "-m", "reprobuild.cli.main", *(words or ["--help"])]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8", errors="replace")
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)


def _capture(words: list[str]) -> None:
    from reprobuild.cli import capture
    from reprobuild.cli.parser import new_parser

    parser = new_parser("capture", "record this notebook's environment")
    capture.configure(parser)
    try:
        arguments = parser.parse_args(words)
        if arguments.command:
            raise UsageError(
                "a command behind -- would take this notebook's place",
                hint=f"!{' '.join(['reprobuild', 'capture', *words])}",
            )
        capture.run(arguments, own_process=not arguments.python)
    except (ReprobuildError, OSError) as error:
        sys.stderr.write(f"reprobuild: error: {error}\n")
        if isinstance(error, ReprobuildError) and error.hint:
            sys.stderr.write(f"hint: {error.hint}\n")
