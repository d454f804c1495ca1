"""YAML with every scalar as its text, and nothing that a hostile file could swell or call.

conda's ``python=3.10`` and MLflow's ``python: 3.10`` must not become the number 3.1, so no type is resolved: the
base loader gives text, lists and objects only. Depth and number of nodes are bounded before anything is built.
"""

from __future__ import annotations

from typing import Any

from reprobuild.errors import RecordError
from reprobuild.records.text import shortened

_DEEPEST = 60
_MOST_EVENTS = 1_000_000
_MOST_ALIASES = 2000


def decode_yaml(text: str, source: str) -> Any:
    """The value of a YAML text. Raises RecordError when it is broken, too deep, too long or full of aliases."""
    import yaml

    loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        _check(text, loader, source)
        return yaml.load(text, Loader=loader)  # noqa: S506 - the base loader knows no tags: text, lists and objects only
    except (yaml.YAMLError, ValueError, UnicodeError) as error:
        raise RecordError(f"this is not YAML: {_one_line(error)}", source=source) from error
    except (RecursionError, TypeError) as error:
        raise RecordError("this YAML is no record: its keys are not text", source=source) from error


def _check(text: str, loader: Any, source: str) -> None:
    """One pass over the events: a file nested too deep would overflow the loader's stack."""
    import yaml

    depth = aliases = 0
    for number, event in enumerate(yaml.parse(text, Loader=loader)):
        if number > _MOST_EVENTS:
            raise RecordError("this YAML is too long to be a record", source=source)
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        elif isinstance(event, yaml.AliasEvent):
            aliases += 1
        if depth > _DEEPEST:
            raise RecordError("this YAML is nested too deep to be a record", source=source)
        if aliases > _MOST_ALIASES:
            raise RecordError("this YAML is full of aliases, which no record needs", source=source)


def _one_line(error: Exception) -> str:
    problem = getattr(error, "problem", None) or str(error)
    mark = getattr(error, "problem_mark", None)
    place = f" (line {mark.line + 1})" if mark is not None else ""
    return f"{shortened(' '.join(str(problem).split()), 150)}{place}"


def text_of(value: Any) -> str | None:
    """``value`` when it is a text that says something: not empty, ``null`` or ``~``."""
    return value if isinstance(value, str) and value.strip() not in ("", "null", "~", "None") else None


def at(value: Any, *keys: str) -> Any:
    """What stands under ``keys`` in nested objects; None where a step is missing."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
