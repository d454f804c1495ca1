"""Which channels a conda run's packages come from: their own addresses of today, whatever the record calls them.

Facts about channels, from conda's and Anaconda's documentation (November 2026): ``defaults`` stands for ``pkgs/main``
and ``pkgs/r`` on Linux; until conda 4.7 (June 2019) also for ``pkgs/free``, which holds what was built before
October 2017 and is still served; ``repo.continuum.io`` became ``repo.anaconda.com``; ``pkgs/pro`` is empty and
``pkgs/msys2`` is Windows'. Anaconda's terms ask organisations of more than 200 people for a licence to use its own
channels. Labels of anaconda.org (``conda-forge/label/gcc7``) are channels of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urlsplit

import msgspec
from packaging.version import Version

from reprobuild.plan import CONDA_CHANNELS, CONDA_DEFAULTS, PlanWarning
from reprobuild.planner import grammar

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}(?:/[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}){0,5}")
_TOKEN = re.compile(r"/t/[^/]+(?=/)")
_PLATFORM = re.compile(r"/(?:noarch|(?:linux|osx|win|emscripten|wasi)-[a-z0-9]+)$")
_MIRRORED = re.compile(r"(?:.*/)?anaconda/(?P<kind>cloud|pkgs)/(?P<rest>.+)")
"""How mirrors of Anaconda lay out their folders, and how conda shortens those addresses in lists."""

_NO_CHANNELS = frozenset({"nodefaults", "pypi", "<unknown>", "<develop>", "unknown"})
_LOCAL = frozenset({"local"})
_EMPTY_ON_LINUX = frozenset({f"{CONDA_DEFAULTS}/{name}" for name in ("pro", "msys2")})
_OF_ANACONDA = (f"{CONDA_DEFAULTS}/", f"{CONDA_CHANNELS}/anaconda", f"{CONDA_CHANNELS}/main", f"{CONDA_CHANNELS}/r")
_FREE = f"{CONDA_DEFAULTS}/free"
_MAIN = f"{CONDA_DEFAULTS}/main"
_LAST_PYTHON_OF_FREE = Version("3.6")

UNTOLD = (f"{CONDA_CHANNELS}/pytorch", f"{CONDA_CHANNELS}/nvidia", f"{CONDA_CHANNELS}/conda-forge", "defaults")
"""Where packages are looked for when a record tells no channel: a build string is in one of them only."""


_OWN = {
    "cudf": "rapidsai",
    "cugraph": "rapidsai",
    "cuml": "rapidsai",
    "dgl": "dglteam",
    "fastai": "fastai",
    "open3d": "open3d-admin",
    "pyg": "pyg",
    "pytorch-cluster": "pyg",
    "pytorch-scatter": "pyg",
    "pytorch-sparse": "pyg",
    "pytorch-spline-conv": "pyg",
    "pytorch3d": "pytorch3d",
    "rapids": "rapidsai",
    "rmm": "rapidsai",
    "xformers": "xformers",
}
"""Projects with a channel of their own, by their installation documents. ``dgl-cuda11.3`` and its like are dgl."""


def own_channel(name: str) -> str | None:
    """The channel of the project that conda's package of this canonical name belongs to; None for nearly all."""
    return _OWN.get("dgl" if name.startswith("dgl-cuda") else name)


