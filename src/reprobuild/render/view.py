"""What the templates show: a plan taken apart into the steps of a Dockerfile.

Every decision falls here, so that templates hold nothing but loops and blanks. Text that ends in a shell
command is quoted here; text of comments and values is quoted by the templates' filters.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import assert_never

import msgspec

from reprobuild import __version__
from reprobuild.catalog.tables import canonical
from reprobuild.errors import PlanError
from reprobuild.plan import (
    BaseImage,
    BasePython,
    CondaPython,
    Decision,
    DefaultIndex,
    Direct,
    Fidelity,
    FindLinks,
    NamedIndex,
    PackageGroup,
    Plan,
    PytorchFolder,
    Question,
    SourcePython,
)
from reprobuild.render.checkout import CheckoutStep, checkout_steps, working_directory
from reprobuild.render.commands import GroupFiles, build_requires, install_command
from reprobuild.render.conda import CondaView, conda_view
from reprobuild.render.interpreter import Copy, PythonView, compiler_packages, environment_folder, python_view
from reprobuild.render.quoting import file_name, image_reference, json_array, single_line, system_package
from reprobuild.render.recipe import RecipeDefaults

STALE_NVIDIA_SOURCES = ("/etc/apt/sources.list.d/cuda*", "/etc/apt/sources.list.d/nvidia-ml*")
"""Lists in ``nvidia/cuda`` images. NVIDIA changed its signing key in April 2022, so that ``apt-get update`` fails in
images made before, and nothing is installed from there: the libraries are in the image."""

OFFICIAL_IMAGE_BRINGS = frozenset({"ca-certificates"})
"""What every ``python:`` image has. Its Debian may have moved to the archive since, where apt finds nothing: a recipe
that needs nothing else from apt doesn't call it."""

_DEVICES = {
    "cuda": "CUDA",
    "rocm": "ROCm",
    "cpu": "CPU only",
    "xpu": "CPU part of a run on an Intel GPU",
    "tpu": "CPU part of a run on a TPU",
    "other": "CPU part of a run on another device",
}
"""What the title calls the accelerators."""

_LOWER_CASE_NAMES = frozenset({"conda", "glibc", "jax", "jaxlib", "pip", "torch", "torchvision", "uv"})

UNPINNED = "Without versions: the archive keeps only the newest of each, so that a pin would break the next build."


class Fields(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the view's values."""


class Names(Fields, frozen=True, kw_only=True):
    """One step that installs packages of the operating system."""

    names: tuple[str, ...]
    stale_sources: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """``names: why``, for the comment."""
    remarks: tuple[str, ...] = ()
    """Sentences of the comment that the file says once."""


class GroupStep(Fields, frozen=True, kw_only=True):
    """One step that installs packages of Python."""

    title: str
    files: tuple[str, ...]
    """Paths in the context: the requirements, then what binds their builds."""
    command: tuple[str, ...]
    """Words of the command, quoted, one to a line."""
    preparation: tuple[str, ...] = ()
    """Commands that come first, each one a line."""


class View(Fields, frozen=True, kw_only=True):
    """All that the Dockerfile shows, from top to bottom."""

    title: str
    facts: tuple[tuple[str, str], ...]
    """Heading and text of the lines on top."""
    difference_lists: tuple[tuple[str, tuple[str, ...]], ...]
    """None or one: a heading, and a line for each part that is not exact."""
    build_command: str
    why: dict[str, str]
    """Choice and reason of each decision by its question; empty where the plan holds none."""
    packages_partial: str
    arguments_with_default: tuple[tuple[str, str], ...]
    arguments_without_default: tuple[str, ...]
    uv_images: tuple[str, ...]
    """One, or none where uv has nothing to do."""
    conda: tuple[CondaView, ...]
    """None or one."""
    environment_folder: str
    """Where the packages are: ``/opt/venv``, or ``/opt/conda``."""
    base: str
    build_base: str
    build_packages: tuple[Names, ...]
    """None or one."""
    runtime_packages: tuple[Names, ...]
    """None or one."""
    python: PythonView
    groups: tuple[GroupStep, ...]
    copies: tuple[Copy, ...]
    checkouts: tuple[CheckoutStep, ...]
    """None or one."""
    working_directory: str
    command: str
    """The image's command as a JSON array."""
    environment: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]


