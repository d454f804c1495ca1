"""What ``sys.version`` and ``platform.platform()`` tell, taken apart; and the OS release they allow to infer."""

from __future__ import annotations

import re

from reprobuild.snapshot import Evidence, Fields, PythonFacts, SystemFacts

_VERSION = re.compile(r"\s*(?P<version>\d+\.\d+(?:\.\d+)?(?:(?:a|b|rc)\d+)?)\+?(?=[\s,(|+]|$)")
_COMPILER = re.compile(r"\[(?P<compiler>(?:GCC|Clang|MSC|Intel|PGI|NVIDIA)[^\]]*)\]")
_LINUX = re.compile(
    r"Linux-(?P<kernel>.+?)-(?P<machine>x86_64|aarch64|arm64|armv[5-8]\w*|i[3-6]86|ppc64le|s390x|riscv64|loongarch64)"
    r"(?:-\w+)?-with-(?P<with>.*)"
)
_MACOS = re.compile(r"macOS-(?P<version>[\d.]+)-(?P<machine>arm64|x86_64)\b.*")
_DARWIN = re.compile(r"Darwin-(?P<kernel>[\d.]+)-(?P<machine>arm64|x86_64)\b.*")
_WINDOWS = re.compile(r"Windows-(?P<version>\w+)-(?P<build>[\d.]+)(?:-.*)?")
_DISTRIBUTION = re.compile(r"(?P<name>Ubuntu|debian|centos|fedora|redhat|arch|SuSE|Kali)-(?P<version>[\d.]+)?.*", re.I)
_LIBC = re.compile(r"(?P<libc>glibc|libc|musl)(?P<version>\d+\.\d+(?:\.\d+)?)?")

LONGEST = 4096
"""Characters of a platform text that are looked at."""

_UBUNTU_OF_GLIBC = {"2.23": "16.04", "2.27": "18.04", "2.31": "20.04", "2.35": "22.04", "2.39": "24.04"}
_DEBIAN_OF_GLIBC = {"2.24": "9", "2.36": "12", "2.41": "13"}
_RED_HAT_OF_GLIBC = {"2.17": "7", "2.34": "9"}
_UBUNTU_OF_COMPILER = {"GCC 9.4.0": "20.04", "GCC 11.4.0": "22.04"}
"""The compiler of each Ubuntu's own Python. 18.04's 7.5.0 is not here, because Anaconda built with it too."""


_SID = re.compile(r"debian-(?P<codename>[a-z]+)-sid")
_UBUNTU_OF_DEBIAN = {
    "jessie": "14.04",
    "stretch": "16.04",
    "buster": "18.04",
    "bullseye": "20.04",
    "bookworm": "22.04",
    "trixie": "24.04",
}
"""/etc/debian_version of an Ubuntu names the Debian that was in the making; a Debian's own names a number."""


class Inferred(Fields, frozen=True, kw_only=True):
    """An operating system that no record states, and what it rests on."""

    os_id: str
    os_version: str
    reason: str


def python_facts(build: str | None, short: str | None = None) -> PythonFacts:
    """The interpreter, from ``sys.version`` and, where there is one, the plain version beside it."""
    text = (build or "")[:LONGEST]
    found = _VERSION.match(text) or (_VERSION.match(short[:LONGEST]) if short else None)
    compiler = _COMPILER.search(text)
    environment = "conda" if re.search(r"\bpackaged by conda|\bAnaconda\b|Continuum Analytics", text) else None
    return PythonFacts(
        version=_plain(short) or (found["version"] if found else None),
        implementation="PyPy" if "[PyPy" in text else ("CPython" if compiler else None),
        build=build if found and build and len(build) > len(found["version"]) else None,
        compiler=compiler["compiler"] if compiler else None,
        environment=environment,  # type: ignore[arg-type]  # mypy widens the literal of a conditional to str
    )


def _plain(short: str | None) -> str | None:
    found = _VERSION.fullmatch(short.strip()[:LONGEST]) if short else None
    return found["version"] if found else None


