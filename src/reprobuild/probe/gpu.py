"""The GPU and its driver."""

import os

from .files import output_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Fields = dict[str, Any]


def gpu_facts() -> "Fields | None":
    """What the driver says, through NVML or nvidia-smi; None where there is no driver. No serial numbers."""
    return _read_nvml() or _read_nvidia_smi()


class _Nvml:
    """NVML through ctypes: just the questions we ask. Every method answers None when the library refuses."""

    def __init__(self, library: "Any", ctypes: "Any") -> "None":
        self.library = library
        self.ctypes = ctypes

    def call(self, name: "str", *arguments: "Any") -> "bool":
        """Whether the function is there and succeeded."""
        function = getattr(self.library, name, None)
        return function is not None and function(*arguments) == 0

    def text(self, name: "str", *before: "Any") -> "str | None":
        """A string that the library writes into a buffer."""
        buffer = self.ctypes.create_string_buffer(256)
        return buffer.value.decode("utf-8", "replace") if self.call(name, *before, buffer, 256) else None

    def numbers(self, name: "str", count: "int", *before: "Any") -> "list[int] | None":
        """Integers that the library writes through pointers."""
        values = [self.ctypes.c_int() for _ in range(count)]
        pointers = tuple(self.ctypes.byref(value) for value in values)
        return [value.value for value in values] if self.call(name, *before, *pointers) else None

    def memory(self, device: "Any") -> "int | None":
        """Bytes on the device: the first of three 64-bit fields."""
        fields = (self.ctypes.c_ulonglong * 3)()
        return int(fields[0]) if self.call("nvmlDeviceGetMemoryInfo", device, self.ctypes.byref(fields)) else None


def _read_nvml() -> "Fields | None":
    try:
        import ctypes

        name = "nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1"
        nvml = _Nvml(ctypes.CDLL(name), ctypes)
    except (ImportError, OSError):
        return None
    if not nvml.call("nvmlInit_v2"):
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
    device = nvml.ctypes.c_void_p()
    if not nvml.call("nvmlDeviceGetHandleByIndex_v2", index, nvml.ctypes.byref(device)):
        return {"name": "unknown"}
    capability = nvml.numbers("nvmlDeviceGetCudaComputeCapability", 2, device)
    mig = nvml.numbers("nvmlDeviceGetMigMode", 2, device)
    facts = {
        "name": nvml.text("nvmlDeviceGetName", device) or "unknown",
        "memory_bytes": nvml.memory(device),
        "compute_capability": "{}.{}".format(*capability) if capability else None,
        "mig": bool(mig[0]) if mig else None,
    }
    return {key: value for key, value in facts.items() if value is not None}


def _read_nvidia_smi() -> "Fields | None":
    query = "driver_version,name,memory.total"
    rows = (output_of(["nvidia-smi", "--query-gpu=" + query, "--format=csv,noheader,nounits"]) or "").splitlines()
    cells = [[cell.strip() for cell in row.split(",")] for row in rows if row.count(",") == 2]
    if not cells:
        return None
    devices = []
    for _, name, memory in cells:
        device: "Fields" = {"name": name}
        if memory.isdigit():
            device["memory_bytes"] = int(memory) * 1024 * 1024
        devices.append(device)
    import re

    facts: "Fields" = {"driver_version": cells[0][0], "devices": devices, "read_by": "nvidia-smi"}
    cuda = re.search(r"CUDA Version:\s*(\d+\.\d+)", output_of(["nvidia-smi"]) or "")
    if cuda:
        facts["driver_cuda"] = cuda.group(1)
    return facts
