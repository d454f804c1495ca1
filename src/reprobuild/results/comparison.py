"""Old numbers against new ones, by metric and by step: identical bits, within a tolerance, or different. Pure."""

from __future__ import annotations

import enum
import fnmatch
import math
import statistics
import struct
from collections.abc import Iterable, Sequence

from reprobuild.results.values import Fields, Results, Series

IGNORED = (
    "_runtime",
    "_timestamp",
    "_wandb*",
    "*epoch_duration",
    "system/*",
    "*_runtime",
    "*_per_second",
    "*/timestamp",
    "timestamp",
    "total_flos",
)
"""Metrics that measure the machine and the clock, not the model: no two runs have the same."""

MOST_POINTS = 2000
"""As many points of a curve are kept at most; every n-th of a longer one."""


class Agreement(enum.StrEnum):
    """How the numbers of a metric agree, best first."""

    IDENTICAL = "identical"
    """Every step is there on both sides, with the same bits."""
    WITHIN_TOLERANCE = "within tolerance"
    DIFFERENT = "different"


class Outcome(enum.StrEnum):
    """The verdict on a whole run, best first."""

    BIT_EXACT = "bit-exact"
    WITHIN_NOISE = "within noise"
    NOT_REPRODUCED = "not reproduced"


class Tolerance(Fields, frozen=True, kw_only=True):
    """How far two numbers may be apart and still count as the same: any of the three is enough."""

    absolute: float = 0.0
    relative: float = 0.0
    """Of the recorded number."""
    ulp: int = 0
    """Units in the last place, of single precision where both numbers fit into it."""


class PointDifference(Fields, frozen=True, kw_only=True):
    """Two numbers of one step that are not the same."""

    step: int
    before: str
    """As Python prints it, so that every bit can be read back."""
    after: str
    absolute: float | None = None
    """None where one of them is not finite."""
    relative: float | None = None
    ulp: int | None = None


class MetricComparison(Fields, frozen=True, kw_only=True):
    """One metric on both sides."""

    metric: str
    agreement: Agreement
    identical: int = 0
    """Steps with the same bits in every run."""
    within: int = 0
    different: int = 0
    only_before: tuple[int, ...] = ()
    """Steps that only the record has."""
    only_after: tuple[int, ...] = ()
    first_difference: PointDifference | None = None
    """The first step whose bits differ, tolerated or not."""
    largest_difference: PointDifference | None = None
    curve: tuple[tuple[int, float | None, float | None], ...] = ()
    """Step, recorded and new number; None for what is absent or not finite. For drawing."""

    @property
    def steps(self) -> int:
        """How many steps both sides have."""
        return self.identical + self.within + self.different


class ResultsComparison(Fields, frozen=True, kw_only=True):
    """A recorded run's numbers against those of one new run or several."""

    outcome: Outcome
    before: str
    """What the recorded numbers were read from."""
    after: str
    runs: int
    """How many new runs there are."""
    repeatable: bool | None = None
    """Whether the new runs have the same bits among themselves; None for a single one."""
    tolerance: Tolerance = Tolerance()
    metrics: tuple[MetricComparison, ...] = ()
    missing: tuple[str, ...] = ()
    """Metrics that only the record has."""
    extra: tuple[str, ...] = ()
    """Metrics that only the new run has."""
    ignored: tuple[str, ...] = ()
    """Metrics that measure the machine and were passed over."""
    notes: tuple[str, ...] = ()
    """What the files told beside numbers, such as a line that was cut off."""


def compare_results(
    before: Results, after: Sequence[Results], tolerance: Tolerance | None = None, ignore: Iterable[str] = IGNORED
) -> ResultsComparison:
    """Compare the recorded numbers with those of the new runs, of which there is at least one.

    Several new runs teach how far the numbers of this very environment are apart from run to run. ``ignore`` holds
    patterns of metrics' names.
    """
    tolerance, patterns = tolerance or Tolerance(), tuple(ignore)
    first = after[0]
    names = [name for name in before.series if not _matches(name, patterns)]
    shared = [name for name in names if name in first.series]
    missing = tuple(name for name in names if name not in first.series)
    metrics = tuple(_metric(name, before, after, tolerance) for name in shared)
    return ResultsComparison(
        outcome=_outcome(metrics, missing),
        before=before.source,
        after=first.source,
        runs=len(after),
        repeatable=_same_bits(after, patterns) if len(after) > 1 else None,
        tolerance=tolerance,
        metrics=metrics,
        missing=missing,
        extra=tuple(name for name in first.series if name not in before.series and not _matches(name, patterns)),
        ignored=tuple(sorted({name for one in (before, first) for name in one.series if _matches(name, patterns)})),
        notes=(
            *(f"recorded: {note}" for note in before.notes),
            *dict.fromkeys(f"new: {note}" for one in after for note in one.notes),
        ),
    )


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _outcome(metrics: tuple[MetricComparison, ...], missing: tuple[str, ...]) -> Outcome:
    agreements = {one.agreement for one in metrics}
    if missing or not metrics or Agreement.DIFFERENT in agreements:
        return Outcome.NOT_REPRODUCED
    return Outcome.BIT_EXACT if agreements == {Agreement.IDENTICAL} else Outcome.WITHIN_NOISE


