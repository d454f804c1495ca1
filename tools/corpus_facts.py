"""Compare what is read of real records with what a person read off them, field by field.

    python tools/corpus_facts.py FOLDER [--cases]

FOLDER holds one folder a record, with a ``case.json`` whose ``facts`` a person wrote down. Each field of each record is
one of: *told* (stated by the record and the same), *inferred* (concluded, with evidence, and the same), *unknown* (a
person knew it, the reader does not say it), *disagree*, or *nothing to tell* (neither has it). ``--cases`` prints
every field that is unknown or disagrees.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name

from reprobuild import records
from reprobuild.errors import RecordError
from reprobuild.records import Choice
from reprobuild.snapshot import Snapshot

_NUMBER = re.compile(r"\d+(?:\.\d+)+")
_NOTHING = ("", "none", "n/a", "could not collect", "no cuda", "unknown")
_FIELDS = ("python", "torch", "cuda_torch", "rocm_torch", "cudnn", "os", "machine", "gpu", "gpu_count", "driver")
_ALL = (*_FIELDS, "cuda_toolkit", "packages")
_OUTCOMES = ("told", "inferred", "unknown", "disagree", "nothing to tell")


class Answer(NamedTuple):
    """One field of one record."""

    field: str
    outcome: str
    expected: str
    found: str


def read(folder: Path) -> Snapshot:
    """The record as a user names it; where it holds several environments, the first that its own question offers."""
    choice: Choice | None = None
    for _ in range(3):
        try:
            return records.read(folder, choice=choice)
        except RecordError as error:
            hint = error.hint or ""
            if offered := re.search(r"choose one: --(?:extra|group) ([\w.-]+)(?:, --extra (gpu))?", hint):
                choice = Choice(extras=(offered[2] or offered[1],))
            elif "holds several records" in str(error):
                folder = next(path for path in sorted(folder.iterdir()) if path.name == "uv.lock")
            else:
                raise
    raise RecordError("asks again and again", source=str(folder))


def answers(facts: dict[str, Any], snapshot: Snapshot) -> Iterator[Answer]:
    """Every field that either side knows."""
    inferred = {item.fact for item in snapshot.evidence if item.certainty == "inferred"}
    for field in _ALL:
        expected, found, fact = _expected(facts, field), _found(snapshot, field), _PATHS.get(field, field)
        if not expected:
            outcome = "nothing to tell" if not found or field in ("cudnn", "os", "cuda_toolkit") else "disagree"
            if field in ("machine", "driver", "gpu", "gpu_count", "python", "rocm_torch", "cuda_torch") and found:
                outcome = "inferred" if fact in inferred else "told"
        elif not found:
            outcome = "unknown"
        elif _agrees(field, expected, found):
            outcome = "inferred" if fact in inferred else "told"
        else:
            outcome = "disagree"
        yield Answer(field, outcome, expected, found)


_PATHS = {
    "python": "python.version",
    "torch": "torch.version",
    "cuda_torch": "torch.cuda",
    "rocm_torch": "torch.hip",
    "cudnn": "torch.cudnn",
    "os": "system.system",
    "machine": "system.machine",
}


def _expected(facts: dict[str, Any], field: str) -> str:
    """What the person wrote, as text; empty where they found nothing."""
    names = {"packages": "n_packages", "machine": "arch"}
    value = facts.get(names.get(field, field))
    if field == "python":
        value = value or facts.get("python_inferred")
        found = re.search(r"\d+\.\d+(?:\.\d+)?", str(value or ""))
        return found[0] if found else ""
    text = "" if value is None else str(value)
    if text.lower() in _NOTHING or (field == "cuda_torch" and not _NUMBER.search(text)):
        return ""
    if field == "os" and re.match(r"(?i)unknown", text):
        return ""
    return text


def _found(snapshot: Snapshot, field: str) -> str:
    torch, gpu, system = snapshot.torch, snapshot.gpu, snapshot.system
    listed = next((item for item in snapshot.distributions if canonicalize_name(item.name) == "torch"), None)
    values: dict[str, Any] = {
        "python": snapshot.python.version,
        "torch": (torch.version if torch else None) or (listed.version if listed else None),
        "cuda_torch": torch.cuda if torch else None,
        "rocm_torch": torch.hip if torch else None,
        "cudnn": torch.cudnn if torch else None,
        "os": " ".join(filter(None, (system.system, system.os_id, system.os_version))),
        "machine": system.machine,
        "gpu": ", ".join(device.name for device in gpu.devices) if gpu else None,
        "gpu_count": len(gpu.devices) if gpu else None,
        "driver": gpu.driver_version if gpu else None,
        "cuda_toolkit": snapshot.cuda_toolkit,
        "packages": len(snapshot.distributions),
    }
    return str(values[field] or "")


def _agrees(field: str, expected: str, found: str) -> bool:
    if field == "os":
        return _same_system(expected, found)
    if field == "torch":
        plain = re.findall(r"\d+\.\d+[\w.+]*", expected)
        return found in plain or found.partition("+")[0] in [text.partition("+")[0] for text in plain]
    if field == "gpu":
        return all(name in expected for name in set(found.split(", "))) or expected in found
    if field in ("gpu_count", "packages", "machine"):
        return expected == found
    if expected == found:
        return True
    numbers = _NUMBER.findall(expected)
    return any(
        number == found or number.startswith(f"{found}.") or found.startswith(f"{number}.") for number in numbers
    )


def _same_system(expected: str, found: str) -> bool:
    words = {"win": "Windows", "macos": "Darwin", "darwin": "Darwin"}
    family = next((name for word, name in words.items() if expected.lower().startswith(word)), "Linux")
    if found.split(" ")[0] != family:
        return False
    release = re.match(r"(Ubuntu|Debian GNU/Linux|CentOS Linux release|Red Hat \D*|Fedora Linux) ?(\d+)", expected)
    numbers = re.findall(r"\d+", found)
    return release is None or not numbers or release[2] == numbers[0]


def main() -> int:
    """Print the table and, when asked, what differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", action="store_true", help="every field that is unknown or disagrees")
    arguments = parser.parse_args()
    counts: dict[str, Counter[str]] = {field: Counter() for field in _ALL}
    lines, unread, read_cases = [], [], 0
    for case in sorted(path.parent for path in arguments.folder.glob("*/case.json")):
        try:
            snapshot = read(case)
        except RecordError as error:
            unread.append(f"{case.name}: {error}")
            continue
        read_cases += 1
        for answer in answers(json.loads((case / "case.json").read_text("utf-8"))["facts"], snapshot):
            counts[answer.field][answer.outcome] += 1
            if answer.outcome in ("unknown", "disagree"):
                lines.append(f"{case.name}: {answer.field} {answer.outcome}: {answer.expected!r} / {answer.found!r}")
    sys.stdout.write(f"{read_cases} records read, {len(unread)} not\n")
    sys.stdout.write("".join(f"  {line}\n" for line in unread))
    sys.stdout.write(f"{'field':14}" + "".join(f"{name:>16}" for name in _OUTCOMES) + "\n")
    total: Counter[str] = Counter()
    for field, count in counts.items():
        sys.stdout.write(f"{field:14}" + "".join(f"{count[name] or '':>16}" for name in _OUTCOMES) + "\n")
        total += count
    sys.stdout.write(f"{'all':14}" + "".join(f"{total[name]:>16}" for name in _OUTCOMES) + "\n")
    if arguments.cases:
        sys.stdout.write("\n".join(["", *lines, ""]))
    return 1 if unread else 0


if __name__ == "__main__":
    sys.exit(main())
