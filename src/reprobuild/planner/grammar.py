"""The strict grammars that every text of a record passes before it enters a plan.

A record is hostile until proved otherwise: a name, a version, a URL or a revision ends up in requirement
files, in the Dockerfile's comments and in labels. What does not fit raises RecordError with the path of the
value in the file; the message never repeats more than a few characters of it, escaped.
"""

from __future__ import annotations

import datetime
import functools
import re
from urllib.parse import urlsplit

from packaging.markers import InvalidMarker, Marker
from packaging.version import InvalidVersion, Version

from reprobuild.errors import RecordError

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_CONDA_NAME = re.compile(r"_?[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_CONDA_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+!]{0,127}")
_CONDA_BUILD = re.compile(r"[A-Za-z0-9_*][A-Za-z0-9._+*]{0,127}")
_VERSION_TEXT = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+!_~:-]{0,127}")
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,300}")
_HASH = re.compile(r"(?:sha256:[0-9a-f]{64}|sha384:[0-9a-f]{96}|sha512:[0-9a-f]{128})")
_COMMIT = re.compile(r"[0-9a-fA-F]{7,64}")
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/+-]{0,127}")
_DIRECTORY = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._-]{0,99}(?:/[A-Za-z0-9._][A-Za-z0-9._-]{0,99}){0,20}")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?")
_URL_TAIL = re.compile(r"[A-Za-z0-9._~!*+,=:@%/&-]{0,1800}")
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_PYTHON = re.compile(r"([23]\.[0-9]{1,2}(?:\.[0-9]{1,2})?(?:(?:a|b|rc)[0-9]{1,2})?)\+?")
_CREDENTIALS = re.compile(r"//[^/@\s]*@")
_DOTTED = re.compile(r"[0-9]{1,5}(?:\.[0-9]{1,8}){0,4}")

WEB_SCHEMES = frozenset({"http", "https"})
VCS_SCHEMES = frozenset({"git+https", "git+http", "git+ssh", "git"})


def excerpt(text: str) -> str:
    """At most 40 characters of hostile text, without credentials, quoted and escaped to ASCII, for an error message."""
    text = _CREDENTIALS.sub("//***@", text[:400])
    return f"{text[:40]!a}..." if len(text) > 40 else f"{text!a}"


def refuse(text: str, path: str, expected: str) -> RecordError:
    """The error for a value that does not fit: names the place and what is expected there."""
    return RecordError(f"{excerpt(text)} is not {expected}", path=path)


def _matched(text: str, grammar: re.Pattern[str], path: str, expected: str) -> str:
    if not grammar.fullmatch(text):
        raise refuse(text, path, expected)
    return text


def project_name(text: str, path: str) -> str:
    """A distribution's name: ASCII letters, digits, ``-``, ``_`` and ``.``, at most 128."""
    return _matched(text, _NAME, path, "the name of a Python distribution")


def conda_name(text: str, path: str) -> str:
    """The name of a conda package, which may start with an underscore."""
    return _matched(text, _CONDA_NAME, path, "the name of a conda package")


def conda_version(text: str, path: str) -> str:
    """The version of a conda package: no operator, blank or bracket, which conda's specs give a meaning."""
    return _matched(text, _CONDA_VERSION, path, "the version of a conda package")


def conda_build(text: str, path: str) -> str:
    """The build string of a conda package, such as ``py3.7_cuda11.0.221_cudnn8.0.5_0``, or a pattern of it."""
    return _matched(text, _CONDA_BUILD, path, "the build of a conda package")


def conda_digest(text: str, path: str, digits: int) -> str:
    """So many hexadecimal digits: 32 of an MD5, 64 of a SHA-256."""
    return _matched(text.lower(), re.compile(rf"[0-9a-f]{{{digits}}}"), path, f"{digits} hexadecimal digits")


def version_text(text: str, path: str) -> str:
    """A version as some tool spells it, PEP 440 or not: safe to show, not necessarily to install."""
    return _matched(text, _VERSION_TEXT, path, "a version")


def pep440(text: str) -> Version | None:
    """The version, or None when the text is not one that PEP 440 allows."""
    return _pep440(text) if len(text) <= 128 and text.isascii() else None


