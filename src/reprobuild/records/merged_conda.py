"""One list out of two views of a conda environment: what pip sees in it, and what conda sees in it."""

from __future__ import annotations

import msgspec
from packaging.utils import canonicalize_name

from reprobuild.snapshot import Distribution

_PIP_NAMES = {
    "pytorch": "torch",
    "pytorch-gpu": "torch",
    "pytorch-cpu": "torch",
    "opencv": "opencv-python",
    "py-opencv": "opencv-python",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "brotlipy": "brotlipy",
    "tensorflow-base": "tensorflow",
    "pytables": "tables",
    "protobuf": "protobuf",
    "faiss-gpu": "faiss",
    "faiss-cpu": "faiss",
}
"""conda's names whose Python distribution is called otherwise."""


def pip_name(conda_name: str) -> str:
    """The normalized name under which pip lists a conda package."""
    normalized = canonicalize_name(conda_name)
    return _PIP_NAMES.get(normalized, normalized)


def merged(pip: tuple[Distribution, ...], conda: tuple[Distribution, ...]) -> tuple[Distribution, ...]:
    """pip's list in which what conda installed carries its origin, then the packages that only conda sees.

    A version is taken from conda where pip's line does not tell it (``numpy @ file:///croot/...``). Where both tell
    a version and they differ, pip's view is what Python imports: it stays, and conda's entry stays beside it.
    """
    by_name: dict[str, Distribution] = {}
    for item in conda:
        if item.conda is not None and item.version:
            by_name.setdefault(pip_name(item.name), item)
    used: set[str] = set()
    found = [_with_origin(item, by_name.get(canonicalize_name(item.name)), used) for item in pip]
    listed = {(canonicalize_name(item.name), item.version) for item in pip}
    rest = [
        item
        for item in conda
        if item.name not in used and not (item.conda is None and (canonicalize_name(item.name), item.version) in listed)
    ]
    return (*found, *rest)


def _with_origin(item: Distribution, origin: Distribution | None, used: set[str]) -> Distribution:
    if origin is None or (item.version and not same_release(item.version, origin.version or "")):
        return item
    used.add(origin.name)
    return msgspec.structs.replace(item, version=item.version or origin.version, installer="conda", conda=origin.conda)


def same_release(one: str, other: str) -> bool:
    """Whether two versions name one release: local parts and conda's ``a0+35d732a`` labels aside."""
    plain = [version.partition("+")[0].removesuffix("a0") for version in (one, other)]
    return plain[0] == plain[1]
