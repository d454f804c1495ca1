"""What a run computed: series of numbers by metric and step. Values only."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec


class Fields(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of the values of results."""


Series = dict[int, float]
"""Step to value, in the order of the steps."""


class Results(Fields, frozen=True, kw_only=True):
    """All metrics of one run, as one file or several tell them."""

    source: str
    """The file, or what else was read."""
    series: dict[str, Series] = {}
    facts: dict[str, str] = {}
    """What the run said of itself, such as ``torch.threads``: see ``reprobuild.run_facts``."""
    notes: tuple[str, ...] = ()
    """What a reader should know: a line that was cut off, several runs in one file."""

    @property
    def points(self) -> int:
        """How many numbers there are."""
        return sum(len(one) for one in self.series.values())


class Collector:
    """Gathers numbers one by one. The last of several for one metric and step counts, and that is noted."""

    def __init__(self) -> None:
        self._series: dict[str, Series] = {}
        self._twice: dict[str, int] = {}
        self.notes: list[str] = []

    def add(self, metric: str, step: int | None, value: float) -> None:
        """Add one number; without a step it follows the last one of its metric."""
        series = self._series.setdefault(metric, {})
        if step is None:
            step = max(series, default=-1) + 1
        elif step in series:
            self._twice[metric] = self._twice.get(metric, 0) + 1
        series[step] = value

    def results(self, source: str, facts: dict[str, str] | None = None) -> Results:
        """What was gathered, steps in order."""
        twice = [
            f"{name}: {count} steps are there more than once; the last counts" for name, count in self._twice.items()
        ]
        return Results(
            source=source,
            series={name: dict(sorted(series.items())) for name, series in sorted(self._series.items())},
            facts=facts or {},
            notes=(*self.notes, *twice),
        )


def merged(parts: Iterable[Results]) -> Results:
    """The results of several files as one. Where two have a metric of one name, the file's name goes before it."""
    parts = tuple(parts)
    if len(parts) == 1:
        return parts[0]
    names = [name for part in parts for name in part.series]
    series = {
        (f"{part.source}: {name}" if names.count(name) > 1 else name): values
        for part in parts
        for name, values in part.series.items()
    }
    return Results(
        source=", ".join(part.source for part in parts),
        series=dict(sorted(series.items())),
        facts={name: text for part in parts for name, text in part.facts.items()},
        notes=tuple(f"{part.source}: {note}" for part in parts for note in part.notes),
    )
