"""One list out of two views of a conda environment: what pip sees in it, and what conda sees in it."""

from __future__ import annotations

import msgspec
from packaging.utils import canonicalize_name

from reprobuild.snapshot import Distribution

_PIP_NAMES = {
    "brotli-python": "brotli",
    "dask-core": "dask",
    "faiss-cpu": "faiss",
    "faiss-gpu": "faiss",
    "matplotlib-base": "matplotlib",
    "msgpack-python": "msgpack",
    "opencv": "opencv-python",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "pytables": "tables",
    "python-flatbuffers": "flatbuffers",
    "python-lmdb": "lmdb",
    "python-xxhash": "xxhash",
    "pytorch": "torch",
    "pytorch-cpu": "torch",
    "pytorch-gpu": "torch",
    "ray-core": "ray",
    "seaborn-base": "seaborn",
    "tensorflow-base": "tensorflow",
}
"""conda's names of Python packages whose distribution is called otherwise."""


def pip_name(conda_name: str) -> str:
    """The normalized name under which pip lists a conda package."""
    normalized = canonicalize_name(conda_name)
    return _PIP_NAMES.get(normalized, normalized)


def with_distribution_names(distributions: tuple[Distribution, ...]) -> tuple[Distribution, ...]:
    """conda's packages under the names that their metadata has: ``pytorch`` is torch. conda's name stays in its origin.

    A package keeps conda's name where another entry has the distribution's already (``opencv`` beside ``py-opencv``).
    """
    taken = {canonicalize_name(item.name) for item in distributions}
    found = []
    for item in distributions:
        name = _PIP_NAMES.get(canonicalize_name(item.name))
        if item.conda is not None and name is not None and name not in taken:
            taken.add(canonicalize_name(name))
            origin = msgspec.structs.replace(item.conda, package=item.name)
            item = msgspec.structs.replace(item, name=name, conda=origin)
        found.append(item)
    return tuple(found)


def merged(pip: tuple[Distribution, ...], conda: tuple[Distribution, ...]) -> tuple[Distribution, ...]:
    """pip's list in which what conda installed carries its origin, then the packages that only conda sees.

    A version is taken from conda where pip's line does not tell it (``numpy @ file:///croot/...``). Where both tell
    a version and they differ, pip's view is what Python imports: it stays, and conda's entry stays beside it.
    """
    by_name: dict[str, Distribution] = {}
    for item in conda:
        if item.conda is not None and item.version:
            by_name.setdefault(pip_name(item.name), item)
    used: set[str] = set()  # conda's entries, by the name that they have in the list
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
    conda = origin.conda
    # conda asks for its packages by their exact names and versions, which pip's list may spell otherwise.
    if conda is not None and conda.package is None and origin.name != item.name:
        conda = msgspec.structs.replace(conda, package=origin.name)
    if conda is not None and item.version and origin.version != item.version:
        conda = msgspec.structs.replace(conda, version=origin.version)
    return msgspec.structs.replace(item, version=item.version or origin.version, installer="conda", conda=conda)


def same_release(one: str, other: str) -> bool:
    """Whether two versions name one release: local parts and conda's ``a0+35d732a`` labels aside."""
    plain = [version.partition("+")[0].removesuffix("a0") for version in (one, other)]
    return plain[0] == plain[1]