class Channels(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses in the order of their priority, and what a person should know of them."""

    urls: tuple[str, ...]
    warnings: tuple[PlanWarning, ...] = ()
    notes: tuple[str, ...] = ()


def addresses(text: str, path: str) -> tuple[str, ...]:
    """The addresses that one recorded channel stands for; none for what is no channel, or lies on one machine only.

    Raises RecordError for text that is neither a channel's name nor a plain URL.
    """
    bare = text.strip().rstrip("/")
    if bare in _NO_CHANNELS or bare in _LOCAL or not bare:
        return ()
    if bare == "defaults":
        return (_MAIN, f"{CONDA_DEFAULTS}/r")
    found = _of_url(bare, path) if "://" in bare else _of_name(bare, path)
    return () if found is None or found in _EMPTY_ON_LINUX else (found,)


def is_local(text: str) -> bool:
    """Whether a channel or a package's URL names a place on the recorded machine."""
    return text.strip() in _LOCAL or text.startswith(("file:", "/", "~", "."))


def _of_name(name: str, path: str) -> str | None:
    if is_local(name):
        return None
    if not _NAME.fullmatch(name):
        raise grammar.refuse(name, path, "a conda channel such as conda-forge")
    name = _PLATFORM.sub("", name)
    mirrored = _MIRRORED.fullmatch(name)
    if mirrored is not None:
        return _below(mirrored)
    return f"{CONDA_DEFAULTS}/{name[5:]}" if name.startswith("pkgs/") else f"{CONDA_CHANNELS}/{name}"


def _of_url(text: str, path: str) -> str | None:
    if is_local(text):
        return None
    url = _PLATFORM.sub("", _TOKEN.sub("", grammar.url(text, path, grammar.WEB_SCHEMES)))
    parts = urlsplit(url)
    if parts.hostname in ("repo.anaconda.com", "repo.continuum.io") and parts.path.startswith("/pkgs/"):
        return f"{CONDA_DEFAULTS}/{parts.path[6:]}"
    if parts.hostname in ("conda.anaconda.org", "conda.binstar.org"):
        return f"{CONDA_CHANNELS}{parts.path}"
    mirrored = _MIRRORED.fullmatch(parts.path.lstrip("/"))
    return _below(mirrored) if mirrored is not None else url


def _below(mirrored: re.Match[str]) -> str:
    parent = CONDA_CHANNELS if mirrored["kind"] == "cloud" else CONDA_DEFAULTS
    return f"{parent}/{mirrored['rest'].rstrip('/')}"


def channels_of(
    recorded: Iterable[tuple[str, str]],
    of_packages: Iterable[tuple[str, str]],
    python: str | None,
    names: Iterable[str] = (),
) -> Channels:
    """The addresses to search for builds that the record gives no URL for.

    The first two arguments are pairs of a channel's text and its path in the record: those of the environment, in the
    order of their priority, and those that single packages name. ``names`` are the packages, which tell where else to
    look when the record tells no channel. Raises RecordError.
    """
    told = [address for text, path in (*recorded, *of_packages) for address in addresses(text, path)]
    usual = (*UNTOLD, *(channel for name in names if (channel := own_channel(name))))
    urls = list(dict.fromkeys(told or (each for text in usual for each in addresses(text, "conda_channels"))))
    notes = []
    if not told:
        names = ", ".join(name_of(url) for url in urls)
        notes.append(f"the record names no channel, so its builds are looked for in {names}")
    if _MAIN in urls and _FREE not in urls and python is not None and _is_of_free(python):
        urls.append(_FREE)
        notes.append("pkgs/free was a part of defaults until 2019, so it is searched last")
    return Channels(urls=tuple(urls), warnings=warnings_of(urls), notes=tuple(notes))


def _is_of_free(python: str) -> bool:
    return Version(".".join(python.split(".")[:2])) <= _LAST_PYTHON_OF_FREE


def warnings_of(urls: Iterable[str]) -> tuple[PlanWarning, ...]:
    """What a person should know before packages come from these channels."""
    urls = tuple(dict.fromkeys(urls))
    found = []
    if any(_is_of_anaconda(url) for url in urls):
        found.append(
            PlanWarning(
                code="anaconda-terms",
                message="packages come from Anaconda's own channels (defaults), whose terms ask organisations of more "
                "than 200 people for a licence",
                hint="--conda-defaults names a mirror of them that you may use; --via pip takes wheels in their place",
            )
        )
    strange = [url for url in urls if not url.startswith((f"{CONDA_CHANNELS}/", f"{CONDA_DEFAULTS}/"))]
    if strange:
        found.append(
            PlanWarning(
                code="other-channels",
                message=f"packages come from channels outside anaconda.org, which the record names: "
                f"{', '.join(strange[:5])}",
                hint="build only if you trust whoever made the record; --via pip takes wheels in their place",
            )
        )
    return tuple(found)


def _is_of_anaconda(url: str) -> bool:
    return url.startswith(_OF_ANACONDA[0]) or url in _OF_ANACONDA[1:]


def name_of(url: str) -> str:
    """A channel for a person: ``conda-forge``, ``pkgs/main``, or the address of any other."""
    if url.startswith(f"{CONDA_CHANNELS}/"):
        return url[len(CONDA_CHANNELS) + 1 :]
    return f"pkgs/{url[len(CONDA_DEFAULTS) + 1 :]}" if url.startswith(f"{CONDA_DEFAULTS}/") else url
