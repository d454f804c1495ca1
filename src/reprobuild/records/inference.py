"""Facts that no record states but its packages betray, each with its evidence: Python, the system, torch's CUDA.

Only what is unknown is filled in; nothing told is touched.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from reprobuild.records.conditional_lines import for_linux, is_for_some_platforms
from reprobuild.records.contradictions import contradictions
from reprobuild.records.environment_json import with_inferred_cuda
from reprobuild.records.file_traces import machines_of_files, systems_of_files
from reprobuild.records.os_packages import own_python, release_of_packages
from reprobuild.records.platform_text import with_inferred_system
from reprobuild.records.python_bounds import bounds_of, likeliest, newest_pin
from reprobuild.records.release_tables import day_of_python
from reprobuild.records.text import bounded, printable
from reprobuild.records.torch_text import cuda_of_local_version, hip_of_local_version
from reprobuild.snapshot import Distribution, Evidence, Note, Snapshot, SystemFacts, TorchFacts

_TAG = re.compile(r"cp(?P<major>2|3)(?P<minor>\d{1,2})-cp\d+[a-z]*-")
_SYSTEMS = {
    "Darwin": ("appnope", "pyobjc", "pyobjc-core", "pyobjc-framework-cocoa"),
    "Windows": (
        "pywin32",
        "pypiwin32",
        "pywinpty",
        "wincertstore",
        "windows-curses",
        "triton-windows",
        "win-inet-pton",
    ),
    "Linux": (
        "python-apt",
        "ubuntu-advantage-tools",
        "ubuntu-drivers-common",
        "systemd-python",
        "dbus-python",
        "distro-info",
        "nvidia-nccl-cu11",
        "nvidia-nccl-cu12",
    ),
}
_CUDA_RUNTIME = re.compile(r"nvidia-cuda-runtime(?:-cu(?P<major>\d+))?")
_CUDNN = re.compile(r"nvidia-cudnn-cu(?P<major>\d+)")
_COMPANIONS = ("torchvision", "torchaudio", "torchtext")
_CONDA_BUILD_TIME = re.compile(r"_(?P<milliseconds>1[4-9]\d{11})/")

LIST = "the list of packages"


def with_inferences(snapshot: Snapshot) -> Snapshot:
    """``snapshot`` with what its packages betray, its notes made fit to print. The same input gives the same facts."""
    listed = snapshot.distributions
    if snapshot.system.system in (None, "Linux"):
        listed = for_linux(listed)
    packages: dict[str, Distribution] = {canonicalize_name(item.name): item for item in reversed(listed)}
    if packages:
        snapshot = _machine(_system(_python(snapshot, packages), packages), packages)
        snapshot = _dated(_torch(_release(snapshot, packages), packages))
    notes = [*snapshot.notes, *contradictions(snapshot), *_open(snapshot)]
    return msgspec.structs.replace(
        snapshot, notes=bounded(map(_shown, notes)), evidence=tuple(map(_shown_evidence, snapshot.evidence))
    )


def _shown(note: Note) -> Note:
    """Notes quote the record, which may hold anything: nothing of it may act on a terminal."""
    path = printable(note.path) if note.path else None
    return Note(code=note.code, message=printable(note.message), path=path)


def _shown_evidence(item: Evidence) -> Evidence:
    reason = printable(item.reason) if item.reason else None
    return msgspec.structs.replace(item, source=printable(item.source), reason=reason)


def _python(snapshot: Snapshot, packages: dict[str, Distribution]) -> Snapshot:
    if snapshot.python.version:
        return snapshot
    listed = snapshot.distributions
    bounds = bounds_of(listed)
    found = _python_of_tags(listed) or own_python(packages, bounds) or likeliest(bounds, newest_pin(listed))
    if found is None:
        return snapshot
    python = msgspec.structs.replace(snapshot.python, version=found[0])
    return _proved(
        snapshot,
        Evidence(fact="python.version", value=found[0], certainty="inferred", source=LIST, reason=found[1]),
        python=python,
    )


def _python_of_tags(distributions: tuple[Distribution, ...]) -> tuple[str, str] | None:
    for item in distributions:
        for tag in item.tags:
            if (found := _TAG.match(tag)) and "abi3" not in tag:
                return f"{found['major']}.{found['minor']}", f"{item.name} was installed from a wheel tagged {tag}"
    return None


def _system(snapshot: Snapshot, packages: dict[str, Distribution]) -> Snapshot:
    if snapshot.system.system:
        return snapshot
    reasons = dict(_system_witnesses(packages))
    if len(reasons) != 1:
        return snapshot
    ((name, reason),) = reasons.items()
    evidence = Evidence(fact="system.system", value=name, certainty="inferred", source=LIST, reason=reason)
    return _proved(snapshot, evidence, system=msgspec.structs.replace(snapshot.system, system=name))


_BESIDE_TORCH = frozenset({"filelock", "jinja2", "networkx", "sympy", "typing-extensions"})
"""What torch 2 needs on every system: a list without them is no whole one, and what else is not there tells nothing."""


def _machine(snapshot: Snapshot, packages: dict[str, Distribution]) -> Snapshot:
    if snapshot.system.machine:
        return snapshot
    reasons = dict(machines_of_files(packages))
    if built := re.search(r"64 bit \((AMD64|ARM64)\)", snapshot.python.compiler or ""):
        reasons = {built[1]: f"Python was compiled for it: {snapshot.python.compiler}"}
    if len(reasons) != 1:
        return snapshot
    ((machine, reason),) = reasons.items()
    evidence = Evidence(fact="system.machine", value=machine, certainty="inferred", source=LIST, reason=reason)
    return _proved(snapshot, evidence, system=msgspec.structs.replace(snapshot.system, machine=machine))


_OF_TORCH = re.compile(
    r"nvidia-(?:cublas|cuda-cupti|cuda-nvrtc|cuda-runtime|cudnn|cufft|cufile|curand|cusolver|cusparse|cusparselt|nccl"
    r"|nvjitlink|nvshmem|nvtx)(?:-cu1[1-9])?"
)
"""What torch's Linux wheel needs and no other of its wheels."""


