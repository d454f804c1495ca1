"""Our JSON is the json module's, byte for byte and value for value."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprobuild.capture.json_text import decode, encode

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
    with pytest.raises(TypeError):
        encode({"a": object()})


@pytest.mark.parametrize("text", ["", "{", "{} {}", "[1,", "nul", '"\n"', "x"])
def test_broken_texts_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode(text)
