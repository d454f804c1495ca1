"""Where something was installed from when it was not an index: addresses, paths and file names, taken apart."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from urllib.parse import quote, unquote

from packaging.utils import InvalidSdistFilename, InvalidWheelFilename, parse_sdist_filename, parse_wheel_filename

from reprobuild.records.credentials import without_credentials
from reprobuild.snapshot import ArchiveInfo, DirectUrl, DirInfo, VcsInfo

NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
"""A distribution's name by PEP 508."""

_VCS_SCHEMES = ("git", "hg", "svn", "bzr")


def looks_like_url(text: str) -> bool:
    """Whether a requirement is an address, a path or a file rather than a name."""
    return "://" in text or text.startswith(("./", "../", "/", "file:")) or text.endswith((".whl", ".tar.gz", ".zip"))


def fragment_hashes(url: str) -> tuple[str, ...]:
    """The sha256 that a URL carries behind ``#``, as ``sha256:<hex>``."""
    digest = _fragment(url).get("sha256", "")
    return (f"sha256:{digest.lower()}",) if re.fullmatch(r"[0-9A-Fa-f]{64}", digest) else ()


def _fragment(url: str) -> dict[str, str]:
    parts = (part.partition("=") for part in url.partition("#")[2].split("&"))
    return {key: unquote(value) for key, _, value in parts if value}


def file_in_url(url: str) -> str:
    """The last part of the path of a URL or of a Windows or POSIX path."""
    path = re.split(r"[#?]", url, maxsplit=1)[0].replace("\\", "/")
    return PurePosixPath(unquote(path)).name


def name_in_url(url: str) -> str | None:
    """The distribution a URL names: by ``#egg=``, by the file name, or by the repository's name. None when none."""
    egg = re.match(NAME, _fragment(url).get("egg", ""))
    if egg:
        return egg[0]
    file = file_in_url(url)
    if file.endswith(".whl") or version_in_file_name(file):
        named = re.match(NAME, file.split("-")[0] if file.endswith(".whl") else file.rsplit("-", 1)[0])
        return named[0] if named else None
    repository = re.match(NAME, re.split(r"@|\.git$", file, maxsplit=1)[0])
    return repository[0] if repository else None


def version_in_file_name(file: str) -> str | None:
    """The version that the name of a wheel or sdist tells, else None."""
    try:
        if file.endswith(".whl"):
            return str(parse_wheel_filename(file)[1])
        return str(parse_sdist_filename(file)[1])
    except (InvalidWheelFilename, InvalidSdistFilename):
        return None


def tags_in_file_name(file: str) -> tuple[str, ...]:
    """The wheel tags that the name of a wheel tells, sorted; empty for anything else."""
    try:
        return tuple(sorted(map(str, parse_wheel_filename(file)[3]))) if file.endswith(".whl") else ()
    except InvalidWheelFilename:
        return ()


def direct_url(url: str, *, editable: bool = False) -> DirectUrl:
    """PEP 610's description of where ``url`` leads: a repository, an archive or a directory."""
    clean, _ = without_credentials(url)
    address = _as_url(clean.partition("#")[0])
    subdirectory = _fragment(clean).get("subdirectory")
    vcs = address.partition("+")[0].lower()
    if "+" in address and vcs in _VCS_SCHEMES:
        repository, revision = _split_revision(address.partition("+")[2])
        commit = revision if revision and re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", revision) else None
        info = VcsInfo(vcs=vcs, commit_id=commit, requested_revision=None if commit else revision)
        directory = DirInfo(editable=True) if editable else None
        return DirectUrl(url=repository, vcs_info=info, dir_info=directory, subdirectory=subdirectory)
    if editable or not re.search(r"\.(?:whl|zip|tar|tgz|tbz|tar\.[a-z0-9]+)$", address):
        return DirectUrl(url=address, dir_info=DirInfo(editable=editable), subdirectory=subdirectory)
    hashes = dict(digest.split(":") for digest in fragment_hashes(clean))
    return DirectUrl(url=address, archive_info=ArchiveInfo(hashes=hashes), subdirectory=subdirectory)


def _as_url(address: str) -> str:
    """An absolute path as a ``file:`` URL, as PEP 610 has it; URLs and relative paths stay."""
    if address.startswith("/") and not address.startswith("//"):
        return f"file://{quote(address)}"
    if re.match(r"[A-Za-z]:[\\/]", address):
        return "file:///" + quote(address.replace("\\", "/"), safe="/:")
    return address


def _split_revision(address: str) -> tuple[str, str | None]:
    """``https://host/x.git@rev`` or ``git@host:x.git@rev`` to its two parts; the at sign of ``git@host`` is none."""
    head, at, revision = address.rpartition("@")
    has_path = "/" in head.partition("://")[2] if "://" in address else ":" in head
    if not at or not has_path or "://" in revision:
        return address, None
    return head, revision or None
