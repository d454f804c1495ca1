"""What an ELF file (a shared library or extension module) asks of the loader: a small reader of its dynamic section.

It is ours, and in the probe, so that any interpreter can be asked from outside. Source: the System V gABI, "Program
Header" and "Dynamic Section". Only what is needed is read, so that the size of a library does not matter. Every offset
in the file is a claim: whatever does not lie in the file whole makes it a broken file.
"""

import os
import stat
import struct

from .inputs import look_at

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NULL, _DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 0, 1, 5, 14, 15, 29
_LONGEST_TEXT = 4096
_MOST_ENTRIES = 4096


class Elf:
    """The dynamic section of one file."""

    def __init__(self, machine: "tuple[int, int]") -> "None":
        self.machine = machine
        """Class (1: 32 bits, 2: 64 bits) and processor: the loader passes over files of another one."""
        self.needed: "list[str]" = []
        self.soname: "str | None" = None
        self.rpath: "list[str]" = []
        self.runpath: "list[str]" = []


class _Broken(Exception):
    """The file is no ELF file, or does not hold what it says it holds."""


def read_elf(path: "str") -> "Elf | None":
    """The dynamic section of the file; None when it is no ELF file, broken or can't be read."""
    look_at(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))  # A pipe may have any name.
    except (OSError, ValueError):
        return None
    try:
        return _read(_Content(descriptor))
    except (OSError, _Broken):
        return None
    finally:
        os.close(descriptor)


class _Content:
    """The bytes of a file, which may end anywhere."""

    def __init__(self, descriptor: "int") -> "None":
        state = os.fstat(descriptor)
        if not stat.S_ISREG(state.st_mode):
            raise _Broken
        self._descriptor = descriptor
        self._size = state.st_size

    def at(self, offset: "int", size: "int") -> "bytes":
        """Exactly ``size`` bytes. Raises _Broken where the file has fewer."""
        if offset < 0 or size < 0 or offset + size > self._size:
            raise _Broken
        os.lseek(self._descriptor, offset, os.SEEK_SET)
        content = os.read(self._descriptor, size)
        if len(content) < size:
            raise _Broken  # It became shorter meanwhile.
        return content

    def numbers(self, layout: "str", offset: "int") -> "tuple[int, ...]":
        """The numbers at an offset."""
        return struct.unpack(layout, self.at(offset, struct.calcsize(layout)))

    def text(self, offset: "int") -> "str":
        """The text at an offset, which a zero byte ends."""
        content, end, _ = self.at(offset, max(0, min(_LONGEST_TEXT, self._size - offset))).partition(b"\0")
        if not end:
            raise _Broken
        return content.decode("utf-8", "replace")


def _read(content: "_Content") -> "Elf":
    head = content.at(0, 20)
    if head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
        raise _Broken
    order, wide = "<" if head[5] == 1 else ">", head[4] == 2
    (processor,) = struct.unpack_from(order + "H", head, 18)
    elf = Elf((head[4], processor))
    entries, loads = _dynamic(content, order, wide)
    addresses = [value for tag, value in entries if tag == _DT_STRTAB]
    if not addresses:
        return elf
    table = _offset_of(addresses[0], loads)
    for tag, value in entries:
        if tag == _DT_NEEDED:
            elf.needed.append(content.text(table + value))
        elif tag == _DT_SONAME:
            elf.soname = content.text(table + value)
        elif tag in (_DT_RPATH, _DT_RUNPATH):
            paths = [part for part in content.text(table + value).split(":") if part]
            (elf.rpath if tag == _DT_RPATH else elf.runpath).extend(paths)
    return elf


def _dynamic(
    content: "_Content", order: "str", wide: "bool"
) -> "tuple[list[tuple[int, int]], list[tuple[int, int, int]]]":
    """The entries of the dynamic section, and of each loaded segment its address, its size and where it lies."""
    (start,) = content.numbers(order + ("Q" if wide else "I"), 32 if wide else 28)
    size, count = content.numbers(order + "HH", 54 if wide else 42)
    layout = struct.Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII"))
    if count and size != layout.size:
        raise _Broken  # glibc refuses such a file, too.
    table = content.at(start, size * count)
    entries: "list[tuple[int, int]]" = []
    loads = []
    for position in range(0, len(table), layout.size):
        fields = layout.unpack_from(table, position)
        kind = fields[0]
        offset, address, length = (fields[2], fields[3], fields[5]) if wide else (fields[1], fields[2], fields[4])
        if kind == _PT_LOAD:
            loads.append((address, length, offset))
        elif kind == _PT_DYNAMIC:
            entries = _entries(content, offset, length, struct.Struct(order + ("qQ" if wide else "iI")))
    return entries, loads


def _entries(content: "_Content", offset: "int", length: "int", pair: "struct.Struct") -> "list[tuple[int, int]]":
    """Tag and value of each entry before the one that ends the section."""
    found = []
    size = min(length // pair.size, _MOST_ENTRIES) * pair.size
    for tag, value in pair.iter_unpack(content.at(offset, size)):
        if tag == _DT_NULL:
            break
        found.append((tag, value))
    return found


def _offset_of(address: "int", loads: "list[tuple[int, int, int]]") -> "int":
    for start, size, offset in loads:
        if start <= address < start + size:
            return offset + address - start
    raise _Broken