def _system_witnesses(packages: dict[str, Distribution]) -> Iterator[tuple[str, str]]:
    packages = {name: item for name, item in packages.items() if not is_for_some_platforms(item)}
    yield from systems_of_files(packages)
    for system, names in _SYSTEMS.items():
        if witness := next((name for name in names if name in packages), None):
            yield system, f"{witness} exists only there"
    if (item := packages.get("pkg-resources")) and item.version == "0.0.0":
        yield "Linux", "pkg-resources 0.0.0 is what Debian's and Ubuntu's venv leaves"
    nvidia = next((name for name in packages if _OF_TORCH.fullmatch(name)), None) if "torch" in packages else None
    if nvidia:
        yield "Linux", f"{nvidia} is pulled in by torch on Linux"
    torch = packages.get("torch")
    if (
        torch
        and "+cu" in (torch.version or "")
        and _at_least(torch.version, "2.0")
        and "triton" not in packages
        and not nvidia
        and packages.keys() >= _BESIDE_TORCH
    ):
        yield "Windows", f"torch {torch.version} needs triton on Linux, and there is none"


def _release(snapshot: Snapshot, packages: dict[str, Distribution]) -> Snapshot:
    """The OS release, once Python is known well enough to trust the platform text; else by the system's packages."""
    known = {item.fact for item in snapshot.evidence}
    system, evidence = with_inferred_system(snapshot.system, snapshot.python, "the platform text")
    if system.os_id is None and system.system in (None, "Linux"):
        system, evidence = _with_release(system, packages)
    fresh = tuple(item for item in evidence if item.fact not in known)
    return (
        msgspec.structs.replace(snapshot, system=system, evidence=(*snapshot.evidence, *fresh)) if fresh else snapshot
    )


def _with_release(system: SystemFacts, packages: dict[str, Distribution]) -> tuple[SystemFacts, tuple[Evidence, ...]]:
    found = release_of_packages(packages)
    if found is None:
        return system, ()
    release, reason = found
    facts = {"os_id": release.os_id, "os_version": release.os_version, **({} if system.system else {"system": "Linux"})}
    evidence = tuple(
        Evidence(fact=f"system.{fact}", value=value, certainty="inferred", source=LIST, reason=reason)
        for fact, value in facts.items()
    )
    return msgspec.structs.replace(system, **facts), evidence


def _torch(snapshot: Snapshot, packages: dict[str, Distribution]) -> Snapshot:
    snapshot = _with_listed_torch(snapshot, packages)
    torch, item = snapshot.torch, packages.get("torch")
    if item is None or (torch is not None and torch.hip):
        return snapshot
    cuda = _cuda(torch, item, packages)
    if cuda is not None:
        snapshot = _with_torch(snapshot, "cuda", *cuda)
    cudnn = _cudnn(snapshot.torch, packages)
    return _with_torch(snapshot, "cudnn", *cudnn) if cudnn else snapshot


