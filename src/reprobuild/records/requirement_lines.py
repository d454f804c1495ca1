"""Lines of a requirements file, as pip, uv, W&B, conda and people write them, to distributions.

Nothing is dropped silently: a line that is not understood becomes a note that quotes it. Facts that stand in pip's
own comments (``# Editable install with no version control (x==1.0)``) are read. The grammar of a name is PEP 508's;
a version is kept as it is spelt, because old releases and forks carry versions that PEP 440 does not allow.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator

import msgspec
from packaging.utils import canonicalize_name

from reprobuild.records.credentials import without_credentials
from reprobuild.records.direct_urls import (
    NAME,
    direct_url,
    file_in_url,
    fragment_hashes,
    looks_like_url,
    name_in_url,
    tags_in_file_name,
    version_in_file_name,
)
from reprobuild.records.interpreter_lines import python_in_line
from reprobuild.records.pasted import is_prompt
from reprobuild.records.text import MOST_PACKAGES, at_most, bounded, shortened
from reprobuild.snapshot import Distribution, Fields, Note

_PINNED = re.compile(rf"(?P<name>{NAME})(?:\s*\[[^\]]*\])?\s*===?\s*(?P<version>(?:\d+!)?[^\s;,#=<>!~]+)(?P<rest>.*)")
_LEGACY_LIST = re.compile(rf"(?P<name>{NAME}) \((?P<version>\d[^\s(),<>=!]*)(?:, (?P<place>[^()]+))?\)")
_ONE_BOUND = r"(?:[<>~]=?|!=|={2,3})\s*+v?(?:\d+!)?[0-9*][A-Za-z0-9._*+-]*+"
_UNPINNED = re.compile(
    rf"(?P<name>{NAME})(?:\s*+\[[^\]]*\])?"
    rf"(?:\s*+\(?\s*+{_ONE_BOUND}(?:[\s,|]*+{_ONE_BOUND})*+[\s,]*+\)?|\s*+=[0-9*][A-Za-z0-9._*+!|=-]*+|,)?"
    r"(?P<rest>\s*+(?:;.*|--.*)?)"
)
"""A range by PEP 508, or conda's ``numpy=1.19.*``: no other equals sign, which settings and program text have too."""
_SHELL_VARIABLE = re.compile(r"(?:export\s+)?[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+=.*")
_AT_URL = re.compile(rf"(?P<name>{NAME})(?:\s*\[[^\]]*\])?\s*@\s*(?P<url>\S+)(?P<rest>.*)")
_CONDA_EXPORT = re.compile(
    rf"(?P<name>_?{NAME})=(?P<version>[^=\s;,<>~!*]+(?==)|\d[^=\s;,<>~!*]*)(?:=(?P<build>[^=\s]+))?"
)
_OPTION = re.compile(r"(?P<option>--[a-z-]+|-[A-Za-z])(?:\s*=\s*|\s+|(?<=-[A-Za-z])(?=\S))?(?P<value>.*)")
_HASH = re.compile(r"--hash[=\s]+(?P<hash>[A-Za-z0-9]+:[0-9A-Fa-f]+)")
_COMMENT_FACT = re.compile(rf"# Editable .{{0,60}}?\((?P<name>{NAME})==(?P<version>[^)\s]+)\)")
_TOOL_TALK = re.compile(
    r"(?:WARNING|DEPRECATION|ERROR|NOTICE|warning|error)\b.*|\[notice\].*|You are using pip version.*"
    r"|You should consider upgrading.*|Collecting .*|Using Python .*|Could not .*|Error .*"
)

_TERMINAL_COLORS = re.compile(r"\x1b\[[0-9;]{0,20}m")

_EXTRAS_OF_A_PATH = re.compile(r"\[[A-Za-z0-9_., -]*\]$")
"""``-e ./package[extra]``"""

LONGEST_LINE = 500_000
"""Characters of a logical line; one with thousands of hashes stays below it."""

_INDEX_OPTIONS = {
    "-i": "--index-url",
    "--pypi-url": "--index-url",
    "--index-url": "--index-url",
    "--extra-index-url": "--extra-index-url",
    "-f": "--find-links",
    "--find-links": "--find-links",
    "--no-index": "--no-index",
}
_FILE_OPTIONS = {
    "-r": "--requirement",
    "--requirement": "--requirement",
    "-c": "--constraint",
    "--constraint": "--constraint",
}


class Option(Fields, frozen=True, kw_only=True):
    """An option line of a requirements file, by its long name, without credentials."""

    name: str
    value: str = ""


class RequirementList(Fields, frozen=True, kw_only=True):
    """What a list of lines tells."""

    distributions: tuple[Distribution, ...] = ()
    options: tuple[Option, ...] = ()
    notes: tuple[Note, ...] = ()
    redactions: int = 0
    python: str | None = None
    """The interpreter, where a line or a comment tells it."""


