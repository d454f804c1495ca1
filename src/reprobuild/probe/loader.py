"""Where the system's loader finds a shared library: its search order, its cache, its default folders.

Source: ld.so(8), and for musl its ``ldso/dynlink.c``; the cache's layout is that of glibc's ``dl-cache.h``.
"""

import os
import struct
import sys

from .elf import read_elf
from .files import names_in, read_bytes, read_text
from .inputs import look_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .elf import Elf

_CACHE = "/etc/ld.so.cache"
_CACHE_MAGIC = b"glibc-ld.so.cache1.1"
_CACHE_HEAD, _CACHE_ENTRY = 48, 24
_OF_MUSL = ["/lib", "/usr/local/lib", "/usr/lib"]
_OF_SPECIAL_PROCESSORS = "/glibc-hwcaps/"
"""In the cache: another build of a library that the same package holds, for newer processors only."""


class Loader:
    """Finds libraries as ld.so does for a process that is started now, or for this interpreter's."""

    def __init__(self) -> "None":
        variable = os.environ.get("LD_LIBRARY_PATH", "")
        self.first = [folder for folder in variable.replace(";", ":").split(":") if folder]
        self.cached = cached_paths(read_bytes(_CACHE) or b"")
        self.last = _default_folders()
        self._known: "dict[str, Elf | None]" = {}
        self.program = os.path.realpath(sys.executable or "/proc/self/exe")
        """The interpreter: its own search path counts for all that it loads, in conda's for instance."""
        own = self.read(self.program)
        self._of_program = own.rpath if own is not None and not own.runpath else []

    def read(self, path: "str") -> "Elf | None":
        """The file's dynamic section; each file is read once."""
        if path not in self._known:
            self._known[path] = read_elf(path)
        return self._known[path]

    def find(self, soname: "str", path: "str", elf: "Elf") -> "str | None":
        """The file that ``soname`` means when the file at ``path`` needs it; None when there is none."""
        if "/" in soname:
            return self._fitting(soname, elf)
        before = [] if elf.runpath else [(folder, path) for folder in elf.rpath]
        if not elf.runpath:
            before += [(folder, self.program) for folder in self._of_program]
        searched = before + [(folder, path) for folder in self.first + elf.runpath]
        candidates = [os.path.join(_expanded(folder, os.path.dirname(owner)), soname) for folder, owner in searched]
        candidates += self.cached.get(soname, [])
        candidates += [os.path.join(folder, soname) for folder in self.last]
        return next((found for found in (self._fitting(candidate, elf) for candidate in candidates) if found), None)

    def find_any(self, soname: "str") -> "tuple[str, str | None]":
        """The library that the interpreter opens by name, with whichever number there is one; its name and file."""
        own = self.read(self.program)
        if own is None:
            return soname, None
        stem = soname.partition(".so")[0]
        for name in [soname, *sorted((name for name in self.cached if name.startswith(stem + ".so.")), reverse=True)]:
            found = self.find(name, self.program, own)
            if found is not None:
                return name, found
        return soname, None

    def _fitting(self, candidate: "str", elf: "Elf") -> "str | None":
        """The candidate, tidied, if it is there and of the same kind of processor."""
        if not os.path.exists(candidate):
            look_at(candidate)
            return None
        tidy = os.path.normpath(candidate)
        if not (os.path.exists(tidy) and os.path.samefile(tidy, candidate)):
            tidy = os.path.realpath(candidate)  # The folder before a ``..`` is a link.
        other = self.read(tidy)
        return tidy if other is not None and other.machine == elf.machine else None


def _default_folders() -> "list[str]":
    """Where the loader looks last. Debian's have folders for each processor, Red Hat's have lib64."""
    for name in names_in("/etc"):
        if name.startswith("ld-musl-") and name.endswith(".path"):
            text = read_text(os.path.join("/etc", name)) or ""
            return [folder.strip() for folder in text.replace("\n", ":").split(":") if folder.strip()]
    if any(name.startswith("ld-musl-") for name in names_in("/lib")) and not os.path.exists(_CACHE):
        return _OF_MUSL
    processor = getattr(sys.implementation, "_multiarch", "")
    special = ["/lib/" + processor, "/usr/lib/" + processor] if processor else []
    return [*special, "/lib64", "/usr/lib64", "/lib", "/usr/lib"]


def _expanded(folder: "str", own: "str") -> "str":
    return folder.replace("${ORIGIN}", own).replace("$ORIGIN", own)


def cached_paths(content: "bytes") -> "dict[str, list[str]]":
    """The paths of each soname in the cache that ldconfig wrote; what is cut off or of another layout is left out."""
    start = content.find(_CACHE_MAGIC)
    found: "dict[str, list[str]]" = {}
    if start < 0 or len(content) < start + _CACHE_HEAD:
        return found
    (count,) = struct.unpack_from("=I", content, start + len(_CACHE_MAGIC))
    whole = (len(content) - start - _CACHE_HEAD) // _CACHE_ENTRY
    for index in range(min(count, whole)):
        key, value = struct.unpack_from("=II", content, start + _CACHE_HEAD + index * _CACHE_ENTRY + 4)
        name, path = _text_at(content, start + key), _text_at(content, start + value)
        if name and path and _OF_SPECIAL_PROCESSORS not in path:
            found.setdefault(name, []).append(path)
    return found


def _text_at(content: "bytes", offset: "int") -> "str":
    end = content.find(b"\0", offset)
    return content[offset:end].decode("utf-8", "replace") if end >= 0 else ""