def view_of(plan: Plan, defaults: RecipeDefaults) -> View:
    """Take ``plan`` apart. Raises PlanError for text that can't stand where it belongs, UsageError for a default."""
    if (plan.conda is None) == isinstance(plan.python, CondaPython):
        raise PlanError("the plan has a conda environment without its CPython, or the other way round")
    python, folder = python_view(plan.python), environment_folder(plan.python)
    arguments = defaults.build_arguments()
    build_packages = _build_packages(plan)
    return View(
        title=title_of(plan),
        facts=_facts(plan),
        difference_lists=_difference_lists(plan),
        build_command=f"docker build --platform {plan.platform} --tag rebuilt .",
        why={question.value: "" for question in Question}
        | {decision.question.value: _because(decision) for decision in plan.decisions},
        packages_partial=f"packages/{plan.base.package_manager}.j2",
        arguments_with_default=tuple((name, value) for name, value in arguments if value is not None),
        arguments_without_default=tuple(name for name, value in arguments if value is None),
        uv_images=() if plan.conda and not plan.groups else (image_reference(plan.uv_image),),
        conda=(conda_view(plan.conda, defaults.conda_arguments()),) if plan.conda else (),
        environment_folder=folder,
        base=image_reference(plan.base.reference),
        build_base=image_reference((plan.build_base or plan.base).reference),
        build_packages=build_packages,
        runtime_packages=_runtime_packages(plan, said=bool(build_packages)),
        python=python,
        groups=tuple(_group(number, plan) for number in range(1, len(plan.groups) + 1)),
        copies=(*python.copies, Copy(stage="builder", path=folder)),
        checkouts=checkout_steps(plan),
        working_directory=working_directory(plan),
        command=json_array(plan.command or ("python",)),
        environment=_environment(plan),
        labels=_labels(plan),
    )


def _because(decision: Decision) -> str:
    """Choice and reason. System packages are listed one by one, and what differs is said on top: once is enough."""
    choice = "" if decision.question is Question.SYSTEM_PACKAGES else decision.choice
    reason = "" if decision.fidelity is not Fidelity.EXACT else sentence(decision.reason)
    return ": ".join(part for part in (choice, reason) if part) or "What differs is said on top."


def sentence(text: str) -> str:
    """``text`` with a capital first letter and one full stop. Names of programs keep their small letter."""
    first = text.partition(" ")[0].partition("'")[0]
    start = text[:1] if first in _LOWER_CASE_NAMES else text[:1].upper()
    return f"{start}{text[1:].rstrip('.')}."


def title_of(plan: Plan) -> str:
    """A few words for a person: ``CPython 3.10.12, torch 2.1.0+cu121, CUDA 12.1``."""
    parts = [f"CPython {plan.python.version}"]
    parts += [
        f"{placement.name} {placement.version}"
        for placement in plan.placements
        if placement.name.lower() in ("torch", "tensorflow", "jax")
        and placement.version
        and placement.where != "left out"
    ]
    if plan.accelerator.kind == "cuda" and plan.accelerator.version:
        parts.append(f"CUDA {plan.accelerator.version}")
    elif plan.accelerator.kind != "cuda":
        version = f" {plan.accelerator.version}" if plan.accelerator.version else ""
        parts.append(_DEVICES[plan.accelerator.kind] + version)
    return single_line(", ".join(parts))


def requirement_path(number: int, group: PackageGroup) -> str:
    """Where the group's requirements lie in the context."""
    return f"requirements/{number:02d}-{file_name(group.name)}.txt"


def constraint_path(number: int, group: PackageGroup) -> str:
    """Where the bounds of the group's builds lie in the context."""
    return f"requirements/{number:02d}-{file_name(group.name)}.build.txt"


def build_requires_path(number: int, group: PackageGroup) -> str:
    """Where the context names what the group's packages are built with."""
    return f"requirements/{number:02d}-{file_name(group.name)}.requires.txt"


def _facts(plan: Plan) -> tuple[tuple[str, str], ...]:
    return (
        ("record", plan.snapshot_digest),
        ("plan", plan.digest),
        ("fidelity", str(plan.fidelity)),
        ("written by", f"reprobuild {__version__} with facts of {plan.catalog_date}"),
    )


def _difference_lists(plan: Plan) -> tuple[tuple[str, tuple[str, ...]], ...]:
    decided = [
        f"{sentence(f'{decision.question} ({decision.fidelity})').rstrip('.')}: {decision.choice}. "
        f"{sentence(decision.reason)}"
        for decision in plan.decisions
        if decision.fidelity is not Fidelity.EXACT
    ]
    placed = [
        f"{placement.name} {placement.version or ''} ({placement.fidelity}): {placement.detail}"
        for placement in plan.placements
        if placement.fidelity is not Fidelity.EXACT
    ]
    lines = tuple(single_line(line) for line in decided + placed)
    return (("What differs from the record:", lines),) if lines else ()


