"""``python -m torch.utils.collect_env``: the text of every version since 1.0, and vLLM's, as pasted into issues.

The text may stand in markdown, begin with log lines, end in the middle and have any line ends. ``key: value`` lines
are what all dialects share; the packages are ``[pip3] name==version`` and ``[conda] name version build channel``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
from packaging.utils import canonicalize_name

from reprobuild.errors import RecordError
from reprobuild.records.conda_lists import distribution_of_row
from reprobuild.records.conda_packages import told_by
from reprobuild.records.document import Document
from reprobuild.records.merged_conda import merged, same_release
from reprobuild.records.os_names import system_of_name
from reprobuild.records.platform_text import python_facts, system_facts, with_inferred_system
from reprobuild.records.requirement_lines import parse_lines
from reprobuild.records.text import bounded, shortened
from reprobuild.snapshot import (
    Distribution,
    Evidence,
    GpuDevice,
    GpuFacts,
    Note,
    PythonFacts,
    Snapshot,
    SystemFacts,
    TorchFacts,
)

_KEY = re.compile(r"(?:[>|*\-] ?)*(?P<key>[A-Za-z][A-Za-z0-9 /]{1,60}?)\s*:(?:\s+(?P<value>.*))?")
_PACKAGE = re.compile(r"(?:[>|*\-] ?)*\[(?P<tool>pip3?|conda)\]\s+(?P<rest>.*)")
_GPU = re.compile(r"GPU \d+: (?P<name>.+?)(?:\s+\(UUID: .*\))?\s*")
_TORCH_VERSION = re.compile(r"(?P<version>\d+\.\d+[\w.+-]*)(?:\s*\((?P<beside>[^()]{1,200})\))?")
"""docTR's dialect has torchvision's beside it: ``1.8.0 (torchvision: 0.9.0)``."""
_OTHER_VERSION = re.compile(r"(?i)(?P<name>[A-Z][\w-]{1,40}) version")
_ITS_VERSION = re.compile(r"v?(?P<version>\d+(?:\.\w+)+(?:[-+][\w.]+)?)(?=$|[\s,;(@])")
_PACKAGES = {
    "doctr": "python-doctr",
    "jax": "jax",
    "keras": "keras",
    "opencv": "opencv-python",
    "tensorflow": "tensorflow",
    "torchaudio": "torchaudio",
    "torchvision": "torchvision",
}
"""Dialects of other projects tell the versions of their own packages as facts: ``TensorFlow version: 2.5.0``."""
_NO_PACKAGES = frozenset(
    {"clang", "cmake", "cudnn", "gcc", "libc", "nccl", "neuron", "python", "pytorch", "rocm", "transformers"}
)
_CUDNN_FILE = re.compile(r"libcudnn(?:_\w+)?\.so\.(?P<version>\d+(?:\.\d+)+)|cudnn(?:_\w+)?64_(?P<dll>\d+)\.dll", re.I)
_CUDNN_NUMBER = re.compile(r"(?P<version>\d{1,2}\.\d+(?:\.\d+)+)")
_NOTHING = frozenset({"", "n/a", "none", "could not collect", "no cuda", "no relevant packages", "not set"})
_OWN_BUILD = re.compile(r"\d+\.\d+\.\d+a\d+\+[0-9a-f]{7,}.*")
_KNOWN = re.compile(
    r"^[\s>*|-]*(PyTorch version|Is debug build|(?:CUDA|ROCM) used to build PyTorch|OS|GCC version|Libc version"
    r"|Python version|Is CUDA available|CUDA runtime version|GPU models and configuration|Nvidia driver version"
    r"|cuDNN version|Versions of relevant libraries)[ \t]{0,40}(?::|$)",
    re.MULTILINE,
)
_CELLS = re.compile(r"\|\s*(?P<key>[^|]{1,80}?)\s*\|\s*(?P<value>[^|]*?)\s*\|")
_ENOUGH = 4
"""Different keys of the tool that make a text its report, whichever part of it was pasted."""


def recognizes(document: Document) -> bool:
    """Whether enough of the lines are there that the tool prints; a paste may begin and end anywhere."""
    head = document.head
    if "**" in head[:20_000] or "|" in head[:20_000]:
        head = "\n".join(plain_line(line) for line in head.split("\n")[:2000])
    return len({found[1] for found in _KNOWN.finditer(head)}) >= _ENOUGH


def read(document: Document) -> Snapshot:
    """The snapshot of a report. Raises RecordError when no fact of it can be read."""
    facts, packages = _scan(document)
    if not facts:
        raise RecordError("no line of collect_env stands in this file", source=document.source)
    python = _python(facts)
    system, system_evidence = _system(facts, python, document.source)
    pip = parse_lines("\n".join(rest for tool, rest in packages if tool != "conda"))
    rows = [row for tool, rest in packages if tool == "conda" and (row := distribution_of_row(rest))]
    conda = told_by(rows, document.source)
    torch, torch_evidence = _torch(facts, document.source)
    return Snapshot(
        python=_with_environment(python, rows, conda.python),
        system=system,
        distributions=merged((*pip.distributions, *_told_beside(facts, pip.distributions)), tuple(rows)),
        torch=_with_cudnn_of_build(torch, conda.torch) if torch else conda.torch,
        gpu=_gpu(facts),
        cuda_toolkit=_number(facts.get("CUDA runtime version")),
        evidence=(*system_evidence, *torch_evidence),
        notes=bounded([*pip.notes, *conda.notes, *_notes(facts, torch, packages)]),
    )


def _scan(document: Document) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """Facts by key (the first wins; what follows a key on lines of its own is joined by line feeds), packages."""
    facts: dict[str, str] = {}
    packages: list[tuple[str, str]] = []
    started, open_key = False, ""
    for line in document.lines:
        text = plain_line(line)
        if text.startswith("PyTorch version") and "PyTorch version" in facts:
            break  # a second report behind the first one, of another machine or moment
        begins = text.startswith("Collecting environment information")
        started = started or begins or _KNOWN.match(text) is not None
        if not started or begins:
            continue
        if found := _PACKAGE.match(text):
            if _told(found["rest"]) is not None:
                packages.append((found["tool"], found["rest"].strip()))
            open_key = ""
        elif _goes_on(open_key, text):
            facts[open_key] = f"{facts[open_key]}\n{text}".strip()
        elif found := _KEY.fullmatch(text):
            open_key = found["key"].strip()
            facts.setdefault(open_key, (found["value"] or "").strip())
    return facts, packages


def plain_line(line: str) -> str:
    """A line without what markdown and HTML put around it: marks of lists and quotes, bold keys, cells of a table."""
    text = line.strip().rstrip("\\").strip()[:4000]
    if "<br" in text:
        text = re.sub(r"\s*<br\s*/?>\s*$", "", text)
    if text.startswith("|") and (cells := _CELLS.fullmatch(text)):
        text = f"{cells['key']}: {cells['value']}"
    if "**" in text:
        text = text.replace("**", "")
    return re.sub(r"^(?:[>|*\-]\s+)+", "", text)


def _goes_on(open_key: str, text: str) -> bool:
    if open_key == "GPU models and configuration":
        return text.startswith(("GPU ", "MIG ")) and not text.startswith("GPU models")
    return open_key == "cuDNN version" and ("cudnn" in text.lower() and ":" not in text[3:])


def _told(value: str | None) -> str | None:
    return None if value is None or value.strip().lower() in _NOTHING else value.strip()


def _number(value: str | None) -> str | None:
    found = re.match(r"V?(\d+\.\d+(?:\.\d+)*)", _told(value) or "")
    return found[1] if found else None


def _python(facts: dict[str, str]) -> PythonFacts:
    text = _told(facts.get("Python version"))
    if text is None:
        return PythonFacts()
    return python_facts(re.sub(r"\s*\(\d\d-bit runtime\)\s*$", "", text))


def _with_environment(python: PythonFacts, rows: list[Distribution], conda: PythonFacts) -> PythonFacts:
    managed = any(row.conda is not None for row in rows)
    version = python.version
    if conda.version and version and conda.version.startswith(f"{version}."):
        version = conda.version
    environment = "conda" if managed else python.environment
    return msgspec.structs.replace(python, version=version, environment=environment)


def _system(facts: dict[str, str], python: PythonFacts, source: str) -> tuple[SystemFacts, tuple[Evidence, ...]]:
    told = system_facts(_told(facts.get("Python platform")), python=python)
    named = system_of_name(facts.get("OS", ""))
    libc = re.fullmatch(r"(glibc|musl)-(\d+\.\d+(?:\.\d+)?)", facts.get("Libc version", "").strip())
    values = {name: getattr(told, name) for name in SystemFacts.__struct_fields__}
    if named is not None:
        values |= {name: value for name in SystemFacts.__struct_fields__ if (value := getattr(named, name)) is not None}
    if libc:
        values |= {"libc": libc[1], "libc_version": libc[2]}
    values["cpu_model"] = _told(facts.get("Model name"))
    values["machine"] = values["machine"] or _told(facts.get("Architecture"))
    return with_inferred_system(SystemFacts(**values), python, source)


def _torch(facts: dict[str, str], source: str) -> tuple[TorchFacts | None, tuple[Evidence, ...]]:
    told = _TORCH_VERSION.fullmatch(_told(facts.get("PyTorch version")) or "")
    if told is None:
        return None, ()
    version = told["version"]
    torch = TorchFacts(
        version=version,
        cuda=_number(facts.get("CUDA used to build PyTorch")),
        hip=_told(facts.get("ROCM used to build PyTorch")),
        read_by="import" if facts.get("CUDA used to build PyTorch") else None,  # the text may end before it
    )
    cudnn = system_cudnn(facts.get("cuDNN version"))
    if cudnn is None or not _OWN_BUILD.fullmatch(version):
        return torch, ()
    reason = f"torch {version} is no public wheel, so it loads the machine's cuDNN"
    evidence = Evidence(fact="torch.cudnn", value=cudnn, certainty="inferred", source=source, reason=reason)
    return msgspec.structs.replace(torch, cudnn=cudnn), (evidence,)


def _told_beside(facts: dict[str, str], listed: tuple[Distribution, ...]) -> Iterator[Distribution]:
    """The packages whose versions stand among the facts of the machine, where the list does not have them."""
    names = {canonicalize_name(item.name) for item in listed}
    torch = _TORCH_VERSION.fullmatch(facts.get("PyTorch version", ""))
    beside = re.findall(r"(\w+): (\S+)", torch["beside"] or "") if torch else []
    for key, value in (*_other_versions(facts), *beside):
        name = _PACKAGES.get(key.lower())
        if name is not None and name not in names and (found := _ITS_VERSION.match(value)):
            yield Distribution(name=name, version=found["version"], line=f"{key}: {value}"[:200])


def _other_versions(facts: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Versions that stand among the facts and are not the tool's own facts."""
    for key, value in facts.items():
        found = _OTHER_VERSION.fullmatch(key)
        if found and found["name"].lower() not in _NO_PACKAGES and _ITS_VERSION.match(value):
            yield found["name"], value


