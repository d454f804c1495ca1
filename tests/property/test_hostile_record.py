"""Hostile text in every text of a record: a clear error that names the place, or exactly the expected recipe."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.expected_recipe import assert_harmless
from tests.property.full_record import FULL_RECORD, Path, key_paths, renamed, replaced, text_paths, written

from reprobuild import records
from reprobuild.catalog import Catalog
from reprobuild.errors import PlanError, RecordError, ReprobuildError
from reprobuild.explain import Page, explain
from reprobuild.planner import PlanOptions, plan
from reprobuild.render import render
from reprobuild.snapshot import FlatFacts, Snapshot

CATALOG = Catalog.packaged()
WITH_SOURCE = PlanOptions(with_source="recorded")
PATHS = list(text_paths())
HOSTILE = [
    "",
    " ",
    "\n",
    "x\nRUN touch /pwned",
    "1.0\nRUN touch /pwned",
    "1.0\r\nevil==1.0",
    "x\u2028RUN touch /pwned",
    "x\x00y",
    "\x1b[31mred",
    "$(touch /pwned)",
    "1.0$(touch /pwned)",
    "`touch /pwned`",
    "${IFS}touch${IFS}/pwned",
    "1.0; touch /pwned",
    "1.0 && touch /pwned",
    "1.0 || touch /pwned",
    "1.0 \\",
    "\\",
    '"; touch /pwned; "',
    "'; touch /pwned; '",
    "--index-url=https://example.org/evil",
    "-e .",
    "1.0 --hash=sha256:00",
    "1.0 # comment",
    "<<EOF",
    "../../etc/passwd",
    "{{ 7 * 7 }}",
    "{% include 'x' %}",
    "t\u043erch",
    "\uff54orch",
    "1.0\u202e",
    "\ud800",
    "https://user:secret@example.org/x",
    "ubuntu AS builder",
    "#",
]
"""Newlines, quotes, substitutions, options, comments, templates, look-alikes, a lone surrogate."""


def outcome(record: dict[str, Any]) -> ReprobuildError | None:
    """Take the record all the way: the error, or None after a recipe without anything unexpected."""
    content = json.dumps(record).encode("utf-8")
    first: ReprobuildError | None = None
    for options in (PlanOptions(), WITH_SOURCE):
        try:
            snapshot = records.parse(content, "hostile.json")
            made = plan(snapshot, CATALOG, options)
            recipe = render(made, snapshot)
        except ReprobuildError as error:
            first = first or error
            continue
        assert_harmless(recipe)
        assert all(line.isprintable() for line in explain(made, Page(facts=True)).splitlines())
    return first


def assert_clear(error: ReprobuildError, path: Path) -> None:
    """One printable line that names the place, unless it is the plan that can't be made."""
    text = str(error)
    assert isinstance(error, RecordError | PlanError), repr(error)
    assert text.isprintable() and len(text) < 1000, text[:2000]
    assert "secret" not in text
    if isinstance(error, RecordError) and not re.search(
        r"(this is not JSON: .* \(byte [0-9]+\)|truncated JSON)$", text
    ):
        assert error.path is not None, text
        place = re.split(r"[.\[]", error.path)[0]
        assert place == path[0] or path[0] in ("pip_freeze", "packages"), f"{written(path)}: {text}"


def test_the_record_itself_gives_a_recipe() -> None:
    assert outcome(FULL_RECORD) is None


def test_the_record_holds_every_text_that_the_model_has() -> None:
    fields = set(Snapshot.__struct_fields__) - {"flat", "unknown"} | set(FlatFacts.__struct_fields__)
    assert fields <= FULL_RECORD.keys()
    assert len(PATHS) > 100


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_each_hostile_text_in_every_place(text: str) -> None:
    for path in PATHS:
        error = outcome(replaced(path, text))
        if error is not None:
            assert_clear(error, path)


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_each_hostile_text_as_a_key(text: str) -> None:
    for path in key_paths():
        error = outcome(renamed(path, text))
        if error is not None:
            assert_clear(error, path)


@settings(max_examples=500, deadline=None)
@given(path=st.sampled_from(PATHS), text=st.text(max_size=60))
def test_any_text_in_any_place(path: Path, text: str) -> None:
    error = outcome(replaced(path, text))
    if error is not None:
        assert_clear(error, path)


@settings(max_examples=500, deadline=None)
@given(path=st.sampled_from(PATHS), data=st.data())
def test_a_real_value_with_something_put_in(path: Path, data: st.DataObject) -> None:
    value: Any = FULL_RECORD
    for part in path:
        value = value[part]
    at = data.draw(st.integers(0, len(value)))
    evil = data.draw(
        st.sampled_from([*HOSTILE, "\t", "\v", "\x7f", "\u00a0", "==", "@", ";", "&", "|", ">", "$", "%0a"])
    )
    error = outcome(replaced(path, value[:at] + evil + value[at:]))
    if error is not None:
        assert_clear(error, path)


LONG = [
    path
    for path in PATHS
    if path[0] in ("python", "python_version_short", "pip_freeze", "torch", "packages", "gpu_name", "cuda_toolkit")
    or path[0] == "distributions"
]


@pytest.mark.parametrize("path", LONG, ids=written)
def test_ten_megabytes_in_one_place(path: Path) -> None:
    error = outcome(replaced(path, "1" * 10_000_000))
    if error is not None:
        assert_clear(error, path)