def _with_listed_torch(snapshot: Snapshot, packages: dict[str, Distribution]) -> Snapshot:
    """torch's version where the list names its build; a plain version in a list is not ``torch.__version__``."""
    item = packages.get("torch")
    torch = snapshot.torch
    if torch is None and item is not None and item.version and "+" in item.version:
        torch = TorchFacts(version=item.version, hip=hip_of_local_version(item.version), read_by="list")
    if torch is None:
        return snapshot
    completed, evidence = with_inferred_cuda(torch, LIST)
    return msgspec.structs.replace(snapshot, torch=completed, evidence=(*snapshot.evidence, *evidence))


def _cuda(torch: TorchFacts | None, item: Distribution, packages: dict[str, Distribution]) -> tuple[str, str] | None:
    version = (torch.version if torch else None) or item.version or ""
    if (torch and torch.cuda) or item.conda is not None or "+" in version:
        return None
    for name in _COMPANIONS:
        companion = packages.get(name)
        if companion and (named := cuda_of_local_version(companion.version)):
            return named, f"{name} {companion.version} stands beside torch {version}, which names no build"
    runtimes = [(name, entry) for name, entry in packages.items() if _CUDA_RUNTIME.fullmatch(name) and entry.version]
    if len(runtimes) == 1:
        name, entry = runtimes[0]
        return ".".join((entry.version or "").split(".")[:2]), f"{name} {entry.version} is what torch's wheel loads"
    return None


def _cudnn(torch: TorchFacts | None, packages: dict[str, Distribution]) -> tuple[str, str] | None:
    if torch is None or torch.cudnn or not torch.cuda:
        return None
    major = torch.cuda.split(".")[0]
    for name, entry in packages.items():
        found = _CUDNN.fullmatch(name)
        if found and found["major"] == major and entry.version:
            return entry.version, f"{name} {entry.version} is what torch's wheel loads"
    return None


def _with_torch(snapshot: Snapshot, field: str, value: str, reason: str) -> Snapshot:
    torch = msgspec.structs.replace(snapshot.torch or TorchFacts(read_by="list"), **{field: value})
    evidence = Evidence(fact=f"torch.{field}", value=value, certainty="inferred", source=LIST, reason=reason)
    return _proved(snapshot, evidence, torch=torch)


def _proved(snapshot: Snapshot, evidence: Evidence, **changes: object) -> Snapshot:
    return msgspec.structs.replace(snapshot, evidence=(*snapshot.evidence, evidence), **changes)


def _at_least(version: str | None, least: str) -> bool:
    try:
        return Version((version or "")[:100]) >= Version(least)
    except InvalidVersion:
        return False


def _dated(snapshot: Snapshot) -> Snapshot:
    """The newest day of a package or the Python, where none is told: the environment is not older, and seldom newer."""
    if snapshot.recorded_at:
        return snapshot
    pin = newest_pin(snapshot.distributions)
    days = [(pin.day, f"{pin.because} came out then")] if pin else []
    python = snapshot.python.version or ""
    chosen = any(note.code == "read-for" for note in snapshot.notes)  # of a lock file, which does not tell what ran
    if (day := day_of_python(python)) and snapshot.python.implementation in (None, "CPython") and not chosen:
        days.append((day, f"Python {python} came out then"))
    days += [found for item in snapshot.distributions if (found := _conda_build_day(item))]
    if not days:
        return snapshot
    day, because = max(days)
    reason = f"no package whose day is known is newer: {because}"
    time = f"{day}T00:00:00Z"
    evidence = Evidence(fact="recorded_at", value=time, certainty="inferred", source=LIST, reason=reason)
    return _proved(snapshot, evidence, recorded_at=time)


def _conda_build_day(item: Distribution) -> tuple[str, str] | None:
    """conda's builders leave the time in milliseconds in the path that pip repeats: ``/croot/x_1672336185480/work``."""
    built = _CONDA_BUILD_TIME.search(item.direct_url.url) if item.direct_url else None
    if built is None:
        return None
    moment = datetime.datetime.fromtimestamp(int(built["milliseconds"]) / 1000, datetime.UTC)
    return moment.date().isoformat(), f"conda built {item.name} then"


def _open(snapshot: Snapshot) -> Iterator[Note]:
    """What is still unknown and has to be settled for a rebuild."""
    said = {note.code for note in snapshot.notes}
    if not snapshot.distributions and "no-packages" not in said:
        yield Note(code="no-packages", message="no package stands in the record")
    if snapshot.distributions and snapshot.python.version is None and "python-unknown" not in said:
        message = "nothing in the record tells the Python version; --set python=X.Y.Z does"
        yield Note(code="python-unknown", message=message)
