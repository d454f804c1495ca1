"""Several records of one run to one snapshot, with every conflict listed.

What one record tells completes what another leaves out. Where two tell different things, a fact that a record
states beats one that was inferred; between two stated facts the record named first wins, and a note says so. A more
precise value (Python 3.7.9 against 3.7) is no conflict.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import msgspec
from packaging.utils import canonicalize_name

from reprobuild.errors import RecordError
from reprobuild.records.merged_conda import merged, same_release
from reprobuild.records.text import bounded, shortened
from reprobuild.snapshot import Distribution, Evidence, Fields, Note, Snapshot

_GROUPS = ("python", "system", "torch", "gpu", "source", "command")
_PLAIN = ("recorder", "recorded_at", "cuda_toolkit", "rocm_toolkit")
_LOOSE = frozenset(
    {
        "torch.read_by",
        "gpu.read_by",
        "python.build",
        "python.executable",
        "python.prefix",
        "system.platform",
        "system.os_name",
        "system.kernel",
    }
)
"""Texts that differ between records of one environment without meaning anything."""

_OF_ONE_RECORD = frozenset({"no-packages", "python-unknown", "os-unknown"})
"""Notes on what a record lacks: another record may have it, so they are asked again of the whole."""

Facts = TypeVar("Facts", bound=msgspec.Struct)


class Part(Fields, frozen=True, kw_only=True):
    """One of the records, and the name that notes give it."""

    source: str
    snapshot: Snapshot


def combine(parts: Sequence[Part]) -> Snapshot:
    """One snapshot of all ``parts``. Raises RecordError when there are none."""
    if not parts:
        raise RecordError("there is nothing to combine")
    if len(parts) == 1:
        return parts[0].snapshot
    notes: list[Note] = []
    inferred = [{item.fact for item in part.snapshot.evidence if item.certainty == "inferred"} for part in parts]
    values: dict[str, Any] = {name: _group(name, parts, inferred, notes) for name in _GROUPS}
    values |= {name: _first(name, parts, inferred, notes) for name in _PLAIN}
    values["distributions"] = _distributions(parts, notes)
    told = [note for part in parts for note in part.snapshot.notes if note.code not in _OF_ONE_RECORD]
    values |= {
        "system_libraries": tuple(item for part in parts for item in part.snapshot.system_libraries),
        "environment_variables": _joined(part.snapshot.environment_variables for part in parts),
        "seeds": _joined(part.snapshot.seeds for part in parts),
        "redactions": _summed(part.snapshot.redactions for part in parts),
        "evidence": _evidence(parts, values),
        "notes": bounded(dict.fromkeys([*notes, *told])),
        "unknown": _joined(part.snapshot.unknown for part in parts),
    }
    return Snapshot(**{**_rest(parts, values), **values})


def _rest(parts: Sequence[Part], values: dict[str, Any]) -> dict[str, Any]:
    """Every other part of a snapshot, the flat facts among them, from the first record that has it."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(Snapshot):
        empty = getattr(Snapshot(), field.name)
        told = (getattr(part.snapshot, field.name) for part in parts)
        if field.name not in values:
            found[field.name] = next((value for value in told if value != empty), empty)
    return found


def _group(name: str, parts: Sequence[Part], inferred: list[set[str]], notes: list[Note]) -> Any:
    """A group of facts, fact by fact; None where no record has the group."""
    present = [getattr(part.snapshot, name) for part in parts]
    kind = next((type(facts) for facts in present if facts is not None), None)
    if kind is None:
        return None
    fields = {}
    for field in msgspec.structs.fields(kind):
        told = [
            (part.source, getattr(facts, field.name), f"{name}.{field.name}" in weak)
            for part, facts, weak in zip(parts, present, inferred, strict=True)
            if facts is not None and getattr(facts, field.name) not in (None, (), field.default)
        ]
        if told:
            fields[field.name] = _chosen(f"{name}.{field.name}", told, notes)
    return kind(**fields)


def _first(name: str, parts: Sequence[Part], inferred: list[set[str]], notes: list[Note]) -> Any:
    told = [
        (part.source, getattr(part.snapshot, name), name in weak)
        for part, weak in zip(parts, inferred, strict=True)
        if getattr(part.snapshot, name) is not None
    ]
    return _chosen(name, told, notes if name not in ("recorder", "recorded_at") else []) if told else None


