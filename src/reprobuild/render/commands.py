"""The command that installs one package group, word by word, quoted for the shell of a RUN instruction."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import assert_never

import msgspec
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from reprobuild.errors import PlanError
from reprobuild.plan import DefaultIndex, Direct, FindLinks, NamedIndex, PackageGroup, PytorchFolder
from reprobuild.render.quoting import file_name, shell_word
from reprobuild.render.recipe import PYTORCH_INDEX
from reprobuild.render.requirements import has_hashes_throughout

CONTEXT = "/opt/recipe"
"""Where the builder stage keeps the context's requirement files."""

_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,60}")


class GroupFiles(msgspec.Struct, frozen=True, kw_only=True):
    """Where the files of one group lie in the context."""

    requirements: str
    interpreter: str = "/opt/venv/bin/python"
    """Of the environment that the group is installed into."""
    number: int = 1
    """Of the group, from 1: names what stands beside the environment while the group is built."""
    constraints: str | None = None
    build_requires: str | None = None

    @property
    def paths(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(path for path in (self.requirements, self.constraints, self.build_requires) if path)


def build_requires(group: PackageGroup, present: Collection[str]) -> tuple[str, ...]:
    """Requirement lines of what a build without isolation needs beside ``present``, the canonical names of what is
    installed already.

    Every old build needs setuptools and wheel, which isolation would have brought. What is present counts, unless the
    group bounds its version: then the builder puts one within the bounds in front of it.
    """
    if group.build_isolation:
        return ()
    named = {canonicalize_name(Requirement(line).name) for line in group.build_requires}
    lines = (*group.build_requires, *(name for name in ("setuptools", "wheel") if name not in named))
    bounded = {canonicalize_name(Requirement(line).name) for line in group.build_constraints}
    return tuple(line for line in lines if _is_lacking(Requirement(line), bounded, present))


def _is_lacking(requirement: Requirement, bounded: Collection[str], present: Collection[str]) -> bool:
    name = canonicalize_name(requirement.name)
    return name not in present or name in bounded or bool(requirement.specifier)


def install_command(group: PackageGroup, files: GroupFiles) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Commands that come first, then the words of the command itself, an option with its value being one word.

    Raises PlanError for text that can't be quoted.
    """
    before = _prepare_build(group, files)
    match group.installer:
        case "uv":
            return before, _uv_command(group, files)
        case "pip":
            first, command = _pip_command(group, files)
            return (*before, first), command
        case never:
            assert_never(never)


def _prepare_build(group: PackageGroup, files: GroupFiles) -> tuple[str, ...]:
    """Build requirements stand in a folder beside the environment, so that none of them stays in it."""
    if files.build_requires is None:
        return ()
    words = [f"uv pip install --python {files.interpreter} --target {_build_folder(files)}"]
    if files.constraints:
        words.append(f"--constraints {CONTEXT}/{files.constraints}")
    if group.exclude_newer:
        words.append(f"--exclude-newer {shell_word(_moment(group.exclude_newer))}")
    return (" ".join([*words, f"--requirements {CONTEXT}/{files.build_requires}"]),)


def _build_folder(files: GroupFiles) -> str:
    return f"/opt/build-{files.number:02d}"


def _variables(group: PackageGroup, files: GroupFiles, *path: str) -> list[str]:
    """Assignments in front of the command; ``path`` are folders that Python shall find modules in."""
    assignments = [f"{_variable(name)}={shell_word(value)}" for name, value in sorted(group.build_environment.items())]
    if files.build_requires:
        path = (_build_folder(files), *path)
        assignments.append(f'PATH="{_build_folder(files)}/bin:${{PATH}}"')
    return [*assignments, *([f"PYTHONPATH={':'.join(path)}"] if path else [])]


def _variable(name: str) -> str:
    if not _VARIABLE.fullmatch(name):
        raise PlanError(f"the plan holds {name[:80]!r} where the name of a variable belongs")
    return name


def _uv_command(group: PackageGroup, files: GroupFiles) -> tuple[str, ...]:
    words = [" ".join([*_variables(group, files), f"uv pip install --python {files.interpreter}"])]
    words += _dependencies(group) + _index(group, "--default-index")
    if has_hashes_throughout(group):
        words.append("--require-hashes")
    if not group.build_isolation:
        words.append("--no-build-isolation")
    if files.constraints:
        words.append(f"--build-constraints {CONTEXT}/{files.constraints}")
    if group.exclude_newer:
        words.append(f"--exclude-newer {shell_word(_moment(group.exclude_newer))}")
    return (*words, f"--requirements {CONTEXT}/{files.requirements}")


def _pip_command(group: PackageGroup, files: GroupFiles) -> tuple[str, tuple[str, ...]]:
    """A pip of its own, outside the environment, run by the environment's interpreter.

    So it builds and installs for that interpreter without becoming part of it; ``--ignore-installed`` keeps it
    from taking itself for the recorded pip.
    """
    if group.installer_version is None:
        raise PlanError(f"group {group.name}: installing with pip takes a version of pip")
    version = Version(group.installer_version)
    folder = f"/opt/pip-{version}"
    first = f"uv pip install --python {files.interpreter} --no-deps --target {folder} {shell_word(f'pip=={version}')}"
    variables = _variables(group, files, folder)
    if files.constraints and version < Version("25.3"):
        variables.append(f"PIP_CONSTRAINT={CONTEXT}/{files.constraints}")
    words = [" ".join([*variables, f"{files.interpreter} -m pip install --ignore-installed"])]
    words += _dependencies(group) + _index(group, "--index-url")
    if has_hashes_throughout(group):
        words.append("--require-hashes")
    words.append("--use-pep517" if group.build_isolation else "--no-build-isolation")
    if files.constraints and version >= Version("25.3"):
        words.append(f"--build-constraint {CONTEXT}/{files.constraints}")
    if group.exclude_newer and version >= Version("26.0"):
        words.append(f"--uploaded-prior-to {shell_word(_moment(group.exclude_newer))}")
    return first, (*words, f"--requirement {CONTEXT}/{files.requirements}")


def _dependencies(group: PackageGroup) -> list[str]:
    return [] if group.resolve_dependencies else ["--no-deps"]


def _index(group: PackageGroup, option: str) -> list[str]:
    """Exactly one origin. UV_DEFAULT_INDEX would win over ``--index-url``, hence uv's newer option for uv."""
    match group.origin:
        case PytorchFolder(folder=folder):
            parts = "/".join(file_name(part) for part in folder.split("/"))
            return [f'{option} "${{PYTORCH_INDEX}}/{parts}"']
        case NamedIndex(url=url):
            return [f"{option} {_mirrored(url)}"]
        case FindLinks(url=url):
            return ["--no-index", f"--find-links {_mirrored(url)}"]
        case DefaultIndex() | Direct():
            return []
        case never:
            assert_never(never)


def _mirrored(url: str) -> str:
    """``url`` quoted; what lies on PyTorch's index follows the mirror that stands in for it."""
    rest = url.removeprefix(f"{PYTORCH_INDEX}/")
    if rest == url:
        return shell_word(url)
    return '"${PYTORCH_INDEX}"/' + shell_word(rest)


def _moment(date: str) -> str:
    """A bare day would mean the builder's time zone; the end of the day in UTC is the same everywhere."""
    return date if "T" in date else f"{date}T23:59:59Z"
