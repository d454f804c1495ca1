"""The GPU and its driver.

Source: NVIDIA's ``nvml.h`` for the functions and what they return.
"""

import os

from .amd import amd_facts
from .files import output_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .findings import Findings

    Fields = dict[str, Any]

_NOT_SUPPORTED = 3
_REASONS = {
    4: "it may not ask the driver",
    9: "the driver is not loaded",
    12: "it does not find the driver's own library",
    18: "it is of another version than the loaded driver",
    999: "an unknown error",
}
"""NVML's codes in words."""


def gpu_facts(findings: "Findings | None" = None) -> "Fields | None":
    """What the driver says, through NVML or nvidia-smi, or AMD's through the kernel; None where there is no driver.

    No serial numbers. Where NVIDIA's library is there but refuses, ``findings`` gets a note.
    """
    return _read_nvml(findings) or _read_nvidia_smi() or amd_facts()


class _Nvml:
    """NVML through ctypes: just the questions we ask. Every method answers None when the library refuses."""

    def __init__(self, library: "Any", ctypes: "Any") -> "None":
        self.library = library
        self.ctypes = ctypes

    def code(self, name: "str", *arguments: "Any") -> "int":
        """What the function returns: 0 for success. A library without it does not support the question."""
        function = getattr(self.library, name, None)
        return _NOT_SUPPORTED if function is None else int(function(*arguments))

    def call(self, name: "str", *arguments: "Any") -> "bool":
        """Whether the function is there and succeeded."""
        return self.code(name, *arguments) == 0

    def text(self, name: "str", *before: "Any") -> "str | None":
        """A string that the library writes into a buffer."""
        buffer = self.ctypes.create_string_buffer(256)
        return buffer.value.decode("utf-8", "replace") if self.call(name, *before, buffer, 256) else None

    def numbers(self, name: "str", count: "int", *before: "Any") -> "list[int] | None":
        """Integers that the library writes through pointers."""
        values = [self.ctypes.c_int() for _ in range(count)]
        pointers = tuple(self.ctypes.byref(value) for value in values)
        return [value.value for value in values] if self.call(name, *before, *pointers) else None

    def handle(self, name: "str", *before: "Any") -> "Any":
        """An object that the library gives out; None when it refuses."""
        value = self.ctypes.c_void_p()
        return value if self.call(name, *before, self.ctypes.byref(value)) else None

    def memory(self, device: "Any") -> "int | None":
        """Bytes on the device: the first of three 64-bit fields."""
        fields = (self.ctypes.c_ulonglong * 3)()
        return int(fields[0]) if self.call("nvmlDeviceGetMemoryInfo", device, self.ctypes.byref(fields)) else None


def _read_nvml(findings: "Findings | None") -> "Fields | None":
    try:
        import ctypes

        name = "nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1"
        nvml = _Nvml(ctypes.CDLL(name), ctypes)
    except (ImportError, OSError):
        return None
    code = nvml.code("nvmlInit_v2")
    if code:
        if findings is not None:
            reason = _REASONS.get(code, "error {}".format(code))
            findings.note("gpu-not-read", "NVIDIA's driver library does not start: {}".format(reason), "gpu")
        return None
    try:
        cuda = nvml.numbers("nvmlSystemGetCudaDriverVersion_v2", 1)
        count = nvml.numbers("nvmlDeviceGetCount_v2", 1)
        facts = {
            "driver_version": nvml.text("nvmlSystemGetDriverVersion"),
            "driver_cuda": "{}.{}".format(cuda[0] // 1000, cuda[0] % 1000 // 10) if cuda else None,
            "devices": [_nvml_device(nvml, index) for index in range(count[0] if count else 0)],
            "read_by": "nvml",
        }
    finally:
        nvml.call("nvmlShutdown")
    return {key: value for key, value in facts.items() if value}


def _nvml_device(nvml: "_Nvml", index: "int") -> "Fields":
    device = nvml.handle("nvmlDeviceGetHandleByIndex_v2", index)
    if device is None:
        return {"name": "unknown"}
    capability = nvml.numbers("nvmlDeviceGetCudaComputeCapability", 2, device)
    mig = nvml.numbers("nvmlDeviceGetMigMode", 2, device)
    facts = {
        "name": nvml.text("nvmlDeviceGetName", device) or "unknown",
        "memory_bytes": nvml.memory(device),
        "compute_capability": "{}.{}".format(*capability) if capability else None,
        "mig": bool(mig[0]) if mig else None,
        "mig_instances": _mig_instances(nvml, device) if mig and mig[0] else None,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _mig_instances(nvml: "_Nvml", device: "Any") -> "list[str] | None":
    """The names of the parts that the GPU is divided into, such as ``NVIDIA A100-SXM4-40GB MIG 1g.5gb``."""
    most = nvml.numbers("nvmlDeviceGetMaxMigDeviceCount", 1, device)
    parts = [
        nvml.handle("nvmlDeviceGetMigDeviceHandleByIndex", device, index) for index in range(most[0] if most else 0)
    ]
    return [nvml.text("nvmlDeviceGetName", part) or "unknown" for part in parts if part is not None] or None


def _read_nvidia_smi() -> "Fields | None":
    """Older ones refuse the whole query where they do not know one of its fields."""
    for further in (",compute_cap,mig.mode.current", ",compute_cap", ""):
        query = "driver_version,name,memory.total" + further
        rows = (output_of(["nvidia-smi", "--query-gpu=" + query, "--format=csv,noheader,nounits"]) or "").splitlines()
        cells = [[cell.strip() for cell in row.split(",")] for row in rows if row.count(",") == query.count(",")]
        if cells:
            break
    else:
        return None
    facts: "Fields" = {"driver_version": cells[0][0], "devices": [_smi_device(row) for row in cells]}
    printed = (output_of(["nvidia-smi"]) or "").partition("CUDA Version:")[2].split()
    if printed and printed[0].replace(".", "").isdigit():
        facts["driver_cuda"] = printed[0]
    facts["read_by"] = "nvidia-smi"
    return facts


def _smi_device(cells: "list[str]") -> "Fields":
    device: "Fields" = {"name": cells[1]}
    if cells[2].isdigit():
        device["memory_bytes"] = int(cells[2]) * 1024 * 1024
    if len(cells) > 3 and cells[3].replace(".", "").isdigit():
        device["compute_capability"] = cells[3]
    if len(cells) > 4 and cells[4] in ("Enabled", "Disabled"):
        device["mig"] = cells[4] == "Enabled"
    return device
