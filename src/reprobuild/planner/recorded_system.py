"""The operating system that the record means, and how near a base comes to it."""

from __future__ import annotations

import datetime

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.operating_systems import FAMILY_OF_ID, OperatingSystem
from reprobuild.catalog.vendor_images import NgcContainer
from reprobuild.plan import Accelerator, BaseImage, Decision, Fact, Fidelity, PlanWarning, Platform
from reprobuild.planner.python import PythonVersion
from reprobuild.planner.subject import Subject

_NO_LINUX = "no Linux"
_FROM_GLIBC = "the recorded glibc"


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What the rest of the plan asks of the base."""

    accelerator: Accelerator
    python: PythonVersion
    platform: Platform
    container: NgcContainer | None = None
    """The container that alone holds the recorded torch."""
    platform_note: str = ""
    """What differs in the platform, where something does."""
    glibc: str | None = None
    """The oldest glibc that the recorded wheels run on."""
    wheels_bring_cuda: bool = True
    wheels_bring_cudnn: bool = True
    """Whether the recorded cuDNN is one that came inside a wheel, whatever else loads the system's."""
    needs_nvcc: bool = False
    needs_packages: bool = False
    """Whether anything has to be installed by the base's package manager."""
    by_conda: bool = False
    """Whether conda brings the interpreter and CUDA, so that the base has to bring neither."""
    built_around: datetime.date | None = None
    """The day of the run, where something tells it: for a record without an operating system."""


class BaseChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The base, the builder's base where it is another, and the decision."""

    base: BaseImage
    build_base: BaseImage | None
    decision: Decision
    warnings: tuple[PlanWarning, ...] = ()
    notes: tuple[str, ...] = ()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """The release of the operating system that the record means."""

    system: OperatingSystem | None
    """The recorded release, where its images could serve."""
    glibc: str | None
    """The recorded glibc."""
    told: str
    """For a person: ``Ubuntu 22.04``, ``no operating system``."""
    fact: Fact | None
    inferred_from: str | None = None
    """What it is inferred from, as words; None for one that the record tells."""


def recorded_system(subject: Subject, catalog: Catalog) -> Wanted:
    """What the record tells of its operating system, or lets one infer."""
    systems = catalog.operating_systems
    if subject.system not in (None, "Linux"):
        return Wanted(system=None, glibc=None, told=_NO_LINUX, fact=None)
    if subject.os_id and subject.os_version:
        fact = subject.fact("system.os_version", f"{subject.os_id} {subject.os_version}")
        system = systems.get(subject.os_id, subject.os_version)
        source = _FROM_GLIBC if subject.glibc else "what the record lists"
        return Wanted(
            system=system,
            glibc=subject.glibc or (system.glibc if system else None),
            told=f"{subject.os_id} {subject.os_version}",
            fact=fact,
            inferred_from=source if fact.certainty == "inferred" else None,
        )
    if subject.glibc is None:
        return Wanted(system=None, glibc=None, told="no operating system", fact=None)
    # A platform string may name the glibc that the interpreter was built against, so this is a hint only, and one
    # that is older than any release still in use (conda's say 2.10 or 2.17) is none.
    if Version(subject.glibc) < Version("2.23"):
        return Wanted(system=None, glibc=None, told="no operating system", fact=None)
    same = [each for each in systems.family("ubuntu") if each.glibc == subject.glibc]
    fact = Fact(name="system.libc_version", value=subject.glibc, source="record", certainty="inferred")
    told = f"only glibc {subject.glibc}" + (f", which is Ubuntu {same[0].version}'s" if same else "")
    return Wanted(
        system=same[0] if same else None, glibc=subject.glibc, told=told, fact=fact, inferred_from=_FROM_GLIBC
    )


def os_reason(base: BaseImage, wanted: Wanted) -> tuple[str, Fidelity]:
    """What the release has to do with the recorded one, and how near that is."""
    chosen = f"{base.os_id.capitalize()} {base.os_version}"
    recorded = wanted.system
    if recorded is not None and (recorded.id, recorded.version) == (base.os_id, base.os_version):
        how = f"is inferred from {wanted.inferred_from}" if wanted.inferred_from else "is the recorded release"
        return f"{chosen} {how}", Fidelity.EXACT
    if recorded is not None and (recorded.id, recorded.version) == (FAMILY_OF_ID.get(base.os_id), base.os_version):
        return f"the run was made on {wanted.told}; {chosen} is of its family and release", Fidelity.EQUIVALENT
    if wanted.told == _NO_LINUX:
        return f"{chosen} runs what was recorded", Fidelity.EQUIVALENT
    if wanted.fact is None:
        return f"the record tells no operating system, and {chosen} runs what was recorded", Fidelity.EQUIVALENT
    if wanted.inferred_from:
        return f"the record tells {wanted.told}; {chosen} is the nearest release", Fidelity.EQUIVALENT
    return f"the run was made on {wanted.told}; {chosen} is the nearest image", Fidelity.SUBSTITUTED


def nearest_release(versions: list[str], glibc: str | None, day: datetime.date | None, catalog: Catalog) -> str:
    """Of Ubuntu releases, oldest first, the oldest whose glibc is at least the recorded one, else the newest.

    Where no glibc is recorded the newest release that was out on the day of the run is taken: Ubuntu's versions are
    dates, and each came near the end of its month.
    """
    if glibc is not None:
        systems = [catalog.operating_systems.get("ubuntu", version) for version in versions]
        enough = [system.version for system in systems if system and system.runs_glibc(glibc)]
        return enough[0] if enough else versions[-1]
    if day is not None:
        month = (day.year - 2000, day.month)
        out = [version for version in versions if Version(version).release < month]
        return out[-1] if out else versions[0]
    return versions[-1]
