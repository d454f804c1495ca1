"""A live interpreter to a snapshot: this one, or another one from outside.

The facts come from ``reprobuild.probe``, which runs in this process or in the other interpreter.
"""

from __future__ import annotations

import sys
from pathlib import Path

from reprobuild.capture.interpreter import Probing
from reprobuild.capture.result import snapshot_of_facts, snapshot_of_probe
from reprobuild.snapshot import Snapshot

__all__ = ["Probing", "capture", "snapshot_of_facts", "snapshot_of_probe"]


def capture(python: Path | None = None) -> Snapshot:
    """Record this process's environment, or that of the interpreter ``python``, into which nothing is installed.

    Raises CaptureError when ``python`` can't be started, is no Python, or is older than 3.6.
    """
    if python is not None:
        return snapshot_of_probe(Probing(python).output(), source=str(python))
    from reprobuild.capture.process import facts_of_this_process

    return snapshot_of_facts(facts_of_this_process(), source=sys.executable)
