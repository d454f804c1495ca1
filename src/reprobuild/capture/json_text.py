"""JSON by the parts in C that the json module itself uses. Loading that module takes longer than all that we read.

The text is the very text of ``json.dumps(value, indent=2)``, and objects are those of ``json.loads``. Where the parts
are not there, or the value is an unusual one, the json module does it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

_CONSTANTS = {None: "null", True: "true", False: "false"}


class _Unusual(Exception):
    """A value that only the json module writes or refuses."""


class _Settings:
    """What the scanner asks of a JSONDecoder."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = float
    memo: dict[str, str]

    def __init__(self) -> None:
        self.memo = {}


class EncodedList:
    """A list of the record's top level that is there as its text, which is read when somebody looks inside."""

    def __init__(self, text: str, length: int) -> None:
        self.text = text
        """As ``encode`` has it in an object of its own."""
        self._length = length
        self._items: list[Any] | None = None

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Any]:
        return iter(self._decoded())

    def __getitem__(self, index: int) -> Any:
        return self._decoded()[index]

    def __eq__(self, other: object) -> bool:
        return self._decoded() == (other._decoded() if isinstance(other, EncodedList) else other)

    __hash__ = None  # type: ignore[assignment]  # as a list has none

    def _decoded(self) -> list[Any]:
        if self._items is None:
            self._items = decode(self.text)
        return self._items


def entries_with(key: str, entries: list[dict[str, Any]] | EncodedList) -> list[dict[str, Any]]:
    """The objects that have the key. A list that is a text is read only where the key stands in it."""
    if isinstance(entries, EncodedList) and f'"{key}": ' not in entries.text:
        return []
    return [entry for entry in entries if key in entry]


def text_of_list(items: list[Any]) -> str:
    """What ``EncodedList`` holds. Raises TypeError and ValueError as ``encode`` does."""
    return encode({"": items})[len('{\n  "": ') : -len("\n}")]


def decode(text: str) -> Any:
    """The value of a JSON text without blanks around it. Raises ValueError or RecursionError."""
    try:
        from _json import make_scanner
    except ImportError:
        import json

        return json.loads(text)
    try:
        value, end = make_scanner(_Settings())(text, 0)  # type: ignore[arg-type]  # it asks for no more than this
    except StopIteration:
        raise ValueError("no JSON value") from None
    if end != len(text):
        raise ValueError("more than one JSON value")
    return value


def encode(value: Any) -> str:
    """The text of ``json.dumps(value, indent=2)``. Raises TypeError and ValueError as that does."""
    try:
        from _json import encode_basestring_ascii

        return _encoded(value, "\n", encode_basestring_ascii)
    except (ImportError, RecursionError, _Unusual):
        import json

        return json.dumps(value, indent=2, default=_items_of)


def _items_of(value: Any) -> list[Any]:
    if isinstance(value, EncodedList):
        return list(value)
    raise TypeError(f"{type(value).__name__} is nothing that JSON has")


def _encoded(value: Any, newline: str, quote: Callable[[str], str]) -> str:
    kind = type(value)
    if kind is str:
        return quote(value)
    if kind is bool or value is None:
        return _CONSTANTS[value]
    if kind is int:
        return repr(value)
    if kind is EncodedList:
        return str(value.text)
    inner = newline + "  "
    if kind is dict:
        if not value:
            return "{}"
        for key in value:
            if type(key) is not str:
                raise _Unusual
        items = [quote(key) + ": " + _encoded(item, inner, quote) for key, item in value.items()]
        return "{" + inner + ("," + inner).join(items) + newline + "}"
    if kind is list or kind is tuple:
        if not value:
            return "[]"
        return "[" + inner + ("," + inner).join([_encoded(item, inner, quote) for item in value]) + newline + "]"
    raise _Unusual
