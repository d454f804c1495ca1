"""The variables of an environment marker (PEP 508), for an interpreter that is not the one at work."""

from __future__ import annotations


def marker_environment(
    python: str, *, machine: str = "x86_64", system: str = "Linux", sys_platform: str = "linux", os_name: str = "posix"
) -> dict[str, str]:
    """Those of CPython ``python``, a full version such as 3.8.10, on this platform; of its kernel nothing is known."""
    return {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": os_name,
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": system,
        "platform_version": "",
        "python_full_version": python,
        "python_version": ".".join(python.split(".")[:2]),
        "sys_platform": sys_platform,
        "extra": "",
    }
