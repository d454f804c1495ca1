"""What the probe printed, taken for what it is: the object of environment.json, without the recorder.

Standard library only: the command line needs no more than this to save a record. Whoever reads the record later
validates it whole.
"""

from __future__ import annotations

from reprobuild import __version__
from reprobuild.capture.json_text import decode
from reprobuild.errors import CaptureError

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded for nothing
    from typing import Any

RECORDER = {"name": "reprobuild", "version": __version__}
"""Who wrote the file: see ``snapshot.Recorder``."""

_EXPECTED = {"pip_freeze": str, "packages": dict, "python": dict, "system": dict, "distributions": list}


def decode_facts(output: bytes, source: str | None) -> dict[str, Any]:
    """The object that a probe printed; lines that start-up hooks printed before it are passed over.

    ``source`` names the interpreter in errors. Raises CaptureError when the last line is not what a probe prints.
    """
    line = output.strip().rpartition(b"\n")[2]
    try:
        facts = decode(line.decode("ascii"))
    except (ValueError, RecursionError) as error:
        raise _not_the_probe(source) from error
    if not isinstance(facts, dict):
        raise _not_the_probe(source)
    for key, kind in _EXPECTED.items():
        if not isinstance(facts.setdefault(key, kind()), kind):
            raise _not_the_probe(source, f": {key} is no {kind.__name__}")
    return facts


def with_recorder(facts: dict[str, Any]) -> dict[str, Any]:
    """The probe's object, with the recorder behind ``schema_version``, where the model has it."""
    named: dict[str, Any] = {}
    for key, value in facts.items():
        named[key] = value
        if key == "schema_version":
            named["recorder"] = dict(RECORDER)
    return named


def _not_the_probe(source: str | None, detail: str = "") -> CaptureError:
    return CaptureError(
        f"{source or 'the interpreter'} did not answer with the probe's record{detail}",
        hint="check that it is a Python interpreter and that no start-up hook ends it early",
    )
