"""JSON that other snapshot utilities write: library versions at the top level, packages as a list or an object.

There are as many shapes as utilities, so this reader looks for the facts and not for a layout: the interpreter
under ``python`` or ``python_version``, the machine under ``platform``, package versions in objects and lists of
freeze lines. What it does not use is kept as unknown keys.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from reprobuild.errors import RecordError
from reprobuild.records.credentials import without_secret_values
from reprobuild.records.document import Document
from reprobuild.records.environment_json import MOST_GPUS, with_inferred_cuda
from reprobuild.records.os_names import system_of_name
from reprobuild.records.platform_text import python_facts, system_facts, with_inferred_system
from reprobuild.records.requirement_lines import RequirementList, parse_lines
from reprobuild.records.text import bounded
from reprobuild.records.times import iso_time
from reprobuild.snapshot import (
    Distribution,
    Evidence,
    GpuDevice,
    GpuFacts,
    PythonFacts,
    Snapshot,
    SystemFacts,
    TorchFacts,
)

_PYTHON_KEYS = ("python_version", "python", "python_full_version", "sys_version")
_PLATFORM_KEYS = ("platform", "os", "system", "operating_system")
_TORCH_KEYS = ("torch_version", "torch", "pytorch_version", "pytorch")
_CUDA_KEYS = ("torch_cuda_version", "cuda_runtime_reported_by_torch", "torch_cuda", "cuda_version", "cuda")
_GPU_KEYS = ("gpu_name", "gpu", "device_name", "cuda_device_name", "gpus", "gpu_names", "devices")
_TIME_KEYS = ("timestamp", "created_at", "captured_at", "recorded_at", "snapshot_date", "date")
_LIST_KEYS = (
    "pip_freeze",
    "packages",
    "installed_packages",
    "distribution_metadata_versions",
    "distributions",
    "dependencies",
    "package_versions",
    "library_versions",
    "libraries",
    "versions",
    "pip_packages",
    "requirements",
    "runtime_import_versions",
)
_OF_MODULES = {
    "PIL": "pillow",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python",
    "pytorch": "torch",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}
_MOST_PLACES = 200
_NOT_PACKAGES = frozenset({*_PYTHON_KEYS, *_PLATFORM_KEYS, *_CUDA_KEYS, *_GPU_KEYS, *_TIME_KEYS, "cudnn", "version"})
_VERSION = re.compile(r"\d+(?:\.[0-9A-Za-z]+)+(?:[-+._][0-9A-Za-z.]+)?")


def recognizes(content: object) -> bool:
    """Whether there is an interpreter or a torch version in it, and at least one package version."""
    if not isinstance(content, dict):
        return False
    told = any(key in place for place in _places(content) for key in (*_PYTHON_KEYS, *_TORCH_KEYS))
    return told and (bool(_listed(content).distributions) or _first_text(content, _PYTHON_KEYS) is not None)


def read(document: Document) -> Snapshot:
    """The snapshot of such a file. Raises RecordError when it holds neither an interpreter nor a package."""
    value, source = document.json_object, document.source
    listed = _listed(value)
    python = _python(value)
    if not listed.distributions and python.version is None:
        raise RecordError("neither a Python version nor a package stands in this file", source=source)
    named = _first_text(value, _PLATFORM_KEYS)
    platform = system_facts(named, python=python)
    if platform.system is None and named is not None:
        platform = system_of_name(named) or platform
    system, evidence = with_inferred_system(_with_compiler(platform, python), python, source)
    torch, torch_evidence = _torch(value, source)
    others, hidden = without_secret_values(_not_used(value))
    return Snapshot(
        recorded_at=iso_time(_first_text(value, _TIME_KEYS)),
        python=python,
        system=system,
        distributions=_running_torch(listed.distributions, torch),
        torch=torch,
        gpu=_gpu(value),
        redactions={name: n for name, n in (("packages", listed.redactions), ("other keys", hidden)) if n},
        evidence=(*evidence, *torch_evidence),
        notes=bounded(listed.notes),
        unknown={"/imported": others} if others else {},
    )


def _not_used(value: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in _LIST_KEYS}


def _places(value: dict[str, Any], depth: int = 2) -> Iterator[dict[str, Any]]:
    """The object itself, then the objects in it, outermost first: utilities group their facts differently."""
    level = [value]
    for _ in range(depth + 1):
        yield from level
        level = [item for place in level for item in place.values() if isinstance(item, dict)][:_MOST_PLACES]


def _first_text(value: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    """The first text under one of the keys, in the object or in those inside it."""
    found = (_text_at(place, keys) for place in _places(value))
    return next((text for text in found if text is not None), None)


def _text_at(place: dict[str, Any], keys: tuple[str, ...]) -> str | None:
    for key in keys:
        item = place.get(key)
        if isinstance(item, dict):
            item = next((inner for inner in map(item.get, ("version", "full_version", "name")) if inner), None)
        if isinstance(item, str) and item.strip():
            return item
    return None


def _python(value: dict[str, Any]) -> PythonFacts:
    text = _first_text(value, _PYTHON_KEYS)
    return python_facts(text)


def _with_compiler(system: SystemFacts, python: PythonFacts) -> SystemFacts:
    """Python's compiler names the system where nothing else does: MSC is Windows', GCC is Linux'."""
    if system.system or not python.compiler:
        return system
    name = {"MSC": "Windows", "GCC": "Linux"}.get(python.compiler.split()[0])
    machine = "AMD64" if "(AMD64)" in python.compiler else system.machine
    return msgspec.structs.replace(system, system=name, os_id="windows" if name == "Windows" else None, machine=machine)


