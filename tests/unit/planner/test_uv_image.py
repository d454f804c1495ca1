"""The uv of a plan: its image, and how certain it is that the image exists."""

from __future__ import annotations

from tests.unit.planner.records import decision, planned

from reprobuild.catalog import Catalog
from reprobuild.plan import Fact, Plan, Question
from reprobuild.snapshot import PythonFacts, Snapshot

SNAPSHOT = Snapshot(python=PythonFacts(version="3.11.7"))


def uv_fact(plan: Plan) -> Fact:
    return next(fact for fact in decision(plan, Question.PYTHON).facts if fact.name == "uv's image")


def test_a_plan_tells_how_it_is_known_that_uvs_image_exists() -> None:
    result = planned(SNAPSHOT)
    known = Catalog.packaged().uv_images.get(Catalog.packaged().cpython.uv_version)
    assert known is not None
    assert result.uv_image == known.reference == uv_fact(result).value
    assert (uv_fact(result).source, uv_fact(result).certainty) == ("tool_images", known.certainty)


def test_an_image_that_the_user_names_is_told() -> None:
    result = planned(SNAPSHOT, uv_image="mirror.example.com/uv:1.2.3")
    assert result.uv_image == "mirror.example.com/uv:1.2.3"
    assert (uv_fact(result).source, uv_fact(result).certainty) == ("option", "told")
