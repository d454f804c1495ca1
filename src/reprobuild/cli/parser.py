"""A command's argument parser. It stands alone, so that a command can start its work before the rest is loaded."""

from __future__ import annotations

import argparse

from reprobuild.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module costs a third of the start
    from collections.abc import Sequence
    from typing import Any, NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are raised like every other error, instead of ending the process."""

    takes_command = False
    """Whether words behind ``--`` are a command to run: they become ``arguments.command``, a tuple."""

    def parse_args(  # type: ignore[override]  # argparse's overloads tell namespaces apart, which nobody here gives
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> argparse.Namespace:
        """Take the command off first: argparse gives words behind options to whatever positional is left."""
        given = list(args or ())
        place = given.index("--") if self.takes_command and "--" in given else len(given)
        arguments: argparse.Namespace = super().parse_args(given[:place], namespace)
        if self.takes_command:
            arguments.command = tuple(given[place + 1 :])
        return arguments

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message, hint=f"'{self.prog} --help' shows what it takes")

    def format_help(self) -> str:
        """The help, with a usage line that a reader takes in at once: the options stand below, each with its line."""
        if self.usage is None and self._subparsers is None:
            words = [_usage_of(action) for action in self._actions if not action.option_strings]
            words += ["[-- COMMAND ...]"] if self.takes_command else []
            self.usage = " ".join(["%(prog)s", "[OPTION ...]", *words])
        return super().format_help()


def new_parser(name: str, line: str) -> Parser:
    """The parser of one command. Its ``configure`` may set an epilog with examples, which is kept as it is written."""
    return Parser(
        prog=f"reprobuild {name}",
        description=f"{line[0].upper()}{line[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def _usage_of(action: argparse.Action) -> str:
    """How a positional argument stands in the usage: ``ENV``, ``FILE ...``, ``[FILE ...]``."""
    name = str(action.metavar or action.dest)
    match action.nargs:
        case "?":
            return f"[{name}]"
        case "+":
            return f"{name} ..."
        case "*":
            return f"[{name} ...]"
        case _:
            return name
