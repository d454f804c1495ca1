"""Snapshot and catalog to a plan: pure, offline, the same bytes from the same input. One question a file."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.operating_systems import glibc_of_tag
from reprobuild.errors import PlanError
from reprobuild.plan import (
    Fidelity,
    PackageGroup,
    Placement,
    Plan,
    PlanWarning,
    Platform,
    Question,
)
from reprobuild.planner.admission import admitted_base
from reprobuild.planner.age import made_around
from reprobuild.planner.build_time import decide_build_time
from reprobuild.planner.checkouts import recorded_checkouts
from reprobuild.planner.closure import gaps, warnings_of
from reprobuild.planner.conda import Named, by_index_name, settle_conda, warnings_of_doubt
from reprobuild.planner.conda_environment import (
    conda_environment,
    conda_python,
    micromamba,
    settle_run,
    warnings_of_run,
)
from reprobuild.planner.conda_frameworks import frameworks_of
from reprobuild.planner.conda_run import CondaRun
from reprobuild.planner.frameworks import Frameworks, unused_gpu
from reprobuild.planner.gpu import for_architectures, machine_of
from reprobuild.planner.grouping import COMPLETION, Treated, group, place
from reprobuild.planner.libraries import place_libraries
from reprobuild.planner.markers import for_platform, for_target, is_meant
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.other_indexes import warnings_of_indexes
from reprobuild.planner.packages import treat
from reprobuild.planner.packages_decision import packages_decision
from reprobuild.planner.python import PythonVersion, decide_source
from reprobuild.planner.recorded_system import Needs
from reprobuild.planner.source_build import BuildContext
from reprobuild.planner.source_code import with_source_code
from reprobuild.planner.sources import Sources
from reprobuild.planner.subject import Package, Subject, examine
from reprobuild.planner.system_packages import decide_system_packages, needs_system_packages
from reprobuild.planner.target import Target, decide_platform
from reprobuild.planner.torch_question import TorchBuild
from reprobuild.planner.treatment import Install, LeaveOut, Resolve, Treatment
from reprobuild.planner.unlisted_torch import added, with_torch_of_companions
from reprobuild.planner.unread_lines import CODE as lines_not_installed
from reprobuild.planner.unread_lines import warnings_of_unread
from reprobuild.planner.uv_image import uv_image
from reprobuild.snapshot import Snapshot

__all__ = ["PlanOptions", "plan"]

_NO_OPTIONS = PlanOptions()


def plan(snapshot: Snapshot, catalog: Catalog, options: PlanOptions = _NO_OPTIONS) -> Plan:
    """What would be built from ``snapshot``, why, and how faithfully.

    Raises RecordError, which names the path in the record, for text that fits no grammar; PlanError when no image
    can come near, or with ``options.strict`` when the plan is not exact.
    """
    result = with_source_code(_plan(examine(snapshot), snapshot, catalog, options), snapshot, options)
    return refuse_inexact(result) if options.strict else result


def _plan(subject: Subject, snapshot: Snapshot, catalog: Catalog, options: PlanOptions) -> Plan:
    """The answers to all questions, whatever their fidelity."""
    platform, platform_note = decide_platform(subject, options)
    recorded = subject.packages
    subject = with_torch_of_companions(for_platform(subject, platform), catalog)
    subject, run, version, without_conda = settle_run(subject, snapshot.python, platform, catalog, options)
    target = Target(platform=platform, python=version.version, free_threaded=version.free_threaded)
    subject = for_target(subject, target)
    machine = machine_of(snapshot, catalog, options)
    frameworks = frameworks_of(run, subject, machine, target, catalog, options)
    torch = frameworks.torch
    sources = _sources(subject, snapshot, target, frameworks, catalog, options)
    of_record = treat_all(recorded, sources, run)
    unlisted = added(torch, subject)
    treated = (*(Treated(package=each, treatment=treat(each, sources)) for each in unlisted), *of_record)
    whole = msgspec.structs.replace(subject, packages=(*subject.packages, *unlisted))
    container = torch.container if torch else None
    is_closed = container is not None or (run is not None and run.is_closed)
    open_ends = () if is_closed else gaps(whole, torch, target, None if run is None else _installed(treated))
    groups = group(treated, bool(open_ends) or frameworks.was_rescued, subject.recorded_on)
    groups = tuple(for_architectures(each, machine) for each in groups)
    placements = _placements(of_record, groups)
    wants = needs_system_packages(_installed(treated), groups, snapshot.system_libraries, catalog, options)
    needs = _needs(subject, frameworks, version, (platform, platform_note), treated, groups, wants, run, catalog)
    base = admitted_base(subject, needs, machine, catalog, options)
    image = micromamba(catalog, options)
    conda = conda_environment(run, frameworks.accelerator, image) if run else None
    python = (
        conda_python(run, version, image) if run else decide_source(version, base.base, platform, catalog, container)
    )
    libraries = place_libraries(snapshot.system_libraries, subject, base.base, catalog, options.extra_apt)
    system_packages, system_decision, system_warnings = decide_system_packages(
        base.base,
        _installed(treated),
        libraries,
        groups,
        tuple(_build_libraries(treated, catalog)),
        python.system_packages + (python.headers if any(each.needs_compiler for each in groups) else ()),
        catalog,
        options,
    )
    time_decision, time_warnings = decide_build_time(subject, groups)
    uv = uv_image(catalog, options)
    return Plan(
        snapshot_digest=snapshot.digest,
        catalog_date=catalog.date,
        platform=platform,
        accelerator=frameworks.accelerator,
        base=base.base,
        python=python.source,
        groups=groups,
        system_packages=system_packages,
        build_base=base.build_base,
        uv_image=uv.value,
        conda=conda,
        decisions=(
            frameworks.decision,
            base.decision,
            python.decision.with_facts(uv) if groups or run is None else python.decision,
            packages_decision(groups, placements, open_ends, run),
            system_decision,
            time_decision,
        ),
        placements=placements,
        libraries=libraries.placements,
        warnings=(
            *frameworks.warnings,
            *unused_gpu(frameworks, machine),
            *base.warnings,
            *warnings_of(open_ends, subject),
            *(warnings_of_run(run) if run else ()),
            *_treatment_warnings(treated),
            *warnings_of_doubt(item.treatment for item in treated),
            *warnings_of_indexes(subject, groups, catalog),
            *warnings_of_unread(snapshot),
            *system_warnings,
            *time_warnings,
        ),
        notes=(*base.notes, *(run.channels.notes if run else without_conda)),
    )


def _sources(
    subject: Subject,
    snapshot: Snapshot,
    target: Target,
    frameworks: Frameworks,
    catalog: Catalog,
    options: PlanOptions,
) -> Sources:
    torch = frameworks.torch or frameworks.conda_torch
    torch_is_plain = torch is None or (torch.container is None and torch.rescued_from is None)
    return Sources(
        is_plain=torch_is_plain and not options.package_indexes,
        subject=subject,
        target=target,
        torch=torch,
        torch_by_conda=frameworks.conda_torch is not None,
        catalog=catalog,
        source=snapshot.source,
        build=BuildContext(target=target, catalog=catalog, torch=torch, may_have_nvcc=options.base is not None),
        checkouts=recorded_checkouts(snapshot),
        system_cuda=frameworks.system_cuda,
        indexes={canonicalize_name(name): url for name, url in options.package_indexes},
    )


def treat_all(packages: tuple[Package, ...], sources: Sources, run: CondaRun | None = None) -> tuple[Treated, ...]:
    """Every recorded package with its treatment. Of two with the same name only the first was importable.

    What conda installs is treated already: pip may have put another version of it on top. What a marker keeps for
    other platforms or Pythons is treated too, so that none is forgotten, and says nothing of the others.
    """
    seen: dict[str, str] = {}
    treated = []
    of_conda = settle_conda(sources.subject.packages, sources.catalog) if run is None else {}
    for package in packages:
        if run is not None and (by_conda := run.treatments.get(package.path)):
            treated.append(Treated(package=package, treatment=by_conda))
            continue
        settled = of_conda.get(package.path)
        if isinstance(settled, LeaveOut):
            treated.append(Treated(package=package, treatment=settled))
            continue
        first = seen.setdefault(package.canonical, package.path) if is_meant(package, sources.target) else package.path
        if first != package.path:
            reason = f"the record lists it twice, and the first one ({first}) is what Python imports"
            treated.append(Treated(package=package, treatment=LeaveOut(reason=reason, fidelity=Fidelity.EXACT)))
        else:
            treated.append(Treated(package=package, treatment=_treated(package, settled, sources)))
    return tuple(treated)


def _treated(package: Package, named: Named | None, sources: Sources) -> Treatment:
    """By the index's name for it, where only conda's is recorded."""
    if named is None:
        return treat(package, sources)
    renamed = msgspec.structs.replace(package, name=named.name, canonical=canonicalize_name(named.name))
    return by_index_name(treat(renamed, sources), package, named)


def _treatment_warnings(treated: tuple[Treated, ...]) -> Iterator[PlanWarning]:
    for item in treated:
        warning: PlanWarning | None = getattr(item.treatment, "warning", None)
        if warning is not None:
            yield warning


def _build_libraries(treated: tuple[Treated, ...], catalog: Catalog) -> Iterator[tuple[str, str]]:
    """What builds from source need of the operating system, as the table of packages names it, and which build does."""
    for item in treated:
        if isinstance(item.treatment, Install):
            needs = list(item.treatment.build_libraries)
            if item.treatment.needs_compiler:
                rows = catalog.apt.needs(item.package.canonical, item.package.version_text)
                needs += [library for row in rows for library in row.build]
            yield from ((library, item.package.name) for library in needs)


def _needs(
    subject: Subject,
    frameworks: Frameworks,
    version: PythonVersion,
    platform: tuple[Platform, str],
    treated: tuple[Treated, ...],
    groups: tuple[PackageGroup, ...],
    needs_packages: bool,
    run: CondaRun | None,
    catalog: Catalog,
) -> Needs:
    """What the answers so far ask of the base. The platform comes with what differs about it."""
    torch = frameworks.torch
    return Needs(
        platform=platform[0],
        platform_note=platform[1],
        by_conda=run is not None,
        accelerator=frameworks.base_cuda.accelerator,
        python=version,
        container=torch.container if torch else None,
        glibc=needed_glibc(treated, torch),
        wheels_bring_cuda=frameworks.base_cuda.wheels_bring_cuda,
        wheels_bring_cudnn=frameworks.brings_cudnn,
        needs_nvcc=any(each.needs_nvcc for each in groups),
        needs_packages=needs_packages,
        built_around=made_around(subject, version, frameworks.released, catalog),
    )


def _group_names(groups: tuple[PackageGroup, ...]) -> dict[str, str]:
    return {
        requirement.line: each.name for each in groups if each.name != COMPLETION for requirement in each.requirements
    }


def _installed(treated: tuple[Treated, ...]) -> tuple[Package, ...]:
    return tuple(item.package for item in treated if isinstance(item.treatment, Install | Resolve))


def _placements(treated: tuple[Treated, ...], groups: tuple[PackageGroup, ...]) -> tuple[Placement, ...]:
    names = _group_names(groups)
    return tuple(place(item, names) for item in treated)


def needed_glibc(treated: tuple[Treated, ...], torch: TorchBuild | None) -> str | None:
    """The oldest glibc on which every installed wheel runs; None where no tag asks for one."""
    of_torch = [glibc for tag in (torch.wheel_tags if torch else ()) if (glibc := glibc_of_tag(tag))]
    needed = [min(of_torch, key=Version)] if of_torch else []
    for item in treated:
        if not isinstance(item.treatment, Install):
            continue
        for tag in item.package.tags:
            if glibc := glibc_of_tag(tag.rpartition("-")[2]):
                needed.append(glibc)
    return max(needed, key=Version) if needed else None


_NOT_EXACT = frozenset({"needed-on-linux", "not-closed", lines_not_installed})
"""Warnings that tell of something that may be missing from the image without being placed anywhere."""


def refuse_inexact(plan: Plan) -> Plan:
    """What ``--strict`` asks for. Raises PlanError that lists every part that is not exact."""
    parts = [
        f"{decision.question}: {decision.choice} ({decision.fidelity})"
        for decision in plan.decisions
        if decision.fidelity is not Fidelity.EXACT and decision.question is not Question.PACKAGES
    ]
    parts += [
        f"{placement.name} {placement.version or ''} ({placement.fidelity}: {placement.detail})"
        for placement in plan.placements
        if placement.fidelity is not Fidelity.EXACT
    ]
    parts += [f"{warning.code}: {warning.message}" for warning in plan.warnings if warning.code in _NOT_EXACT]
    if parts:
        raise PlanError(
            f"--strict: the plan is not exact in {len(parts)} parts: {'; '.join(parts)}",
            hint="plan without --strict to see why, and what would make each part exact",
        )
    return plan