def _chosen(fact: str, told: list[tuple[str, Any, bool]], notes: list[Note]) -> Any:
    """The value that wins; stated before inferred, else in order; a longer form of the same version before both."""
    stated = [entry for entry in told if not entry[2]] or told
    source, value, _ = stated[0]
    for other_source, other, _ in stated[1:]:
        if _more_precise(other, value):
            source, value = other_source, other
        elif other != value and not _more_precise(value, other) and fact not in _LOOSE:
            message = (
                f"{source} says {fact} is {_shown(value)}, {other_source} says {_shown(other)}: the first one is taken"
            )
            notes.append(Note(code="conflict", message=message, path=fact))
    return value


def _shown(value: Any) -> str:
    """A value for a person: devices by their names."""
    if isinstance(value, tuple):
        return shortened(", ".join(str(getattr(item, "name", item)) for item in value))
    return shortened(str(value))


def _more_precise(long: Any, short: Any) -> bool:
    return isinstance(long, str) and isinstance(short, str) and long.startswith((f"{short}.", f"{short}+", f"{short}-"))


def _distributions(parts: Sequence[Part], notes: list[Note]) -> tuple[Distribution, ...]:
    pip: dict[str, tuple[str, Distribution]] = {}
    extra: list[Distribution] = []
    conda: dict[tuple[str, str | None], Distribution] = {}
    for part in parts:
        seen_here: set[str] = set()
        for item in part.snapshot.distributions:
            name = canonicalize_name(item.name)
            if item.conda is not None and item.installer == "conda":
                conda.setdefault((item.name, item.version), item)
            elif name in seen_here:
                extra.append(item)  # one record may list a name twice, for other markers or in a mixed environment
            elif name not in pip:
                pip[name] = (part.source, item)
            else:
                pip[name] = _same_package(pip[name], part.source, item, notes)
            seen_here.add(name)
    return merged((*(item for _, item in pip.values()), *extra), tuple(conda.values()))


def _same_package(
    first: tuple[str, Distribution], other_source: str, other: Distribution, notes: list[Note]
) -> tuple[str, Distribution]:
    source, item = first
    if item.version and other.version and item.version != other.version:
        if same_release(item.version, other.version):
            # A package's own word has a suffix where the default index's file, as a list names it, has none.
            one_is_listed = _is_own_word(item) != _is_own_word(other)
            takes_first = _is_own_word(other) if one_is_listed else "+" in item.version
            return (source, item) if takes_first else (other_source, completed(other, item))
        message = f"{source} lists {item.name} {item.version}, {other_source} {other.version}: the first one is taken"
        notes.append(Note(code="conflict", message=message, path=f"distributions.{item.name[:80]}"))
        return first
    return source, completed(item, other)


def _is_own_word(item: Distribution) -> bool:
    """Whether a report tells what the package said of itself (``PyTorch: 2.1.0+cu121``), and no list has it so."""
    return item.line is not None and ": " in item.line and "==" not in item.line


def completed(facts: Facts, other: Facts) -> Facts:
    """``facts`` with what only ``other`` tells."""
    return msgspec.structs.replace(
        facts,
        **{
            field.name: getattr(other, field.name)
            for field in msgspec.structs.fields(type(facts))
            if getattr(facts, field.name) in (None, (), field.default) and getattr(other, field.name) not in (None, ())
        },
    )


def _evidence(parts: Sequence[Part], values: dict[str, Any]) -> tuple[Evidence, ...]:
    """The evidence of what was inferred and stands in the end."""
    kept: dict[str, Evidence] = {}
    for part in parts:
        for item in part.snapshot.evidence:
            group, _, field = item.fact.partition(".")
            holder = values.get(group)
            stands = getattr(holder, field, None) if field and holder is not None else holder
            told = any(
                _value(other.snapshot, item.fact) == stands
                and item.fact not in {proof.fact for proof in other.snapshot.evidence}
                for other in parts
            )
            if str(stands) == item.value and not told:
                kept.setdefault(item.fact, item)
    return tuple(kept.values())


def _value(snapshot: Snapshot, fact: str) -> Any:
    value: Any = snapshot
    for name in fact.split("."):
        value = getattr(value, name, None)
    return value


def _joined(objects: Iterable[dict[str, Any]]) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for item in objects:
        for key, value in item.items():
            joined.setdefault(key, value)
    return joined


def _summed(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for item in counts:
        for key, value in item.items():
            total[key] = total.get(key, 0) + value
    return total
