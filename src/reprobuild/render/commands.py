"""The command that installs one package group, word by word, quoted for the shell of a RUN instruction."""

from __future__ import annotations

from typing import assert_never

from packaging.version import Version

from reprobuild.errors import PlanError
from reprobuild.plan import DefaultIndex, Direct, FindLinks, NamedIndex, PackageGroup, PytorchFolder
from reprobuild.render.quoting import file_name, shell_word
from reprobuild.render.recipe import PYTORCH_INDEX
from reprobuild.render.requirements import has_hashes_throughout

INTERPRETER = "/opt/venv/bin/python"
CONTEXT = "/opt/recipe"
"""Where the builder stage keeps the context's requirement files."""


def install_command(
    group: PackageGroup, requirements: str, constraints: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Commands that come first, then the words of the command itself, an option with its value being one word.

    ``requirements`` and ``constraints`` are paths in the context. Raises PlanError for text that can't be quoted.
    """
    match group.installer:
        case "uv":
            return (), _uv_command(group, requirements, constraints)
        case "pip":
            return _pip_command(group, requirements, constraints)
        case never:
            assert_never(never)


def _uv_command(group: PackageGroup, requirements: str, constraints: str | None) -> tuple[str, ...]:
    words = [f"uv pip install --python {INTERPRETER}"]
    words += _dependencies(group) + _index(group, "--default-index")
    if has_hashes_throughout(group):
        words.append("--require-hashes")
    if not group.build_isolation:
        words.append("--no-build-isolation")
    if constraints:
        words.append(f"--build-constraints {CONTEXT}/{constraints}")
    if group.exclude_newer:
        words.append(f"--exclude-newer {shell_word(_moment(group.exclude_newer))}")
    return (*words, f"--requirements {CONTEXT}/{requirements}")


def _pip_command(
    group: PackageGroup, requirements: str, constraints: str | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A pip of its own, outside the environment, run by the environment's interpreter.

    So it builds and installs for that interpreter without becoming part of it; ``--ignore-installed`` keeps it
    from taking itself for the recorded pip.
    """
    if group.installer_version is None:
        raise PlanError(f"group {group.name}: installing with pip takes a version of pip")
    version = Version(group.installer_version)
    folder = f"/opt/pip-{version}"
    first = f"uv pip install --python {INTERPRETER} --no-deps --target {folder} {shell_word(f'pip=={version}')}"
    variables = f"PYTHONPATH={folder}"
    if constraints and version < Version("25.3"):
        variables += f" PIP_CONSTRAINT={CONTEXT}/{constraints}"
    words = [f"{variables} {INTERPRETER} -m pip install --ignore-installed"]
    words += _dependencies(group) + _index(group, "--index-url")
    if has_hashes_throughout(group):
        words.append("--require-hashes")
    words.append("--use-pep517" if group.build_isolation else "--no-build-isolation")
    if constraints and version >= Version("25.3"):
        words.append(f"--build-constraint {CONTEXT}/{constraints}")
    if group.exclude_newer and version >= Version("26.0"):
        words.append(f"--uploaded-prior-to {shell_word(_moment(group.exclude_newer))}")
    return (first,), (*words, f"--requirement {CONTEXT}/{requirements}")


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
