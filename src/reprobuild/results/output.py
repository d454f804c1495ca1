"""Numbers out of what a run printed, by a regular expression of the user's. Pure."""

from __future__ import annotations

import re

from reprobuild.errors import RecordError, UsageError
from reprobuild.results.json_records import number_of_text
from reprobuild.results.values import Collector, Results


def pattern_of(text: str) -> re.Pattern[str]:
    """Compile it. It names its metrics by groups, such as ``(?P<step>\\d+) loss=(?P<loss>\\S+)``.

    Groups called ``metric`` and ``value`` give a name and its number; one group without a name is called ``value``.
    Raises UsageError for an expression that is broken or has no group.
    """
    try:
        pattern = re.compile(text, re.MULTILINE)
    except (re.error, RecursionError, OverflowError) as error:
        raise UsageError(f"--results: {text!r} is no regular expression: {error}") from error
    if not pattern.groups:
        raise UsageError(
            f"--results: {text!r} has no group to take a number from",
            hint="name the numbers by groups: 'output:step (?P<step>\\d+) loss (?P<loss>\\S+)'",
        )
    return pattern


def read_output(output: str, pattern: re.Pattern[str], source: str) -> Results:
    """The numbers of every match. Raises RecordError when nothing matches."""
    collector = Collector()
    named = list(pattern.groupindex)
    for match in pattern.finditer(output):
        groups = match.groupdict()
        step = number_of_text(groups.get("step") or "")
        count = int(step) if step is not None and step.is_integer() else None
        if {"metric", "value"} <= groups.keys():
            values = {str(groups["metric"]): groups["value"]}
        elif named:
            values = {name: text for name, text in groups.items() if name != "step"}
        else:
            values = {"value": match[1]}
        for name, text in values.items():
            number = number_of_text(text or "")
            if number is not None:
                collector.add(name, count, number)
    results = collector.results(source)
    if not results.series:
        raise RecordError(
            "nothing in it matches the regular expression",
            source=source,
            hint="try the expression on the run's output; each match takes one step",
        )
    return results
