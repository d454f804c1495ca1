"""Where the system's loader finds a shared library: its search order, its cache, its default folders.

Source: ld.so(8); the cache's layout is that of glibc's ``dl-cache.h``.
"""

import os
import struct

from .elf import read_elf
from .files import names_in, read_bytes, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .elf import Elf

_CACHE = "/etc/ld.so.cache"
_CACHE_MAGIC = b"glibc-ld.so.cache1.1"
_DEFAULT_FOLDERS = ("/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib")


class Loader:
    """Finds libraries as ld.so does for a process that is started now."""

    def __init__(self) -> "None":
        variable = os.environ.get("LD_LIBRARY_PATH", "")
        self.first = [folder for folder in variable.split(":") if folder]
        self.cached = _cached_paths(read_bytes(_CACHE) or b"")
        self.last = list(_DEFAULT_FOLDERS)
        for name in names_in("/etc"):
            if name.startswith("ld-musl-") and name.endswith(".path"):
                text = read_text(os.path.join("/etc", name)) or ""
                self.last = [folder.strip() for folder in text.replace("\n", ":").split(":") if folder.strip()]
        self._known: "dict[str, Elf | None]" = {}

    def read(self, path: "str") -> "Elf | None":
        """The file's dynamic section; each file is read once."""
        if path not in self._known:
            self._known[path] = read_elf(path)
        return self._known[path]

    def find(self, soname: "str", path: "str", elf: "Elf") -> "str | None":
        """The file that ``soname`` means when the file at ``path`` needs it; None when there is none."""
        if "/" in soname:
            return soname if os.path.exists(soname) else None
        own = os.path.dirname(path)
        before = [] if elf.runpath else elf.rpath
        for folder in before + self.first + elf.runpath:
            found = self._fitting(os.path.join(_expanded(folder, own), soname), elf)
            if found:
                return found
        for candidate in self.cached.get(soname, []) + [os.path.join(folder, soname) for folder in self.last]:
            found = self._fitting(candidate, elf)
            if found:
                return found
        return None

    def _fitting(self, candidate: "str", elf: "Elf") -> "str | None":
        """The candidate if it is there and of the same kind of processor."""
        if not os.path.exists(candidate):
            return None
        other = self.read(candidate)
        return os.path.normpath(candidate) if other is not None and other.machine == elf.machine else None


def _expanded(folder: "str", own: "str") -> "str":
    return folder.replace("${ORIGIN}", own).replace("$ORIGIN", own)


def _cached_paths(content: "bytes") -> "dict[str, list[str]]":
    """The paths of each soname in the cache that ldconfig wrote; none when it is absent or of another layout."""
    start = content.find(_CACHE_MAGIC)
    if start < 0:
        return {}
    found: "dict[str, list[str]]" = {}
    (count,) = struct.unpack_from("=I", content, start + len(_CACHE_MAGIC))
    for index in range(min(count, len(content) // 24)):
        key, value = struct.unpack_from("=II", content, start + 48 + index * 24 + 4)
        found.setdefault(_text_at(content, start + key), []).append(_text_at(content, start + value))
    return found


def _text_at(content: "bytes", offset: "int") -> "str":
    return content[offset : content.find(b"\0", offset)].decode("utf-8", "replace")
