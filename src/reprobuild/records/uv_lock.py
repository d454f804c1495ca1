"""uv.lock: one graph for all platforms, Pythons, extras and groups; walked for the chosen ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from packaging.utils import canonicalize_name

from reprobuild.errors import RecordError
from reprobuild.records.document import Document
from reprobuild.records.lock_target import (
    Locked,
    Target,
    check_choice,
    digest_of,
    distribution_of,
    holds,
    snapshot_of_lock,
    target_of,
)
from reprobuild.snapshot import Note, Snapshot

Table = dict[str, Any]
Step = tuple[int, str | None]
"""A package by its place in the file, and one of its extras or None for itself."""


def recognizes(document: Document) -> bool:
    """Whether it is TOML with uv's packages: a ``source`` table on each."""
    head = document.head
    return (
        "[[package]]" in head
        and re.search(r"^requires-python = ", head, re.MULTILINE) is not None
        and (re.search(r"^source = \{", head, re.MULTILINE) is not None or "resolution-markers" in head)
    )


def read(document: Document) -> Snapshot:
    """The snapshot of what ``uv sync`` installs for the chosen target. Raises RecordError with a question when open."""
    lock = document.toml
    packages = [
        item for item in _list(lock.get("package")) if isinstance(item, dict) and isinstance(item.get("name"), str)
    ]
    target = target_of(document, _text(lock.get("requires-python")))
    roots = [index for index, package in enumerate(packages) if _is_root(package)]
    if not roots:
        raise RecordError("no package of this lock file is the project itself", source=document.source)
    optional, groups = (_names(packages, roots, key) for key in ("optional-dependencies", "dev-dependencies"))
    check_choice(target, optional, groups, document.source)
    _ask(lock, target, document.source)
    reached = _walk(packages, roots, target)
    distributions = tuple(distribution_of(_locked(packages[index])) for index in sorted(reached) if index not in roots)
    return snapshot_of_lock(distributions, target, document.source, notes=tuple(_notes(packages, roots, target)))


def _is_root(package: Table) -> bool:
    source = package.get("source")
    return isinstance(source, dict) and any(
        source.get(kind) is not None for kind in ("virtual", "editable", "directory")
    )


def _names(packages: list[Table], roots: list[int], key: str) -> set[str]:
    """The extras or groups of the projects in the lock."""
    tables = (packages[index].get(key) for index in roots)
    return {name for table in tables if isinstance(table, dict) for name in table}


def _ask(lock: Table, target: Target, source: str) -> None:
    """Conflicting extras mean that the lock holds several environments: which one ran is a question."""
    for conflict in _list(lock.get("conflicts")):
        members = [item for item in _list(conflict) if isinstance(item, dict)]
        extras = [name for item in members if (name := _text(item.get("extra")))]
        groups = [name for item in members if (name := _text(item.get("group")))]
        if not (set(extras) & target.extras or set(groups) & target.groups) and (extras or groups):
            options = [*(f"--extra {name}" for name in extras), *(f"--group {name}" for name in groups)]
            raise RecordError(
                f"the lock file holds {len(options)} environments and does not say which one ran",
                source=source,
                hint=f"choose one: {', '.join(options)[:300]}",
            )


def _walk(packages: list[Table], roots: list[int], target: Target) -> set[int]:
    """The packages that are reached from the project, each with the extras it is asked for."""
    by_name: dict[str, list[int]] = {}
    for index, package in enumerate(packages):
        by_name.setdefault(canonicalize_name(package["name"]), []).append(index)
    waiting: list[Step] = [(index, extra) for index in roots for extra in (None, *sorted(target.extras))]
    seen: set[Step] = set()
    while waiting:
        step = waiting.pop()
        if step in seen:
            continue
        seen.add(step)
        for dependency in _dependencies(packages[step[0]], step[1], target, is_root=step[0] in roots):
            for index in by_name.get(canonicalize_name(str(dependency.get("name", ""))), ()):
                if _is_meant(dependency, packages[index]) and holds(_text(dependency.get("marker")), target):
                    waiting.append((index, None))
                    waiting += [(index, name) for name in _list(dependency.get("extra")) if isinstance(name, str)]
    return {index for index, _ in seen}


def _dependencies(package: Table, extra: str | None, target: Target, *, is_root: bool) -> Iterator[Table]:
    if extra is not None:
        optional = package.get("optional-dependencies")
        yield from _tables(optional.get(extra) if isinstance(optional, dict) else None)
        return
    yield from _tables(package.get("dependencies"))
    groups = package.get("dev-dependencies")
    if is_root and isinstance(groups, dict):
        for name in sorted(target.groups):
            yield from _tables(groups.get(name))


def _is_meant(dependency: Table, package: Table) -> bool:
    """A dependency names version and source only where the lock has several packages of the name."""
    version, source = dependency.get("version"), dependency.get("source")
    return (version is None or version == package.get("version")) and (
        source is None or source == package.get("source")
    )


def _locked(package: Table) -> Locked:
    given = package.get("source")
    source: Table = given if isinstance(given, dict) else {}
    files = [*_tables(package.get("wheels")), *_tables([package.get("sdist")])]
    hashes = sorted({digest for file in files if (digest := digest_of(file.get("hash")))})
    return Locked(
        name=package["name"],
        version=_text(package.get("version")),
        hashes=tuple(hashes),
        index_url=_text(source.get("registry")),
        url=_url(source, files),
        editable="editable" in source,
    )


def _url(source: Table, files: list[Table]) -> str | None:
    if git := _text(source.get("git")):
        address, _, commit = git.partition("#")
        address, _, query = address.partition("?")
        subdirectory = re.search(r"(?:^|&)subdirectory=([^&]+)", query)
        return f"git+{address}@{commit}" + (f"#subdirectory={subdirectory[1]}" if subdirectory else "")
    if url := _text(source.get("url")):
        digest = next((digest for file in files if (digest := digest_of(file.get("hash")))), None)
        return f"{url}#{digest.replace(':', '=')}" if digest else url
    local = next((path for kind in ("path", "directory", "editable") if (path := _text(source.get(kind)))), None)
    return f"file:{local}" if local else None


def _notes(packages: list[Table], roots: list[int], target: Target) -> Iterator[Note]:
    for index in roots:
        root = packages[index]
        optional, groups = root.get("optional-dependencies"), root.get("dev-dependencies")
        left = sorted({*(optional if isinstance(optional, dict) else ())} - target.extras)
        left += sorted({*(groups if isinstance(groups, dict) else ())} - target.groups)
        if left:
            message = f"extras and groups of {root['name'][:80]} that are not part of it: {', '.join(left)[:300]}"
            yield Note(code="not-chosen", message=message)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _tables(value: Any) -> list[Table]:
    return [item for item in _list(value) if isinstance(item, dict)]


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