def _with_cudnn_of_build(torch: TorchFacts, built: TorchFacts | None) -> TorchFacts:
    """The cuDNN that the build string of conda's torch names, where that is the torch that ran."""
    if torch.cudnn or built is None or not same_release(torch.version or "", built.version or ""):
        return torch
    return msgspec.structs.replace(torch, cudnn=built.cudnn)


def system_cudnn(value: str | None) -> str | None:
    """The version of the cuDNN files that the tool found on the machine; wheels of torch bring their own."""
    found = _CUDNN_FILE.search(value or "") or _CUDNN_NUMBER.fullmatch((value or "").strip())
    return (found.groupdict().get("version") or found.groupdict().get("dll")) if found else None


def _gpu(facts: dict[str, str]) -> GpuFacts | None:
    text = _told(facts.get("GPU models and configuration"))
    lines = text.split("\n") if text else []
    mig = any(line.strip().startswith("MIG ") for line in lines)
    names = [found["name"] for line in lines if (found := _GPU.fullmatch(line.strip()))]
    if not names and lines and _told(lines[0]) and not lines[0].startswith("MIG"):
        names = [lines[0].strip()]
    devices = tuple(GpuDevice(name=_gpu_name(name), mig=True if mig else None) for name in names)
    driver = _number(facts.get("Nvidia driver version"))
    return GpuFacts(driver_version=driver, devices=devices, read_by="nvidia-smi") if devices or driver else None


