"""The environment reports that projects ask for in issues, beside PyTorch's own: one fact a line.

``transformers-cli env``, ``accelerate env``, ``mmengine`` / ``mmcv`` / ``mmdet`` (``collect_env``), Detectron2,
SGLang, Lightning, Diffusers, TRL. They name the same things differently; what they share is a key and a value
between which stands a colon, or, in Detectron2's table, two spaces or more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from reprobuild.errors import RecordError
from reprobuild.records.document import Document
from reprobuild.records.os_names import system_of_name
from reprobuild.records.platform_text import python_facts, system_facts
from reprobuild.records.text import bounded, shortened
from reprobuild.records.torch_text import hip_of_local_version
from reprobuild.snapshot import Distribution, GpuDevice, GpuFacts, Note, PythonFacts, Snapshot, SystemFacts, TorchFacts

_LOG = re.compile(r"\d{4}[-/]\d\d[-/]\d\d \d\d:\d\d:\d\d(?:[.,]\d+)? - \S{1,60} - [A-Z]+ - ")
"""What a logger writes before each line."""
_LINE = re.compile(r"[\s>*|-]*(?P<key>[`A-Za-z][\w `./()?,&+-]{0,80}?)\s*(?::\s+|:$|\s{2,}|\t)\s*(?P<value>.*)")
_VERSION = re.compile(r"v?(?P<version>\d+(?:\.[0-9A-Za-z]+)+(?:[-+][0-9A-Za-z._]+)?)(?=$|[\s,;(@])")
_GPU_LIST = re.compile(r"gpu \d+(?:,\d+)*")
_CUDNN = re.compile(r"CuDNN (?P<version>\d+(?:\.\d+)+)")
_CUDA_RUNTIME = re.compile(r"CUDA Runtime (?P<version>\d+\.\d+)")
_NVCC = re.compile(r"release (?P<release>\d+\.\d+)(?:, V(?P<full>\d+\.\d+\.\d+))?|cuda_(?P<build>\d+\.\d+)")
_ENTRY = re.compile(
    r"""'(?P<key>[\w .]{1,60})'[,:] (?P<quote>['"]?)(?P<value>.{0,3000}?)(?P=quote)(?=\)|, '[\w .]{1,60}': |\})"""
)
_LONGEST_VALUE = 20_000
"""Characters in which such a printed value ends."""
_ABSENT = re.compile(r"(?i)(?:not |no\b|n/?a\b|none|unknown|-$|\W*$)")
_NAMES = {
    "pytorch": "torch",
    "pytorch (gpu?)": "torch",
    "pytorch version (gpu?)": "torch",
    "pytorch version": "torch",
    "pytorch_version": "torch",
    "opencv": "opencv-python",
    "huggingface_hub": "huggingface-hub",
    "pytorch xpu available": "",
    "openmp": "",
    "python": "",
    "gcc": "",
    "cmake": "",
    "nvcc": "",
    "cuda": "",
    "cudnn": "",
    "msvc": "",
    "numpy (blas)": "numpy",
    "tensorflow version (gpu?)": "tensorflow",
    "flax version (cpu?/gpu?/tpu?)": "flax",
    "jax": "jax",
    "jaxlib": "jaxlib",
    "pil": "pillow",
    "cv2": "opencv-python",
    "mmdetection": "mmdet",
}
_MARKS = (
    re.compile(r"\bsys\.platform(?:'?\s*[:,]\s*'?|\s{2,})(?:linux|win32|darwin)"),
    re.compile(r"(?:transformers|accelerate|diffusers|trl|datasets|peft)`?\s+version\s*:", re.I),
    re.compile(r"^PyTorch compiling details\s*:", re.M),
    re.compile(r"^detectron2\s{2,}", re.M),
    re.compile(r"^sglang: \d", re.M),
    re.compile(r"pytorch-lightning:|lightning:\s+\d", re.I),
    re.compile(r"^(?:MMCV|MMEngine|MMDetection): \d", re.M),
)


def recognizes(document: Document) -> bool:
    """Whether one of the lines is there that only such a report has, and no list of packages around it."""
    head = document.head[:20_000]
    return any(mark.search(head) for mark in _MARKS) and "==" not in head[:2000]


def read(document: Document) -> Snapshot:
    """The snapshot of a report. Raises RecordError when no line of it tells a version."""
    facts = dict(_facts(_lines(document)))
    distributions = tuple(_distributions(facts))
    python = python_facts(_first(facts, "python version", "python", "system python"))
    if not distributions and python.version is None:
        raise RecordError("no version stands in this report", source=document.source)
    version = next((item.version for item in distributions if item.name == "torch"), None)
    return Snapshot(
        python=python,
        system=_system(facts, python),
        distributions=distributions,
        torch=_torch(version, facts, document.text[:200_000]) if version else None,
        gpu=_gpu(facts),
        cuda_toolkit=_toolkit(facts),
        notes=bounded(_notes(facts)),
    )


def _notes(facts: dict[str, str]) -> Iterator[Note]:
    yield Note(code="partial-list", message="a report lists only the packages that its tool asks about")
    for key, value in facts.items():
        asks_for_a_version = key in _NAMES or re.search(r" version(?: \(|$)", key)
        if asks_for_a_version and _name(key) and not _VERSION.match(value) and not _ABSENT.match(value):
            yield Note(code="line-not-understood", message=f"not understood: {key}: {shortened(value)}")


def _lines(document: Document) -> list[str]:
    """The lines without a logger's prefix; the entries of mmcv's ``collect_env()`` where somebody printed its value."""
    start = document.head.find("'sys.platform'")
    entries = list(_ENTRY.finditer(document.head, start, start + _LONGEST_VALUE)) if start >= 0 else []
    if entries:
        text = "\n".join(f"{entry['key']}: {entry['value']}" for entry in entries)
        return text.replace("\\n", "\n").split("\n")
    return [_LOG.sub("", line, count=1) for line in document.lines]


def _facts(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Keys in lower case without their marks; of equal keys the last one counts, as in a dict.

    Lightning's report has sections (``* CUDA:``, or ``cuda:`` in the first versions) and lists (``- GPU:``): their keys
    carry the section's name.
    """
    section, list_indent, gpus = "", -1, 0
    for line in lines[:5000]:
        if heading := re.fullmatch(r"\* (\w[\w ]{0,40}):\s*|(cuda|packages|system):\s*", line):
            name = (heading[1] or heading[2]).lower()
            section = f"{name} " if name in ("cuda", "system") else ""
        elif opened := re.fullmatch(r"(\s+)(?:- )?GPU:\s*", line):
            list_indent = len(opened[1])
        elif (
            list_indent >= 0
            and (member := re.fullmatch(r"(\s+)(- )?([^:]{1,200})", line))
            and (member[2] or len(member[1]) > list_indent)
        ):
            yield f"gpu {gpus}", member[3].strip()
            gpus += 1
        elif (found := _LINE.fullmatch(line.rstrip()[:1000])) and found["value"].strip():
            list_indent = -1
            key = " ".join(found["key"].replace("`", "").split()).lower()
            yield f"{section}{key}", found["value"].strip()


def _first(facts: dict[str, str], *keys: str) -> str | None:
    return next((facts[key] for key in keys if key in facts), None)


def _distributions(facts: dict[str, str]) -> Iterator[Distribution]:
    seen: set[str] = set()
    for key, value in facts.items():
        name = _name(key)
        found = _VERSION.match(value)
        if name and found and name not in seen:
            seen.add(name)
            yield Distribution(name=name, version=found["version"], line=f"{key}: {value}"[:200])


def _name(key: str) -> str | None:
    """The package that a key names; None for facts of the machine."""
    if key.startswith(("system ", "cuda ")):
        return None
    if key in _NAMES:
        return _NAMES[key] or None
    bare = key.removesuffix(" version").strip()
    bare = _NAMES.get(bare, bare)
    machine = re.search(
        r"gpu|cuda|driver|platform|compiler|compute|nvidia|kernel|release|capability|arch|\bos\b|safetensors repo", key
    )
    return bare if re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,60}", bare) and not machine else None


def _torch(version: str, facts: dict[str, str], text: str) -> TorchFacts:
    told = re.match(r"(?P<version>\d+\.\d+)", facts.get("cuda version", ""))
    cuda, cudnn = _CUDA_RUNTIME.search(text) or told, _CUDNN.search(text)
    return TorchFacts(
        version=version,
        cuda=cuda["version"] if cuda else None,
        hip=hip_of_local_version(version),
        cudnn=cudnn["version"] if cudnn else None,
        read_by="import" if cuda or _tells_no_cuda(facts, text) else None,
    )


def _tells_no_cuda(facts: dict[str, str], text: str) -> bool:
    """Whether the absence of a CUDA means that torch was built without: torch names it before its build settings.

    A text that ends before them says nothing, and whether a GPU was available is another question.
    """
    return facts.get("cuda version", "").lower() == "none" or "Build settings:" in text


def _system(facts: dict[str, str], python: PythonFacts) -> SystemFacts:
    platform = _first(facts, "platform")
    system = system_facts(platform, python=python) if platform else SystemFacts()
    named = system_of_name(facts.get("os", ""))
    if system.system is None and named is not None:
        return named
    if system.system is None and "system os" in facts:
        machine, kernel = facts.get("system processor"), facts.get("system release")
        return SystemFacts(system=facts["system os"][:40], machine=machine, kernel=kernel)
    plain = {"linux": "Linux", "linux2": "Linux", "win32": "Windows", "darwin": "Darwin"}.get(
        facts.get("sys.platform", "")
    )
    return msgspec.structs.replace(system, system=system.system or plain)


def _gpu(facts: dict[str, str]) -> GpuFacts | None:
    devices: list[GpuDevice] = []
    for key, value in facts.items():
        if _GPU_LIST.fullmatch(key):
            name = re.sub(r"\s*\(arch=.*\)$", "", value)
            devices += [GpuDevice(name=name)] * min(key.count(",") + 1, 1024)
    if not devices and (kind := _first(facts, "gpu type", "gpu")) and not re.match(r"(?i)no|false|none|\d", kind):
        devices = [GpuDevice(name=kind)]
    driver = re.search(
        r"\d+\.\d+(?:\.\d+)?", _first(facts, "cuda driver version", "driver version", "nvidia driver version") or ""
    )
    if not devices and driver is None:
        return None
    return GpuFacts(driver_version=driver[0] if driver else None, devices=tuple(devices), read_by="list")


def _toolkit(facts: dict[str, str]) -> str | None:
    found = _NVCC.search(facts.get("nvcc", ""))
    return (found["full"] or found["release"] or found["build"]) if found else None
