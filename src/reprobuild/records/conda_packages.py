"""What conda's package specs, file names and build strings tell: Python, CUDA, cuDNN, platform.

Build strings are conda-build's: ``py3.9_cuda11.3_cudnn8.2.0_0`` of PyTorch's channel, ``cuda112py39h4de5995_1`` and
``cpu_mkl_py310_h6a36110_101`` of conda-forge, ``py38_cu101`` of torchvision.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from packaging.utils import canonicalize_name

from reprobuild.records.credentials import without_credentials
from reprobuild.records.merged_conda import with_distribution_names
from reprobuild.snapshot import (
    CondaOrigin,
    Distribution,
    Evidence,
    Fields,
    Note,
    PythonFacts,
    Snapshot,
    SystemFacts,
    TorchFacts,
)

NAME = r"[A-Za-z0-9_][A-Za-z0-9._-]*"
_SPEC = re.compile(
    rf"(?:(?P<channel>[A-Za-z0-9_.:/-]+)::)?(?P<name>{NAME})"
    r"(?:\s*(?P<operator>={1,2}|[<>!~]=?)\s*(?P<version>[^\s=]+)(?:=(?P<build>[^\s=]+))?)?(?:\s+(?P<spaced>[^\s=#]+))?\s*"
)
_CUDA = re.compile(r"cuda_?(?P<version>\d+\.\d+(?:\.\d+)?)")
_CUDA_DIGITS = re.compile(r"(?:cuda_?|cu)(?P<digits>\d{2,3})(?!\d|\.)")
_CUDNN = re.compile(r"cudnn_?(?P<version>\d+(?:\.\d+)+)")
_PYTHON = re.compile(r"(?:^|_|(?<=\d))py(?P<version>3\.\d+|2\.7|3\d{1,2}|27)(?=_|h|$|m)")
_FILE = re.compile(rf"(?P<name>{NAME})-(?P<version>[^-]+)-(?P<build>[^-]+)\.(?:conda|tar\.bz2)")
_TORCH_NAMES = ("pytorch", "pytorch-gpu", "pytorch-cpu", "torch")

PLATFORMS = {
    "linux-64": ("Linux", "x86_64"),
    "linux-32": ("Linux", "i686"),
    "linux-aarch64": ("Linux", "aarch64"),
    "linux-ppc64le": ("Linux", "ppc64le"),
    "osx-64": ("Darwin", "x86_64"),
    "osx-arm64": ("Darwin", "arm64"),
    "win-64": ("Windows", "AMD64"),
    "win-32": ("Windows", "x86"),
    "win-arm64": ("Windows", "ARM64"),
}
"""conda's platforms: the system and machine in Python's words."""

_HEAD = re.compile(
    r"^# (?:This file may be used to create an environment using:|\$ conda create --name <env> --file <this file>)\s*$",
    re.MULTILINE,
)
_PLATFORM = re.compile(r"^#\s*platform:\s*(?P<platform>[a-z0-9-]+)\s*$", re.MULTILINE)


def has_condas_head(text: str) -> bool:
    """Whether a list begins with the comment that conda writes above those it exports."""
    return _HEAD.search(text) is not None


def platform_in_head(text: str) -> str | None:
    """conda's word for the platform, from the comment above its lists."""
    found = _PLATFORM.search(text)
    return found["platform"] if found else None


_ONLY_ON = {
    "win-64": {"vc", "vs2015_runtime", "wincertstore", "win_inet_pton", "pywin32", "pywinpty", "winpty", "icc_rt"},
    "linux-64": {
        "_libgcc_mutex",
        "libgcc-ng",
        "ld_impl_linux-64",
        "libstdcxx-ng",
        "libgomp",
        "_openmp_mutex",
        "libgfortran-ng",
    },
    "osx-64": {"libcxx", "appnope", "libcxxabi", "llvm-openmp-osx"},
}


def distribution_of_spec(spec: str, *, line: str | None = None) -> Distribution | None:
    """A spec of an environment file or an export: ``channel::name=version=build``. None when it is none.

    A range (``>=``, ``1.2.*``) gives no version: only what is exact is told.
    """
    found = _SPEC.fullmatch(spec.strip()[:1000])
    if found is None:
        return None
    version, build = found["version"] or (found["spaced"] if not found["operator"] else None), found["build"]
    exact = found["operator"] in ("=", "==", None) and version and re.fullmatch(r"[A-Za-z0-9._!+]+", version)
    installer = "pip" if build and build.startswith("pypi_") else "conda"
    origin = CondaOrigin(channel=found["channel"], build=build) if installer == "conda" else None
    return Distribution(
        name=found["name"],
        version=version if exact else None,
        installer=installer,
        conda=origin,
        line=line or spec.strip(),
    )


def distribution_of_url(url: str, line: str) -> Distribution | None:
    """A line of an ``@EXPLICIT`` list, with the md5 or sha256 behind ``#``. None when it names no conda package."""
    address, _, digest = without_credentials(url)[0].partition("#")
    parts = address.split("/")
    found = _FILE.fullmatch(parts[-1])
    if found is None or len(parts) < 3:
        return None
    digest = digest.removeprefix("sha256:").lower()
    origin = CondaOrigin(
        channel="/".join(parts[:-2]),
        subdir=parts[-2],
        build=found["build"],
        url=address,
        md5=digest if re.fullmatch(r"[0-9a-f]{32}", digest) else None,
        sha256=digest if re.fullmatch(r"[0-9a-f]{64}", digest) else None,
    )
    line, _ = without_credentials(line)
    return Distribution(name=found["name"], version=found["version"], installer="conda", conda=origin, line=line)


