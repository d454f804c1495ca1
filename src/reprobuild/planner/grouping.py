"""Treatments to groups: one origin each, heaviest and most stable first, so that layers are kept."""

from __future__ import annotations

import datetime
from typing import assert_never

import msgspec

from reprobuild.plan import (
    DefaultIndex,
    Direct,
    Fidelity,
    FindLinks,
    NamedIndex,
    PackageGroup,
    Placement,
    PytorchFolder,
    Requirement,
)
from reprobuild.planner.subject import Package
from reprobuild.planner.treatment import CondaInstall, Install, LeaveOut, Provided, Resolve, Treatment

COMPLETION = "completion"
"""The group that adds what an open record leaves out."""


class _Key(msgspec.Struct, frozen=True, kw_only=True, gc=False, order=True):
    """Installs with equal keys share a group; keys are in the order of installation."""

    rank: int
    name: str
    origin: str
    """Address of the index or page, where it is another project's: names may be equal."""
    build_isolation: bool
    needs_nvcc: bool
    needs_compiler: bool
    from_source: bool
    pip: str
    hashed: bool
    """Whether pip gets digests: one file with some makes pip insist on all."""


class Treated(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One package and what is done with it."""

    package: Package
    treatment: Treatment


def group(
    treated: tuple[Treated, ...], complete: bool, exclude_newer: datetime.date | None
) -> tuple[PackageGroup, ...]:
    """The groups in the order of installation. ``complete`` adds the one that resolves what is not listed."""
    members: dict[_Key, list[Install]] = {}
    for item in treated:
        if isinstance(item.treatment, Install):
            members.setdefault(_key(item.treatment), []).append(item.treatment)
    groups = [_group_of(key, installs, exclude_newer) for key, installs in sorted(members.items())]
    groups = _named_apart(groups)
    completion = _completion(treated, complete, exclude_newer)
    return (*groups, completion) if completion else tuple(groups)


def _named_apart(groups: list[PackageGroup]) -> list[PackageGroup]:
    """Groups of two pages whose addresses end alike get names of their own."""
    seen: dict[str, int] = {}
    named = []
    for each in groups:
        seen[each.name] = seen.get(each.name, 0) + 1
        count = seen[each.name]
        named.append(msgspec.structs.replace(each, name=f"{each.name}-{count}") if count > 1 else each)
    return named


def _key(install: Install) -> _Key:
    rank, name = _rank_and_name(install)
    return _Key(
        rank=rank,
        name=name,
        origin=install.origin.url if isinstance(install.origin, NamedIndex | FindLinks) else "",
        build_isolation=install.build_isolation,
        needs_nvcc=install.needs_nvcc,
        needs_compiler=install.needs_compiler,
        from_source=install.from_source,
        pip=install.needs_pip or "",
        hashed=bool(install.needs_pip) and " --hash=" in install.requirement.line,
    )


def _rank_and_name(install: Install) -> tuple[int, str]:
    """Frameworks, then other projects' pages, then the default index, then what has to be built."""
    match install.origin:
        case PytorchFolder(folder=folder):
            return 0, f"pytorch-{folder}"
        case NamedIndex(url=url) | FindLinks(url=url):
            return 2, "-".join(part for part in _words(url) if part)
        case DefaultIndex():
            if install.from_source or install.needs_pip:
                return 4, "built-from-source"
            return (1, "frameworks") if install.heavy else (3, "default")
        case Direct():
            return 5, "version-control" if install.needs_git else "direct"
        case never:
            assert_never(never)


def _words(url: str) -> list[str]:
    """The host and the last folder, for a file name: ``data-pyg-org``."""
    host, _, path = url.partition("://")[2].partition("/")
    last = path.rstrip("/").rpartition("/")[2].removesuffix(".html")
    text = f"{host}-{last}" if last else host
    return "".join(character if character.isalnum() else "-" for character in text)[:60].split("-")


def _group_of(key: _Key, installs: list[Install], exclude_newer: datetime.date | None) -> PackageGroup:
    unique = {install.requirement.line: install.requirement for install in installs}
    builds = (
        key.from_source
        or key.needs_compiler
        or key.needs_nvcc
        or any(is_built_from_url(item) for item in unique.values())
    )
    constraints = {constraint for install in installs for constraint in install.build_constraints}
    suffix = "-without-isolation" if not key.build_isolation else ""
    suffix += "-nvcc" if key.needs_nvcc else ""
    suffix += f"-pip-{key.pip}" if key.pip else ""
    suffix += "-hashed" if key.hashed else ""
    return PackageGroup(
        name=_file_name(key) + suffix,
        title=_title(key),
        origin=installs[0].origin,
        requirements=tuple(sorted(unique.values(), key=lambda each: (each.name.lower(), each.line))),
        installer="pip" if key.pip else "uv",
        installer_version=key.pip or None,
        from_source=key.from_source,
        needs_git=any(install.needs_git for install in installs),
        needs_compiler=key.needs_compiler,
        needs_nvcc=key.needs_nvcc,
        build_isolation=key.build_isolation,
        build_constraints=tuple(sorted(constraints)),
        build_requires=tuple(sorted({line for install in installs for line in install.build_requires})),
        build_environment=dict(sorted(item for install in installs for item in install.build_environment.items())),
        exclude_newer=exclude_newer.isoformat() if exclude_newer and builds else None,
    )


def is_built_from_url(requirement: Requirement) -> bool:
    """Whether it comes from a repository or a source archive: it is built, even where nothing is compiled."""
    _, at, url = requirement.line.partition(" @ ")
    return bool(at) and not url.partition("#")[0].endswith(".whl")


def _file_name(key: _Key) -> str:
    # Pure and compiled packages of the same kind are two groups, and their files need two names.
    if key.name in ("version-control", "direct") and key.needs_compiler:
        return f"{key.name}-compiled"
    is_pure = key.from_source and not (key.needs_compiler or key.pip)
    return f"{key.name}-pure" if is_pure and key.name == "built-from-source" else key.name


def _title(key: _Key) -> str:
    match key.rank:
        case 0 | 1:
            return "The frameworks first: large, and they change least"
        case 2:
            return "Wheels of a project that publishes them on a page of its own"
        case 3:
            return "Everything else that is ready to install, exactly as recorded"
        case 4:
            return "What has to be built from source"
        case _:
            return "What came from a URL of its own, pinned to it"


def _completion(
    treated: tuple[Treated, ...], complete: bool, exclude_newer: datetime.date | None
) -> PackageGroup | None:
    """The recorded pins again, so that none moves, and what has no version, with their dependencies."""
    open_ones = [item.treatment.requirement for item in treated if isinstance(item.treatment, Resolve)]
    if not complete and not open_ones:
        return None
    pins = [
        Requirement(name=item.treatment.requirement.name, line=item.treatment.requirement.line.partition(" --hash=")[0])
        for item in treated
        if isinstance(item.treatment, Install) and not isinstance(item.treatment.origin, Direct)
    ]
    unique = {requirement.line: requirement for requirement in (*pins, *open_ones)}
    return PackageGroup(
        name=COMPLETION,
        title="What the record does not list but its packages need. The recorded versions stay as they are",
        origin=DefaultIndex(),
        requirements=tuple(sorted(unique.values(), key=lambda each: (each.name.lower(), each.line))),
        resolve_dependencies=True,
        exclude_newer=exclude_newer.isoformat() if exclude_newer else None,
    )


def place(item: Treated, group_names: dict[str, str]) -> Placement:
    """Where one package ends. ``group_names`` finds the group of a requirement line."""
    package, treatment = item.package, item.treatment
    match treatment:
        case Install(requirement=requirement):
            detail = f"installed in group {group_names[requirement.line]}"
            return Placement(
                name=package.name,
                version=package.version_text,
                where="installed",
                detail=f"{detail}: {treatment.difference}" if treatment.difference else detail,
                fidelity=treatment.fidelity,
                line=requirement.line,
            )
        case Resolve(requirement=requirement, reason=reason):
            return Placement(
                name=package.name,
                version=package.version_text,
                where="installed",
                detail=f"installed in group {COMPLETION}: {reason}",
                fidelity=Fidelity.SUBSTITUTED,
                line=requirement.line,
            )
        case CondaInstall(package=asked, difference=difference, fidelity=fidelity):
            detail = f"installed by conda as {asked.name}" if asked.name != package.name else "installed by conda"
            return Placement(
                name=package.name,
                version=package.version_text,
                where="installed",
                detail=f"{detail}: {difference}" if difference else detail,
                fidelity=fidelity,
                line=asked.line,
            )
        case Provided(by=by, reason=reason, fidelity=fidelity):
            return Placement(
                name=package.name,
                version=package.version_text,
                where="base",
                detail=f"provided by {by}: {reason}",
                fidelity=fidelity,
            )
        case LeaveOut(reason=reason, fidelity=fidelity):
            return Placement(
                name=package.name,
                version=package.version_text,
                where="left out",
                detail=reason,
                fidelity=fidelity,
            )
        case never:
            assert_never(never)
