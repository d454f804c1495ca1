"""What the versions of a list tell of the Python that ran it and of its day, by the index's own metadata."""

from __future__ import annotations

import pytest
from packaging.version import Version

from reprobuild.records import parse
from reprobuild.records.python_bounds import bounds_of, likeliest, newest_pin
from reprobuild.records.release_tables import conditions, known_packages, release_of
from reprobuild.records.requirement_lines import parse_lines
from reprobuild.snapshot import Distribution

OTHERS = "".join(f"package-{number}==1.0\n" for number in range(20))
"""Enough that a list seems to be of everything that was installed."""


def listed(*lines: str) -> tuple[Distribution, ...]:
    return parse_lines("\n".join(lines)).distributions


@pytest.mark.parametrize(
    ("lines", "lowest", "highest"),
    [
        (("numpy==1.24.4",), (3, 8), (3, 11)),
        (("numpy==1.21.1",), (3, 7), (3, 9)),
        (("numpy==1.21.2",), (3, 7), (3, 10)),
        (("torch==1.10.1+cu113",), (3, 6), (3, 9)),
        (("torch==1.10.2",), (3, 6), (3, 10)),
        (("dataclasses==0.6",), None, None),
        (("dataclasses==0.8",), (3, 6), (3, 6)),
        (("numpy==99.0",), (3, 12), None),
        (("numpy==0.1",), None, None),
        (("tomli==2.0.1",), (3, 7), (3, 10)),
        (("tomli==2.0.1", "numpy==2.3.0"), (3, 11), (3, 13)),
        (("pytest==7.4.0", "iniconfig==2.0.0", OTHERS), (3, 11), None),
        (("pytest==7.4.0", "iniconfig==2.0.0"), None, None),
        (("pytest==7.4.0", OTHERS), None, None),
        (("pytest==7.4.0", "iniconfig==2.0.0", "numpy==1.21.1", OTHERS), (3, 8), (3, 9)),
        (('numpy==1.24.4 ; python_version < "3.12"',), None, None),
        (("numpy @ https://h.example/numpy-1.24.4.tar.gz",), (3, 8), None),
    ],
)
def test_what_a_list_allows(
    lines: tuple[str, ...], lowest: tuple[int, int] | None, highest: tuple[int, int] | None
) -> None:
    bounds = bounds_of(listed(*lines))
    assert (bounds.lowest, bounds.highest) == (lowest, highest)
    assert (bounds.lowest_by is None, bounds.highest_by is None) == (lowest is None, highest is None)


def test_without_a_lower_bound_the_newest_packages_day_decides() -> None:
    lines = listed("torch==1.4.0", "numpy==1.18.1", "tqdm==4.42.0")
    found = likeliest(bounds_of(lines), newest_pin(lines))
    assert found == (
        "3.7",
        "numpy 1.18.1 needs at least 3.5; numpy 1.18.1 is for Python 3.8 or older; "
        "Python 3.7 was a year old when torch 1.4.0 came out",
    )


@pytest.mark.parametrize(
    ("lines", "day"),
    [
        (("numpy==1.24.4",), "2023-06-26"),
        (("numpy==1.24.4", "certifi==2023.7.22"), "2023-07-22"),
        (("fsspec==2024.6.1", "numpy==1.24.4"), "2024-06-01"),
        (("fsspec==2023.13.40",), None),
        (("requests==2.31.0",), None),
    ],
)
def test_the_day_of_the_newest_package(lines: tuple[str, ...], day: str | None) -> None:
    pin = newest_pin(listed(*lines))
    assert (pin.day if pin else None) == day


def test_an_inferred_day_stands_in_the_snapshot_with_its_reason() -> None:
    snapshot = parse(b"numpy==1.24.4\nrequests==2.31.0\n", "freeze.txt")
    assert snapshot.recorded_at == "2023-06-26T00:00:00Z"
    (evidence,) = (item for item in snapshot.evidence if item.fact == "recorded_at")
    assert evidence.certainty == "inferred"
    assert evidence.reason == "no package whose day is known is newer: numpy 1.24.4 came out then"


def test_the_day_that_conda_built_a_package() -> None:
    line = b"numpy @ file:///croot/numpy_and_numpy_base_1672336185480/work\nsix==1.16.0\n"
    assert parse(line, "freeze.txt").recorded_at == "2022-12-29T00:00:00Z"


@pytest.mark.parametrize(
    ("lines", "contradicted"),
    [
        ("Python 3.8.10\nnumpy==1.26.4\n", True),
        ("Python 3.9.2\nnumpy==1.26.4\n", False),
        ("Python 2.7.18\ntorch==1.0.0\n", False),
        ("numpy==1.26.4\n", False),
    ],
)
def test_a_python_that_the_packages_cant_have_run_on_is_said(lines: str, contradicted: bool) -> None:
    notes = [note.message for note in parse(lines.encode(), "list.txt").notes if note.code == "python-contradicted"]
    assert notes == (
        ["the record says Python 3.8.10, and numpy 1.26.4 needs at least 3.9: one is of another environment"]
        if contradicted
        else []
    )


def test_the_tables_hold_what_they_promise() -> None:
    assert {"numpy", "torch", "pytest", "exceptiongroup"} <= known_packages()
    for each in conditions():
        assert each.first <= each.last and (3, 6) <= each.below <= (3, 20)
    numpy = release_of("numpy", Version("1.26.4"))
    assert numpy is not None and (numpy.released, numpy.lowest, numpy.highest) == ("2024-02-05", (3, 9), (3, 12))
