"""Curves of two runs as shapes to draw: polylines, ticks and marks in the coordinates of an SVG. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from reprobuild.results.comparison import MetricComparison
from reprobuild.results.values import Fields

WIDTH, HEIGHT = 640, 260
"""Size of a drawing in its own units; a page scales it."""

_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 28, 14, 34
_MOST_POINTS = 500
"""As many points of one line are drawn: more than a screen has columns for."""

Point = tuple[float, float]


class Tick(Fields, frozen=True, kw_only=True):
    """A place on an axis, in the drawing's units, and what stands there."""

    at: float
    label: str


class Drawing(Fields, frozen=True, kw_only=True):
    """Everything that a template has to write into one SVG."""

    lines: tuple[tuple[str, ...], ...]
    """Each curve, as the ``points`` of its polylines; a gap starts another polyline."""
    steps: tuple[Tick, ...]
    values: tuple[Tick, ...]
    mark: float | None = None
    """Where a vertical line stands, if one does."""
    logarithmic: bool = False
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


class Curves(Fields, frozen=True, kw_only=True):
    """One metric of two runs, drawn."""

    metric: str
    both: Drawing
    """The recorded and the new curve."""
    apart: Drawing | None = None
    """New minus recorded, where that is not zero throughout."""
    description: str
    """For those who don't see the drawing."""


def curves_of(comparison: MetricComparison) -> Curves | None:
    """The drawings of one metric; None when there is no number to draw."""
    points = _thinned(comparison)
    old = [(step, before) for step, before, _ in points]
    new = [(step, after) for step, _, after in points]
    first = comparison.first_difference
    both = draw((old, new), mark=first.step if first else None)
    if both is None:
        return None
    differences = [
        (step, None if before is None or after is None else after - before) for step, before, after in points
    ]
    unequal = any(value for _, value in differences)
    return Curves(
        metric=comparison.metric,
        both=both,
        apart=draw((differences,), mark=first.step if first else None) if unequal else None,
        description=_description(comparison, old, new),
    )


def draw(series: Sequence[Sequence[tuple[int, float | None]]], mark: int | None = None) -> Drawing | None:
    """Scale several lines into one drawing; None when none has a number to draw. ``mark`` is a step.

    What is not finite, or so huge that an axis around it would not be, is a gap.
    """
    series = [[(step, value if _is_drawable(value) else None) for step, value in line] for line in series]
    values = [value for line in series for _, value in line if value is not None]
    steps = [step for line in series for step, value in line if value is not None]
    if not values:
        return None
    logarithmic = min(values) > 0 and max(values) / min(values) > 1000
    lowest, highest = _range(min(values), max(values), logarithmic)
    across = _Scale(min(steps), max(steps), _LEFT, WIDTH - _RIGHT)
    up = _Scale(_position(lowest, logarithmic), _position(highest, logarithmic), HEIGHT - _BOTTOM, _TOP)
    return Drawing(
        lines=tuple(tuple(_polylines(line, across, up, logarithmic)) for line in series),
        steps=tuple(Tick(at=across(step), label=f"{step:g}") for step in _ticks(min(steps), max(steps), whole=True)),
        values=tuple(
            Tick(at=up(_position(value, logarithmic)), label=f"{value:.4g}")
            for value in (_powers(lowest, highest) if logarithmic else _ticks(lowest, highest))
        ),
        mark=across(mark) if mark is not None and min(steps) <= mark <= max(steps) else None,
        logarithmic=logarithmic,
    )


class _Scale:
    """Maps an interval of values onto one of the drawing's units."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self._low, self._start, self._end = low, start, end
        self._width = high - low

    def __call__(self, value: float) -> float:
        share = (value - self._low) / self._width if self._width else 0.5
        return round(self._start + share * (self._end - self._start), 1)


def _thinned(comparison: MetricComparison) -> list[tuple[int, float | None, float | None]]:
    every = math.ceil(len(comparison.curve) / _MOST_POINTS) or 1
    first = comparison.first_difference.step if comparison.first_difference else None
    last = len(comparison.curve) - 1
    return [
        point
        for index, point in enumerate(comparison.curve)
        if index % every == 0 or index == last or point[0] == first
    ]


def _polylines(
    line: Iterable[tuple[int, float | None]], across: _Scale, up: _Scale, logarithmic: bool
) -> Iterator[str]:
    """A polyline for each stretch without a gap; a lone point is drawn as a line of no length, which has round ends."""
    stretch: list[str] = []
    for step, value in [*line, (0, None)]:
        if value is not None:
            stretch.append(f"{across(step)},{up(_position(value, logarithmic))}")
        elif stretch:
            yield " ".join(stretch if len(stretch) > 1 else stretch * 2)
            stretch = []


def _position(value: float, logarithmic: bool) -> float:
    return math.log10(value) if logarithmic else value


def _range(low: float, high: float, logarithmic: bool) -> tuple[float, float]:
    """The axis: a little wider than the values; a single value stands in the middle."""
    if logarithmic:
        return low / 1.2, high * 1.2
    margin = (high - low) * 0.05
    if margin == 0:
        margin = abs(low) * 0.1 or 1.0
    return low - margin, high + margin


def _is_drawable(value: float | None) -> bool:
    return value is not None and abs(value) < 1e300


def _ticks(low: float, high: float, *, whole: bool = False) -> list[float]:
    """Four to nine round numbers between two others, the outer ones included where they are round."""
    rough = (high - low) / 6 or 1.0
    magnitude = 10.0 ** math.floor(math.log10(rough)) if rough > 1e-300 else rough
    step = next((magnitude * factor for factor in (1, 2, 5) if magnitude * factor >= rough), magnitude * 10)
    step = max(step, 1.0) if whole else step
    first = math.ceil(low / step)
    ticks = [round((first + index) * step, 12) if whole else (first + index) * step for index in range(12)]
    return [tick for tick in ticks if low <= tick <= high]


def _powers(low: float, high: float) -> list[float]:
    """Powers of ten between two positive numbers, every n-th where there are many."""
    first, last = math.ceil(math.log10(low)), math.floor(math.log10(high))
    every = max((last - first) // 6, 1)
    return [10.0**exponent for exponent in range(first, last + 1, every)]


def _description(
    comparison: MetricComparison, old: Sequence[tuple[int, float | None]], new: Sequence[tuple[int, float | None]]
) -> str:
    ends = [f"{name} {_ends(line)}" for name, line in (("recorded", old), ("new", new)) if _ends(line)]
    first = comparison.first_difference
    alone = len(comparison.only_before) + len(comparison.only_after)
    where = f"first difference at step {first.step}" if first else "no difference" if not alone else None
    uneven = f"{alone} {'step' if alone == 1 else 'steps'} on one side only" if alone else None
    return f"{comparison.metric} by step: {'; '.join([*ends, *(part for part in (where, uneven) if part)])}"


def _ends(line: Sequence[tuple[int, float | None]]) -> str:
    told = [(step, value) for step, value in line if value is not None]
    if not told:
        return ""
    (first, start), (last, end) = told[0], told[-1]
    return f"from {start:.4g} at step {first} to {end:.4g} at step {last}"
