"""Records as people paste them: in markdown's quotes and fences, between the prompts of a shell; and what is none.

Pure functions on text and bytes, before any format is looked for.
"""

from __future__ import annotations

import re

from reprobuild.records.text import decode

_QUOTE = re.compile(r"^(?:[ \t]{0,3}>[ \t]?)+", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]{0,8}(?P<mark>`{3,}|~{3,})[^\n`]{0,80}$")
_FOLD = re.compile(r"\s*</?(?:details|summary)\b.{0,300}", re.IGNORECASE)
_PROMPT = re.compile(
    r"(?:[$%#>]{1,3}\s+\S.*"  # $ pip freeze
    r"|(?:\([\w./-]{1,60}\)\s*)?\[?[\w.-]{1,60}@[\w.-]{1,60}[: ~][^$#%]{0,200}[$#%](?:\s.*)?"  # (venv) me@host:~$ ...
    r"|(?:\([\w./-]{1,60}\)\s*)?(?:PS )?[A-Za-z]:\\[^>]{0,200}>.*"  # (base) PS C:\Users\me> ...
    r"|[!%]\s?(?:pip|uv|conda|python)[\d.]*\s.*)"  # a notebook's !pip freeze
)

_STRANGERS = (
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"PK\x03\x04", "a zip archive", "unpack it first, and name the folder or the file in it"),
    (b"BZh", "a bzip2 archive", "unpack it first"),
    (b"\xfd7zXZ", "an xz archive", "unpack it first"),
    (b"\x89PNG", "a picture", "a record is text: copy it out of the picture"),
    (b"\xff\xd8\xff", "a picture", "a record is text: copy it out of the picture"),
    (b"%PDF", "a PDF document", "copy the record's text out of it"),
    (b"\x7fELF", "a program", None),
    (
        b"SQLite format 3",
        "a database",
        "name the run of MLflow in it: MLFLOW_TRACKING_URI=sqlite:///FILE, mlflow:RUN_ID",
    ),
)
"""First bytes of files that are no text, what such a file is, and the way out."""

_WANTED_ONLY = (
    (re.compile(r"^\[project\]|^\[tool\.poetry\]", re.MULTILINE), "a pyproject.toml"),
    (re.compile(r"^from setuptools import|^import setuptools|^setup\(", re.MULTILINE), "a setup.py"),
    (re.compile(r"^\[(?:dev-)?packages\]\s*$", re.MULTILINE), "a Pipfile"),
    (re.compile(r"^\[options\][\s\S]{0,4000}^install_requires", re.MULTILINE), "a setup.cfg"),
)
_LOCKED = {"a Pipfile": "the Pipfile.lock"}
_PAGE = re.compile(rb"\s*<(?:!doctype html|html)\b", re.IGNORECASE)


def without_marks(content: bytes) -> bytes:
    """A file that begins with markdown's quote mark, is one fenced block, or whose line ends were escaped (``\\n``),
    without that; any other as it is."""
    if b"\n" not in content[:4096] and content[:4096].count(b"\\n") > 3 and content[:1] not in b'{["':
        content = content.replace(b"\\r", b"").replace(b"\\n", b"\n").replace(b"\\t", b"\t")
    start = content[:64].lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")[:3]
    if not start.startswith((b">", b"```", b"~~~")):
        return content
    text = decode(content).replace("\r\n", "\n").replace("\r", "\n")
    if start.startswith(b">"):
        text = _QUOTE.sub("", text)
    parts = sections(text)
    return (parts[0][0] if len(parts) == 1 else text).encode("utf-8")


def sections(text: str) -> tuple[tuple[str, bool], ...]:
    """The parts of a text, and whether marks set each apart: markdown's fences, or HTML's folded details.

    The last fence may be open, as in a paste that was cut off. Parts without any text are left out.
    """
    found: list[tuple[str, bool]] = []
    lines: list[str] = []
    mark = ""
    folded = False

    def end(is_set_apart: bool) -> None:
        found.append(("\n".join(lines), is_set_apart))
        lines.clear()

    for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        fence = _FENCE.match(line)
        if not mark and fence:
            end(folded)
            mark = fence["mark"]
        elif mark and fence and fence["mark"].startswith(mark):
            end(True)
            mark = ""
        elif not mark and _FOLD.fullmatch(line):
            end(folded)
            folded = "</details" not in line.lower()
        else:
            lines.append(line)
    end(folded or bool(mark))
    return tuple((part, is_set_apart) for part, is_set_apart in found if part.strip())


def is_prompt(line: str) -> bool:
    """Whether a line is what a shell or a notebook shows before a command."""
    return _PROMPT.fullmatch(line[:500]) is not None


def stranger(content: bytes) -> tuple[str, str | None] | None:
    """What a file is that is no record, and the way out; None for what may be one."""
    for start, kind, way_out in _STRANGERS:
        if content.startswith(start):
            return f"this is {kind}", way_out
    if _PAGE.match(content[:200]):
        return "this is a web page", "save the record itself, not the page that shows it"
    return wanted_only(content)


def wanted_only(content: bytes) -> tuple[str, str | None] | None:
    """What a file is that says which packages were wanted, and the way out; None for any other."""
    head = decode(content[:20_000]).replace("\r\n", "\n")
    for pattern, kind in _WANTED_ONLY:
        if pattern.search(head):
            way_out = f"import {_LOCKED.get(kind, 'the lock file')} beside it, or the pip freeze of the environment"
            return f"this is {kind}: it says what was wanted, not what was installed", way_out
    return None
