"""Small records for the planner's tests: only what a case is about has to be said."""

from __future__ import annotations

from typing import Any

from reprobuild.catalog import Catalog
from reprobuild.plan import Decision, PackageGroup, Placement, Plan, Question
from reprobuild.planner import PlanOptions, plan
from reprobuild.snapshot import (
    ArchiveInfo,
    DirectUrl,
    DirInfo,
    Distribution,
    GpuFacts,
    PythonFacts,
    Snapshot,
    SystemFacts,
    TorchFacts,
    VcsInfo,
)

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SHA256 = "a" * 64

UBUNTU_2204 = SystemFacts(
    system="Linux", machine="x86_64", libc="glibc", libc_version="2.35", os_id="ubuntu", os_version="22.04"
)
UBUNTU_2004 = SystemFacts(
    system="Linux", machine="x86_64", libc="glibc", libc_version="2.31", os_id="ubuntu", os_version="20.04"
)
DEBIAN_12 = SystemFacts(
    system="Linux", machine="x86_64", libc="glibc", libc_version="2.36", os_id="debian", os_version="12"
)
MACOS = SystemFacts(system="Darwin", machine="arm64", platform="macOS-15.3-arm64-arm-64bit")
WINDOWS = SystemFacts(system="Windows", machine="AMD64", platform="Windows-10-10.0.19045-SP0")


def listed(*pins: str) -> tuple[Distribution, ...]:
    """Distributions as a freeze tells them: name and version."""
    return tuple(
        Distribution(name=name, version=version or None) for name, _, version in (pin.partition("==") for pin in pins)
    )


def installed(*pins: str) -> tuple[Distribution, ...]:
    """Distributions as an installation tells them: the record lists everything."""
    return tuple(
        Distribution(name=name, version=version, installer="pip", metadata_format="dist-info")
        for name, _, version in (pin.partition("==") for pin in pins)
    )


def from_git(name: str, url: str, **facts: Any) -> Distribution:
    """A distribution that came from a git repository; ``facts`` are those of PEP 610's ``vcs_info``."""
    return Distribution(name=name, direct_url=DirectUrl(url=url, vcs_info=VcsInfo(vcs="git", **facts)))


def from_archive(name: str, url: str, version: str | None = None, sha256: str | None = None) -> Distribution:
    """A distribution that came from a file by URL."""
    hashes = {"sha256": sha256} if sha256 else {}
    return Distribution(
        name=name, version=version, direct_url=DirectUrl(url=url, archive_info=ArchiveInfo(hashes=hashes))
    )


def from_folder(name: str, url: str, **facts: Any) -> Distribution:
    """A distribution that came from a folder; ``facts`` are those of ``dir_info``."""
    return Distribution(name=name, version="1.0", direct_url=DirectUrl(url=url, dir_info=DirInfo(**facts)))


def record(
    *distributions: Distribution,
    python: str | None = "3.10.12",
    system: SystemFacts = UBUNTU_2204,
    torch: TorchFacts | None = None,
    **facts: Any,
) -> Snapshot:
    """A snapshot; anything else of the model goes into ``facts``."""
    return Snapshot(
        python=facts.pop("python_facts", PythonFacts(version=python)),
        system=system,
        distributions=distributions,
        torch=torch,
        **facts,
    )


def gpu(driver_cuda: str) -> GpuFacts:
    """What a driver says of the CUDA it supports."""
    return GpuFacts(driver_cuda=driver_cuda)


def planned(snapshot: Snapshot, **options: Any) -> Plan:
    """The plan of a snapshot with the packaged tables."""
    return plan(snapshot, Catalog.packaged(), PlanOptions(**options))


def decision(result: Plan, question: Question) -> Decision:
    """The one answer to a question."""
    (found,) = (each for each in result.decisions if each.question is question)
    return found


def group(result: Plan, name: str) -> PackageGroup:
    """The group of that name."""
    (found,) = (each for each in result.groups if each.name == name)
    return found


def group_of(result: Plan, name: str) -> PackageGroup:
    """The group that installs the distribution of that name."""
    (found,) = (
        each for each in result.groups if each.name != "completion" and any(r.name == name for r in each.requirements)
    )
    return found


def lines(result: Plan) -> dict[str, tuple[str, ...]]:
    """Group name to its requirement lines."""
    return {each.name: tuple(requirement.line for requirement in each.requirements) for each in result.groups}


def placement(result: Plan, name: str) -> Placement:
    """Where the distribution of that name ended."""
    (found,) = (each for each in result.placements if each.name == name)
    return found


def warning_codes(result: Plan) -> list[str]:
    """The codes of the plan's warnings, in their order."""
    return [warning.code for warning in result.warnings]