def parse_lines(text: str, *, place: str | None = None) -> RequirementList:
    """Read a whole list. ``place`` is what the notes' paths start with (``pip_freeze``).

    Raises RecordError for more packages than any environment has.
    """
    distributions: list[Distribution] = []
    options: list[Option] = []
    notes: list[Note] = []
    redactions = 0
    told: Distribution | None = None
    python: str | None = None
    for number, raw in at_most(logical_lines(text), 2 * MOST_PACKAGES):
        line, removed = without_credentials(raw)
        redactions += removed
        path = f"{place} line {number}" if place else f"line {number}"
        if (fact := fact_in_comment(line)) is not None:
            told = fact
            continue
        if (version := python_in_line(line)) is not None:
            python = python or version
            continue
        item = parse_line(line, told=told)
        if isinstance(item, Distribution):
            distributions.append(item)
            notes.extend(_remarks(item, path))
            told = None
        elif isinstance(item, Option):
            options.append(item)
        elif isinstance(item, Note):
            notes.append(msgspec.structs.replace(item, path=path))
    kept, doubled = without_duplicates(distributions)
    return RequirementList(
        distributions=kept,
        options=tuple(options),
        notes=bounded([*notes, *doubled]),
        redactions=redactions,
        python=python,
    )


def logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Number of the first physical line, and the line with its continuations, without surrounding white space."""
    pending: list[str] = []
    first = 0
    if "\x1b" in text:
        text = _TERMINAL_COLORS.sub("", text)
    for number, physical in enumerate(re.split(r"\r\n|\r|\n", text), start=1):
        line = physical.strip("\ufeff\x00 \t\f\v\r")
        first = first if pending else number
        if line.endswith("\\") and not line.startswith("#"):
            pending.append(line[:-1].rstrip())
            continue
        pending.append(line)
        if joined := " ".join(part for part in pending if part):
            yield first, joined
        pending = []
    if joined := " ".join(part for part in pending if part):
        yield first, joined


def parse_line(line: str, *, told: Distribution | None = None) -> Distribution | Option | Note | None:
    """One logical line. ``told`` is what pip's comment above it says of an editable install.

    None for a blank line or an ordinary comment, a Note for what is not a requirement, such as pip's warnings.
    """
    if len(line) > LONGEST_LINE:
        return Note(code="line-not-understood", message=f"a line of {len(line)} characters: {shortened(line)}")
    body = _without_comment(line)
    if not body:
        return None
    if body.startswith("-"):
        return _option(body, line, told)
    if _SHELL_VARIABLE.fullmatch(body):
        return Note(code="line-not-understood", message=f"a variable and no package: {shortened(line)}")
    for read in (_at_url, _bare_url, _pinned, _conda_export, _legacy_list):
        if (found := read(body, line)) is not None:
            return found
    if is_prompt(line):
        return None  # which names a person and a machine
    if _TOOL_TALK.match(body):
        return Note(code="tool-output", message=f"output of the tool among the packages: {shortened(body)}")
    return _unpinned(body, line) or Note(code="line-not-understood", message=f"not understood: {shortened(line)}")


def _without_comment(line: str) -> str:
    """The requirement itself: also out of a bullet list, or out of the quotes of a Python list."""
    if line.startswith("#"):
        return ""
    body = re.split(r"\s#", line, maxsplit=1)[0].strip()
    if body.startswith(("- ", "* ")):
        body = body[2:].strip()
    if body[:1] in ("'", '"'):
        body = body.rstrip(", ").strip(body[0])
    return body


def fact_in_comment(line: str) -> Distribution | None:
    """The package that pip's comment above an editable install names."""
    found = _COMMENT_FACT.match(line) if line.startswith("#") else None
    return Distribution(name=found["name"], version=found["version"]) if found else None


def _option(body: str, line: str, told: Distribution | None) -> Distribution | Option | Note:
    found = _OPTION.fullmatch(body)
    if found is None:
        return Note(code="line-not-understood", message=f"not understood: {shortened(line)}")
    name, value = found["option"], (found["value"] or "").strip()
    if name in ("-e", "--editable"):
        return _editable(value, line, told)
    if name in _INDEX_OPTIONS:
        return Option(name=_INDEX_OPTIONS[name], value=value)
    if name in _FILE_OPTIONS:
        return Option(name=_FILE_OPTIONS[name], value=value)
    return Option(name=name, value=value)


def _editable(target: str, line: str, told: Distribution | None) -> Distribution | Note:
    target = _EXTRAS_OF_A_PATH.sub("", target)
    at_url = _AT_URL.fullmatch(target)
    url = at_url["url"] if at_url else target
    origin = direct_url(url, editable=True)
    name = at_url["name"] if at_url else (told.name if told else None) or name_in_url(url)
    if not name:
        return Note(
            code="editable-without-name", message=f"an editable install that names no package: {shortened(line)}"
        )
    version = told.version if told and canonicalize_name(told.name) == canonicalize_name(name) else None
    return Distribution(name=name, version=version, direct_url=origin, line=line)


