"""Bases without CUDA: the official Python images, plain Ubuntu, and AMD's ROCm."""

from __future__ import annotations

from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.operating_systems import OperatingSystem
from reprobuild.plan import BaseImage, Decision, Fact, Fidelity, Question, weakest
from reprobuild.planner.recorded_system import BaseChoice, Needs, Wanted, nearest_release, os_reason

_REASONS = {"cpu": "no GPU is planned for, so the official Python image is enough"}
_FOR_OTHERS = "no image is known that brings the device's own software, and the official Python image serves the rest"


def plain_ubuntu(wanted: Wanted, needs: Needs, catalog: Catalog, why: str) -> BaseChoice:
    """For a CUDA without an image (10.2 and older, or too new for the tables): the wheels bring it inside."""
    release = _ubuntu_release(wanted, needs, catalog)
    base = _plain_base("ubuntu", release.version, release)
    system, fidelity = os_reason(base, wanted)
    brought = "conda brings it" if needs.by_conda else "the wheels bring it inside"
    reason = f"{why}, and {brought}; {system}"
    decision = Decision(
        question=Question.BASE_IMAGE,
        choice=base.reference,
        reason=reason,
        fidelity=weakest((Fidelity.EQUIVALENT, fidelity)),
        facts=(wanted.fact,) if wanted.fact else (),
    )
    return BaseChoice(base=base, build_base=None, decision=decision)


def cpu_base(wanted: Wanted, needs: Needs, catalog: Catalog) -> BaseChoice:
    """The distribution whose own interpreter ran; else the official Python image; else plain Ubuntu with uv's build."""
    if needs.by_conda:
        return _bare_base(wanted, needs, catalog)
    version = needs.python.version
    own = _distribution_of_interpreter(wanted, needs)
    image = catalog.cpython.image(version)
    systems = [catalog.operating_systems.by_codename(suite) for suite in (image.slim if image else ())]
    known = [each for each in systems if each and (needs.glibc is None or each.runs_glibc(needs.glibc))]
    served = [each for each in known if not (needs.needs_packages and is_archived(each.id, each.version))]
    if own is not None:
        base = _plain_base(own.id, own.version, own)
        reason = f"no GPU is planned for, and its interpreter is the one that {base.reference} has"
    elif image is None or not served:
        release = _ubuntu_release(wanted, needs, catalog)
        base = _plain_base("ubuntu", release.version, release)
        reason = f"no official image of CPython {version} serves here"
        if known:
            reason += ": their Debians have left the mirrors, and the run needs packages of its system"
    else:
        suite = _suite(served, wanted)
        base = _plain_base("python", f"{version}-slim-{suite.codename}", suite)
        reason = _REASONS.get(needs.accelerator.kind, _FOR_OTHERS)
    system, fidelity = os_reason(base, wanted)
    decision = Decision(
        question=Question.BASE_IMAGE,
        choice=base.reference,
        reason=f"{reason}; {system}",
        fidelity=fidelity,
        facts=(wanted.fact,) if wanted.fact else (),
    )
    return BaseChoice(base=base, build_base=None, decision=decision)


def _distribution_of_interpreter(wanted: Wanted, needs: Needs) -> OperatingSystem | None:
    """The recorded release of Debian or Ubuntu where the run used the very CPython that it still installs."""
    system = wanted.system
    if system is None or system.id not in ("debian", "ubuntu") or is_archived(system.id, system.version):
        return None
    runs_wheels = needs.glibc is None or system.runs_glibc(needs.glibc)
    is_own = needs.python.builder == "distribution" and needs.python.version == system.python
    return system if is_own and runs_wheels else None


def _bare_base(wanted: Wanted, needs: Needs, catalog: Catalog) -> BaseChoice:
    """The recorded Debian where apt still serves it, else Ubuntu: conda brings everything but the C library."""
    recorded = wanted.system
    if recorded is not None and recorded.id == "debian" and not is_archived("debian", recorded.version):
        base = _plain_base(recorded.id, recorded.version, recorded)
    else:
        release = _ubuntu_release(wanted, needs, catalog)
        base = _plain_base("ubuntu", release.version, release)
    system, fidelity = os_reason(base, wanted)
    decision = Decision(
        question=Question.BASE_IMAGE,
        choice=base.reference,
        reason=f"no GPU is planned for, and conda brings all but the C library; {system}",
        fidelity=fidelity,
        facts=(wanted.fact,) if wanted.fact else (),
    )
    return BaseChoice(base=base, build_base=None, decision=decision)