@functools.lru_cache(maxsize=4096)
def _pep440(text: str) -> Version | None:
    """Records repeat each other's versions; the cache is bounded, so that a long run's memory stays flat."""
    try:
        return Version(text)
    except InvalidVersion:
        return None


def release(text: str, path: str) -> Version:
    """A version that PEP 440 allows. Raises RecordError otherwise."""
    version = pep440(version_text(text, path))
    if version is None:
        raise refuse(text, path, "a version that PEP 440 allows")
    return version


def dotted(text: str, path: str) -> str:
    """Digits and dots only: a CUDA, cuDNN, glibc or operating system version."""
    return _matched(text, _DOTTED, path, "a version of digits and dots")


def token(text: str, path: str) -> str:
    """One word, such as an operating system's id or a machine's architecture."""
    return _matched(text, _TOKEN, path, "one plain word")


def printable(text: str, path: str) -> str:
    """One line of printable ASCII, at most 300 characters, for showing only."""
    return _matched(text, _PRINTABLE, path, "one line of printable ASCII text")


def python_version(text: str, path: str) -> str:
    """X.Y or X.Y.Z with a pre-release suffix; the ``+`` of an interpreter built after a release is cut off."""
    matched = _PYTHON.fullmatch(text)
    if matched is None:
        raise refuse(text, path, "a Python version such as 3.10.12")
    return matched.group(1)


def file_hash(text: str, path: str) -> str:
    """``sha256:<hex>``, or the longer SHA-2 digests."""
    return _matched(text.lower(), _HASH, path, "a SHA-2 digest such as sha256:<64 hexadecimal digits>")


def commit(text: str, path: str) -> str:
    """7 to 64 hexadecimal digits."""
    return _matched(text, _COMMIT, path, "a commit of 7 to 64 hexadecimal digits")


def revision(text: str, path: str) -> str:
    """A branch or tag that git and a requirement line both take without quoting."""
    if ".." in text or "//" in text or text.endswith(("/", ".", ".lock")):
        raise refuse(text, path, "a plain branch or tag")
    return _matched(text, _REVISION, path, "a plain branch or tag")


def directory(text: str, path: str) -> str:
    """A relative path inside a repository or archive, never upward."""
    if ".." in text.split("/"):
        raise refuse(text, path, "a relative path that does not lead upward")
    return _matched(text, _DIRECTORY, path, "a plain relative path")


def date(text: str, path: str) -> datetime.date:
    """The day of an ISO 8601 time."""
    try:
        return datetime.datetime.fromisoformat(text).date()
    except ValueError:
        raise refuse(text, path, "an ISO 8601 time") from None


def marker(text: str, path: str) -> Marker:
    """An environment marker, printable ASCII only."""
    try:
        return Marker(printable(text, path))
    except InvalidMarker:
        raise refuse(text, path, "an environment marker") from None


def url(text: str, path: str, schemes: frozenset[str]) -> str:
    """A URL without fragment that installers, requirement files and Dockerfiles all take without quoting.

    Credentials are cut off (``git@`` stays, it is no secret). ``$`` is refused because requirement files expand
    variables. Raises RecordError for another scheme, a strange host, or any character that would need quoting.
    """
    expected = f"a plain URL ({', '.join(sorted(schemes))})"
    if not text.isascii() or len(text) > 2000:
        raise refuse(text, path, expected)
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise refuse(text, path, expected) from None
    # urlsplit drops tabs and line feeds silently, so the raw text has to be looked at as well.
    if parts.scheme not in schemes or not _HOST.fullmatch(host) or re.search(r"[\x00-\x20\x7f]", text):
        raise refuse(text, path, expected)
    user = "git@" if parts.scheme.endswith("ssh") and parts.username == "git" else ""
    tail = f"{parts.path}?{parts.query}" if parts.query else parts.path
    if not all(_URL_TAIL.fullmatch(part) for part in (parts.path, parts.query)):
        raise refuse(text, path, expected)
    return f"{parts.scheme}://{user}{host}{f':{port}' if port else ''}{tail}"
