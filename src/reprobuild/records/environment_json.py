"""environment.json to a snapshot: our own layout, and the flat file of the original utility in all its shapes.

The flat facts are kept verbatim, credentials in URLs excepted. The deeper record is derived from them: the freeze
text gives the distributions (``packages`` only where there is no freeze, because it loses editable and VCS
installs), the platform text the machine, ``sys.version`` the interpreter.
"""

from __future__ import annotations

from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from reprobuild.errors import RecordError
from reprobuild.records.credentials import without_credentials, without_secret_values
from reprobuild.records.document import Document
from reprobuild.records.platform_text import python_facts, system_facts, with_inferred_system
from reprobuild.records.requirement_lines import (
    RequirementList,
    fact_in_comment,
    indexes_of,
    option_notes,
    parse_line,
    parse_lines,
)
from reprobuild.records.text import at_most, bounded
from reprobuild.records.torch_text import cuda_of_local_version, cudnn_version
from reprobuild.snapshot import (
    Distribution,
    Evidence,
    FlatFacts,
    GpuDevice,
    GpuFacts,
    Note,
    Snapshot,
    SystemFacts,
    TorchFacts,
    from_json_object,
)

FLAT_KEYS = frozenset(FlatFacts.__struct_fields__)
_TELLING = frozenset({"python_version_short", "pip_freeze", "platform_system", "torch_version", "cuda_version"})
_DEEPER_KEYS = frozenset(Snapshot.__struct_fields__)
MOST_GPUS = 1024
"""More GPUs than any one machine has; a larger number is a mistake in the record."""


def is_flat(content: object) -> bool:
    """Whether this JSON value is a file of the original utility, or its guide's shorter form.

    Known by its keys, never by the file's name: other utilities write files of the same name.
    """
    if not isinstance(content, dict) or "schema_version" in content:
        return False
    keys = FLAT_KEYS & content.keys()
    packages = content.get("packages", {})
    return len(keys) >= 2 and bool(keys & _TELLING) and ("python_version_short" in keys or isinstance(packages, dict))


def is_own(content: object) -> bool:
    """Whether this JSON value has our own layout."""
    return isinstance(content, dict) and "schema_version" in content


def read(document: Document) -> Snapshot:
    """An environment.json of either layout. Raises RecordError."""
    return read_own(document) if is_own(document.json_object) else read_flat(document)


def read_own(document: Document) -> Snapshot:
    """Our own layout. Raises RecordError naming the place of what is wrong.

    A file that a person shortened may hold the freeze alone: its lines are the packages then.
    """
    snapshot = from_json_object(document.json_object, source=document.source)
    if snapshot.distributions or not snapshot.flat.pip_freeze:
        return snapshot
    listed = parse_lines(snapshot.flat.pip_freeze, place="pip_freeze")
    return msgspec.structs.replace(
        snapshot,
        distributions=listed.distributions,
        package_indexes=snapshot.package_indexes or indexes_of(listed.options),
        notes=bounded([*snapshot.notes, *listed.notes]),
    )


def read_flat(document: Document) -> Snapshot:
    """The original utility's file. Raises RecordError naming the key of a wrong type."""
    return snapshot_of_flat(document.json_object, document.source)


def snapshot_of_flat(content: dict[str, Any], source: str) -> Snapshot:
    """The snapshot of an object with the flat keys; see the module's text."""
    flat, removed = _flat_facts(content, source)
    python = python_facts(flat.python_version, flat.python_version_short)
    told = system_facts(flat.platform, python=python)
    told = msgspec.structs.replace(
        told, system=flat.platform_system or told.system, kernel=flat.platform_release or told.kernel
    )
    system, evidence = with_inferred_system(told, python, f"{source}: platform")
    torch, torch_evidence = _torch(flat, source)
    listed = _distributions(flat)
    unknown, hidden = without_secret_values(_unknown(content))
    return Snapshot(
        flat=flat,
        python=python,
        system=system,
        distributions=listed.distributions,
        package_indexes=indexes_of(listed.options),
        torch=torch,
        gpu=_gpu(flat, source),
        redactions={name: count for name, count in (("pip_freeze", removed), ("other keys", hidden)) if count},
        evidence=(*evidence, *torch_evidence),
        notes=bounded([*listed.notes, *option_notes(listed.options), *_gaps(flat, system)]),
        unknown=unknown,
    )


