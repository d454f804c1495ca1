"""Real records of other people: each that can be planned gives a recipe of nothing but what a recipe consists of."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.property.expected_recipe import assert_harmless

from reprobuild import records
from reprobuild.catalog import Catalog
from reprobuild.errors import ReprobuildError
from reprobuild.explain import Page, explain
from reprobuild.planner import plan
from reprobuild.render import render

CORPUS = Path(__file__).parents[3] / "shared" / "corpus"


def test_every_record_that_can_be_planned() -> None:
    if not CORPUS.is_dir():
        pytest.skip(f"the corpus of real records is not at {CORPUS}")
    catalog = Catalog.packaged()
    planned = 0
    for path in sorted(path for path in CORPUS.rglob("*") if path.is_file()):
        try:
            snapshot = records.read(path)
            made = plan(snapshot, catalog)
        except ReprobuildError as refusal:
            assert str(refusal).isprintable()
            continue
        assert_harmless(render(made, snapshot))
        assert all(line.isprintable() for line in explain(made, Page(facts=True)).splitlines())
        planned += 1
    assert planned > 40
