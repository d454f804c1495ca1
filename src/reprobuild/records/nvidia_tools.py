"""The text of ``nvidia-smi`` and of ``nvcc --version``: additions to any record."""

from __future__ import annotations

import re

from reprobuild.errors import RecordError
from reprobuild.records.document import Document
from reprobuild.snapshot import GpuDevice, GpuFacts, Note, Snapshot

_DRIVER = re.compile(r"Driver Version:\s*(?P<driver>\d+\.\d+(?:\.\d+)?)")
_CUDA = re.compile(r"CUDA (?:UMD )?Version:\s*(?P<cuda>\d+\.\d+)")
_ROW = re.compile(
    r"^\|\s+(?P<index>\d+)\s{1,4}(?P<name>\S.*?)\s{1,60}(?:On|Off|N/A|TCC|WDDM|MCDM|Default)\s+\|", re.MULTILINE
)
_MEMORY = re.compile(r"\d+MiB\s*/\s*(?P<total>\d+)MiB\s*\|(?P<rest>.*)")
_LISTED = re.compile(r"^GPU (?P<index>\d+): (?P<name>.+?) \(UUID: ", re.MULTILINE)
_NVCC = re.compile(r"Cuda compilation tools, release (?P<release>\d+\.\d+)(?:, V(?P<full>\d+\.\d+\.\d+))?")


def recognizes_smi(document: Document) -> bool:
    """Whether it has the head of nvidia-smi's table, or ``nvidia-smi -L``'s lines."""
    return ("NVIDIA-SMI" in document.head and _DRIVER.search(document.head) is not None) or bool(
        _LISTED.match(document.head)
    )


def read_smi(document: Document) -> Snapshot:
    """Driver, its CUDA ceiling and the GPUs. Raises RecordError when neither a driver nor a GPU is named."""
    text = document.text.replace("\r\n", "\n")[:1_000_000]
    driver, cuda = _DRIVER.search(text), _CUDA.search(text)
    devices = _devices(text) or tuple(GpuDevice(name=found["name"]) for found in _LISTED.finditer(text))
    if driver is None and not devices:
        raise RecordError("neither a driver nor a GPU stands in this text", source=document.source)
    gpu = GpuFacts(
        driver_version=driver["driver"] if driver else None,
        driver_cuda=cuda["cuda"] if cuda else None,
        devices=devices,
        read_by="nvidia-smi",
    )
    cut = [device for device in devices if device.name.endswith("...")]
    notes = tuple(
        Note(code="name-cut", message=f"nvidia-smi cut the name of a GPU off: {device.name[:60]}") for device in cut[:1]
    )
    return Snapshot(gpu=gpu, notes=notes)


def _devices(text: str) -> tuple[GpuDevice, ...]:
    devices = []
    for found in _ROW.finditer(text):
        memory = _MEMORY.search(text, found.end(), found.end() + 400)
        devices.append(
            GpuDevice(
                name=found["name"].strip(),
                memory_bytes=int(memory["total"]) * 1024 * 1024 if memory and len(memory["total"]) < 9 else None,
            )
        )
    return tuple(devices)


def recognizes_nvcc(document: Document) -> bool:
    """Whether it has nvcc's line of its release."""
    return _NVCC.search(document.head) is not None and len(document.content) < 100_000


def read_nvcc(document: Document) -> Snapshot:
    """The toolkit that extensions are compiled with. Raises RecordError when no release is named."""
    found = _NVCC.search(document.text[:100_000])
    if found is None:
        raise RecordError("no release of nvcc stands in this text", source=document.source)
    return Snapshot(cuda_toolkit=found["full"] or found["release"])
