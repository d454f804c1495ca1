"""What the probe printed, or found in this process, as a snapshot. A foreign interpreter is not trusted."""

from __future__ import annotations

from typing import Any

import msgspec

from reprobuild.capture.process import RECORDER
from reprobuild.errors import CaptureError, RecordError
from reprobuild.snapshot import Recorder, Snapshot, from_json_object


def decode_facts(output: bytes, source: str | None) -> dict[str, Any]:
    """The object that a probe printed, without a look at what is in it.

    Lines that start-up hooks printed before it are passed over. Raises CaptureError when there is no such object.
    """
    line = output.strip().rpartition(b"\n")[2]
    try:
        facts = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _not_the_probe(source) from error
    if not isinstance(facts, dict):
        raise _not_the_probe(source)
    return facts


def snapshot_of_facts(facts: dict[str, Any], source: str | None = None) -> Snapshot:
    """The snapshot that holds the probe's object, with us as its recorder. Raises CaptureError on a wrong type."""
    try:
        snapshot = from_json_object(facts, source=source)
    except RecordError as error:
        raise CaptureError(str(error), hint="this interpreter did not run the probe as it is") from error
    return msgspec.structs.replace(snapshot, recorder=Recorder(**RECORDER))


def _not_the_probe(source: str | None) -> CaptureError:
    return CaptureError(
        f"{source or 'the interpreter'} did not answer with the probe's record",
        hint="check that it is a Python interpreter and that no start-up hook ends it early",
    )