def _same_bits(runs: Sequence[Results], patterns: tuple[str, ...]) -> bool:
    first, *others = ({name: one for name, one in run.series.items() if not _matches(name, patterns)} for run in runs)
    return all(
        first.keys() == other.keys() and all(_same_series(first[name], other[name]) for name in first)
        for other in others
    )


def _same_series(first: Series, second: Series) -> bool:
    return first.keys() == second.keys() and all(same_bits(first[step], second[step]) for step in first)


def _metric(name: str, before: Results, after: Sequence[Results], tolerance: Tolerance) -> MetricComparison:
    old, runs = before.series[name], [run.series.get(name, {}) for run in after]
    new = runs[0]
    shared = [step for step in old if step in new]
    noise = _Noise(runs)
    identical = [step for step in shared if all(step in run and same_bits(old[step], run[step]) for run in runs)]
    rest = [step for step in shared if step not in set(identical)]
    within = [step for step in rest if noise.admits(step, old[step]) or is_within(old[step], new[step], tolerance)]
    unequal = [_difference(step, old[step], new[step]) for step in rest if not same_bits(old[step], new[step])]
    only_before = tuple(step for step in old if step not in new)
    only_after = tuple(step for step in new if step not in old)
    counts = len(identical), len(within), len(rest) - len(within)
    return MetricComparison(
        metric=name,
        agreement=_agreement(counts, bool(only_before or only_after)),
        identical=counts[0],
        within=counts[1],
        different=counts[2],
        only_before=only_before,
        only_after=only_after,
        first_difference=unequal[0] if unequal else None,
        largest_difference=max(unequal, key=_size, default=None),
        curve=_curve(old, new, unequal[0].step if unequal else None),
    )


def _agreement(counts: tuple[int, int, int], uneven: bool) -> Agreement:
    identical, within, different = counts
    if different or uneven or not identical + within:
        return Agreement.DIFFERENT
    return Agreement.WITHIN_TOLERANCE if within else Agreement.IDENTICAL


class _Noise:
    """What several runs of one environment teach of a metric: the band in which another run may lie.

    The band of a step is the range of the runs there, widened by its own width on both sides. Few runs may agree by
    chance at one step, so the width is at least the median width over all steps.
    """

    def __init__(self, runs: list[Series]) -> None:
        steps = set.intersection(*(set(run) for run in runs)) if len(runs) > 1 else set()
        self._ranges = {
            step: (min(values), max(values))
            for step in steps
            if all(map(math.isfinite, values := [run[step] for run in runs]))
        }
        widths = [high - low for low, high in self._ranges.values()]
        self._usual = statistics.median(widths) if widths else 0.0

    def admits(self, step: int, value: float) -> bool:
        if step not in self._ranges:
            return False
        low, high = self._ranges[step]
        width = max(high - low, self._usual)
        return width > 0 and low - width <= value <= high + width


def same_bits(first: float, second: float) -> bool:
    """Whether two numbers are the same to the last bit. All that are not a number count as one."""
    if math.isnan(first) or math.isnan(second):
        return math.isnan(first) and math.isnan(second)
    return struct.pack("<d", first) == struct.pack("<d", second)


def is_within(before: float, after: float, tolerance: Tolerance) -> bool:
    """Whether a number lies near enough to the recorded one."""
    if not (math.isfinite(before) and math.isfinite(after)):
        return before == after
    apart = abs(after - before)
    if apart <= max(tolerance.absolute, tolerance.relative * abs(before)):
        return True
    return bool(tolerance.ulp) and ulp_distance(before, after) <= tolerance.ulp


def ulp_distance(first: float, second: float) -> int:
    """How many numbers of their precision lie between two finite ones, the second counted; 0 for 0.0 and -0.0."""
    form, size = ("<f", 32) if _is_single(first) and _is_single(second) else ("<d", 64)
    return abs(_ordinal(first, form, size) - _ordinal(second, form, size))


def _is_single(value: float) -> bool:
    try:
        return bool(struct.unpack("<f", struct.pack("<f", value))[0] == value)
    except OverflowError:
        return False


def _ordinal(value: float, form: str, size: int) -> int:
    """The place of a number among all of its precision, 0 for zero."""
    bits = int.from_bytes(struct.pack(form, value), "little")
    sign = 1 << (size - 1)
    return bits if bits < sign else -(bits - sign)


def _difference(step: int, before: float, after: float) -> PointDifference:
    if not (math.isfinite(before) and math.isfinite(after)):
        return PointDifference(step=step, before=repr(before), after=repr(after))
    apart = abs(after - before)
    return PointDifference(
        step=step,
        before=repr(before),
        after=repr(after),
        # Two huge numbers of unlike signs may be farther apart than a number can tell.
        absolute=apart if math.isfinite(apart) else None,
        relative=apart / abs(before) if before and math.isfinite(apart / abs(before)) else None,
        ulp=ulp_distance(before, after),
    )


def _size(difference: PointDifference) -> float:
    """How large a difference is; one with what is not finite is the largest."""
    return math.inf if difference.absolute is None else difference.absolute


def _curve(
    old: Series, new: Series, first_difference: int | None
) -> tuple[tuple[int, float | None, float | None], ...]:
    steps = sorted(old.keys() | new.keys())
    every = math.ceil(len(steps) / MOST_POINTS) or 1
    kept = {*steps[::every], *steps[-1:], *([] if first_difference is None else [first_difference])}
    return tuple((step, _finite(old.get(step)), _finite(new.get(step))) for step in sorted(kept))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
