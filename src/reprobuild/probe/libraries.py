"""The shared libraries outside the environment that installed extension modules need, and what each resolves to."""

import os
import sys

from .distributions import tidy_path
from .files import blocks_of, known
from .loader import Loader
from .opened_by_name import NEEDED, TRIED, is_one_of, stem_of
from .shared_objects import shared_objects
from .system_packages import packages_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .distributions import Installed
    from .findings import Findings

    Fields = dict[str, Any]

_BLAS_NAMES = ("libopenblas", "libscipy_openblas", "libmkl_rt", "libmkl_core", "libblis", "libblas.so", "libcblas.so")
_OF_DRIVER = ("libcuda.so", "libnvidia-", "libnvcuvid.so", "libnvoptix.so")
"""Of NVIDIA's driver: on a machine without a GPU they are never there, and nobody misses them."""
_STANDARD = "libstdc++.so.6"
_THE_LOADER_S_OWN = ("ld-linux", "ld-musl", "ld64.so", "linux-vdso", "libc.musl-")
_OF_THE_SYSTEM = ("/", "/usr", "/usr/local")
"""Prefixes of interpreters that share their folders with the operating system's libraries."""


class Libraries:
    """What a scan finds."""

    def __init__(self, folders: "list[str]", items: "list[Installed]", findings: "Findings") -> "None":
        self._loader = Loader()
        self._files = shared_objects(folders, items, findings)
        self._roots = _roots(folders)
        self._inside = {os.path.basename(path) for path in self._files}
        self._inside.update(elf.soname for elf in map(self._loader.read, self._files) if elf and elf.soname)
        self._standard: "str | None" = None
        self._needed: "dict[str, tuple[str | None, set[str]]]" = {}
        self._owners: "dict[str, tuple[str, str | None]]" = {}
        for path, owner in self._files.items():
            self._look_at(path, owner)
        for item in items:
            self._look_for(item)
        self._follow_unpackaged()
        for owners, names in sorted(self._missing().items()):
            message = "{} needs {}, which {} not there".format(
                owners, ", ".join(names), "is" if len(names) == 1 else "are"
            )
            findings.note("missing-library", message, "system_libraries")

    def _look_at(self, path: "str", owner: "str") -> "None":
        elf = self._loader.read(path)
        for soname in elf.needed if elf else []:
            if soname.startswith(_THE_LOADER_S_OWN):
                continue
            found = self._loader.find(soname, path, elf) if elf else None
            if found is None and os.path.basename(soname) in self._inside:
                continue  # Another file of the environment is loaded before, by the package's own code.
            if soname == _STANDARD:
                self._standard = found
            if found is None or not self._belongs_to_environment(found):
                self._needed.setdefault(soname, (found, set()))[1].add(owner)

    def _look_for(self, item: "Installed") -> "None":
        """The libraries that a package opens by name, for a process like this interpreter's."""
        for soname in NEEDED.get(item.key, ()) + TRIED.get(item.key, ()):
            if any(is_one_of(name, stem_of(soname)) for name in self._inside):
                continue
            name, found = self._loader.find_any(soname)
            if found is None and item.key in TRIED:
                continue
            if found is None or not self._belongs_to_environment(found):
                self._needed.setdefault(name, (found, set()))[1].add(item.name)

    def _follow_unpackaged(self) -> "None":
        """What libraries need that no package holds: somebody compiled them there, and nothing else tells."""
        seen: "set[str]" = set()
        while True:
            paths = {path for path, _ in self._needed.values() if path} - seen
            if not paths:
                return
            seen |= paths
            self._owners.update(packages_of(sorted(paths)))
            followed = [(path, by) for path, by in self._needed.values() if path in paths and path not in self._owners]
            for path, needed_by in followed:
                for owner in sorted(needed_by):
                    self._look_at(path or "", owner)

    def _missing(self) -> "dict[str, list[str]]":
        """Who needs what is not there."""
        missing: "dict[str, list[str]]" = {}
        for soname, (path, needed_by) in sorted(self._needed.items()):
            if path is None and not soname.startswith(_OF_DRIVER):
                missing.setdefault(" and ".join(sorted(needed_by)), []).append(soname)
        return missing

    def _belongs_to_environment(self, path: "str") -> "bool":
        """Whether it comes with the environment or its interpreter (conda), not with the operating system."""
        real = os.path.realpath(path)
        return path in self._files or real.startswith(self._roots) or os.path.basename(path).startswith("libpython")

    def described(self) -> "list[Fields]":
        """See SystemLibrary, sorted by soname."""
        described = []
        for soname, (path, needed_by) in sorted(self._needed.items()):
            package, version = self._owners.get(path or "", (None, None))
            fields = {"soname": soname, "path": path, "package": package, "package_version": version}
            described.append(known(dict(fields, needed_by=sorted(needed_by))))
        return described

    def of_system(self) -> "Fields":
        """What SystemFacts gains: libstdc++'s version, and the linear-algebra libraries."""
        outside = [path for path, _ in self._needed.values() if path]
        blas = [path for path in list(self._files) + outside if os.path.basename(path).startswith(_BLAS_NAMES)]
        return known(
            {
                "libstdcxx": _newest_symbol_version(self._standard) if self._standard else None,
                "blas": sorted(tidy_path(path) for path in blas),
            }
        )


def _roots(folders: "list[str]") -> "tuple[str, ...]":
    """Real folders, each with a slash behind it, whose libraries are the environment's own."""
    prefixes = [prefix for prefix in (sys.prefix, sys.base_prefix) if prefix not in _OF_THE_SYSTEM]
    real = {os.path.realpath(folder) for folder in folders + prefixes if os.path.isdir(folder)}
    return tuple(sorted(folder + os.sep for folder in real if folder not in _OF_THE_SYSTEM))


def _newest_symbol_version(path: "str") -> "str | None":
    """The highest ``GLIBCXX_3.4.N`` that the library defines."""
    newest = -1
    mark = b"GLIBCXX_3.4."
    for piece in b"".join(blocks_of(path)).split(mark)[1:]:
        digits = piece[:4].split(b"\0")[0]
        if digits.isdigit():
            newest = max(newest, int(digits))
    return "GLIBCXX_3.4.{}".format(newest) if newest >= 0 else None
