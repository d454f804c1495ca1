"""The shared libraries outside the environment that installed extension modules need, and what each resolves to."""

import os
import sys

from .distributions import tidy_path
from .files import blocks_of, known
from .loader import Loader
from .system_packages import packages_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

    from .distributions import Installed
    from .findings import Findings

    Fields = dict[str, Any]

_BLAS_NAMES = ("libopenblas", "libscipy_openblas", "libmkl_rt", "libmkl_core", "libblis", "libblas.so", "libcblas.so")
_OPENED_BY_NAME = {
    "python-magic": ("libmagic.so.1",),
    "pyzbar": ("libzbar.so.0",),
    "sounddevice": ("libportaudio.so.2",),
    "soundfile": ("libsndfile.so.1",),
    "weasyprint": ("libpango-1.0.so.0", "libpangoft2-1.0.so.0"),
}
"""Libraries that Python code opens by name when it is imported: no file says that it needs them.

Wheels of some of these packages bring the library themselves; then it is not looked for.
"""
_PASSED_OVER = frozenset({".git", "node_modules", "__pycache__"})
_KERNEL_S_OWN = ("ld-linux", "ld-musl", "linux-vdso", "libc.musl-")


class Libraries:
    """What a scan finds."""

    def __init__(self, folders: "list[str]", items: "list[Installed]", findings: "Findings") -> "None":
        self._loader = Loader()
        self._files = _extension_files(folders, items)
        self._inside = {os.path.basename(path) for path in self._files}
        self._needed: "dict[str, tuple[str | None, set[str]]]" = {}
        for path, owner in self._files.items():
            self._look_at(path, owner)
        for item in items:
            self._look_for(item)
        missing = sorted(name for name, (path, _) in self._needed.items() if path is None)
        for name in missing:
            owners = ", ".join(sorted(self._needed[name][1]))
            findings.note("missing-library", "{} needs {}, which is not there".format(owners, name), "system_libraries")

    def _look_at(self, path: "str", owner: "str") -> "None":
        elf = self._loader.read(path)
        for soname in elf.needed if elf else []:
            if soname.startswith(_KERNEL_S_OWN):
                continue
            found = self._loader.find(soname, path, elf) if elf else None
            if found is None and os.path.basename(soname) in self._inside:
                continue  # Another file of the environment is loaded before, by the package's own code.
            if found is not None and _belongs_to_python(found):
                continue
            self._needed.setdefault(soname, (found, set()))[1].add(owner)

    def _look_for(self, item: "Installed") -> "None":
        """The libraries that a package opens by name, for a process like this interpreter's."""
        own = self._loader.read(os.path.realpath(sys.executable))
        for soname in _OPENED_BY_NAME.get(item.key, ()) if own else ():
            stem = soname.partition(".so")[0]
            if own and not any(name.startswith(stem) for name in self._inside):
                found = self._loader.find(soname, os.path.realpath(sys.executable), own)
                self._needed.setdefault(soname, (found, set()))[1].add(item.name)

    def described(self) -> "list[Fields]":
        """See SystemLibrary, sorted by soname."""
        owners = packages_of([path for path, _ in self._needed.values() if path])
        described = []
        for soname, (path, needed_by) in sorted(self._needed.items()):
            package, version = owners.get(path or "", (None, None))
            fields = {"soname": soname, "path": path, "package": package, "package_version": version}
            described.append(known(dict(fields, needed_by=sorted(needed_by))))
        return described

    def of_system(self) -> "Fields":
        """What SystemFacts gains: libstdc++'s version, and the linear-algebra libraries."""
        standard, _ = self._needed.get("libstdc++.so.6", (None, set()))
        outside = [path for path, _ in self._needed.values() if path]
        blas = [path for path in list(self._files) + outside if os.path.basename(path).startswith(_BLAS_NAMES)]
        return known(
            {
                "libstdcxx": _newest_symbol_version(standard) if standard else None,
                "blas": sorted(tidy_path(path) for path in blas),
            }
        )


def _extension_files(folders: "list[str]", items: "list[Installed]") -> "dict[str, str]":
    """Each shared object below the folders of distributions, with the distribution that lists it in its RECORD."""
    owners = {}
    places = {item.folder for item in items if item.folder in folders}
    places.update(item.project_folder for item in items if item.project_folder)
    for item in items:
        for line in b"".join(blocks_of(os.path.join(item.path, "RECORD"))).split(b"\n"):
            if b".so" in line:
                name = line.rpartition(b",")[0].rpartition(b",")[0].strip(b'"').decode("utf-8", "surrogateescape")
                owners[os.path.normpath(os.path.join(item.folder, name))] = item.name
        if item.project_folder:
            owners.update(dict.fromkeys(_shared_objects(item.project_folder), item.name))
    found = {}
    for place in sorted(places):
        for path in _shared_objects(place):
            found[path] = owners.get(path) or path[len(place) :].strip(os.sep).split(os.sep)[0]
    return found


def _shared_objects(folder: "str") -> "Iterator[str]":
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in _PASSED_OVER]
        for name in files:
            if name.endswith(".so") or ".so." in name:
                yield os.path.join(place, name)


def _belongs_to_python(path: "str") -> "bool":
    """Whether it comes with the interpreter or its environment (conda), not with the operating system."""
    real = os.path.realpath(path)
    for prefix in {sys.prefix, sys.base_prefix, os.path.realpath(sys.prefix), os.path.realpath(sys.base_prefix)}:
        if prefix not in ("/", "/usr", "/usr/local") and real.startswith(prefix + os.sep):
            return True
    return os.path.basename(path).startswith("libpython")


def _newest_symbol_version(path: "str") -> "str | None":
    """The highest ``GLIBCXX_3.4.N`` that the library defines."""
    newest = -1
    mark = b"GLIBCXX_3.4."
    for piece in b"".join(blocks_of(path)).split(mark)[1:]:
        digits = piece[:4].split(b"\0")[0]
        if digits.isdigit():
            newest = max(newest, int(digits))
    return "GLIBCXX_3.4.{}".format(newest) if newest >= 0 else None
