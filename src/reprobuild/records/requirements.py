"""``pip freeze``, ``uv pip freeze``, W&B's requirements.txt and requirements files written by people."""

from __future__ import annotations

import msgspec
from packaging.utils import canonicalize_name

from reprobuild.errors import RecordError
from reprobuild.records.document import Document
from reprobuild.records.environment_json import with_inferred_cuda
from reprobuild.records.requirement_lines import Option, RequirementList, logical_lines, parse_line, parse_lines
from reprobuild.records.text import bounded
from reprobuild.records.torch_text import hip_of_local_version
from reprobuild.snapshot import Distribution, Evidence, Note, Snapshot, TorchFacts

_LINES_LOOKED_AT = 400


def recognizes(document: Document) -> bool:
    """Whether most of the first lines are requirement lines or pip's options."""
    understood = strange = 0
    for number, (_, line) in enumerate(logical_lines(document.head)):
        if number >= _LINES_LOOKED_AT:
            break
        item = parse_line(line)
        if isinstance(item, Distribution | Option):
            understood += 1
        elif isinstance(item, Note) and item.code != "tool-output":
            strange += 1
    return understood > 2 * strange


def read(document: Document) -> Snapshot:
    """The snapshot of a list. Raises RecordError when no line of it names a package."""
    listed = parse_lines(document.text)
    if not listed.distributions:
        raise RecordError("no line of this file names a package", source=document.source)
    return snapshot_of_list(listed, document.source)


def snapshot_of_list(listed: RequirementList, source: str) -> Snapshot:
    """What a list tells beyond its packages: torch, the CUDA its version names, and which index was named."""
    torch, evidence = torch_of_distributions(listed.distributions, source)
    return Snapshot(
        distributions=listed.distributions,
        torch=torch,
        evidence=evidence,
        redactions={"requirements": listed.redactions} if listed.redactions else {},
        notes=bounded([*listed.notes, *map(_option_note, listed.options)]),
    )


def torch_of_distributions(
    distributions: tuple[Distribution, ...], source: str
) -> tuple[TorchFacts | None, tuple[Evidence, ...]]:
    """What the list says of torch: its version only where a local part tells the build, for a plain version in a
    list does not tell ``torch.__version__``."""
    version = next((item.version for item in distributions if canonicalize_name(item.name) == "torch"), None)
    if version is None or "+" not in version:
        return None, ()
    facts = TorchFacts(version=version, hip=hip_of_local_version(version), read_by="list")
    return with_inferred_cuda(facts, source)


def _option_note(option: Option) -> Note:
    text = f"{option.name} {option.value}".strip()
    if option.name in ("--requirement", "--constraint"):
        return Note(
            code="other-file", message=f"the list refers to another file, which is not part of it: {text[:200]}"
        )
    return Note(code="list-option", message=f"the list sets {text[:200]}")


def with_notes(snapshot: Snapshot, *notes: Note) -> Snapshot:
    """``snapshot`` with more notes."""
    return msgspec.structs.replace(snapshot, notes=bounded([*snapshot.notes, *notes]))