def _build_packages(plan: Plan) -> tuple[Names, ...]:
    """What the builder installs: the plan's, and what the recipe's own commands call."""
    base = plan.build_base or plan.base
    wanted = {"ca-certificates": "TLS connections to indexes and mirrors"}
    if any(group.needs_git for group in plan.groups):
        wanted["git"] = "packages from version control"
    elif plan.checkout is not None:
        wanted["git"] = "the code of the run"
    if isinstance(plan.python, SourcePython):
        wanted |= dict.fromkeys(compiler_packages(plan.python, base.package_manager), "to compile CPython")
    of_base = isinstance(plan.python, BasePython)
    for package in plan.system_packages:
        if package.stage == "build" or of_base:
            wanted.setdefault(package.name, package.reason)
    return _names(wanted, base, (UNPINNED,))


def _runtime_packages(plan: Plan, *, said: bool) -> tuple[Names, ...]:
    """``said``: whether the builder's step has already told what holds for both."""
    wanted = {package.name: package.reason for package in plan.system_packages if package.stage == "runtime"}
    return _names(wanted, plan.base, () if said else (UNPINNED,))


def _names(wanted: dict[str, str], base: BaseImage, remarks: tuple[str, ...]) -> tuple[Names, ...]:
    of_nvidia = base.repository.rpartition("/")[0].endswith("nvidia") and base.package_manager == "apt"
    brought = OFFICIAL_IMAGE_BRINGS if base.repository == "python" else frozenset()
    lacking = {name: reason for name, reason in sorted(wanted.items()) if name not in brought}
    if not lacking:
        return ()
    by_reason: dict[str, list[str]] = {}
    for name, reason in lacking.items():
        by_reason.setdefault(reason, []).append(name)
    step = Names(
        names=tuple(system_package(name) for name in lacking),
        stale_sources=STALE_NVIDIA_SOURCES if of_nvidia else (),
        reasons=tuple(f"{', '.join(names)}: {reason}" for reason, names in by_reason.items()),
        remarks=remarks,
    )
    return (step,)


def _group(number: int, plan: Plan) -> GroupStep:
    group = plan.groups[number - 1]
    files = GroupFiles(
        number=number,
        interpreter=f"{environment_folder(plan.python)}/bin/python",
        requirements=requirement_path(number, group),
        constraints=constraint_path(number, group) if group.build_constraints else None,
        build_requires=build_requires_path(number, group) if build_requires_of(number, plan) else None,
    )
    preparation, command = install_command(group, files)
    return GroupStep(
        title=f"{sentence(group.title)} From {origin_words(group)}.",
        files=files.paths,
        command=command,
        preparation=preparation,
    )


def _before(number: int, plan: Plan) -> frozenset[str]:
    """Canonical names of what earlier groups have installed."""
    return frozenset(_installed(plan.groups[: number - 1]))


def _installed(groups: Iterable[PackageGroup]) -> Iterable[str]:
    return (canonical(requirement.name) for group in groups for requirement in group.requirements)


def build_requires_of(number: int, plan: Plan) -> tuple[str, ...]:
    """What has to be there when the group is built without isolation, and no earlier group installs."""
    group = plan.groups[number - 1]
    return () if group.build_isolation else build_requires(group, _before(number, plan))


def origin_words(group: PackageGroup) -> str:
    """The origin for a reader: ``PyTorch's index, folder cu121``."""
    match group.origin:
        case PytorchFolder(folder=folder):
            return f"PyTorch's index, folder {folder}"
        case DefaultIndex():
            return "the default package index"
        case NamedIndex(url=url) | FindLinks(url=url):
            return url
        case Direct():
            return "the URL of each"
        case never:
            assert_never(never)


def _environment(plan: Plan) -> tuple[tuple[str, str], ...]:
    """Variables of the image. NVIDIA's own images already ask for the driver's libraries; others have to."""
    asks = plan.accelerator.kind == "cuda" and plan.base.cuda is None
    driver = (("NVIDIA_VISIBLE_DEVICES", "all"), ("NVIDIA_DRIVER_CAPABILITIES", "compute,utility")) if asks else ()
    name = "CONDA_PREFIX" if plan.conda else "VIRTUAL_ENV"
    return ((name, environment_folder(plan.python)), ("LANG", "C.UTF-8"), *driver)


def _labels(plan: Plan) -> tuple[tuple[str, str], ...]:
    """OCI's names and our own. No time of creation: equal plans give equal Dockerfiles."""
    return (
        ("org.opencontainers.image.title", title_of(plan)),
        ("org.opencontainers.image.description", "A recorded Python environment, rebuilt by reprobuild"),
        ("org.opencontainers.image.version", plan.snapshot_digest.removeprefix("sha256:")[:12]),
        ("org.opencontainers.image.base.name", plan.base.reference),
        ("dev.reprobuild.snapshot-digest", plan.snapshot_digest),
        ("dev.reprobuild.plan-digest", plan.digest),
        ("dev.reprobuild.fidelity", str(plan.fidelity)),
        *((("dev.reprobuild.source-commit", plan.checkout.commit),) if plan.checkout else ()),
        ("dev.reprobuild.version", __version__),
    )
