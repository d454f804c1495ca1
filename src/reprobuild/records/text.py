"""Bytes of a record to text: byte order marks, UTF-16, Windows code pages; and the bounds every reader keeps."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Iterator
from typing import TypeVar

import msgspec

from reprobuild.errors import RecordError
from reprobuild.snapshot import Note

LARGEST_FILE = 64 * 1024 * 1024
"""Bytes. No record of an environment comes near it; a larger file is something else."""

LARGEST_TEXT = 16 * 1024 * 1024
"""Bytes of a text that is read line by line, or as YAML or TOML, which take many times their size in memory."""

MOST_PACKAGES = 200_000
"""More than any environment has; each takes memory many times its line."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def decode(content: bytes) -> str:
    """The text of ``content``. What no encoding explains becomes U+FFFD: a reader then says so about the line.

    A byte order mark decides; without one UTF-16 is known by its zero bytes (PowerShell's ``>`` writes it); then
    UTF-8, then Windows-1252, which old Windows tools wrote. Never raises.
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, errors="replace")
    head = content[:200]
    if len(head) >= 4 and head[1::2].count(0) > len(head) // 4 and head[::2].count(0) == 0:
        return content.decode("utf-16-le", errors="replace")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")


def decode_json(content: bytes, source: str) -> object:
    """The value of a JSON file. Raises RecordError when it is empty, truncated, too deep or not JSON."""
    try:
        return msgspec.json.decode(decode(content))
    except (msgspec.DecodeError, UnicodeError) as error:
        reason = printable(str(error).removeprefix("JSON is malformed: "))
        if "truncated" in reason:
            raise RecordError("the file ends in the middle: it is truncated JSON", source=source) from error
        raise RecordError(f"this is not JSON: {reason}", source=source) from error
    except RecursionError as error:
        raise RecordError("this JSON is nested too deep to be a record", source=source) from error


Item = TypeVar("Item")


def at_most(items: Iterable[Item], most: int = MOST_PACKAGES) -> Iterator[Item]:
    """The items one by one. Raises RecordError beyond ``most``: a hostile file must not fill the memory."""
    for number, item in enumerate(items):
        if number >= most:
            raise RecordError(f"more than {most} packages: that is no record of an environment")
        yield item


def printable(text: str) -> str:
    """``text`` on one line, with everything escaped that a terminal would act on or not show."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode("ascii") for sign in text)


def shortened(text: str, limit: int = 80) -> str:
    """``text`` fit for a message: printable, at most ``limit`` characters."""
    shown = printable(text[: limit + 1])
    return shown if len(shown) <= limit else shown[: limit - 3] + "..."


def bounded(notes: Iterable[Note], *, most: int = 25) -> tuple[Note, ...]:
    """At most ``most`` notes of each code, and one that counts the rest: a hostile file can't flood a person.

    Notes that were bounded before, in parts or as a whole, may be among them: what those counted counts on.
    """
    kept: list[Note] = []
    seen: dict[str, int] = {}
    extra: dict[str, int] = {}
    for note in notes:
        if (rest := _REST.fullmatch(note.message)) and rest["code"] == note.code:
            extra[note.code] = extra.get(note.code, 0) + int(rest["count"])
            continue
        seen[note.code] = seen.get(note.code, 0) + 1
        if seen[note.code] <= most:
            kept.append(note)
        else:
            extra[note.code] = extra.get(note.code, 0) + 1
    return (*kept, *(Note(code=code, message=f"and {count} more of the kind {code}") for code, count in extra.items()))


_REST = re.compile(r"and (?P<count>[0-9]{1,9}) more of the kind (?P<code>.+)")