class Told(Fields, frozen=True, kw_only=True):
    """What a list of conda packages tells beyond its packages."""

    python: PythonFacts = PythonFacts()
    system: SystemFacts = SystemFacts()
    torch: TorchFacts | None = None
    evidence: tuple[Evidence, ...] = ()
    notes: tuple[Note, ...] = ()


def told_by(distributions: Iterable[Distribution], source: str, *, platform: str | None = None) -> Told:
    """Interpreter, platform and torch of a conda environment. ``platform`` is conda's word where the record has it."""
    packages = {item.name.lower(): item for item in distributions if item.conda is not None}
    everything: dict[str, Distribution] = {canonicalize_name(item.name): item for item in distributions}
    python, python_evidence = _python(packages, source)
    system, system_evidence = _system(packages, platform, source)
    torch, torch_evidence, notes = _torch(packages, everything, source)
    return Told(
        python=python,
        system=system,
        torch=torch,
        evidence=(*python_evidence, *system_evidence, *torch_evidence),
        notes=notes,
    )


def snapshot_of_packages(
    distributions: tuple[Distribution, ...],
    source: str,
    *,
    platform: str | None = None,
    prefix: str | None = None,
    notes: Iterable[Note] = (),
) -> Snapshot:
    """The snapshot of a conda environment's packages and what they tell."""
    told = told_by(distributions, source, platform=platform)
    values = {name: getattr(told.python, name) for name in PythonFacts.__struct_fields__}
    return Snapshot(
        python=PythonFacts(**{**values, "prefix": prefix, "environment": "conda"}),
        system=told.system,
        distributions=with_distribution_names(distributions),
        torch=told.torch,
        evidence=told.evidence,
        notes=(*notes, *told.notes),
    )


def _python(packages: dict[str, Distribution], source: str) -> tuple[PythonFacts, tuple[Evidence, ...]]:
    python = packages.get("python")
    if python is not None and python.version:
        built = python.conda.build or "" if python.conda else ""
        return PythonFacts(version=python.version, implementation="PyPy" if "pypy" in built else "CPython"), ()
    for item in packages.values():
        found = _PYTHON.search((item.conda.build or "")[:200]) if item.conda else None
        if found:
            digits = found["version"]
            version = digits if "." in digits else f"{digits[0]}.{digits[1:]}"
            reason = f"the build {item.conda.build if item.conda else ''} of {item.name}"
            evidence = Evidence(
                fact="python.version", value=version, certainty="inferred", source=source, reason=reason
            )
            return PythonFacts(version=version), (evidence,)
    return PythonFacts(), ()


def _system(
    packages: dict[str, Distribution], platform: str | None, source: str
) -> tuple[SystemFacts, tuple[Evidence, ...]]:
    subdirs = {item.conda.subdir for item in packages.values() if item.conda and item.conda.subdir}
    told = platform or next((subdir for subdir in sorted(subdirs) if subdir in PLATFORMS), None)
    if told in PLATFORMS:
        system, machine = PLATFORMS[told]
        return SystemFacts(system=system, machine=machine), ()
    witnesses = {place: sorted(only & packages.keys()) for place, only in _ONLY_ON.items()}
    named = max(witnesses, key=lambda place: len(witnesses[place]))
    if not witnesses[named] or sum(bool(found) for found in witnesses.values()) > 1:
        return SystemFacts(), ()
    system, machine = PLATFORMS[named]
    reason = f"{witnesses[named][0]} exists only there"
    evidence = Evidence(fact="system.system", value=system, certainty="inferred", source=source, reason=reason)
    return SystemFacts(system=system, machine=machine if system != "Darwin" else None), (evidence,)


def _torch(
    packages: dict[str, Distribution], everything: dict[str, Distribution], source: str
) -> tuple[TorchFacts | None, tuple[Evidence, ...], tuple[Note, ...]]:
    item = next((packages[name] for name in _TORCH_NAMES if name in packages), None)
    if item is None or item.conda is None:
        return None, (), _leftover(packages, everything)
    build = (item.conda.build or "")[:200]
    cuda, cudnn = cuda_of_build(build), _CUDNN.search(build)
    facts = TorchFacts(version=item.version, cuda=cuda, cudnn=cudnn["version"] if cudnn else None, read_by="list")
    if cuda or "cpu" in build:
        return facts, (), ()
    toolkit = next((packages[name] for name in ("cudatoolkit", "pytorch-cuda") if name in packages), None)
    if toolkit is None or not toolkit.version:
        return facts, (), ()
    reason = f"{toolkit.name} {toolkit.version} stands beside {item.name}, whose build is not told"
    version = ".".join(toolkit.version.split(".")[:2])
    evidence = Evidence(fact="torch.cuda", value=version, certainty="inferred", source=source, reason=reason)
    return TorchFacts(version=item.version, cuda=version, cudnn=facts.cudnn, read_by="list"), (evidence,), ()


def _leftover(packages: dict[str, Distribution], everything: dict[str, Distribution]) -> tuple[Note, ...]:
    toolkit = packages.get("cudatoolkit")
    if toolkit is None or "torch" not in everything:
        return ()
    message = f"conda's cudatoolkit {toolkit.version} is not what pip's torch uses: its wheel brings CUDA itself"
    return (Note(code="cudatoolkit-unused", message=message),)


def cuda_of_build(build: str) -> str | None:
    """The CUDA that a build string names: ``py3.7_cuda11.0.221_cudnn8.0.5_0`` gives 11.0.221, ``cuda112py39`` 11.2."""
    if found := _CUDA.search(build):
        return found["version"]
    if found := _CUDA_DIGITS.search(build):
        return f"{found['digits'][:-1]}.{found['digits'][-1]}"
    return None
