"""The command line's entry: picks the command, loads only its module, and turns errors into one line and an exit code.

Nothing heavy is imported here: ``reprobuild --help`` and ``--version`` start about as fast as the interpreter
itself. Each command lives in a module of its own with ``configure(parser)`` and ``run(arguments) -> int``.
"""

from __future__ import annotations

import gc
import os
import sys

from reprobuild import __version__
from reprobuild.errors import ReprobuildError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module costs a third of the start, so its constant is written out
    import argparse
    from collections.abc import Callable, Sequence
    from typing import Any

COMMANDS: dict[str, tuple[str, str]] = {
    "capture": ("reprobuild.cli.capture", "record this Python environment, or another interpreter's"),
    "import": ("reprobuild.cli.import_", "turn another tool's record into an environment.json"),
    "plan": ("reprobuild.cli.plan", "show what would be built from a record, why, and how faithfully"),
    "dockerfile": ("reprobuild.cli.dockerfile", "print the Dockerfile, or write the whole build context"),
    "build": ("reprobuild.cli.build", "build the image with Docker"),
    "verify": ("reprobuild.cli.verify", "prove an image against the record"),
    "rebuild": ("reprobuild.cli.rebuild", "plan, build and verify in one go"),
    "replay": ("reprobuild.cli.replay", "run the recorded command in the image and compare its numbers"),
    "compare": ("reprobuild.cli.compare", "rank the differences between two records"),
    "report": ("reprobuild.cli.report", "write one HTML page of record, plan, proof and results"),
    "catalog": ("reprobuild.cli.catalog", "show what the tables of facts know, and bring them up to date"),
}
"""Name of each command: the module that holds it, and its line in the help."""

INTERRUPTED = 130
"""Exit code after Ctrl-C: 128 plus SIGINT's number, as shells have it."""

BROKEN_PIPE = 141
"""Exit code when the reader of standard output went away: 128 plus SIGPIPE's number."""

_EXIT_CODES = """\
exit codes:
  0 done   2 wrong usage   3 unreadable record   4 no plan, or --strict refused it   5 build failed
  6 no engine   7 image is not the recorded environment   8 broken table   9 capture failed   1 anything else
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and give its exit code. ``arguments`` default to those of the process."""
    _never_fail_to_encode()
    given = list(sys.argv[1:] if arguments is None else arguments)
    show_traceback = "--traceback" in _own_options(given)
    try:
        status = _dispatch(given)
        sys.stdout.flush()
    except ReprobuildError as error:
        if show_traceback:
            raise
        return _report(str(error), error.hint, error.exit_code)
    except KeyboardInterrupt:
        return _report("interrupted", None, INTERRUPTED)
    except BrokenPipeError:
        return _leave_quietly()
    except OSError as error:
        if show_traceback:
            raise
        return _report(_describe_os_error(error), None, 1)
    except Exception as error:
        if show_traceback:
            raise
        hint = "this is a defect of reprobuild: please report it with the output of 'reprobuild --traceback ...'"
        return _report(f"unexpected {type(error).__name__}: {error}", hint, 1)
    return status


def help_text() -> str:
    """What ``reprobuild --help`` prints."""
    width = max(len(name) for name in COMMANDS)
    commands = "".join(f"  {name:<{width}}  {line}\n" for name, (_, line) in COMMANDS.items())
    return (
        "usage: reprobuild [--help] [--version] [--traceback] COMMAND ...\n\n"
        "Rebuild an old machine-learning run in a container, years later, and prove it the same environment.\n\n"
        f"commands:\n{commands}\n"
        "options:\n"
        "  -h, --help     show this help; 'reprobuild COMMAND --help' shows a command's\n"
        "  -V, --version  show the version\n"
        "  --traceback    show where in the program an error comes from\n\n"
        f"{_EXIT_CODES}"
    )


def _own_options(given: Sequence[str]) -> list[str]:
    """The arguments in front of the command's name."""
    own: list[str] = []
    for argument in given:
        if not argument.startswith("-"):
            break
        own.append(argument)
    return own


def _dispatch(given: Sequence[str]) -> int:
    own = _own_options(given)
    for option in own:
        if option in ("-h", "--help"):
            sys.stdout.write(help_text())
            return 0
        if option in ("-V", "--version"):
            sys.stdout.write(f"reprobuild {__version__}\n")
            return 0
        if option != "--traceback":
            raise UsageError(f"unknown option {option}", hint="'reprobuild --help' lists the commands and options")
    if len(own) == len(given):
        sys.stderr.write(help_text())
        return UsageError.exit_code
    return _run_command(given[len(own)], given[len(own) + 1 :])


def _run_command(name: str, given: Sequence[str]) -> int:
    if name not in COMMANDS:
        import difflib

        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean 'reprobuild {close[0]}'?" if close else "'reprobuild --help' lists the commands"
        raise UsageError(f"there is no command {name!r}", hint=hint)
    # What a command makes lives until it ends: looking for garbage among it early and often only costs time.
    gc.set_threshold(100_000)
    module_name, line = COMMANDS[name]
    __import__(module_name)  # importlib would be loaded for this alone
    module = sys.modules[module_name]
    configure: Callable[[argparse.ArgumentParser], None] = module.configure
    run: Callable[[Any], int] = module.run
    from reprobuild.cli.plain_arguments import read_plainly

    plain = read_plainly(configure, given)
    if plain is not None:
        return run(plain)
    from reprobuild.cli.parser import new_parser

    parser = new_parser(name, line)
    configure(parser)
    return run(parser.parse_args(list(given)))


def _report(message: str, hint: str | None, exit_code: int) -> int:
    """Write an error's one line and its hint to standard error."""
    sys.stderr.write(f"reprobuild: error: {' '.join(message.split())}\n")
    if hint:
        sys.stderr.write(f"hint: {' '.join(hint.split())}\n")
    return exit_code


def _describe_os_error(error: OSError) -> str:
    """Name the file first, as every other message does."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename is not None else reason


def _leave_quietly() -> int:
    """Point standard output at nothing, so that the interpreter's last flush does not complain as well."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return BROKEN_PIPE
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, descriptor)
    os.close(nothing)
    return BROKEN_PIPE


def _never_fail_to_encode() -> None:
    """Let a terminal that lacks a character (an old Windows code page) show its escape instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    sys.exit(main())
