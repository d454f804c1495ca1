"""Requirement files: one for each package group, nothing in them but pinned requirement lines."""

from __future__ import annotations

import re

from packaging.requirements import InvalidRequirement, Requirement

from reprobuild.errors import PlanError
from reprobuild.plan import PackageGroup
from reprobuild.render.quoting import comment

_HASHES = re.compile(r"(?: --hash=[a-z0-9]+:[0-9a-f]+)*")
_MAXIMUM_LINE = 16_384
_PLAIN_PIN = re.compile(
    r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?==[0-9]{1,9}(?:\.[0-9]{1,9}){0,6}(?:\+[a-z0-9]{1,30})?"
)
"""What nearly every line is. Anything else is taken apart by the grammar of requirements, which takes longer."""


def requirement_file(group: PackageGroup) -> bytes:
    """Text of the group's requirement file. Raises PlanError for a line that is not one pinned requirement."""
    # Only where dependencies are resolved may a line name no version: the resolver chooses one.
    check = _bounded if group.resolve_dependencies else _pinned
    lines = [check(requirement.line, group.name) for requirement in group.requirements]
    return _text(group.title, lines)


def build_constraint_file(group: PackageGroup) -> bytes:
    """Text of the file that bounds what the group's packages are built with."""
    lines = [_bounded(line, group.name) for line in group.build_constraints]
    return _text(f"Bounds for what packages of the group {group.name} are built with.", lines)


def build_requires_file(group: PackageGroup, lines: tuple[str, ...]) -> bytes:
    """Text of the file that names what the group's packages are built with, where isolation does not bring it."""
    bounded = [_bounded(line, group.name) for line in lines]
    return _text(f"What packages of the group {group.name} are built with, beside what is installed.", bounded)


def has_hashes_throughout(group: PackageGroup) -> bool:
    """Whether every requirement names the digests of its files, so that an installer can insist on them."""
    return all(" --hash=" in requirement.line for requirement in group.requirements)


def _text(title: str, lines: list[str]) -> bytes:
    return "\n".join([comment(title), *lines, ""]).encode("utf-8")


def _pinned(line: str, group: str) -> str:
    if _PLAIN_PIN.fullmatch(line):
        return line
    requirement = _parsed(line, group)
    operators = [specifier.operator for specifier in requirement.specifier]
    wildcard = any(specifier.version.endswith(".*") for specifier in requirement.specifier)
    if requirement.url is None and (operators not in (["=="], ["==="]) or wildcard):
        raise PlanError(f"group {group}: this requirement is not pinned to one version: {line[:80]!r}")
    return line


def _bounded(line: str, group: str) -> str:
    if not _PLAIN_PIN.fullmatch(line) and _parsed(line, group).url is not None:
        raise PlanError(f"group {group}: a build constraint names versions, not a URL: {line[:80]!r}")
    return line


def _parsed(line: str, group: str) -> Requirement:
    """The requirement in front of the hashes.

    Installers expand ``${NAME}`` in requirement files and read a backslash as a continuation, so neither may
    stand in a line; a line that begins with a dash would be an option.
    """
    bare, hashes = re.fullmatch(r"(.*?)((?: --hash=.*)?)", line, re.DOTALL).groups()  # type: ignore[union-attr]  # matches any text
    harmless = line.isprintable() and line.isascii() and "\\" not in line and "${" not in line and " #" not in line
    if not harmless or len(line) > _MAXIMUM_LINE or not _HASHES.fullmatch(hashes):
        raise PlanError(f"group {group}: this is not one requirement: {line[:80]!r}")
    try:
        return Requirement(bare)
    except InvalidRequirement:
        raise PlanError(f"group {group}: this is not one requirement: {line[:80]!r}") from None
