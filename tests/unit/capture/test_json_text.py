"""Our JSON is the json module's, byte for byte and value for value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprobuild.capture.json_text import EncodedList, decode, encode, entries_with, text_of_list

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(VALUES)
def test_it_writes_and_reads_as_json_does(value: Any) -> None:
    assert encode(value) == json.dumps(value, indent=2)
    assert decode(json.dumps(value)) == value


@pytest.mark.parametrize("value", [{1: "a", None: (1, 2)}, {"a": 1.5, "b": float("inf")}, {"a": ("b", {})}])
def test_unusual_values_are_written_as_json_does(value: Any) -> None:
    assert encode(value) == json.dumps(value, indent=2)


def test_what_json_refuses_is_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    with pytest.raises(ValueError, match="Circular"):
        encode(circle)
    for value in (object(), {1}, b"bytes"):
        with pytest.raises(TypeError):
            encode({"a": value})


@given(st.lists(st.dictionaries(st.text(), VALUES)))
def test_a_list_that_is_a_text_is_that_list(items: list[dict[str, Any]]) -> None:
    encoded = EncodedList(text_of_list(items), len(items))
    assert encode({"a": 1, "b": encoded, "c": []}) == json.dumps({"a": 1, "b": items, "c": []}, indent=2)
    assert encode({"a": 1.5, "b": encoded}) == json.dumps({"a": 1.5, "b": items}, indent=2)
    assert (len(encoded), list(encoded), encoded == items) == (len(items), items, True)
    assert entries_with("name", encoded) == entries_with("name", items)


@pytest.mark.parametrize("text", ["", "{", "{} {}", "[1,", "nul", '"\n"', "x"])
def test_broken_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)