def system_facts(platform: str | None, *, python: PythonFacts | None = None) -> SystemFacts:
    """The machine, from ``platform.platform()``.

    Before Python 3.9 the glibc in that text is what the interpreter needs, not what the machine has, so it is left
    out then; Debian's and Ubuntu's names stood there up to Python 3.7.
    """
    text = (platform or "").strip()[:LONGEST]
    if found := _LINUX.fullmatch(text):
        return _linux(text, found, python or PythonFacts())
    if found := _MACOS.fullmatch(text):
        name = f"macOS {found['version']}"
        return SystemFacts(
            system="Darwin",
            machine=found["machine"],
            platform=platform,
            os_id="macos",
            os_version=found["version"],
            os_name=name,
        )
    if found := _DARWIN.fullmatch(text):
        return SystemFacts(
            system="Darwin", kernel=found["kernel"], machine=found["machine"], platform=platform, os_id="macos"
        )
    if found := _WINDOWS.fullmatch(text):
        name = f"Windows {found['version']}"
        return SystemFacts(
            system="Windows", platform=platform, os_id="windows", os_version=found["version"], os_name=name
        )
    system = next((word for word in ("Linux", "Darwin", "Windows") if text.startswith(word)), None)
    return SystemFacts(system=system, platform=platform or None)


def _linux(text: str, found: re.Match[str], python: PythonFacts) -> SystemFacts:
    libc, named = _LIBC.fullmatch(found["with"]), _DISTRIBUTION.fullmatch(found["with"])
    return SystemFacts(
        system="Linux",
        kernel=found["kernel"],
        machine=found["machine"],
        platform=text,
        libc=("glibc" if libc["libc"] == "libc" else libc["libc"]) if libc else None,
        libc_version=libc["version"] if libc and reports_the_machine(python) else None,
        os_id=named["name"].lower().replace("redhat", "rhel") if named and not _SID.fullmatch(found["with"]) else None,
        os_version=named["version"] if named else None,
    )


def reports_the_machine(python: PythonFacts) -> bool:
    """Whether this Python's ``platform.platform()`` names the machine's own glibc: 3.9 and later do."""
    parts = (python.version or "").split(".")
    return len(parts) >= 2 and parts[0] == "3" and parts[1].isdecimal() and int(parts[1]) >= 9


def inferred_system(system: SystemFacts, python: PythonFacts) -> Inferred | None:
    """The Linux release that glibc and kernel point to, or the build of Python; None where nothing does."""
    if system.system != "Linux" or system.os_id:
        return None
    glibc = system.libc_version or ""
    enterprise = re.search(r"\.el(?P<release>[6-9]|10)(?:_\d+)?\.", f"{system.kernel or ''}.")
    if enterprise:
        reason = f"the kernel {system.kernel} is Red Hat Enterprise Linux {enterprise['release']}'s"
        return Inferred(os_id="rhel", os_version=enterprise["release"], reason=reason)
    for os_id, table in (("ubuntu", _UBUNTU_OF_GLIBC), ("debian", _DEBIAN_OF_GLIBC), ("rhel", _RED_HAT_OF_GLIBC)):
        if glibc in table:
            return Inferred(
                os_id=os_id, os_version=table[glibc], reason=f"glibc {glibc} is that of {os_id} {table[glibc]}"
            )
    sid = re.search(r"-with-debian-(?P<codename>[a-z]+)-sid$", system.platform or "")
    if sid and sid["codename"] in _UBUNTU_OF_DEBIAN:
        release = _UBUNTU_OF_DEBIAN[sid["codename"]]
        reason = f"Ubuntu {release} calls itself debian {sid['codename']}/sid, which no released Debian does"
        return Inferred(os_id="ubuntu", os_version=release, reason=reason)
    compiler = (python.compiler or "").strip()
    if not glibc and python.environment != "conda" and compiler in _UBUNTU_OF_COMPILER:
        release = _UBUNTU_OF_COMPILER[compiler]
        return Inferred(
            os_id="ubuntu",
            os_version=release,
            reason=f"Python was compiled by {compiler}, the compiler of Ubuntu {release}",
        )
    return None


def with_inferred_system(
    system: SystemFacts, python: PythonFacts, source: str
) -> tuple[SystemFacts, tuple[Evidence, ...]]:
    """``system`` with its release where it can be inferred, and the evidence for that."""
    found = inferred_system(system, python)
    if found is None:
        return system, ()
    values = {"os_id": found.os_id, "os_version": found.os_version}
    evidence = tuple(
        Evidence(fact=f"system.{fact}", value=value, certainty="inferred", source=source, reason=found.reason)
        for fact, value in values.items()
    )
    told = {field: getattr(system, field) for field in SystemFacts.__struct_fields__}
    return SystemFacts(**{**told, **values}), evidence
