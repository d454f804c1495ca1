"""Hostile text in a record that conda rebuilds: a clear error that names the place, or exactly the expected recipe."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.property.full_record import Path, text_paths, written
from tests.property.test_hostile_record import HOSTILE, assert_clear, outcome


def conda_package(name: str, version: str, build: str, subdir: str, *, url: bool) -> dict[str, Any]:
    """One entry of a record, as conda's own notes tell it or as a list does."""
    origin = {"package": name, "version": version, "channel": "conda-forge", "build": build, "subdir": subdir}
    if url:
        address = f"https://conda.anaconda.org/conda-forge/{subdir}/{name}-{version}-{build}.conda"
        origin |= {"url": address, "md5": "c" * 32, "sha256": "d" * 64}
    return {"name": name, "version": version, "installer": "conda", "conda": origin}


def conda_record(*, url: bool) -> dict[str, Any]:
    """A closed conda environment with a pip section."""
    return {
        "schema_version": 1,
        "python": {"version": "3.10.12", "environment": "conda"},
        "system": {"system": "Linux", "machine": "x86_64"},
        "source": {"remote": "https://example.org/project.git", "commit": "0123456789abcdef0123456789abcdef01234567"},
        "conda_channels": ["conda-forge", "https://conda.example/private"],
        "distributions": [
            conda_package("python", "3.10.12", "hd12c33a_0_cpython", "linux-64", url=url),
            conda_package("openssl", "3.1.1", "hd590300_1", "linux-64", url=url),
            conda_package("certifi", "2023.7.22", "pyhd8ed1ab_0", "noarch", url=url),
            {"name": "einops", "version": "0.6.1", "installer": "pip"},
        ],
    }


RECORDS = {"urls": conda_record(url=True), "specs": conda_record(url=False)}
PLACES = [
    (kind, path)
    for kind, record in RECORDS.items()
    for path in text_paths(record)
    if path[0] in ("distributions", "conda_channels", "python")
]


def with_text(kind: str, path: Path, text: str) -> dict[str, Any]:
    """A copy of the record with another text in one place."""
    record: Any = copy.deepcopy(RECORDS[kind])
    place = record
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = text
    return dict(record)


@pytest.mark.parametrize("kind", RECORDS)
def test_the_record_itself_gives_a_recipe_of_conda(kind: str) -> None:
    assert outcome(RECORDS[kind]) is None


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_each_hostile_text_in_every_place(text: str) -> None:
    for kind, path in PLACES:
        error = outcome(with_text(kind, path, text))
        if error is not None:
            assert_clear(error, path)


@settings(max_examples=500, deadline=None)
@given(place=st.sampled_from(PLACES), data=st.data())
def test_a_real_value_with_something_put_in(place: tuple[str, Path], data: st.DataObject) -> None:
    kind, path = place
    value: Any = RECORDS[kind]
    for part in path:
        value = value[part]
    at = data.draw(st.integers(0, len(value)))
    evil = data.draw(
        st.sampled_from([*HOSTILE, "\t", "\x7f", "==", "=", "@", "*", "[", ",", ">", "|", "&", "%0a", "/t/x/"])
    )
    error = outcome(with_text(kind, path, value[:at] + evil + value[at:]))
    if error is not None:
        assert_clear(error, path)


def test_the_places_are_those_of_conda() -> None:
    assert {written(path).rpartition(".")[2] for _, path in PLACES} >= {"url", "md5", "sha256", "build", "channel"}
