"""A live interpreter to a snapshot: this one, or another one from outside.

The facts come from ``reprobuild.probe``, which runs in this process or in the other interpreter. The model is
imported inside the functions, because the command line starts the other interpreter before it loads anything.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # nothing is loaded before the other interpreter has started
    from collections.abc import Iterable
    from pathlib import Path

    from reprobuild.snapshot import Snapshot

__all__ = ["capture", "snapshot_of_probe"]


def capture(python: Path | None = None, *, extras: Iterable[str] = ()) -> Snapshot:
    """Record this process's environment, or that of the interpreter ``python``, into which nothing is installed.

    ``extras`` name costlier parts: ``libraries`` for the scan of system libraries, ``files`` for the comparison of
    every installed file with its RECORD. Raises CaptureError when ``python`` can't be started, is no Python, or is
    older than 3.6.
    """
    if python is not None:
        from reprobuild.capture.interpreter import Probing

        return snapshot_of_probe(Probing(python, extras=tuple(extras)).output(), source=str(python))
    from reprobuild.capture.process import environment_of_this_process
    from reprobuild.capture.result import snapshot_of_facts

    return snapshot_of_facts(environment_of_this_process(extras=frozenset(extras)))


def snapshot_of_probe(output: bytes, *, source: str | None = None) -> Snapshot:
    """Decode what ``probe.py`` printed; lines that start-up hooks printed before it are passed over.

    ``source`` names the interpreter in errors. Raises CaptureError when the last line is not what a probe prints.
    """
    from reprobuild.capture.answer import decode_facts
    from reprobuild.capture.result import snapshot_of_facts

    return snapshot_of_facts(decode_facts(output, source), source)
