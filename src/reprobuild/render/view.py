"""What the templates show: a plan taken apart into the steps of a Dockerfile.

Every decision falls here, so that templates hold nothing but loops and blanks. Text that ends in a shell
command is quoted here; text of comments and values is quoted by the templates' filters.
"""

from __future__ import annotations

from typing import assert_never

import msgspec

from reprobuild import __version__
from reprobuild.plan import (
    BaseImage,
    BasePython,
    Decision,
    DefaultIndex,
    Direct,
    Fidelity,
    FindLinks,
    ImagePython,
    NamedIndex,
    PackageGroup,
    Plan,
    PytorchFolder,
    Question,
    SourcePython,
    UvPython,
)
from reprobuild.render.commands import install_command
from reprobuild.render.quoting import file_name, image_reference, shell_word, single_line, system_package
from reprobuild.render.recipe import RecipeDefaults

STALE_NVIDIA_SOURCES = ("/etc/apt/sources.list.d/cuda*", "/etc/apt/sources.list.d/nvidia-ml*")
"""Lists in ``nvidia/cuda`` images. NVIDIA changed its signing key in April 2022, so that ``apt-get update`` fails in
images made before, and nothing is installed from there: the libraries are in the image."""

PYTHON_BUILD_PACKAGES = {
    "apt": (
        *("build-essential", "curl", "libbz2-dev", "libffi-dev", "liblzma-dev", "libreadline-dev", "libsqlite3-dev"),
        *("libssl-dev", "uuid-dev", "zlib1g-dev"),
    ),
    "dnf": (
        *("bzip2-devel", "curl", "findutils", "gcc", "libffi-devel", "libuuid-devel", "make", "openssl-devel"),
        *("readline-devel", "sqlite-devel", "xz-devel", "zlib-devel"),
    ),
}
"""What the commands of ``python/source.j2`` call, and the headers of the libraries that CPython's modules wrap."""


class Fields(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the view's values."""


class Names(Fields, frozen=True, kw_only=True):
    """One step that installs packages of the operating system."""

    names: tuple[str, ...]
    stale_sources: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    """``name: why``, for the comment."""


class GroupStep(Fields, frozen=True, kw_only=True):
    """One step that installs packages of Python."""

    title: str
    files: tuple[str, ...]
    """Paths in the context: the requirements, then what binds their builds."""
    command: tuple[str, ...]
    """Words of the command, quoted, one to a line."""
    preparation: tuple[str, ...] = ()
    """Commands that come first, each one a line."""


class Copy(Fields, frozen=True, kw_only=True):
    """A tree that the final stage takes over from another."""

    stage: str
    path: str


class PythonView(Fields, frozen=True, kw_only=True):
    """How the interpreter comes into the builder."""

    partial: str
    """Template that shows it."""
    version: str
    interpreter: str = ""
    """Path that the virtual environment is made from, quoted for the shell."""
    pinned_build: tuple[str, ...] = ()
    image_stages: tuple[str, ...] = ()
    """Images that stand in stages of their own."""
    url: str = ""
    checksums: tuple[str, ...] = ()
    copies: tuple[Copy, ...] = ()
    library_roots: tuple[str, ...] = ()
    """None or one: the tree that takes along the libraries it is linked with."""
    link_steps: tuple[str, ...] = ()
    """Commands after the copy of that tree into another stage."""

    @property
    def link_runs(self) -> tuple[tuple[str, ...], ...]:
        """The steps of the final stage's RUN, or none."""
        return (self.link_steps,) if self.link_steps else ()


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
    uv_image: str
    base: str
    build_base: str
    build_packages: Names
    runtime_packages: tuple[Names, ...]
    """None or one."""
    python: PythonView
    groups: tuple[GroupStep, ...]
    copies: tuple[Copy, ...]
    environment: tuple[tuple[str, str], ...]
    labels: tuple[tuple[str, str], ...]


def view_of(plan: Plan, defaults: RecipeDefaults) -> View:
    """Take ``plan`` apart. Raises PlanError for text that can't stand where it belongs, UsageError for a default."""
    python = _python(plan)
    arguments = defaults.build_arguments()
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
        uv_image=image_reference(plan.uv_image),
        base=image_reference(plan.base.reference),
        build_base=image_reference((plan.build_base or plan.base).reference),
        build_packages=_build_packages(plan),
        runtime_packages=_runtime_packages(plan),
        python=python,
        groups=tuple(_group(number, group) for number, group in enumerate(plan.groups, start=1)),
        copies=(*python.copies, Copy(stage="builder", path="/opt/venv")),
        environment=_environment(plan),
        labels=_labels(plan),
    )


def _because(decision: Decision) -> str:
    return f"{decision.choice}: {decision.reason.rstrip('.')}."


