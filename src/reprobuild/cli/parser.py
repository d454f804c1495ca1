"""A command's argument parser. It stands alone, so that a command can start its work before the rest is loaded."""

from __future__ import annotations

import argparse

from reprobuild.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module costs a third of the start
    from typing import NoReturn


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are raised like every other error, instead of ending the process."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError."""
        raise UsageError(message, hint=f"'{self.prog} --help' shows what it takes")


def new_parser(name: str, line: str) -> Parser:
    """The parser of one command. Its ``configure`` may set an epilog with examples, which is kept as it is written."""
    return Parser(
        prog=f"reprobuild {name}",
        description=f"{line[0].upper()}{line[1:]}.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
