"""One distribution as an entry of environment.json."""

import os
from bisect import bisect_left

from .distributions import tidy_path
from .files import blocks_of, read_text

try:
    from _hashlib import openssl_sha256 as _sha256  # The same as hashlib's, in half the time to load.
except ImportError:
    from hashlib import sha256 as _sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .distributions import Installed
    from .findings import Findings

    Fields = dict[str, Any]

_LINES_AT_ONCE = 256
_INSTALLER_NOTES = (b"INSTALLER", b"REQUESTED", b"direct_url.json", b"uv_build.json", b"uv_cache.json")


def describe_distribution(item: "Installed", findings: "Findings") -> "Fields":
    """One entry of ``distributions``, without the digest of its RECORD."""
    fields: "Fields" = {"name": item.name}
    if item.version is not None:
        fields["version"] = item.version
    if item.form == "dist-info":
        base = item.path + os.sep
        installer = (read_text(base + "INSTALLER", 256) or "").strip()
        if installer:
            fields["installer"] = installer.splitlines()[0]
        fields["requested"] = os.access(base + "REQUESTED", os.F_OK)
        tags = [line[4:].strip() for line in (read_text(base + "WHEEL") or "").splitlines() if line[:4] == "Tag:"]
        if tags:
            fields["tags"] = tags
    if item.direct_url is not None or item.project_folder is not None:
        from .origins import describe_origin

        fields["direct_url"] = describe_origin(item, findings)
    fields["location"] = tidy_path(item.link_folder or item.folder)
    fields["metadata_format"] = (
        "egg-link" if item.link_folder else item.form.replace("-file", "").replace("-archive", "-info")
    )
    return fields


def record_digest(folder: "str", entry: "str") -> "str | None":
    """``sha256:`` over the sorted lines of a dist-info folder's RECORD, without what installing adds to it.

    Left out are files outside site-packages (scripts hold the path of their interpreter), files without a hash
    (bytecode, RECORD itself), and the notes of installers (``_INSTALLER_NOTES``). Lines are joined by line feeds.
    """
    lines = _hashed_lines(folder + os.sep + entry + os.sep + "RECORD")
    if not lines:
        return None
    lines.sort()
    _remove_between(lines, b"../", b"..0")  # "0" is the character behind "/".
    own = entry.encode("utf-8", "surrogateescape")
    first, last = bisect_left(lines, own + b"/"), bisect_left(lines, own + b"0")
    lines[first:last] = [
        line for line in lines[first:last] if line[len(own) + 1 :].partition(b",")[0] not in _INSTALLER_NOTES
    ]
    return "sha256:" + _digest_of(lines) if lines else None


def _hashed_lines(path: "str") -> "list[bytes]":
    """The lines of a RECORD that do not end in a comma. Block by block: one large text costs the system more."""
    lines: "list[bytes]" = []
    rest = b""
    for block in blocks_of(path):
        found = (rest + block).split(b"\n")
        rest = found.pop()
        if b"\r" in block:
            found = [line.rstrip(b"\r") for line in found]
        lines += [line for line in found if line and line[-1:] != b","]
    if rest and rest[-1:] != b",":
        lines.append(rest)
    return lines


def _digest_of(lines: "list[bytes]") -> "str":
    """SHA-256 of the lines joined by line feeds."""
    digest = _sha256(b"\n".join(lines[:_LINES_AT_ONCE]))
    for start in range(_LINES_AT_ONCE, len(lines), _LINES_AT_ONCE):
        digest.update(b"\n")
        digest.update(b"\n".join(lines[start : start + _LINES_AT_ONCE]))
    return str(digest.hexdigest())


def _remove_between(lines: "list[bytes]", first: "bytes", behind: "bytes") -> "None":
    """Drop the sorted lines from ``first`` on that are less than ``behind``."""
    del lines[bisect_left(lines, first) : bisect_left(lines, behind)]
