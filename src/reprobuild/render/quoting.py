"""Text made safe for the place in a Dockerfile where it stands.

The planner has validated what a plan holds. These functions check again, each for its own place, because a
plan may come from a file: what no quoting can make safe there is a PlanError, never an extra instruction.
"""

from __future__ import annotations

import json
import re
import shlex
import textwrap
from collections.abc import Iterable

from reprobuild.errors import PlanError

LINE_WIDTH = 110
"""Columns of a comment in the Dockerfile."""

_IMAGE = re.compile(
    r"[a-z0-9][a-z0-9._/-]*(:[0-9]+/[a-z0-9._/-]+)?(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?"
)
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")
_SYSTEM_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_:-]{0,127}(=[A-Za-z0-9.+:~-]{1,127})?")
_MAXIMUM_WORD = 4096
_LONGEST_COMMAND = 60_000
"""The engine reads lines of at most 64 KiB."""


def comment(text: str, indent: str = "") -> str:
    """``text`` as comment lines. Whatever is not printable becomes a space, so that nothing leaves the comment.

    ``indent`` stands in front of all lines but the first.
    """
    printable = text.isprintable()
    words = text if printable else "".join(character if character.isprintable() else " " for character in text)
    if printable and 0 < len(text) <= LINE_WIDTH - 2 and text == text.strip():
        return f"# {text}"  # textwrap comes to the same, in fifty times as long.
    lines = textwrap.wrap(
        words, LINE_WIDTH - 2, break_long_words=False, break_on_hyphens=False, subsequent_indent=indent
    )
    return "\n".join(f"# {line}" for line in lines)


def comment_item(text: str) -> str:
    """``text`` as one item of a list in comment lines."""
    return comment(f"- {text}", indent="  ")


def single_line(text: str) -> str:
    """``text`` with every run of blanks and unprintable characters as one space."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())


def quoted_value(text: str) -> str:
    """``text`` as a double-quoted value of ENV, LABEL or ARG, where ``$`` and the backslash mean something."""
    _require_printable(text)
    escaped = re.sub(r'([\\"$])', r"\\\1", text)
    return f'"{escaped}"'


def quoted_pairs(pairs: Iterable[tuple[str, str]]) -> list[str]:
    """``name="value"`` for each pair of ENV or LABEL."""
    return [f"{name}={quoted_value(value)}" for name, value in pairs]


def shell_word(text: str) -> str:
    """``text`` as one word of a RUN instruction's command, which ``sh`` reads."""
    _require_printable(text)
    if not text.isascii() or "<<" in text or text.endswith("\\") or len(text) > _MAXIMUM_WORD:
        raise PlanError(f"the plan holds text that no command line of a Dockerfile can hold: {text[:80]!r}")
    return shlex.quote(text)


def json_array(words: Iterable[str]) -> str:
    """The exec form of CMD: no shell reads it, and the engine puts no variable into it."""
    texts = list(words)
    if any("\0" in text for text in texts):
        raise PlanError("the plan holds a command with a null byte")
    text = json.dumps(texts, ensure_ascii=True)
    if len(text) > _LONGEST_COMMAND:
        raise PlanError("the plan holds a command that is longer than a Dockerfile's line can be")
    return text


def image_reference(text: str) -> str:
    """``text`` if it is an image's name as FROM takes it."""
    return _matching(_IMAGE, text, "an image's name")


def file_name(text: str) -> str:
    """``text`` if it is a plain file name."""
    return _matching(_FILE_NAME, text, "a file name")


def system_package(text: str) -> str:
    """``text`` if it is the name of an operating system's package, perhaps with ``=version``."""
    return _matching(_SYSTEM_PACKAGE, text, "the name of a system package")


def _matching(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise PlanError(f"the plan holds {text[:80]!r} where {what} belongs")
    return text


def _require_printable(text: str) -> None:
    if not text.isprintable():
        raise PlanError(f"the plan holds text with control characters: {text[:80]!r}")
