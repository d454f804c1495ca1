"""Every verdict on two runs' numbers, to the last bit."""

from __future__ import annotations

import math
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprobuild.results.comparison import (
    Agreement,
    Outcome,
    Tolerance,
    compare_results,
    is_within,
    same_bits,
    ulp_distance,
)
from reprobuild.results.values import Results


def results(**series: list[float]) -> Results:
    return Results(source="r", series={name: dict(enumerate(values)) for name, values in series.items()})


BEFORE = results(loss=[1.0, 0.5, 0.25, 0.125])


def test_the_same_bits_are_bit_exact() -> None:
    comparison = compare_results(BEFORE, [BEFORE])
    (metric,) = comparison.metrics
    assert comparison.outcome is Outcome.BIT_EXACT
    assert (metric.agreement, metric.identical, metric.first_difference) == (Agreement.IDENTICAL, 4, None)
    assert metric.curve == ((0, 1.0, 1.0), (1, 0.5, 0.5), (2, 0.25, 0.25), (3, 0.125, 0.125))


def test_one_bit_is_a_difference_and_named() -> None:
    next_to = math.nextafter(0.3, 1)
    comparison = compare_results(results(loss=[1.0, 0.3, 0.3]), [results(loss=[1.0, next_to, 0.4])])
    (metric,) = comparison.metrics
    assert comparison.outcome is Outcome.NOT_REPRODUCED
    assert metric.first_difference is not None
    assert (metric.first_difference.step, metric.first_difference.ulp) == (1, 1)
    assert (metric.first_difference.before, metric.first_difference.after) == ("0.3", "0.30000000000000004")
    assert metric.largest_difference is not None
    assert metric.largest_difference.step == 2


@pytest.mark.parametrize(
    "tolerance", [Tolerance(absolute=1e-9), Tolerance(relative=1e-8), Tolerance(ulp=1)], ids=["abs", "rel", "ulp"]
)
def test_each_tolerance_is_enough(tolerance: Tolerance) -> None:
    after = results(loss=[1.0, math.nextafter(0.5, 1), 0.25, 0.125])
    comparison = compare_results(BEFORE, [after], tolerance)
    assert (comparison.outcome, comparison.metrics[0].within) == (Outcome.WITHIN_NOISE, 1)
    assert compare_results(BEFORE, [after]).outcome is Outcome.NOT_REPRODUCED


def test_units_in_the_last_place_are_those_of_single_precision_where_both_fit() -> None:
    (above,) = struct.unpack("<f", struct.pack("<I", struct.unpack("<I", struct.pack("<f", 0.1))[0] + 3))
    (single,) = struct.unpack("<f", struct.pack("<f", 0.1))
    assert ulp_distance(single, above) == 3
    assert ulp_distance(0.1, math.nextafter(0.1, 1)) == 1
    assert ulp_distance(0.0, -0.0) == 0
    assert ulp_distance(-5e-324, 5e-324) == 2


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_the_distance_is_symmetric_and_zero_for_equals_only(first: float, second: float) -> None:
    assert ulp_distance(first, second) == ulp_distance(second, first) >= 0
    assert (ulp_distance(first, second) == 0) == (first == second)


@given(st.floats(), st.floats())
def test_any_two_numbers_can_be_compared(first: float, second: float) -> None:
    comparison = compare_results(results(loss=[first]), [results(loss=[second])], Tolerance(ulp=4))
    assert (comparison.outcome is Outcome.BIT_EXACT) == same_bits(first, second)
    # Whatever the numbers are, the comparison can be written and read back.
    assert msgspec.json.decode(msgspec.json.encode(comparison), type=type(comparison)) == comparison


def test_what_is_not_finite() -> None:
    assert same_bits(math.nan, -math.nan)
    assert not same_bits(0.0, -0.0)
    assert is_within(math.inf, math.inf, Tolerance())
    assert not is_within(math.inf, 1.0, Tolerance(absolute=math.inf, relative=1.0))
    (metric,) = compare_results(results(loss=[math.nan]), [results(loss=[1.0])]).metrics
    assert metric.first_difference is not None
    assert metric.first_difference.absolute is None


def test_a_run_that_ends_early_is_not_reproduced() -> None:
    comparison = compare_results(BEFORE, [results(loss=[1.0, 0.5])], Tolerance(absolute=10))
    assert comparison.outcome is Outcome.NOT_REPRODUCED
    assert comparison.metrics[0].only_before == (2, 3)


def test_missing_and_extra_metrics_are_named() -> None:
    comparison = compare_results(results(loss=[1.0], accuracy=[0.5]), [results(loss=[1.0], recall=[0.5])])
    assert comparison.outcome is Outcome.NOT_REPRODUCED
    assert (comparison.missing, comparison.extra) == (("accuracy",), ("recall",))
    assert compare_results(results(a=[1.0]), [results(b=[1.0])]).outcome is Outcome.NOT_REPRODUCED


def test_clocks_are_passed_over() -> None:
    before = Results(source="r", series={"loss": {0: 1.0}, "_runtime": {0: 3.0}, "epoch_duration": {0: 9.0}})
    after = Results(source="r", series={"loss": {0: 1.0}, "_runtime": {0: 4.0}})
    comparison = compare_results(before, [after])
    assert comparison.outcome is Outcome.BIT_EXACT
    assert comparison.ignored == ("_runtime", "epoch_duration")
    assert compare_results(before, [after], ignore=()).outcome is Outcome.NOT_REPRODUCED


def test_repeated_runs_teach_the_noise() -> None:
    runs = [results(loss=[1.00, 0.50]), results(loss=[1.02, 0.52]), results(loss=[1.01, 0.50])]
    near = compare_results(results(loss=[1.03, 0.49]), runs)
    assert (near.outcome, near.repeatable, near.runs) == (Outcome.WITHIN_NOISE, False, 3)
    far = compare_results(results(loss=[1.03, 0.60]), runs)
    assert far.outcome is Outcome.NOT_REPRODUCED
    assert far.metrics[0].first_difference is not None


def test_runs_that_agree_to_the_bit_teach_no_noise() -> None:
    other = results(loss=[1.0, 0.5, 0.25, 0.25])
    comparison = compare_results(BEFORE, [other, other, other])
    assert (comparison.outcome, comparison.repeatable) == (Outcome.NOT_REPRODUCED, True)
    exact = compare_results(BEFORE, [BEFORE, BEFORE])
    assert (exact.outcome, exact.repeatable) == (Outcome.BIT_EXACT, True)


def test_one_of_several_runs_that_differs_is_no_bit_exactness() -> None:
    comparison = compare_results(BEFORE, [BEFORE, results(loss=[1.0, 0.5, 0.25, 0.126])])
    assert comparison.outcome is Outcome.WITHIN_NOISE
    assert comparison.metrics[0].within == 1


def test_a_long_curve_is_thinned_and_keeps_its_first_difference() -> None:
    before = results(loss=[float(step) for step in range(10_001)])
    after = Results(source="r", series={"loss": {**before.series["loss"], 7_777: 0.0}})
    (metric,) = compare_results(before, [after]).metrics
    assert len(metric.curve) < 2_100
    assert (7_777, 7_777.0, 0.0) in metric.curve
    assert metric.curve[-1][0] == 10_000
