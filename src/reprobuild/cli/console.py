"""How commands speak: the result on standard output, everything else on standard error. The one importer of rich."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module costs a third of the start
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from typing import IO, Any, Protocol

    from rich.console import Console

    class Warned(Protocol):
        """What a warning of any module has: a message and perhaps a way out."""

        @property
        def message(self) -> str:
            """One sentence."""
            ...

        @property
        def hint(self) -> str | None:
            """What to do about it."""
            ...


def write_result(text: str) -> None:
    """Write the command's result to standard output, ending in a line feed."""
    sys.stdout.write(text if text.endswith("\n") else f"{text}\n")


def write_bytes(content: bytes) -> None:
    """Write bytes to standard output as they are, on Windows too."""
    sys.stdout.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    if buffer is None:
        sys.stdout.write(content.decode("utf-8"))
        return
    buffer.write(content)
    buffer.flush()


def write_json(value: Any) -> None:
    """Write a JSON document to standard output: indented, UTF-8, keys in the order in which they are given."""
    import json

    write_bytes((json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode("utf-8", "surrogatepass"))


def write_json_line(value: Any) -> None:
    """Write one JSON object on one line to standard output, at once: for events that a script follows."""
    import json

    line = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    write_bytes((line + "\n").encode("utf-8", "surrogatepass"))


def say(text: str) -> None:
    """Tell a person something beside the result, on standard error."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def warn(message: str, hint: str | None = None) -> None:
    """Write a warning, and its way out, to standard error."""
    say(f"warning: {message}")
    if hint:
        say(f"   hint: {hint}")


def warn_all(warnings: Iterable[Warned]) -> None:
    """Write warnings that another module returned as values."""
    for warning in warnings:
        warn(warning.message, warning.hint)


def waiting(text: str) -> AbstractContextManager[object]:
    """Say what takes its time: while it lasts on a terminal, with something that moves; as one line elsewhere."""
    from contextlib import nullcontext

    if is_terminal(sys.stderr):
        return rich_console(stderr=True).status(text, spinner="line")
    say(text)
    return nullcontext()


def is_terminal(stream: IO[str]) -> bool:
    """Whether a person watches this stream on a terminal that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM", "") != "dumb"


def uses_color(stream: IO[str]) -> bool:
    """Whether to color what goes to a stream: a terminal, and nobody asked for plain text (https://no-color.org)."""
    if os.environ.get("NO_COLOR"):
        return False
    return bool(os.environ.get("FORCE_COLOR")) or is_terminal(stream)


def rich_console(*, stderr: bool = False) -> Console:
    """A rich console on standard output or standard error that follows ``uses_color``."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    return Console(
        file=stream,
        no_color=not uses_color(stream),
        force_terminal=uses_color(stream),
        highlight=False,
        markup=False,
        emoji=False,
    )