def _listed(value: dict[str, Any]) -> RequirementList:
    """The fullest list of packages that the file has; else the versions at its top level."""
    lists = [_lines_of(place[key]) for place in _places(value) for key in _LIST_KEYS if key in place]
    lines = max(lists, key=len, default=[])
    if not lines:
        lines = list(_top_level(value))
    if lines and all(isinstance(line, str) for line in lines):
        return parse_lines("\n".join(line.replace("\n", " ").rstrip("\\") for line in lines))
    return RequirementList()


def _lines_of(item: Any) -> list[str]:
    if isinstance(item, str):
        return [line for line in re.split(r"\r\n|\r|\n", item) if line.strip()]
    if isinstance(item, dict):
        return [line for name, version in item.items() for line in _pairs(name, version)]
    if isinstance(item, list):
        return [line for entry in item for line in _entry(entry)]
    return []


def _entry(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        yield entry.strip()
    elif isinstance(entry, dict) and isinstance(entry.get("name"), str):
        yield from _pairs(entry["name"], entry.get("version"))


def _pairs(name: str, version: Any) -> Iterator[str]:
    for item in version if isinstance(version, list) else [version]:
        if isinstance(item, str) and item.strip() and item.strip().lower() not in ("none", "n/a", "not installed"):
            yield f"{_distribution_name(name.strip(), item)}=={item.strip()}"


def _top_level(value: dict[str, Any]) -> Iterator[str]:
    for key, item in value.items():
        named = key.removesuffix("_version")
        known = key in _NOT_PACKAGES or named in _NOT_PACKAGES
        if not known and isinstance(item, str) and _VERSION.fullmatch(item.strip()[:200]):
            yield f"{_distribution_name(named, item)}=={item.strip()}"


def _distribution_name(name: str, version: str) -> str:
    """The distribution behind the name of a module, which such utilities write; sklearn 0.0 is one of that name."""
    return name if version.strip().startswith("0.0") else _OF_MODULES.get(name, name)


def _torch(value: dict[str, Any], source: str) -> tuple[TorchFacts | None, tuple[Evidence, ...]]:
    version = _first_text(value, _TORCH_KEYS)
    if version is None or not _VERSION.fullmatch(version[:200]):
        return None, ()
    cuda = _first_text(value, _CUDA_KEYS)
    told = cuda if cuda and re.fullmatch(r"\d+\.\d+(?:\.\d+)?", cuda[:40]) else None
    return with_inferred_cuda(TorchFacts(version=version, cuda=told, read_by="import" if told else None), source)


def _running_torch(distributions: tuple[Distribution, ...], torch: TorchFacts | None) -> tuple[Distribution, ...]:
    """Of two torch distributions in one environment the one that ran, where the record tells it."""
    versions = {item.version for item in distributions if canonicalize_name(item.name) == "torch"}
    if torch is None or torch.version not in versions:
        return distributions
    return tuple(
        item for item in distributions if canonicalize_name(item.name) != "torch" or item.version == torch.version
    )


def _gpu(value: dict[str, Any]) -> GpuFacts | None:
    for place in _places(value):
        for key in _GPU_KEYS:
            item = place.get(key)
            entries = item if isinstance(item, list) else [item]
            names = [entry.get("name") if isinstance(entry, dict) else entry for entry in entries[:MOST_GPUS]]
            devices = tuple(GpuDevice(name=name.strip()) for name in names if isinstance(name, str) and name.strip())
            if devices and not re.fullmatch(r"(?i)cpu|none|n/?a|true|false|\d+", devices[0].name):
                return GpuFacts(devices=devices, read_by="list")
    return None
