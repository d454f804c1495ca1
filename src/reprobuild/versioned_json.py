"""Reading back a versioned JSON file of ours: another layout is refused, and a wrong value is named by its place."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from reprobuild.errors import RecordError

Model = TypeVar("Model", bound=msgspec.Struct)


def decode(content: bytes, model: type[Model], *, version: int, name: str, hint: str, source: str | None) -> Model:
    """The value in a file whose ``schema_version`` is ``version``; ``name`` and ``hint`` say what else it should be.

    Keys that the model does not know are passed over: the file tells what is derived, too. Raises RecordError.
    """
    try:
        head = msgspec.json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RecordError(f"not JSON: {error}", source=source) from error
    if not isinstance(head, dict) or head.get("schema_version") != version:
        raise RecordError(f"not a {name} of layout {version}", source=source, path="schema_version", hint=hint)
    try:
        return msgspec.convert(head, model)
    except msgspec.ValidationError as error:
        # Our own mark may stand in the value that the message repeats, so that the last one counts.
        message, _, place = f"{error}".rpartition(" - at `$") if " - at `$" in str(error) else (str(error), "", "")
        raise RecordError(message, source=source, path=place.rstrip("`").lstrip(".") or None) from error
