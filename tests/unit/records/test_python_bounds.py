"""What the versions of a list tell of the Python that ran it and of its day, by the index's own metadata."""

from __future__ import annotations

import pytest
from packaging.version import Version

from reprobuild.records import Choice, parse
from reprobuild.records.python_bounds import bounds_of, likeliest, newest_pin
from reprobuild.records.release_tables import conditions, day_of_python, known_packages, release_of
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
        (('numpy==1.24.4 ; python_version < "3.12"', "six==1.16.0"), None, None),
        (('numpy==1.24.4 ; python_version < "3.12"',), (3, 8), (3, 11)),
        (('six==1.16.0 ; python_version < "3.12"',), None, (3, 11)),
        (("tensorflow==2.15.0",), (3, 9), (3, 11)),
        (("tensorflow==1.15.5+nv22.12",), (3, 6), None),
        (("jaxlib==0.4.26+cuda12.cudnn89",), (3, 9), (3, 12)),
        (("tensorboard==2.17.0",), (3, 9), None),
        (("numpy @ https://h.example/numpy-1.24.4.tar.gz",), (3, 8), None),
    ],
)
def test_what_a_list_allows(
    lines: tuple[str, ...], lowest: tuple[int, int] | None, highest: tuple[int, int] | None
) -> None:
    bounds = bounds_of(listed(*lines))
    assert (bounds.lowest, bounds.highest) == (lowest, highest)
    assert (bounds.lowest_by is None, bounds.highest_by is None) == (lowest is None, highest is None)


@pytest.mark.parametrize(
    ("lines", "python"),
    [
        # pipenv writes what each package itself allows.
        (
            ("numpy==2.1.3 ; python_version >= '3.10'", "black==24.10.0 ; python_version >= '3.9'", "six==1.16.0"),
            "3.10",
        ),
        # poetry writes the project's range behind every line, and what only older Pythons need beside it.
        (
            (
                'numpy==1.24.4 ; python_version >= "3.8" and python_version < "3.12"',
                'tomli==2.0.1 ; python_version >= "3.8" and python_version < "3.11"',
                'six==1.16.0 ; python_version >= "3.9" and python_version < "3.12"',
            ),
            "3.8",
        ),
        (('six==1.16.0 ; python_version >= "3.9" and python_version < "4.0"',), "3.9"),
        # uv writes one line for each choice: none of them tells what was chosen.
        (
            (
                "numpy==1.24.4 ; python_full_version < '3.9'",
                "numpy==2.2.6 ; python_full_version >= '3.10'",
                "tensorboard==2.17.0",
            ),
            "3.9",
        ),
        (("tensorflow==2.15.0 ; sys_platform == 'win32'", "scikit-learn==1.3.0"), "3.8"),
        (("tensorflow==2.15.0 ; no_such_variable == 'x'", "scikit-learn==1.3.0"), "3.8"),
        (("numpy==2.1.3 ; (python_version >= '3.10'", "scikit-learn==1.3.0"), "3.8"),
    ],
)
def test_markers_tell_which_lines_were_installed(lines: tuple[str, ...], python: str) -> None:
    found = likeliest(bounds_of(listed(*lines)))
    assert found is not None and found[0] == python


def test_lists_of_countless_different_markers_are_read_without_them() -> None:
    lines = [f"package-{number}==1.0 ; python_version < '3.{number}'" for number in range(1_100)]
    assert bounds_of(listed(*lines, "numpy==1.24.4")) == bounds_of(listed("numpy==1.24.4"))


def test_of_pythons_before_38_the_newest_packages_day_chooses() -> None:
    lines = listed("tensorflow==2.5.1", "scipy==1.7.1")
    assert likeliest(bounds_of(lines), newest_pin(lines)) == (
        "3.8",
        "scipy 1.7.1 needs at least 3.7; scipy 1.7.1 is for Python 3.9 or older; "
        "Python 3.8 was a year old when tensorflow 2.5.1 came out",
    )
    assert likeliest(bounds_of(lines)) == (
        "3.7",
        "scipy 1.7.1 needs at least 3.7; scipy 1.7.1 is for Python 3.9 or older; the lowest is taken",
    )


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
        (("torch==2.2.0.dev20231201+cu121",), "2023-12-01"),
        (("tfds-nightly==4.9.4.dev202404230044",), "2024-04-23"),
        (("somebodys==0.1.dev99999999",), None),
        (("torch==1.9.0a0+gitec609e7",), None),
        (("jaxlib==0.4.13+cuda12.cudnn89",), None),
        (("torchvision==0.10.0+cu111", "scipy==1.2.1"), "2021-06-15"),
        (('numpy==1.24.4 ; python_version < "3.9"', "six==1.16.0"), "2023-06-26"),
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


@pytest.mark.parametrize(
    ("lines", "because"),
    [
        ("numpy==1.24.4\n", "numpy 1.24.4 came out then"),
        ("numpy==1.24.99\n", "numpy 1.24.4 (older than the listed 1.24.99) came out then"),
        ("Python 3.12.3\nnumpy==1.24.4\n", "Python 3.12.3 came out then"),
        ("Python 3.6.9\nnumpy==1.24.4\n", "numpy 1.24.4 came out then"),
    ],
)
def test_the_reason_of_a_day_names_what_came_out_then(lines: str, because: str) -> None:
    (evidence,) = (item for item in parse(lines.encode(), "list.txt").evidence if item.fact == "recorded_at")
    assert evidence.reason == f"no package whose day is known is newer: {because}"


def test_a_python_that_was_chosen_for_a_lock_file_tells_no_day() -> None:
    lock = b'lock-version = "1.0"\ncreated-by = "x"\n[[packages]]\nname = "numpy"\nversion = "1.24.4"\n'
    snapshot = parse(lock, "pylock.toml", choice=Choice(python="3.12.3"))
    assert (snapshot.python.version, snapshot.recorded_at) == ("3.12.3", "2023-06-26T00:00:00Z")


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
        ("Python 3.8.10\nnumpy==1.26.4 ; python_version >= '3.9'\nsix==1.16.0\n", False),
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
    assert day_of_python("3.6.9") == "2019-07-02" and day_of_python("3.6") is None
    numpy = release_of("numpy", Version("1.26.4"))
    assert numpy is not None and (numpy.released, numpy.lowest, numpy.highest) == ("2024-02-05", (3, 9), (3, 12))
