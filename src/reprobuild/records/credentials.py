"""Taking credentials out of the URLs of other tools' records. What is removed is counted, never kept."""

from __future__ import annotations

import re
from typing import Any

from reprobuild.errors import RecordError

# ``scheme://user:password@host``: everything between the slashes and the at sign, on one line and without a path.
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30}://)(?P<userinfo>[^\s/@'\"<>]{1,4096})@")
_HARMLESS = re.compile(r"(?:git|hg|svn|\$\{[A-Za-z_][A-Za-z0-9_]*\}(?::\$\{[A-Za-z_][A-Za-z0-9_]*\})?)")
_SECRET_PARAMETER = re.compile(
    r"(?P<key>[?&](?:access_token|token|sig|signature|X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token"
    r"|api_key|apikey|password|private_token)=)[^&#\s'\"]+",
    re.IGNORECASE,
)
_PATH_TOKEN = re.compile(r"(?P<host>://[^\s/@'\"<>]{1,300})/t/[^\s/'\"<>]{1,300}(?=/)")
"""anaconda.org takes a token as a part of the path: ``/t/<token>/channel``."""

_SECRET_NAME = re.compile(
    r"-{0,2}[\w.-]*(?:api[_-]?key|token(?!s|iz)|secret|passw(?:or)?d|credential|_key$|-key$)[\w.-]*", re.I
)
_HARMLESS_NAME = re.compile(r"(?:max|min|num|n|pad|eos|bos|unk|mask|sep|cls)[_-]|(?:_|-)(?:id|length|len|limit)$", re.I)

_DEEPEST = 100

REMOVED = "REMOVED"
"""What stands in the place of a secret."""


def is_secret_name(name: str) -> bool:
    """Whether the value of an argument or key of this name is likely a secret: ``api_key``, but not ``max_tokens``."""
    bare = name[:200].lstrip("-")
    return bool(_SECRET_NAME.fullmatch(name[:200])) and not _HARMLESS_NAME.search(bare)


def without_secret_values(value: Any, depth: int = 0) -> tuple[Any, int]:
    """A JSON value without credentials in its texts and without the values of secret keys, and how many there were.

    Raises RecordError for one that is nested deeper than any record.
    """
    if depth > _DEEPEST:
        raise RecordError("this JSON is nested too deep to be a record")
    if isinstance(value, str):
        return without_credentials(value)
    if isinstance(value, list):
        cleaned = [without_secret_values(item, depth + 1) for item in value]
        return [item for item, _ in cleaned], sum(count for _, count in cleaned)
    if not isinstance(value, dict):
        return value, 0
    kept: dict[str, Any] = {}
    removed = 0
    for key, item in value.items():
        secret = is_secret_name(key) and isinstance(item, str) and bool(item)
        kept[key], count = (REMOVED, 1) if secret else without_secret_values(item, depth + 1)
        removed += count
    return kept, removed


def without_credentials(text: str) -> tuple[str, int]:
    """``text`` with every credential inside a URL removed, and how many there were.

    The user name of a version control system (``git@``) and references to environment variables stay, as PEP 610
    allows. Never raises.
    """
    if "://" not in text:
        return text, 0
    count = 0

    def strip_userinfo(found: re.Match[str]) -> str:
        nonlocal count
        if _HARMLESS.fullmatch(found["userinfo"]):
            return found[0]
        count += 1
        return found["scheme"]

    def strip_parameter(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return found["key"] + "REMOVED"

    def strip_token(found: re.Match[str]) -> str:
        nonlocal count
        count += 1
        return found["host"]

    without_users = _PATH_TOKEN.sub(strip_token, _USERINFO.sub(strip_userinfo, text))
    return _SECRET_PARAMETER.sub(strip_parameter, without_users), count
