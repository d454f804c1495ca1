"""Whether there is a GPU to ask about, and what the original utility told of it.

The GPU is the machine's, not the interpreter's: ``reprobuild capture --python`` asks in its own process.
"""

import os
import sys

from .files import find_program
from .torch_files import cudnn_integer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .findings import Findings

    Fields = dict[str, Any]

_DEVICES = ("/dev/nvidiactl", "/dev/dxg", "/proc/driver/nvidia/version", "/dev/kfd")


def gpu_where_there_is_one(findings: "Findings") -> "Fields | None":
    """A cheap look first: device files on Linux (WSL: dxg; AMD: kfd), nvidia-smi anywhere."""
    if sys.platform == "darwin" or not (
        os.name == "nt" or any(map(os.path.exists, _DEVICES)) or find_program("nvidia-smi")
    ):
        return None
    from .gpu import gpu_facts

    return gpu_facts(findings)


def keys_of_gpu(torch: "Fields", gpu: "Fields") -> "Fields":
    """Five of the original's keys: no GPU, no CUDA version. ``torch`` and ``gpu`` as environment.json has them."""
    devices = gpu.get("devices", [])
    of_amd = [device for device in devices if "architecture" in device]
    usable = bool(devices and ((torch.get("cuda") and not of_amd) or (torch.get("hip") and of_amd)))
    return {
        "cuda_available": usable,
        "cuda_version": torch.get("cuda") if usable else None,
        "cudnn_version": cudnn_integer(torch.get("cudnn")) if usable else None,
        "gpu_name": devices[0]["name"] if usable else None,
        "gpu_count": len(devices) if usable else 0,
    }