def _ubuntu_release(wanted: Wanted, needs: Needs, catalog: Catalog) -> OperatingSystem:
    releases = [each for each in catalog.operating_systems.family("ubuntu") if Version(each.version).major >= 16]
    fitting = [each for each in releases if needs.glibc is None or each.runs_glibc(needs.glibc)]
    if wanted.system in fitting:
        assert wanted.system is not None
        return wanted.system
    chosen = nearest_release([each.version for each in fitting], wanted.glibc, needs.built_around, catalog)
    return next(each for each in fitting if each.version == chosen)


def _suite(systems: list[OperatingSystem], wanted: Wanted) -> OperatingSystem:
    """The recorded Debian; else the oldest suite with at least the recorded glibc; else the newest.

    One whose packages can still be had goes before one that was moved to the archive.
    """
    if wanted.system in systems:
        assert wanted.system is not None
        return wanted.system
    served = [each for each in systems if not is_archived(each.id, each.version)]
    ordered = sorted(served or systems, key=lambda each: Version(each.version))
    if wanted.glibc is not None:
        return next((each for each in ordered if each.runs_glibc(wanted.glibc)), ordered[-1])
    return ordered[-1]


def _plain_base(repository: str, tag: str, system: OperatingSystem) -> BaseImage:
    return BaseImage(
        repository=repository,
        tag=tag,
        os_id=system.id,
        os_version=system.version,
        codename=system.codename,
        glibc=system.glibc,
    )


def is_archived(os_id: str, os_version: str) -> bool:
    """Whether a Debian was taken off its mirrors, so that apt finds nothing in an image of it (seen November 2026)."""
    return os_id == "debian" and os_version != "unknown" and Version(os_version) < Version("11")


def rocm_base(wanted: Wanted, needs: Needs, catalog: Catalog) -> BaseChoice:
    """AMD's ``dev-ubuntu`` image of the recorded ROCm; plain Ubuntu where none is known: the wheels bring ROCm."""
    version = needs.accelerator.version or ""
    images = [
        (image, system)
        for image in catalog.rocm.find(version, "ubuntu")
        if image.image.startswith("rocm/dev-ubuntu-") and not image.is_complete
        if (system := catalog.operating_systems.get("ubuntu", image.os_version))
        if needs.glibc is None or system.runs_glibc(needs.glibc)
    ]
    if not images:
        release = _ubuntu_release(wanted, needs, catalog)
        base = _plain_base("ubuntu", release.version, release)
        reason, certainty = f"no image of ROCm {version} is known, and the wheels bring it inside", None
    else:
        best = [pair for pair in images if pair[0].rocm == images[0][0].rocm]
        versions = sorted({system.version for _, system in best}, key=Version)
        recorded = wanted.system.version if wanted.system and wanted.system.id == "ubuntu" else None
        chosen = (
            recorded if recorded in versions else nearest_release(versions, wanted.glibc, needs.built_around, catalog)
        )
        image, release = next(pair for pair in best if pair[1].version == chosen)
        base = _plain_base(image.image, image.tag, release)
        reason, certainty = f"ROCm {version}'s newest known patch is {image.rocm}", image.certainty
    system_reason, fidelity = os_reason(base, wanted)
    row = Fact(name=base.reference, value=certainty or "unknown", source="rocm_images", certainty="presumed")
    decision = Decision(
        question=Question.BASE_IMAGE,
        choice=base.reference,
        reason=f"{reason}; {system_reason}",
        fidelity=fidelity if certainty else weakest((Fidelity.EQUIVALENT, fidelity)),
        facts=(*((wanted.fact,) if wanted.fact else ()), *((row,) if certainty else ())),
    )
    return BaseChoice(base=base, build_base=None, decision=decision)
