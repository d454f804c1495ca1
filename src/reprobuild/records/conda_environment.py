"""conda's environment.yml: exported with or without builds, written by hand, with a pip section and a prefix."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from reprobuild.errors import RecordError
from reprobuild.records.conda_packages import distribution_of_spec, snapshot_of_packages
from reprobuild.records.credentials import without_credentials
from reprobuild.records.document import Document
from reprobuild.records.requirement_lines import RequirementList, indexes_of, option_notes, parse_lines
from reprobuild.records.text import bounded, shortened
from reprobuild.records.yaml_text import text_of
from reprobuild.snapshot import Distribution, Note, Snapshot

_MOST_CHANNELS = 50
_KEYS = re.compile(r"^(?:name|channels|prefix|platforms|variables) *:|^dependencies *:", re.MULTILINE)


def recognizes(document: Document) -> bool:
    """Whether it has YAML's ``dependencies:`` list among the keys of an environment file."""
    keys = {found[0].partition(":")[0].strip() for found in _KEYS.finditer(document.head)}
    return ("dependencies" in keys and not document.looks_like_json and len(keys) > 1) or bool(
        re.match(r"(?:\s*#.*\n)*dependencies *:\s*\n\s*- ", document.head)
    )


def recognizes_json(value: Any) -> bool:
    """Whether this JSON value is ``conda env export --json``; JSON is YAML, so the same reader takes it."""
    return isinstance(value, dict) and isinstance(value.get("dependencies"), list) and "channels" in value


def read(document: Document) -> Snapshot:
    """The snapshot of an environment file. Raises RecordError when it lists nothing."""
    value = document.yaml
    if not isinstance(value, dict) or not isinstance(value.get("dependencies"), list):
        raise RecordError("an environment file has a list of dependencies", source=document.source, path="dependencies")
    notes: list[Note] = []
    conda = list(_conda(value["dependencies"], notes))
    pip = _pip(value["dependencies"])
    distributions = (*conda, *(msgspec.structs.replace(item, installer="pip") for item in pip.distributions))
    if not distributions:
        raise RecordError("the environment lists no package", source=document.source, path="dependencies")
    notes += [*pip.notes, *option_notes(pip.options)]
    snapshot = snapshot_of_packages(
        distributions, document.source, prefix=text_of(value.get("prefix")), notes=bounded(notes)
    )
    channels, secrets = _channels(value)
    redactions = {"dependencies": pip.redactions, "channels": secrets}
    return msgspec.structs.replace(
        snapshot,
        package_indexes=indexes_of(pip.options),
        conda_channels=channels,
        redactions={place: count for place, count in redactions.items() if count},
        notes=bounded(snapshot.notes),
    )


def _conda(dependencies: list[Any], notes: list[Note]) -> Iterator[Distribution]:
    for index, entry in enumerate(dependencies):
        if not isinstance(entry, str):
            continue
        item = distribution_of_spec(entry)
        path = f"dependencies[{index}]"
        if item is None:
            notes.append(Note(code="line-not-understood", message=f"not understood: {shortened(entry)}", path=path))
            continue
        if item.version is None:
            notes.append(
                Note(code="unpinned", message=f"{item.name} has no exact version: {shortened(entry)}", path=path)
            )
        yield item


def _pip(dependencies: list[Any]) -> RequirementList:
    sections = [entry.get("pip") for entry in dependencies if isinstance(entry, dict)]
    lines = [line for section in sections if isinstance(section, list) for line in section if isinstance(line, str)]
    return parse_lines("\n".join(line.replace("\n", " ") for line in lines), place="dependencies.pip")


def _channels(value: dict[str, Any]) -> tuple[tuple[str, ...], int]:
    """The channels, in their order, without credentials; and how many of those there were."""
    texts = [text.strip() for text in value.get("channels") or () if isinstance(text, str) and text.strip()]
    cleaned = [without_credentials(text[:1000]) for text in texts[:_MOST_CHANNELS]]
    return tuple(text for text, _ in cleaned), sum(count for _, count in cleaned)
