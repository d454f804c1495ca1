"""What the files that a list names betray of the machine: the tags of wheels, the folders in which conda built."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reprobuild.snapshot import Distribution

_PLATFORM = re.compile(
    r"-(?P<system>manylinux|musllinux|linux|win|macosx)[a-z0-9_]*?_(?P<machine>x86_64|amd64|aarch64|arm64|ppc64le|i686)$"
)
_SYSTEMS = {"manylinux": "Linux", "musllinux": "Linux", "linux": "Linux", "win": "Windows", "macosx": "Darwin"}
_MACHINES = {("win", "amd64"): "AMD64", ("win", "arm64"): "ARM64"}

_BUILDERS = (
    (
        "Linux",
        re.compile(r"file:///(?:croot|work/mkl|opt/conda/conda-bld|tmp/build/80754af9|home/conda/feedstock_root)/"),
    ),
    ("Darwin", re.compile(r"file:///(?:private/(?:var|tmp)|Users/runner|opt/concourse/worker|var/folders)/")),
    ("Windows", re.compile(r"file:///[A-Za-z]:/")),
)
"""Where conda's builders for each system work; pip repeats the path (``numpy @ file:///croot/numpy_.../work``)."""

_COMPILED = frozenset(
    {
        *("brotlipy", "cffi", "cryptography", "h5py", "kiwisolver", "lxml", "markupsafe", "matplotlib", "mkl-fft"),
        *("mkl-random", "mkl-service", "numba", "numexpr", "numpy", "pandas", "pillow", "psutil", "pycosat", "pyyaml"),
        *("pyzmq", "regex", "ruamel-yaml", "scikit-learn", "scipy", "tornado", "zstandard"),
    }
)
"""Packages that are built for each system; those for all systems are built on any one."""


def systems_of_files(packages: Mapping[str, Distribution]) -> Iterator[tuple[str, str]]:
    """Each system that a file is for, in ``platform.system()``'s words, and the reason; ``packages`` by their name."""
    for name, item in packages.items():
        for tag in item.tags:
            if found := _PLATFORM.search(tag):
                yield _SYSTEMS[found["system"]], f"{name} was installed from a wheel tagged {tag}"
        url = item.direct_url.url if item.direct_url and name in _COMPILED else ""
        for system, folder in _BUILDERS:
            if folder.match(url):
                yield system, f"conda built {name} where it builds for that system: {url[:80]}"


def machines_of_files(packages: Mapping[str, Distribution]) -> Iterator[tuple[str, str]]:
    """Each machine that a wheel is for, in ``platform.machine()``'s words, and the reason."""
    for name, item in packages.items():
        for tag in item.tags:
            if found := _PLATFORM.search(tag):
                machine = _MACHINES.get((found["system"], found["machine"]), found["machine"])
                yield machine, f"{name} was installed from a wheel tagged {tag}"