def _gpu_name(name: str) -> str:
    """AMD's names carry the architecture's flags in parentheses; the name alone is the device's."""
    return re.sub(r"\s*\(gfx[^)]*\)$", "", name).strip()


def _notes(facts: dict[str, str], torch: TorchFacts | None, packages: list[tuple[str, str]]) -> Iterator[Note]:
    yield Note(code="partial-list", message="collect_env lists only the packages around torch, not all that were there")
    if not packages and "Versions of relevant libraries" not in facts:
        yield Note(code="list-cut-off", message="the text ends before collect_env's list of packages")
    if facts.get("PyTorch version", "").upper() == "N/A":
        message = "torch could not be imported where collect_env ran, so that it tells neither torch nor its CUDA"
        yield Note(code="torch-not-imported", message=message)
    listed = {canonicalize_name(re.split(r"[=\s]", rest, maxsplit=1)[0]) for _, rest in packages}
    for name, value in _other_versions(facts):
        if name.lower() not in _PACKAGES and canonicalize_name(name) not in listed:
            message = (
                f"{name} {shortened(value)} ran there, and the list does not name it, so it is not among the packages"
            )
            yield Note(code="not-listed", message=message)
    if cudnn := system_cudnn(facts.get("cuDNN version")):
        yield Note(
            code="system-cudnn", message=f"cuDNN {cudnn} was installed on the machine; torch's wheel brings its own"
        )
    toolkit, built = _number(facts.get("CUDA runtime version")), torch.cuda if torch else None
    if toolkit and built and toolkit.split(".")[:2] != built.split(".")[:2]:
        yield Note(code="another-toolkit", message=f"CUDA {toolkit} was installed; torch was built with CUDA {built}")
