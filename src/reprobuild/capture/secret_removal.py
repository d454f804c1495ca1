"""The closer look at a text that may hold secrets: which parts of it are some, and what stands there instead."""

from __future__ import annotations

import functools
import re

from reprobuild.capture.secret_shapes import (
    SHAPES,
    is_secret_name,
    is_strong_name,
    may_hold,
    pattern,
    speaks_of_secrets,
)

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded for nothing
    from collections.abc import Callable, Sequence

REMOVED = "REMOVED"
"""What stands in a secret's place."""

_NO_SECRET = frozenset({"", "none", "null", "true", "false", "bearer", "basic", "token", "removed", "yes", "no"})
_REFERENCE = r"\$\{?[A-Za-z_]|%[(A-Za-z]|\{\{|<|\[|(?:os\.environ|os\.getenv|getpass|args\.|self\.|cfg\.|config\.)"
_CODE = r"[A-Za-z_][\w.]*[(\[]"
_PLAIN = re.compile(r"[a-z]+(?:[_. -][a-z]+)*|[0-9.,]{1,11}")
"""Words of a text and small numbers: what a name like ``token`` holds in programs that work on texts."""


def redact_text(text: str) -> tuple[str, int]:
    """A text without secrets, and how many were removed. Redacting twice removes nothing more."""
    if not may_hold(text):
        return text, 0
    count = 0

    def replaced(expression: re.Pattern[str], decide: Callable[[re.Match[str]], str | None]) -> None:
        nonlocal text

        def one(found: re.Match[str]) -> str:
            nonlocal count
            replacement = decide(found)
            if replacement is None or replacement == found[0]:
                return found[0]
            count += 1
            return replacement

        text = expression.sub(one, text)

    if "://" in text:
        replaced(_url_user(), _without_user)
    for marks, expression in SHAPES:
        if any(mark in text for mark in marks):
            replaced(pattern(expression), lambda _: REMOVED)
    if speaks_of_secrets(text):
        replaced(_scheme_and_value(), lambda found: found["before"] + REMOVED if found["value"] != REMOVED else None)
        replaced(_assignment(), _without_value)
        replaced(_option_and_value(), _without_value)
    return text, count


def redact_arguments(arguments: Sequence[str]) -> tuple[list[str], int]:
    """A command line's arguments without secrets: also the value behind ``--token``, in an argument of its own."""
    cleaned: list[str] = []
    total = 0
    expected = False
    for argument in arguments:
        if expected and not argument.startswith("--") and _named_value_is_secret(argument):
            text, count = REMOVED, 1
        else:
            text, count = redact_text(argument)
        name, equals, value = argument.partition("=")
        if not count and equals and _is_one_word(name) and is_secret_name(name) and _named_value_is_secret(value):
            text, count = f"{name}={REMOVED}", 1
        expected = argument.startswith("-") and _is_one_word(argument) and is_secret_name(argument)
        cleaned.append(text)
        total += count
    return cleaned, total


def redact_variable(name: str, value: str) -> tuple[str, int]:
    """The value of an environment variable, or of any name that is given by itself."""
    if _is_one_word(name) and is_secret_name(name) and _named_value_is_secret(value):
        return REMOVED, 1
    return redact_text(value)


@functools.cache
def _url_user() -> re.Pattern[str]:
    return re.compile(
        r"(?P<scheme>(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{0,30}+://)(?P<user>[^\s/@'\"<>?#]{0,4096})"
        r"(?P<more>(?:@[^\s/@'\"<>?#]{0,4096}){0,8})@"
    )


def _without_user(found: re.Match[str]) -> str:
    """User and password go; ``git@`` and the lone user of an ssh address stay, and so do ``${NAME}`` references."""
    user = found["user"] + found["more"]
    scheme = found["scheme"].lower().removesuffix("://").rpartition("+")[2]
    name, colon, password = user.partition(":")
    if not user or re.fullmatch(r"\$\{\w+\}(?::\$\{\w+\})?", user):
        return found[0]
    if name == "git" or scheme in ("ssh", "git", "svn", "hg", "sftp", "rsync"):
        return f"{found['scheme']}{name}@" if colon and password else found[0]
    return found["scheme"]


@functools.cache
def _scheme_and_value() -> re.Pattern[str]:
    """``Authorization: Bearer VALUE`` of HTTP."""
    return re.compile(r"(?P<before>(?<![A-Za-z0-9])(?i:bearer|basic)\s{1,3})(?P<value>[A-Za-z0-9_.~+/=-]{12,})")


@functools.cache
def _assignment() -> re.Pattern[str]:
    """``name=value``, ``name: value``, ``"name": "value"``, ``name := value``; never ``name==version``."""
    return re.compile(
        r"(?<![A-Za-z0-9_.-])(?P<name>[A-Za-z0-9_.-]++)"
        r"(?P<mark>[\"'\]]{0,2}\s{0,3}(?::=|=|:)(?!=)\s{0,3}(?:[rbf](?=[\"']))?(?=[^\s]))"
        r"(?P<value>\"[^\"\n]*\"?|'[^'\n]*'?|[^\s\"'&;,]+)"
    )


@functools.cache
def _option_and_value() -> re.Pattern[str]:
    """``--token value`` in one text."""
    return re.compile(
        r"(?<![^\s\"'`=(\[])--?(?P<name>[A-Za-z][A-Za-z0-9_.-]*+)(?P<mark>\s{1,3})"
        r"(?P<value>\"[^\"\n]*\"?|'[^'\n]*'?|[^\s\"'`-][^\s\"'`]*)"
    )


def _without_value(found: re.Match[str]) -> str | None:
    name, value = found["name"], found["value"]
    if not is_secret_name(name):
        return None
    quote = value[0] if value[0] in "\"'" else ""
    content = value.strip("\"'")
    if not _named_value_is_secret(content) or not (is_strong_name(name) or _looks_random(content)):
        return None
    if not quote and re.match(_CODE, content):
        return None
    start = found.start("value") - found.start()
    closing = quote if len(value) > 1 and value.endswith(quote) else ""
    return f"{found[0][:start]}{quote}{REMOVED}{closing}"


def _named_value_is_secret(value: str) -> bool:
    """Whether a value that stands under a secret's name is one, and no reference to where it comes from."""
    plain = value.strip("\"'")
    return plain.lower() not in _NO_SECRET and not re.match(_REFERENCE, plain)


def _is_one_word(name: str) -> bool:
    return name.isascii() and all(character.isalnum() or character in "-_." for character in name)


def _looks_random(value: str) -> bool:
    """In a text, ``token = "the"`` is a word and ``token = "q8Zr1..."`` is none."""
    return len(value) >= 8 and not _PLAIN.fullmatch(value)
