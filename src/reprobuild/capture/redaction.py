"""Taking secrets out of a record before anybody sees it: what is removed is counted by place, never kept.

It works on the object of environment.json, whatever is in it, and loads nothing: a capture of a thousand packages
without a secret costs it a few searches for literal marks.
"""

from __future__ import annotations

from reprobuild.capture.secret_shapes import SECRET_WORDS, may_hold

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded for nothing
    from typing import Any

_NAMES_OF_PACKAGES = ("packages",)
"""Dictionaries whose keys are names of packages, which may speak of tokens and mean none."""

_DIGEST_LENGTH = len("sha256:") + 64

_known_keys: dict[str, bool] = {}
"""Keys of the record to whether they speak of secrets: every distribution has the same few."""


def redact(facts: dict[str, Any]) -> dict[str, Any]:
    """The record without secrets; the very same object where there is none.

    ``redactions`` gains what was removed: place (``command.arguments``, ``pip_freeze``) to number.
    """
    if not _is_worth_a_look(facts, ""):
        return facts
    counts: dict[str, int] = {}
    cleaned: dict[str, Any] = _without_secrets(facts, "", counts)
    if not counts:
        return facts
    earlier = facts.get("redactions")
    merged = dict(earlier) if isinstance(earlier, dict) else {}
    for place, count in counts.items():
        merged[place] = merged.get(place, 0) + count
    return {**cleaned, "redactions": merged}


def _gather(value: Any, texts: dict[str, None], parent: str = "") -> None:
    """Add every text in the record once, keys included; a name stands before its value where it speaks of a secret."""
    if isinstance(value, str):
        texts[value] = None
    elif isinstance(value, dict):
        for key, item in value.items():
            if isinstance(item, str):
                if parent not in _NAMES_OF_PACKAGES and _names_secret(key):
                    texts[f"{key}:{item}"] = None
                elif not _is_digest(item):
                    texts[item] = None
            else:
                _gather(item, texts, str(key))
        texts[";".join(map(str, value))] = None
    elif isinstance(value, list | tuple):
        if value and isinstance(value[0], str):
            texts[" ".join(map(str, value))] = None
        else:
            for item in value:
                _gather(item, texts)


def _is_digest(text: str) -> bool:
    """The record is full of these, and none of them is worth a look: no secret has their shape."""
    return len(text) == _DIGEST_LENGTH and text.startswith("sha256:") and not text[7:].strip("0123456789abcdef")


def _names_secret(key: str) -> bool:
    if key not in _known_keys:
        lower = str(key).lower()
        _known_keys[key] = any(word in lower for word in SECRET_WORDS)
    return _known_keys[key]


def _without_secrets(value: Any, place: str, counts: dict[str, int]) -> Any:
    from reprobuild.capture.secret_removal import redact_arguments, redact_text

    if isinstance(value, str):
        return _counted(redact_text(value), place, counts)
    if not _is_worth_a_look(value, place):
        return value
    if isinstance(value, dict):
        return dict(_entry(key, item, place, counts) for key, item in value.items())
    if isinstance(value, list | tuple):
        if place.endswith("arguments") and all(isinstance(item, str) for item in value):
            return _counted(redact_arguments(value), place, counts)
        return [_without_secrets(item, f"{place}[{number}]", counts) for number, item in enumerate(value)]
    return value


def _is_worth_a_look(value: Any, place: str) -> bool:
    """False for a part of the record that holds no secret's mark: most of it, also where another part holds one."""
    if not isinstance(value, dict | list | tuple) or not value:
        return False
    texts: dict[str, None] = {}
    _gather(value, texts, place)
    return may_hold("\n".join(texts))


def _entry(key: Any, item: Any, parent: str, counts: dict[str, int]) -> tuple[Any, Any]:
    """A key and its value. The value's place is named after the cleaned key."""
    from reprobuild.capture.secret_removal import redact_text, redact_variable

    if not isinstance(key, str):
        return key, _without_secrets(item, f"{parent}[]", counts)
    name = _counted(redact_text(key), parent or "keys", counts)
    place = f"{parent}.{name}" if parent else name
    if isinstance(item, str) and parent not in _NAMES_OF_PACKAGES:
        return name, _counted(redact_variable(key, item), place, counts)
    return name, _without_secrets(item, place, counts)


def _counted(result: tuple[Any, int], place: str, counts: dict[str, int]) -> Any:
    cleaned, count = result
    if count:
        counts[place] = counts.get(place, 0) + count
    return cleaned