def title_of(plan: Plan) -> str:
    """A few words for a person: ``CPython 3.10.12, torch 2.1.0+cu121, CUDA 12.1``."""
    parts = [f"CPython {plan.python.version}"]
    parts += [
        f"{placement.name} {placement.version}"
        for placement in plan.placements
        if placement.name.lower() in ("torch", "tensorflow", "jax") and placement.version
    ]
    if plan.accelerator.kind == "cuda" and plan.accelerator.version:
        parts.append(f"CUDA {plan.accelerator.version}")
    elif plan.accelerator.kind != "cuda":
        parts.append("CPU only" if plan.accelerator.kind == "cpu" else plan.accelerator.kind.upper())
    return single_line(", ".join(parts))


def requirement_path(number: int, group: PackageGroup) -> str:
    """Where the group's requirements lie in the context."""
    return f"requirements/{number:02d}-{file_name(group.name)}.txt"


def constraint_path(number: int, group: PackageGroup) -> str:
    """Where the bounds of the group's builds lie in the context."""
    return f"requirements/{number:02d}-{file_name(group.name)}.build.txt"


def _facts(plan: Plan) -> tuple[tuple[str, str], ...]:
    return (
        ("record", plan.snapshot_digest),
        ("plan", plan.digest),
        ("fidelity", str(plan.fidelity)),
        ("written by", f"reprobuild {__version__} with facts of {plan.catalog_date}"),
    )


def _difference_lists(plan: Plan) -> tuple[tuple[str, tuple[str, ...]], ...]:
    decided = [
        f"{decision.question} ({decision.fidelity}): {decision.choice}; {decision.reason}"
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


def _build_packages(plan: Plan) -> Names:
    """What the builder installs: the plan's, and what the recipe's own commands call."""
    wanted = {"ca-certificates": "the mirrors' and indexes' TLS certificates"}
    if any(group.needs_git for group in plan.groups):
        wanted["git"] = "packages from version control"
    if isinstance(plan.python, SourcePython):
        wanted |= dict.fromkeys(PYTHON_BUILD_PACKAGES[plan.base.package_manager], "to compile CPython")
    of_base = isinstance(plan.python, BasePython)
    for package in plan.system_packages:
        if package.stage == "build" or of_base:
            wanted.setdefault(package.name, package.reason)
    return _names(wanted, plan.build_base or plan.base)


def _runtime_packages(plan: Plan) -> tuple[Names, ...]:
    wanted = {package.name: package.reason for package in plan.system_packages if package.stage == "runtime"}
    return (_names(wanted, plan.base),) if wanted else ()


def _names(wanted: dict[str, str], base: BaseImage) -> Names:
    of_nvidia = base.repository.rpartition("/")[0].endswith("nvidia") and base.package_manager == "apt"
    return Names(
        names=tuple(system_package(name) for name in sorted(wanted)),
        stale_sources=STALE_NVIDIA_SOURCES if of_nvidia else (),
        reasons=tuple(f"{name}: {wanted[name]}" for name in sorted(wanted)),
    )


def _python(plan: Plan) -> PythonView:
    match plan.python:
        case UvPython(version=version, build=build):
            return PythonView(
                partial="python/uv.j2",
                version=version,
                interpreter=shell_word(version),
                pinned_build=(build,) if build else (),
                copies=(Copy(stage="builder", path="/opt/python"),),
            )
        case ImagePython(version=version, is_base=True):
            return PythonView(partial="python/base.j2", version=version, interpreter="/usr/local/bin/python3")
        case ImagePython(version=version, image=image):
            return PythonView(
                partial="python/image.j2",
                version=version,
                interpreter="/usr/local/bin/python3",
                image_stages=(image_reference(image),),
                copies=(Copy(stage="python", path="/usr/local"),),
                library_roots=("/usr/local",),
                link_steps=_link_steps("/usr/local"),
            )
        case SourcePython(version=version, url=url, sha256=sha256):
            return PythonView(
                partial="python/source.j2",
                version=version,
                interpreter="/opt/python/bin/python3",
                url=shell_word(url),
                checksums=(shell_word(f"{sha256}  /tmp/python.tgz"),) if sha256 else (),
                copies=(Copy(stage="builder", path="/opt/python"),),
                library_roots=("/opt/python",),
                link_steps=_link_steps("/opt/python"),
            )
        case BasePython(version=version, executable=executable):
            return PythonView(partial="python/base.j2", version=version, interpreter=shell_word(executable))
        case never:
            assert_never(never)


def _link_steps(root: str) -> tuple[str, ...]:
    """Let the loader find what was taken along, after the base's own: the name sorts last."""
    return (f"echo {root}/lib/taken-along > /etc/ld.so.conf.d/zz-python.conf", "ldconfig")


def _group(number: int, group: PackageGroup) -> GroupStep:
    requirements = requirement_path(number, group)
    constraints = constraint_path(number, group) if group.build_constraints else None
    preparation, command = install_command(group, requirements, constraints)
    return GroupStep(
        title=f"{group.title.rstrip('.')}. From {origin_words(group)}.",
        files=(requirements, constraints) if constraints else (requirements,),
        command=command,
        preparation=preparation,
    )


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
    return (("VIRTUAL_ENV", "/opt/venv"), ("LANG", "C.UTF-8"), *driver)


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
        ("dev.reprobuild.version", __version__),
    )
