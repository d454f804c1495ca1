"""Taking credentials out of the URLs of other tools' records. What is removed is counted, never kept."""

from __future__ import annotations

import re

# ``scheme://user:password@host``: everything between the slashes and the at sign, on one line and without a path.
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]{0,30}://)(?P<userinfo>[^\s/@'\"<>]{1,4096})@")
_HARMLESS = re.compile(r"(?:git|hg|svn|\$\{[A-Za-z_][A-Za-z0-9_]*\}(?::\$\{[A-Za-z_][A-Za-z0-9_]*\})?)")
_SECRET_PARAMETER = re.compile(
    r"(?P<key>[?&](?:access_token|token|sig|signature|X-Amz-Signature|X-Amz-Credential|X-Amz-Security-Token"
    r"|api_key|apikey|password|private_token)=)[^&#\s'\"]+",
    re.IGNORECASE,
)


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

    return _SECRET_PARAMETER.sub(strip_parameter, _USERINFO.sub(strip_userinfo, text)), count
