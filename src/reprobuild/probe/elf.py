"""What an ELF file (a shared library or extension module) asks of the loader: a small reader of its dynamic section.

It is ours, and in the probe, so that any interpreter can be asked from outside. Source: the System V gABI, "Program
Header" and "Dynamic Section". Only what is needed is read, so that the size of a library does not matter.
"""

import os
import struct

_PT_LOAD, _PT_DYNAMIC = 1, 2
_DT_NEEDED, _DT_STRTAB, _DT_SONAME, _DT_RPATH, _DT_RUNPATH = 1, 5, 14, 15, 29
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


def read_elf(path: "str") -> "Elf | None":
    """The dynamic section of the file; None when it is no ELF file, broken or can't be read."""
    try:
        with open(path, "rb", buffering=0) as stream:
            return _read(stream.fileno())
    except (OSError, ValueError, struct.error):
        return None


def _read(descriptor: "int") -> "Elf | None":
    head = _at(descriptor, 0, 64)
    if head[:4] != b"\x7fELF" or head[4] not in (1, 2) or head[5] not in (1, 2):
        return None
    order, wide = "<" if head[5] == 1 else ">", head[4] == 2
    (processor,) = struct.unpack_from(order + "H", head, 18)
    elf = Elf((head[4], processor))
    entries, loads = _dynamic(descriptor, head, order, wide)
    table = next((_offset_of(value, loads) for tag, value in entries if tag == _DT_STRTAB), None)
    if table is None:
        return elf
    for tag, value in entries:
        if tag in (_DT_NEEDED, _DT_SONAME, _DT_RPATH, _DT_RUNPATH):
            text = _at(descriptor, table + value, _LONGEST_TEXT).split(b"\0", 1)[0].decode("utf-8", "replace")
            if tag == _DT_NEEDED:
                elf.needed.append(text)
            elif tag == _DT_SONAME:
                elf.soname = text
            else:
                (elf.rpath if tag == _DT_RPATH else elf.runpath).extend(part for part in text.split(":") if part)
    return elf


def _dynamic(
    descriptor: "int", head: "bytes", order: "str", wide: "bool"
) -> "tuple[list[tuple[int, int]], list[tuple[int, int, int]]]":
    """The entries of the dynamic section, and of each loaded segment its address, its size and where it lies."""
    (start,) = struct.unpack_from(order + ("Q" if wide else "I"), head, 32 if wide else 28)
    size, count = struct.unpack_from(order + "HH", head, 54 if wide else 42)
    layout = struct.Struct(order + ("IIQQQQQQ" if wide else "IIIIIIII"))
    table = _at(descriptor, start, size * count)
    entries: "list[tuple[int, int]]" = []
    loads = []
    for position in range(0, size * count, size):
        fields = layout.unpack_from(table, position)
        kind = fields[0]
        offset, address, length = (fields[2], fields[3], fields[5]) if wide else (fields[1], fields[2], fields[4])
        if kind == _PT_LOAD:
            loads.append((address, length, offset))
        elif kind == _PT_DYNAMIC:
            pair = struct.Struct(order + ("qQ" if wide else "iI"))
            content = _at(descriptor, offset, min(length, _MOST_ENTRIES * pair.size))
            entries = list(pair.iter_unpack(content[: len(content) // pair.size * pair.size]))
    return entries, loads


def _offset_of(address: "int", loads: "list[tuple[int, int, int]]") -> "int | None":
    return next((offset + address - start for start, size, offset in loads if start <= address < start + size), None)


def _at(descriptor: "int", offset: "int", size: "int") -> "bytes":
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, size)