def _at_url(body: str, line: str) -> Distribution | None:
    found = _AT_URL.fullmatch(body)
    if found is None or not looks_like_url(found["url"]):
        return None
    return _from_url(found["name"], found["url"], found["rest"], line)


def _bare_url(body: str, line: str) -> Distribution | Note | None:
    url, _, rest = body.partition(" ")
    if not looks_like_url(url):
        return None
    name = name_in_url(url)
    if name is None:
        return Note(code="url-without-name", message=f"an address that names no package: {shortened(line)}")
    return _from_url(name, url, rest, line)


def _from_url(name: str, url: str, rest: str, line: str) -> Distribution:
    file = file_in_url(url)
    return Distribution(
        name=name,
        version=version_in_file_name(file),
        tags=tags_in_file_name(file),
        direct_url=direct_url(url),
        marker=_marker(rest),
        hashes=_hashes(rest) or fragment_hashes(url),
        line=line,
    )


def _pinned(body: str, line: str) -> Distribution | None:
    found = _PINNED.fullmatch(body)
    if found is None or found["version"].endswith("*"):
        return None
    rest = found["rest"]
    return Distribution(
        name=found["name"], version=found["version"], marker=_marker(rest), hashes=_hashes(rest), line=line
    )


def _conda_export(body: str, line: str) -> Distribution | None:
    """A line of ``conda list --export``, or of what conda's users write (``numpy=1.19``), in a file of pip's lines."""
    found = _CONDA_EXPORT.fullmatch(body)
    return Distribution(name=found["name"], version=found["version"], line=line) if found else None


def _legacy_list(body: str, line: str) -> Distribution | None:
    """``pip list`` before pip 18: ``numpy (1.14.3)``, and the place of an editable install behind a comma."""
    found = _LEGACY_LIST.fullmatch(body)
    if found is None:
        return None
    origin = direct_url(found["place"], editable=True) if found["place"] else None
    return Distribution(name=found["name"], version=found["version"], direct_url=origin, line=line)


def _unpinned(body: str, line: str) -> Distribution | None:
    found = _UNPINNED.fullmatch(body)
    if found is None or keyword.iskeyword(body):
        return None
    return Distribution(name=found["name"], marker=_marker(found["rest"]), line=line)


def _marker(rest: str) -> str | None:
    marker = re.split(r"\s--", rest.partition(";")[2], maxsplit=1)[0].strip()
    return marker or None


def _hashes(rest: str) -> tuple[str, ...]:
    return tuple(found["hash"].lower() for found in _HASH.finditer(rest))


def option_notes(options: tuple[Option, ...]) -> Iterator[Note]:
    """What the options of a list mean for it: other files that belong to it, indexes that it names."""
    for option in options:
        text = f"{option.name} {option.value}".strip()[:200]
        if option.name in ("--requirement", "--constraint"):
            message = f"the list refers to another file, which is not part of it: {text}"
            yield Note(code="other-file", message=message)
        else:
            yield Note(code="list-option", message=f"the list sets {text}")


def indexes_of(options: tuple[Option, ...]) -> tuple[str, ...]:
    """The indexes and pages of links that a list names, each once. They lost their credentials when it was read."""
    named = (option.value for option in options if option.name in _INDEX_OPTIONS.values())
    return tuple(dict.fromkeys(value.strip("'\"").rstrip("/") for value in named if value.startswith("http")))


def _remarks(item: Distribution, path: str) -> Iterator[Note]:
    """What a line leaves open: the version, or the name of what was installed from a folder."""
    line, origin = shortened(item.line or ""), item.direct_url
    if item.version is not None:
        return
    if origin is None:
        yield Note(code="unpinned", message=f"{item.name} has no exact version: {line}", path=path)
    elif line.startswith("-") and not re.search(r"egg=|\s@\s", item.line or ""):
        message = f"the line does not name the package; it is called {item.name} after its place: {line}"
        yield Note(code="name-guessed", message=message, path=path)
    elif origin.url.startswith("file:") and origin.vcs_info is None:
        message = f"{item.name} was installed from a file of that machine; the line does not tell its version"
        yield Note(code="local-file", message=message, path=path)


def without_duplicates(distributions: list[Distribution]) -> tuple[tuple[Distribution, ...], list[Note]]:
    """One of each name and version, in order; a note for each name that stands there with several versions."""
    kept: dict[tuple[str, str | None, str | None], Distribution] = {}
    versions: dict[str, set[str]] = {}
    for item in distributions:
        name = canonicalize_name(item.name)
        kept.setdefault((name, item.version, item.marker), item)
        if item.version and not item.marker:
            versions.setdefault(name, set()).add(item.version)
    notes = [
        Note(code="several-versions", message=f"{name} stands there with several versions: {', '.join(sorted(found))}")
        for name, found in versions.items()
        if len(found) > 1
    ]
    return tuple(kept.values()), notes
