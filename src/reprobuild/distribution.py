"""The model of one installed distribution: what was installed, and from where. A part of environment.json."""

from __future__ import annotations

import re

import msgspec

_OF_DEFAULTS = re.compile(r"defaults|pkgs/[a-z0-9]+")
_CHANNEL = re.compile(r"(?:https?://[^/]+/)?(?:.*anaconda/cloud/|.*anaconda/(?=pkgs/))?(?P<name>.+)")


class Described(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of the values here; absent keys are left out of the file."""


class VcsInfo(Described, frozen=True, kw_only=True):
    """``vcs_info`` of PEP 610."""

    vcs: str
    commit_id: str | None = None
    requested_revision: str | None = None


class ArchiveInfo(Described, frozen=True, kw_only=True):
    """``archive_info`` of PEP 610: algorithm to hexadecimal digest."""

    hashes: dict[str, str] = {}


class DirInfo(Described, frozen=True, kw_only=True):
    """``dir_info`` of PEP 610, with what the source tree's git said, where it was asked."""

    editable: bool = False
    commit_id: str | None = None
    dirty: bool | None = None


class DirectUrl(Described, frozen=True, kw_only=True):
    """Where a distribution came from when it was not an index (PEP 610). Credentials are already removed."""

    url: str
    vcs_info: VcsInfo | None = None
    archive_info: ArchiveInfo | None = None
    dir_info: DirInfo | None = None
    subdirectory: str | None = None


class CondaOrigin(Described, frozen=True, kw_only=True):
    """What ``conda-meta`` says of a distribution that conda installed."""

    package: str | None = None
    """conda's name for it, where that is not the distribution's: ``pytorch`` for torch."""
    version: str | None = None
    """conda's version, where it is not the distribution's: 0.9.0 for torchaudio ``0.9.0a0+33b2469``."""
    channel: str | None = None
    build: str | None = None
    subdir: str | None = None
    url: str | None = None
    md5: str | None = None
    sha256: str | None = None


class Distribution(Described, frozen=True, kw_only=True):
    """One installed distribution, as its metadata on disk or the line of a list describes it."""

    name: str
    """As its metadata spells it."""
    version: str | None = None
    """As its metadata spells it, local part included. None when a list does not tell it."""
    installer: str | None = None
    """Content of INSTALLER: pip, uv, conda, debian ..."""
    requested: bool | None = None
    """Whether REQUESTED is there: asked for by name rather than pulled in."""
    tags: tuple[str, ...] = ()
    """Wheel tags, such as ``cp310-cp310-manylinux_2_17_x86_64``."""
    direct_url: DirectUrl | None = None
    record_digest: str | None = None
    """``sha256:<hex>`` over the files that RECORD lists; how is said in docs/environment-json.md."""
    location: str | None = None
    """Where it lies relative to the prefix, such as ``lib/python3.10/site-packages``."""
    metadata_format: str | None = None
    """``dist-info``, ``egg-info``, ``egg-link``: None when it was read from a list."""
    conda: CondaOrigin | None = None
    hashes: tuple[str, ...] = ()
    """``sha256:<hex>`` of acceptable files, where a lock file or ``--hash`` names them."""
    marker: str | None = None
    index_url: str | None = None
    """The index a lock file names for it, without credentials."""
    line: str | None = None
    """The line of the list it was read from, verbatim."""
    changed_files: tuple[str, ...] | None = None
    """Files whose content is no longer what RECORD says, or that are gone; None when nobody looked."""


def same_channel(first: str | None, second: str | None) -> bool:
    """Whether two texts name one conda channel: ``pytorch`` and ``https://conda.anaconda.org/pytorch/linux-64`` do.

    A channel that is not told is no other one, and ``defaults`` stands for any of Anaconda's own.
    """
    if not first or not second:
        return True
    names = [_channel_name(each) for each in (first, second)]
    return names[0] == names[1] or ("defaults" in names and all(_OF_DEFAULTS.fullmatch(name) for name in names))


def _channel_name(text: str) -> str:
    """The channel without its host and without the platform behind it."""
    bare = re.sub(r"/(?:noarch|(?:linux|osx|win)-[a-z0-9]+)$", "", text.rstrip("/"))
    found = _CHANNEL.fullmatch(bare)
    return found["name"] if found else bare
