"""The name of an operating system as people and tools print it, to os-release's id and version."""

from __future__ import annotations

import re

from reprobuild.snapshot import SystemFacts

_IDS = (
    ("ubuntu", "ubuntu", "Linux"),
    ("debian", "debian", "Linux"),
    ("red hat enterprise linux", "rhel", "Linux"),
    ("rhel", "rhel", "Linux"),
    ("centos", "centos", "Linux"),
    ("rocky", "rocky", "Linux"),
    ("almalinux", "almalinux", "Linux"),
    ("oracle linux", "ol", "Linux"),
    ("scientific linux", "scientific", "Linux"),
    ("fedora", "fedora", "Linux"),
    ("amazon linux", "amzn", "Linux"),
    ("opensuse", "opensuse", "Linux"),
    ("suse linux enterprise", "sles", "Linux"),
    ("linux mint", "linuxmint", "Linux"),
    ("pop!_os", "pop", "Linux"),
    ("manjaro", "manjaro", "Linux"),
    ("arch linux", "arch", "Linux"),
    ("alpine", "alpine", "Linux"),
    ("kali", "kali", "Linux"),
    ("gentoo", "gentoo", "Linux"),
    ("nixos", "nixos", "Linux"),
    ("common base linux mariner", "mariner", "Linux"),
    ("macos", "macos", "Darwin"),
    ("mac os", "macos", "Darwin"),
    ("microsoft windows", "windows", "Windows"),
    ("windows", "windows", "Windows"),
)
_VERSION = re.compile(r"(?<![\w.])v?(?P<version>\d+(?:\.\d+)*)(?![\w])")
_MACHINE = re.compile(r"\((?P<machine>x86_64|aarch64|arm64|AMD64|i686|ppc64le|s390x|riscv64)\)\s*$")


def system_of_name(text: str) -> SystemFacts | None:
    """``Ubuntu 22.04.4 LTS (x86_64)`` taken apart; None when no system is named.

    Ubuntu's and Red Hat's patch releases are left off the version, as os-release does: 22.04.4 is 22.04.
    """
    name = " ".join(text.split())[:300]
    machine = _MACHINE.search(name)
    named = name[: machine.start()].strip() if machine else name
    lower = named.lower()
    match = next(((os_id, system) for word, os_id, system in _IDS if lower.startswith(word)), None)
    if match is None:
        other = SystemFacts(system="Linux", machine=machine["machine"] if machine else None, os_name=named)
        return other if re.search(r"\blinux\b", lower) else None
    os_id, system = match
    version = _VERSION.search(named)
    return SystemFacts(
        system=system,
        machine=machine["machine"] if machine else None,
        os_id=os_id,
        os_version=_release(os_id, version["version"]) if version else None,
        os_name=named,
    )


def _release(os_id: str, version: str) -> str:
    parts = version.split(".")
    if os_id == "ubuntu":
        return ".".join(parts[:2])
    if os_id in ("debian", "centos") and len(parts) > 2:
        return parts[0]
    return version
