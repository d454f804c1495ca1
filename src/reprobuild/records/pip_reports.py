"""Reports that a tool makes of an environment: ``pip inspect``, ``pip list`` in its formats, ``conda list --json``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from reprobuild.errors import RecordError
from reprobuild.records.conda_packages import snapshot_of_packages
from reprobuild.records.credentials import without_credentials
from reprobuild.records.document import Document
from reprobuild.records.requirement_lines import parse_line
from reprobuild.records.text import at_most
from reprobuild.snapshot import CondaOrigin, DirectUrl, Distribution, Note, PythonFacts, Snapshot, SystemFacts

_TABLE_HEAD = re.compile(r"^Package +Version\b.*\n-{3,} +-{3,}", re.MULTILINE)
_TABLE_ROW = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*) +(?P<version>\d\S*)(?: +(?P<rest>\S.*))?")


def recognizes_inspect(value: Any) -> bool:
    """Whether this JSON value is ``pip inspect``'s report."""
    return isinstance(value, dict) and isinstance(value.get("installed"), list) and "pip_version" in value


def recognizes_list(value: Any) -> bool:
    """Whether this JSON value is a list of objects with name and version."""
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(item, dict) and isinstance(item.get("name"), str) for item in value[:50])
    )


def recognizes_table(document: Document) -> bool:
    """Whether it has the head of ``pip list``'s table."""
    return _TABLE_HEAD.search(document.head) is not None


def read_inspect(document: Document) -> Snapshot:
    """The report of ``pip inspect``, version 1. Raises RecordError for another version."""
    value = document.json_object
    if str(value.get("version")) != "1" or not isinstance(value.get("installed"), list):
        raise RecordError("this is no report of pip inspect in its version 1", source=document.source)
    distributions: list[Distribution] = []
    for index, entry in at_most(enumerate(value["installed"])):
        distributions.append(_inspected(entry, f"installed[{index}]", document.source))
    ordered = tuple(distributions)
    given = value.get("environment")
    environment: dict[str, Any] = given if isinstance(given, dict) else {}
    return Snapshot(python=_python(environment), system=_system(environment), distributions=ordered)


def _inspected(entry: Any, path: str, source: str) -> Distribution:
    metadata = entry.get("metadata") if isinstance(entry, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get("name"), str):
        raise RecordError("has no metadata with a name", source=source, path=path)
    location = _text(entry.get("metadata_location")) or ""
    ending = re.search(r"\.(dist-info|egg-info|egg-link)/?$", location)
    return Distribution(
        name=metadata["name"],
        version=_text(metadata.get("version")),
        installer=_text(entry.get("installer")),
        requested=entry["requested"] if isinstance(entry.get("requested"), bool) else None,
        direct_url=_direct_url(entry.get("direct_url"), f"{path}.direct_url", source),
        metadata_format=ending[1] if ending else None,
    )


def _direct_url(value: Any, path: str, source: str) -> DirectUrl | None:
    if value is None:
        return None
    if isinstance(value, dict) and isinstance(value.get("archive_info"), dict):
        value = {**value, "archive_info": _archive(value["archive_info"])}
    try:
        found = msgspec.convert(value, DirectUrl)
    except msgspec.ValidationError as error:
        raise RecordError(str(error).partition(" - at ")[0], source=source, path=path) from error
    return msgspec.structs.replace(found, url=without_credentials(found.url)[0])


def _archive(info: dict[str, Any]) -> dict[str, Any]:
    """PEP 610's older ``hash: sha256=...`` as ``hashes``."""
    algorithm, equals, digest = str(info.get("hash") or "").partition("=")
    return {"hashes": info.get("hashes") or ({algorithm: digest} if equals else {})}


def _python(environment: dict[str, Any]) -> PythonFacts:
    return PythonFacts(
        version=_text(environment.get("python_full_version")),
        implementation=_text(environment.get("platform_python_implementation")),
    )


def _system(environment: dict[str, Any]) -> SystemFacts:
    return SystemFacts(
        system=_text(environment.get("platform_system")),
        kernel=_text(environment.get("platform_release")),
        machine=_text(environment.get("platform_machine")),
    )


def read_list(document: Document) -> Snapshot:
    """``pip list --format json``, ``uv pip list --format json`` and ``conda list --json``."""
    entries = [
        item for item in at_most(document.json_list) if isinstance(item, dict) and isinstance(item.get("name"), str)
    ]
    if not entries:
        raise RecordError("no entry of this list names a package", source=document.source)
    distributions = tuple(map(_listed, entries))
    if any(item.conda is not None for item in distributions):
        platform = next(
            (text for entry in entries if (text := _text(entry.get("platform"))) not in (None, "noarch", "pypi")), None
        )
        return snapshot_of_packages(distributions, document.source, platform=platform)
    return _snapshot(distributions)


def _listed(entry: dict[str, Any]) -> Distribution:
    name, version, build = entry["name"], _text(entry.get("version")), _text(entry.get("build_string"))
    if build is not None and _text(entry.get("channel")) != "pypi":
        origin = CondaOrigin(channel=_text(entry.get("channel")), build=build, subdir=_text(entry.get("platform")))
        return Distribution(name=name, version=version, installer="conda", conda=origin)
    location = _text(entry.get("editable_project_location"))
    item = parse_line(f"-e {location}") if location else None
    origin_url = item.direct_url if isinstance(item, Distribution) else None
    installer = "pip" if build is not None else _text(entry.get("installer"))
    return Distribution(name=name, version=version, installer=installer, direct_url=origin_url)


def read_table(document: Document) -> Snapshot:
    """The table of ``pip list``; an editable project's location stands in the third column."""
    distributions = tuple(at_most(_rows(document.lines)))
    if not distributions:
        raise RecordError("no row of this table names a package", source=document.source)
    return _snapshot(distributions)


def _rows(lines: list[str]) -> Iterator[Distribution]:
    for line in lines:
        found = _TABLE_ROW.fullmatch(line.strip()[:1000])
        if found is None:
            continue
        place = re.match(r"(?:/|[A-Za-z]:\\)\S+", found["rest"] or "")
        item = parse_line(f"-e {place[0]}") if place else None
        yield Distribution(
            name=found["name"],
            version=found["version"],
            direct_url=item.direct_url if isinstance(item, Distribution) else None,
            line=line.strip(),
        )


def _snapshot(distributions: tuple[Distribution, ...]) -> Snapshot:
    note = Note(code="versions-only", message="the list tells names and versions, not where the packages came from")
    return Snapshot(distributions=distributions, notes=(note,))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
