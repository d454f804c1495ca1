"""Lines of the record that install something and name no package: whoever rebuilds the run has to know of them."""

from __future__ import annotations

from collections.abc import Iterator

from reprobuild.plan import PlanWarning
from reprobuild.planner import grammar
from reprobuild.snapshot import Snapshot

CODE = "lines-not-installed"

_OF_CODE = "--with-source checks out the code that ran; whatever else it was has to be installed by hand"
_KINDS = {
    "editable-without-name": ("it installs a folder without telling the package", _OF_CODE),
    "url-without-name": ("it installs an address that tells no package", _OF_CODE),
    "other-file": (
        "it refers to another file, which is not part of the record",
        "import both: reprobuild import FILE OTHER -o environment.json",
    ),
}
"""The readers' notes: what each means for the image, and the way out."""


def warnings_of_unread(snapshot: Snapshot) -> Iterator[PlanWarning]:
    """One warning of each kind, with the first such line. A file of constraints installs nothing."""
    for code, (meaning, way_out) in _KINDS.items():
        lines = [note.message.rpartition(": ")[2] for note in snapshot.notes if note.code == code]
        lines = [line for line in lines if not line.startswith("--constraint")]
        if lines:
            others = f" and {len(lines) - 1} more like it" if len(lines) > 1 else ""
            message = f"not in the image: what the line {grammar.excerpt(lines[0])}{others} stands for; {meaning}"
            yield PlanWarning(code=CODE, message=message, hint=way_out)
