"""What a person settles where a record leaves it open: ``--set python=3.8.10``."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from reprobuild.errors import UsageError
from reprobuild.snapshot import Evidence, PythonFacts, Snapshot, SystemFacts, TorchFacts

_GROUPS: dict[str, type[msgspec.Struct]] = {"python": PythonFacts, "system": SystemFacts, "torch": TorchFacts}
_SHORT = {
    "python": "python.version",
    "os": "system.os_id",
    "system": "system.system",
    "machine": "system.machine",
    "glibc": "system.libc_version",
    "torch": "torch.version",
    "cuda": "torch.cuda",
    "cudnn": "torch.cudnn",
    "date": "recorded_at",
}
_VALUE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+ :-]{0,99}")
_GRAMMARS = {
    "python.version": r"\d+\.\d+(\.\d+)?((a|b|rc)\d+)?",
    "torch.cuda": r"\d+\.\d+(\.\d+)?",
    "torch.cudnn": r"\d+(\.\d+)*",
    "recorded_at": r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\dZ)?",
}


def settle(snapshot: Snapshot, settings: Iterable[str]) -> Snapshot:
    """``snapshot`` with each ``name=value`` as a told fact. Raises UsageError for a fact or value that can't be set."""
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise UsageError(f"{setting!r} is not name=value", hint="write --set python=3.8.10")
        fact = _SHORT.get(name.strip(), name.strip())
        snapshot = _with(snapshot, fact, value.strip())
    return snapshot


def _with(snapshot: Snapshot, fact: str, value: str) -> Snapshot:
    if fact == "system.os_id" and (found := re.fullmatch(r"([a-z]+)[ :-]?(\d[\d.]*)", value)):
        return _with(_with(snapshot, "system.os_id", found[1]), "system.os_version", found[2])
    if not re.fullmatch(_GRAMMARS.get(fact, _VALUE.pattern), value):
        raise UsageError(f"{value!r} is no value for {fact}")
    evidence = Evidence(fact=fact, value=value, certainty="told", source="--set")
    kept = tuple(item for item in snapshot.evidence if item.fact != fact)
    if fact == "recorded_at":
        time = value if "T" in value else f"{value}T00:00:00Z"
        return msgspec.structs.replace(snapshot, recorded_at=time, evidence=(*kept, evidence))
    group, _, field = fact.partition(".")
    if group not in _GROUPS or field not in _settable(_GROUPS[group]):
        raise UsageError(
            f"there is no fact {fact!r} to set", hint=f"facts with a short name: {', '.join(sorted(_SHORT))}"
        )
    facts = getattr(snapshot, group) or _GROUPS[group]()
    changed = msgspec.structs.replace(facts, **{field: value})
    notes = tuple(note for note in snapshot.notes if not (fact == "python.version" and note.code == "python-unknown"))
    return msgspec.structs.replace(snapshot, evidence=(*kept, evidence), notes=notes, **{group: changed})


def _settable(group: type[msgspec.Struct]) -> set[str]:
    return {field.name for field in msgspec.structs.fields(group) if field.type == str | None}
