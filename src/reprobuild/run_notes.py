"""What a run tells the ``reprobuild capture`` that started it: its seeds, and its switches when it ends.

Only the run itself knows them. A capture names a file in an environment variable; the run, where it uses this
package, adds lines of JSON to it; the capture reads them at the end. Without such a capture nothing is written.
"""

from __future__ import annotations

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded for nothing
    from typing import Any

VARIABLE = "REPROBUILD_RUN_NOTES"
"""Names the file."""

MOST_BYTES = 64 * 1024
"""A file that has grown beyond this is no longer what runs of ours write."""

_MOST_ENTRIES = 100
_LONGEST = 200


def tell(kind: str, values: dict[str, Any]) -> None:
    """Add ``values`` under ``kind`` (``seeds``, ``switches``). Of many ranks only the first speaks. Never raises."""
    path = os.environ.get(VARIABLE)
    if not path or os.environ.get("RANK", "0") != "0":
        return
    try:
        # Never made here: where the capture is gone, and its file with it, there is nobody left to tell.
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        try:
            os.write(descriptor, json.dumps({kind: values}).encode() + b"\n")
        finally:
            os.close(descriptor)
    except (OSError, TypeError, ValueError):
        return


def read(path: str) -> tuple[dict[str, int], dict[str, str]]:
    """Seeds and switches that were told; later ones count. What does not look like ours is passed over."""
    seeds: dict[str, int] = {}
    switches: dict[str, str] = {}
    try:
        with open(path, "rb") as stream:
            lines = stream.read(MOST_BYTES).splitlines()
    except OSError:
        return {}, {}
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict):
            seeds |= {name: value for name, value in _entries(told, "seeds") if type(value) is int}
            switches |= {
                name: value
                for name, value in _entries(told, "switches")
                if isinstance(value, str) and len(value) <= _LONGEST
            }
    return seeds, switches


def _entries(told: dict[str, Any], kind: str) -> list[tuple[str, Any]]:
    values = told.get(kind)
    entries = list(values.items())[:_MOST_ENTRIES] if isinstance(values, dict) else []
    return [(name, value) for name, value in entries if len(name) <= _LONGEST]
