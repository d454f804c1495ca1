"""AMD's GPUs and ROCm, from what the kernel and the installation say on disk: nothing is loaded or started.

Source: the kernel's ``amdkfd`` topology, where each node is a processor or a GPU; ``/opt/rocm/.info/version``.
"""

import os

from .files import known, names_in, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Fields = dict[str, Any]

_NODES = "sys/class/kfd/kfd/topology/nodes"
_FRAME_BUFFERS = ("1", "2")
"""Kinds of memory banks that are the GPU's own: seen by the processor, and not."""


def amd_facts(root: "str" = "/") -> "Fields | None":
    """The kernel's driver and its devices; None where there are none. No serial numbers. ``root`` holds sys."""
    nodes = os.path.join(root, _NODES)
    found = [_device(root, os.path.join(nodes, name)) for name in sorted(names_in(nodes), key=_number)]
    devices = [device for device in found if device is not None]
    if not devices:
        return None
    driver = (read_text(os.path.join(root, "sys/module/amdgpu/version")) or "").strip()
    return known({"driver_version": driver, "devices": devices, "read_by": "kfd"})


def rocm_version(root: "str" = "/") -> "str | None":
    """The ROCm that is installed, such as ``6.1.2``: what extensions are compiled with."""
    home = os.environ.get("ROCM_PATH") or os.environ.get("ROCM_HOME") or os.path.join(root, "opt/rocm")
    text = (read_text(os.path.join(home, ".info", "version")) or "").strip().partition("-")[0]
    return text if text.count(".") >= 1 and text.replace(".", "").isdigit() else None


def _device(root: "str", node: "str") -> "Fields | None":
    """A node with vector processors, which the main processor's has not."""
    properties = _properties(os.path.join(node, "properties"))
    if properties.get("simd_count", "0") == "0":
        return None
    architecture = _architecture(properties.get("gfx_target_version", ""))
    render = "renderD" + properties.get("drm_render_minor", "")
    name = (read_text(os.path.join(root, "sys/class/drm", render, "device", "product_name")) or "").strip()
    banks = os.path.join(node, "mem_banks")
    memory = [_properties(os.path.join(banks, bank, "properties")) for bank in names_in(banks)]
    sizes = [bank.get("size_in_bytes", "") for bank in memory if bank.get("heap_type") in _FRAME_BUFFERS]
    return known(
        {
            "name": name or " ".join(part for part in ("AMD", architecture) if part),
            "memory_bytes": sum(int(size) for size in sizes if size.isdigit()) or None,
            "architecture": architecture,
        }
    )


def _properties(path: "str") -> "dict[str, str]":
    pairs = (line.split() for line in (read_text(path) or "").splitlines())
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _architecture(target: "str") -> "str | None":
    """90010 is gfx90a: one decimal number of major, minor and step, of which the latter two are written as digits."""
    if not target.isdigit() or target == "0":
        return None
    number = int(target)
    return "gfx{}{:x}{:x}".format(number // 10000, number // 100 % 100, number % 100)


def _number(name: "str") -> "int":
    return int(name) if name.isdigit() else -1
