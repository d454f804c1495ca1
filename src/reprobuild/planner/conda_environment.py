"""A conda run as a part of the plan: the environment that micromamba makes, the CPython in it, and the packages."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from reprobuild.catalog import Catalog
from reprobuild.catalog.digests import MICROMAMBA_REPOSITORY
from reprobuild.plan import (
    Accelerator,
    CondaEnvironment,
    CondaPackage,
    CondaPython,
    Decision,
    Fact,
    Fidelity,
    PlanWarning,
    Platform,
    Question,
    weakest,
)
from reprobuild.planner import grammar
from reprobuild.planner.conda_run import CondaRun, decide_conda
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.python import PythonChoice, PythonVersion, decide_version
from reprobuild.planner.subject import Subject
from reprobuild.planner.treatment import CondaInstall
from reprobuild.planner.uv_image import fact_of
from reprobuild.snapshot import PythonFacts


class Settled(NamedTuple):
    """The run and its Python, which depend on each other."""

    subject: Subject
    """With conda's own word on the version of its interpreter."""
    run: CondaRun | None
    version: PythonVersion
    without_conda: tuple[str, ...]
    """Why conda's packages are mapped to wheels, where they are: none or one sentence."""


def settle_run(
    subject: Subject, facts: PythonFacts, platform: Platform, catalog: Catalog, options: PlanOptions
) -> Settled:
    """Whether conda rebuilds the run, and which CPython it has. Raises PlanError and RecordError."""
    run, note = decide_conda(subject, platform, options)
    if run is not None and run.python is not None:
        subject = msgspec.structs.replace(subject, python=grammar.python_version(run.python, "python.version"))
    version = decide_version(subject, facts, platform, catalog, options)
    run = _with_python(run, version) if run else None
    return Settled(subject, run, version, (note,) if note else ())


def _with_python(run: CondaRun, version: PythonVersion) -> CondaRun:
    """The run with its interpreter pinned to the planned version, where the record tells less of it."""
    pinned = CondaPackage(name="python", line=f"python={version.version}")
    treatments = dict(run.treatments)
    for path, each in run.treatments.items():
        if isinstance(each, CondaInstall) and each.package.name == "python" and not run.has_python_build:
            treatments[path] = msgspec.structs.replace(each, package=pinned)
    if run.python is not None:
        return msgspec.structs.replace(run, treatments=treatments)
    return msgspec.structs.replace(run, treatments=treatments, unlisted=(pinned,))


def micromamba(catalog: Catalog, options: PlanOptions) -> Fact:
    """The image of the newest micromamba that the catalog knows, or the user's; its version is pinned."""
    name = "micromamba's image"
    if options.micromamba_image:
        return Fact(name=name, value=options.micromamba_image, source="option")
    return fact_of(name, catalog.uv_images.newest(MICROMAMBA_REPOSITORY))


def conda_environment(run: CondaRun, accelerator: Accelerator, image: Fact) -> CondaEnvironment:
    """What micromamba makes, and from where."""
    return CondaEnvironment(
        packages=run.packages,
        explicit=run.explicit,
        channels=run.channels.urls,
        resolve_dependencies=not run.is_closed,
        micromamba_image=image.value,
        cuda=accelerator.version if accelerator.kind == "cuda" and not run.explicit else None,
    )


def conda_python(run: CondaRun, version: PythonVersion, image: Fact) -> PythonChoice:
    """CPython as one of conda's packages."""
    fidelity, difference = version.fidelity, version.note
    if not run.has_python_build:
        fidelity = weakest((fidelity, Fidelity.EQUIVALENT))
        difference = difference or "the record does not tell its build"
    reason = "conda's own package of it, as recorded" if run.has_python_build else "conda's package of this version"
    decision = Decision(
        question=Question.PYTHON,
        choice=f"CPython {version.version} (conda)",
        reason=f"{reason}; {difference}" if difference else reason,
        fidelity=fidelity,
        facts=(version.fact, image),
    )
    return PythonChoice(source=CondaPython(version=version.version), decision=decision)


def conda_reason(run: CondaRun) -> str:
    """Why conda's packages come as they do, for the decision about packages."""
    if run.explicit:
        return "conda's packages come from their recorded URLs, and nothing is solved"
    if run.is_closed:
        return "conda's packages are found by name, version and build in the recorded channels, and no other is added"
    return "conda's packages are found by what the record tells of them, and a solver adds what it does not list"


def warnings_of_run(run: CondaRun) -> tuple[PlanWarning, ...]:
    """What a person should know of the channels, and where a solver completes the environment."""
    if run.is_closed:
        return run.channels.warnings
    completed = PlanWarning(
        code="not-closed",
        message="the record does not tell every conda package with its build: a solver chooses the rest when the image "
        "is built, from what the channels hold then",
        hint="record the environment with `reprobuild capture`, or with `conda list --explicit --md5`",
    )
    return (*run.channels.warnings, completed)