def _flat_facts(content: dict[str, Any], source: str) -> tuple[FlatFacts, int]:
    try:
        flat = msgspec.convert(content, FlatFacts)
    except msgspec.ValidationError as error:
        # The message may repeat a value that holds our own mark, so that the last one counts.
        message, _, place = str(error).rpartition(" - at `$")
        raise RecordError(message, source=source, path=place.rstrip("`").lstrip(".") or None) from error
    freeze, removed = without_credentials(flat.pip_freeze or "")
    if flat.pip_freeze is not None and removed:
        flat = msgspec.structs.replace(flat, pip_freeze=freeze)
    return flat, removed


def _unknown(content: dict[str, Any]) -> dict[str, Any]:
    """Keys beside the flat ones. One that our own layout uses with another meaning is moved under ``imported``."""
    others = {key: value for key, value in content.items() if key not in FLAT_KEYS}
    moved = {key: value for key, value in others.items() if key in _DEEPER_KEYS or key == "imported"}
    kept = {"/" + _escaped(key): value for key, value in others.items() if key not in moved}
    return {**kept, "/imported": moved} if moved else kept


def _escaped(key: str) -> str:
    """``key`` as a part of a JSON Pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def _distributions(flat: FlatFacts) -> RequirementList:
    if flat.pip_freeze and flat.pip_freeze.strip():
        return parse_lines(flat.pip_freeze, place="pip_freeze")
    distributions: list[Distribution] = []
    notes: list[Note] = []
    for name, version in at_most((flat.packages or {}).items()):
        item = distribution_of_pair(name, version)
        if isinstance(item, Distribution):
            distributions.append(item)
        else:
            notes.append(item)
    ordered = sorted(distributions, key=lambda item: canonicalize_name(item.name))
    return RequirementList(distributions=tuple(ordered), notes=tuple(notes))


def distribution_of_pair(name: str, version: str) -> Distribution | Note:
    """An entry of ``packages``: name and version text, where ``git+url`` stands for a lost direct URL."""
    path = f"packages.{name[:80]}"
    if name.startswith("# Editable") and (fact := fact_in_comment(f"{name}=={version}")) is not None:
        return fact
    if version.strip() == "git+url":
        item = parse_line(name)
        if isinstance(item, Distribution):
            return Distribution(name=item.name)
    else:
        item = parse_line(f"{name}=={version}")
        if isinstance(item, Distribution):
            return msgspec.structs.replace(item, line=None)
    return Note(code="line-not-understood", message="this is not a package and a version", path=path)


def _torch(flat: FlatFacts, source: str) -> tuple[TorchFacts | None, tuple[Evidence, ...]]:
    if flat.torch_version is None:
        return None, ()
    facts = TorchFacts(
        version=flat.torch_version,
        cuda=flat.cuda_version,
        cudnn=cudnn_version(flat.cudnn_version),
        read_by="import" if flat.cuda_version else None,  # without a usable GPU the utility writes no CUDA
    )
    return with_inferred_cuda(facts, source)


def with_inferred_cuda(torch: TorchFacts, source: str) -> tuple[TorchFacts, tuple[Evidence, ...]]:
    """``torch`` with the CUDA that its local version names, where the record does not tell it."""
    named = cuda_of_local_version(torch.version)
    if torch.cuda or named is None:
        return torch, ()
    reason = f"the local part of torch {torch.version}"
    evidence = Evidence(fact="torch.cuda", value=named, certainty="inferred", source=source, reason=reason)
    return msgspec.structs.replace(torch, cuda=named), (evidence,)


def _gpu(flat: FlatFacts, source: str) -> GpuFacts | None:
    if not flat.gpu_name:
        return None
    count = flat.gpu_count or 1
    if not 0 < count <= MOST_GPUS:
        raise RecordError(f"{count} is not a number of GPUs", source=source, path="gpu_count")
    return GpuFacts(devices=(GpuDevice(name=flat.gpu_name),) * count, read_by="list")


def _gaps(flat: FlatFacts, system: SystemFacts) -> list[Note]:
    notes = []
    if not flat.pip_freeze and flat.packages:
        gone = [name for name, version in flat.packages.items() if version == "git+url"]
        notes.append(Note(code="no-freeze", message="the record has no pip freeze: editable installs are not in it"))
        notes += [
            Note(
                code="address-lost",
                message=f"the record says that {name[:80]} came from a URL and does not say which",
                path=f"packages.{name[:80]}",
            )
            for name in gone
        ]
    if not flat.pip_freeze and not flat.packages:
        notes.append(Note(code="no-packages", message="the record lists no package"))
    if system.system == "Linux" and not system.os_id:
        notes.append(Note(code="os-unknown", message="nothing in the record tells the Linux distribution"))
    return notes
