"""What describes the system beside a freeze: Colab's os-info, ``apt list``, os-release, ``python --version``."""

from __future__ import annotations

import re

from reprobuild.errors import RecordError
from reprobuild.records.document import Document
from reprobuild.records.os_names import system_of_name
from reprobuild.snapshot import Evidence, Note, PythonFacts, Snapshot, SystemFacts, SystemLibrary

_PYTHON = re.compile(r"^Python (?P<version>\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?\+?)\s*$", re.MULTILINE)
_APT_ROW = re.compile(
    r"^(?P<name>[a-z0-9][a-z0-9+.-]+)/(?P<suite>[a-z0-9.,/-]+),now (?P<version>\S+) (?P<machine>[a-z0-9]+) \[",
    re.MULTILINE,
)
_OS_RELEASE = re.compile(r"^(?P<key>[A-Z_]+)=\"?(?P<value>[^\"\n]*)\"?\s*$", re.MULTILINE)
_SUITES = {
    "trusty": ("ubuntu", "14.04"),
    "xenial": ("ubuntu", "16.04"),
    "bionic": ("ubuntu", "18.04"),
    "focal": ("ubuntu", "20.04"),
    "jammy": ("ubuntu", "22.04"),
    "noble": ("ubuntu", "24.04"),
    "stretch": ("debian", "9"),
    "buster": ("debian", "10"),
    "bullseye": ("debian", "11"),
    "bookworm": ("debian", "12"),
    "trixie": ("debian", "13"),
}
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_SONAMES = re.compile(r"lib(?P<stem>cudnn)(?P<major>\d+)(?:-cuda-\d+)?")


def _body(document: Document) -> str:
    """The text without its comment lines (Colab's files begin with the command that made them) and the keys that
    ``lsb_release -a`` puts in front."""
    lines = (line for line in document.head.split("\n") if not line.startswith(("#", "No LSB modules", "Distributor")))
    return "\n".join(re.sub(r"^Description:\s*", "", line) for line in lines)


def recognizes_os_info(document: Document) -> bool:
    """Whether a short text names an operating system in its first line, or Python in any."""
    body = _body(document).strip()
    first = body.partition("\n")[0].strip().strip('"')
    short = 0 < len(body) < 4000 and body.count("\n") < 40 and "==" not in body
    return short and (system_of_name(first) is not None or _PYTHON.search(body) is not None)


def read_os_info(document: Document) -> Snapshot:
    """``lsb_release -ds`` and ``python --version``. Raises RecordError when neither is there."""
    body = _body(document)
    lines = [line.strip().strip('"') for line in body.split("\n") if line.strip()]
    system = next((facts for line in lines if (facts := system_of_name(line)) is not None), None)
    python = _PYTHON.search(body)
    if system is None and python is None:
        raise RecordError("neither a system nor a Python version stands in this text", source=document.source)
    version = python["version"].rstrip("+") if python else None
    return Snapshot(python=PythonFacts(version=version), system=system or SystemFacts())


def recognizes_os_release(document: Document) -> bool:
    """Whether it has os-release's ID line."""
    return re.search(r"^ID=", document.head, re.MULTILINE) is not None and "NAME=" in document.head


def read_os_release(document: Document) -> Snapshot:
    """/etc/os-release."""
    values = {found["key"]: found["value"] for found in _OS_RELEASE.finditer(document.head)}
    if not values.get("ID"):
        raise RecordError("no ID stands in this os-release", source=document.source, path="ID")
    return Snapshot(
        system=SystemFacts(
            system="Linux", os_id=values["ID"], os_version=values.get("VERSION_ID"), os_name=values.get("PRETTY_NAME")
        )
    )


def recognizes_apt(document: Document) -> bool:
    """Whether rows of ``apt list --installed`` are among its first lines."""
    return len(_APT_ROW.findall(document.head)) >= 3


def read_apt(document: Document) -> Snapshot:
    """``apt list --installed``: the release by its suites, CUDA's toolkit and cuDNN among the packages."""
    rows = list(_APT_ROW.finditer(document.text.replace("\r\n", "\n")))
    if not rows:
        raise RecordError("no row of apt list stands in this text", source=document.source)
    versions = {row["name"]: row["version"] for row in rows}
    system, evidence = _release(rows, document.source)
    return Snapshot(
        system=system,
        cuda_toolkit=_toolkit(versions),
        system_libraries=_libraries(versions),
        evidence=evidence,
        notes=_notes(versions),
    )


def _release(rows: list[re.Match[str]], source: str) -> tuple[SystemFacts, tuple[Evidence, ...]]:
    counts: dict[str, int] = {}
    for row in rows:
        suite = re.split(r"[-,/]", row["suite"])[0]
        counts[suite] = counts.get(suite, 0) + 1
    known = {suite: count for suite, count in counts.items() if suite in _SUITES}
    machines = {_MACHINES[row["machine"]] for row in rows if row["machine"] in _MACHINES}
    machine = machines.pop() if len(machines) == 1 else None
    if not known:
        return SystemFacts(system="Linux", machine=machine), ()
    suite = max(known, key=lambda name: known[name])
    os_id, os_version = _SUITES[suite]
    reason = f"{known[suite]} packages come from the suite {suite}"
    evidence = tuple(
        Evidence(fact=f"system.{fact}", value=value, certainty="inferred", source=source, reason=reason)
        for fact, value in (("os_id", os_id), ("os_version", os_version))
    )
    return SystemFacts(system="Linux", machine=machine, os_id=os_id, os_version=os_version), evidence


def _toolkit(versions: dict[str, str]) -> str | None:
    found = sorted(
        version for name, version in versions.items() if re.fullmatch(r"cuda-(?:nvcc|compiler)-\d+-\d+", name)
    )
    number = re.match(r"\d+\.\d+(?:\.\d+)?", found[-1]) if found else None
    return number[0] if number else None


def _libraries(versions: dict[str, str]) -> tuple[SystemLibrary, ...]:
    named = ((name, _SONAMES.fullmatch(name), version) for name, version in versions.items())
    return tuple(
        SystemLibrary(soname=f"lib{found['stem']}.so.{found['major']}", package=name, package_version=version)
        for name, found, version in named
        if found
    )


def _notes(versions: dict[str, str]) -> tuple[Note, ...]:
    pythons = [f"{name} {version}" for name, version in versions.items() if re.fullmatch(r"python3\.\d+", name)]
    if not pythons:
        return ()
    return (Note(code="system-pythons", message=f"the system has {', '.join(pythons[:5])}"),)
