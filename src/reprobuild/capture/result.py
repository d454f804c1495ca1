"""What the probe printed, or found in this process, as a snapshot. A foreign interpreter is not trusted."""

from __future__ import annotations

from typing import Any

import msgspec

from reprobuild.capture.answer import RECORDER
from reprobuild.capture.json_text import EncodedList
from reprobuild.errors import CaptureError
from reprobuild.snapshot import FlatFacts, Recorder, Snapshot


def snapshot_of_facts(facts: dict[str, Any], source: str | None = None) -> Snapshot:
    """The snapshot that holds the probe's object, with us as its recorder. Raises CaptureError on a wrong type.

    The probe is ours, so a key that the model does not know is no newer fact to keep: it is passed over.
    """
    facts = {key: list(value) if isinstance(value, EncodedList) else value for key, value in facts.items()}
    try:
        flat = msgspec.convert(facts, FlatFacts)
        deeper = {key: value for key, value in facts.items() if key not in ("flat", "unknown")}
        snapshot = msgspec.convert(deeper, Snapshot)
    except msgspec.ValidationError as error:
        raise CaptureError(
            f"{source or 'the interpreter'} answered with a record that can't be right: {error}",
            hint="this interpreter did not run the probe as it is",
        ) from error
    return msgspec.structs.replace(snapshot, flat=flat, recorder=Recorder(**RECORDER))
