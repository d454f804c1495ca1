"""Curves as shapes: every point inside the frame, gaps kept, marks where the first difference is."""

from __future__ import annotations

import itertools
import math
import sys

from hypothesis import given
from hypothesis import strategies as st

from reprobuild.report.curves import HEIGHT, WIDTH, curves_of, draw
from reprobuild.results.comparison import compare_results
from reprobuild.results.values import Results

VALUES = st.none() | st.floats(allow_nan=False, allow_infinity=False)


def points(polyline: str) -> list[tuple[float, float]]:
    """The coordinates of a polyline."""
    return [(float(x), float(y)) for x, _, y in (pair.partition(",") for pair in polyline.split())]


@given(st.lists(st.lists(VALUES, max_size=30), min_size=1, max_size=2))
def test_everything_is_drawn_inside_the_frame(lines: list[list[float | None]]) -> None:
    drawing = draw([list(enumerate(line)) for line in lines])
    told = [value for line in lines for value in line if value is not None and abs(value) < 1e300]
    if drawing is None:
        assert not told
        return
    for x, y in itertools.chain.from_iterable(points(one) for line in drawing.lines for one in line):
        assert drawing.left <= x <= drawing.right
        assert drawing.top <= y <= drawing.bottom
    assert all(0 <= tick.at <= WIDTH for tick in drawing.steps)
    assert all(0 <= tick.at <= HEIGHT for tick in drawing.values)
    assert len(drawing.values) <= 12


def test_larger_values_stand_higher_and_later_steps_further_right() -> None:
    drawing = draw([[(0, 1.0), (1, 2.0), (2, 4.0)]])
    assert drawing is not None
    across, up = zip(*points(drawing.lines[0][0]), strict=True)
    assert list(across) == sorted(across)
    assert list(up) == sorted(up, reverse=True)


def test_a_gap_breaks_the_line_and_a_lone_point_stays_visible() -> None:
    drawing = draw([[(0, 1.0), (1, None), (2, 2.0), (3, 3.0)]])
    assert drawing is not None
    assert [len(points(one)) for one in drawing.lines[0]] == [2, 2]
    lone = points(drawing.lines[0][0])
    assert lone[0] == lone[1]


def test_values_over_many_magnitudes_are_drawn_by_their_logarithm() -> None:
    drawing = draw([[(0, 1e-6), (1, 1.0)]])
    assert drawing is not None and drawing.logarithmic
    assert [tick.label for tick in drawing.values] == ["1e-06", "1e-05", "0.0001", "0.001", "0.01", "0.1", "1"]
    # Values that touch zero have no logarithm.
    flat = draw([[(0, 0.0), (1, 1.0)]])
    assert flat is not None and not flat.logarithmic


def test_the_first_difference_is_marked_and_the_rest_described() -> None:
    before = Results(source="old", series={"loss": {step: 1 / (step + 1) for step in range(10)}})
    after = Results(source="new", series={"loss": {step: 1 / (step + 1) + (step >= 4) * 0.01 for step in range(10)}})
    curves = curves_of(compare_results(before, (after,)).metrics[0])
    assert curves is not None and curves.apart is not None
    ticks = {tick.label: tick.at for tick in curves.both.steps}
    assert curves.both.mark == ticks["4"]
    assert curves.description == (
        "loss by step: recorded from 1 at step 0 to 0.1 at step 9; new from 1 at step 0 to 0.11 at step 9; "
        "first difference at step 4"
    )


def test_equal_curves_have_no_drawing_of_their_distance() -> None:
    run = Results(source="run", series={"loss": {0: 1.0, 1: 0.5}})
    curves = curves_of(compare_results(run, (run,)).metrics[0])
    assert curves is not None
    assert (curves.apart, curves.both.mark) == (None, None)


def test_a_metric_without_a_finite_number_is_not_drawn() -> None:
    run = Results(source="run", series={"loss": {0: math.nan, 1: math.inf}})
    assert curves_of(compare_results(run, (run,)).metrics[0]) is None


def test_numbers_too_large_for_an_axis_are_gaps() -> None:
    most = sys.float_info.max
    assert draw([[(0, -most), (1, most)]]) is None
    drawing = draw([[(0, 1.0), (1, most), (2, 2.0)]])
    assert drawing is not None
    assert len(drawing.lines[0]) == 2
