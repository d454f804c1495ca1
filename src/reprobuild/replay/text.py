"""How a replay reads for a person: the verdict, each metric, what could explain a difference, what to do. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

from reprobuild.proof import Outcome
from reprobuild.replay.command import command_text
from reprobuild.replay.judging import how_it_ended, metric_text
from reprobuild.replay.values import Replay
from reprobuild.report.text import Style, printable
from reprobuild.results.comparison import Agreement, ResultsComparison
from reprobuild.results.comparison import Outcome as Reproduced

_RED, _GREEN, _YELLOW, _BOLD, _DIM = "31", "32", "33", "1", "2"
_MARKS = {
    Agreement.IDENTICAL: ("✓", _GREEN),
    Agreement.WITHIN_TOLERANCE: ("≈", _YELLOW),
    Agreement.DIFFERENT: ("✗", _RED),
}
_MOST_METRICS = 30


def replay_text(replay: Replay, *, width: int = 100, color: bool = False) -> str:
    """Several lines, the most important first."""
    style = Style(color=color)
    blocks = [[style.paint(printable(_headline(replay)), f"{_BOLD};{_color(replay)}")]]
    blocks.append([*_runs(replay)])
    if replay.comparison is not None:
        blocks.append([*_metrics(replay.comparison, style, width)])
    blocks.append([*_findings(replay, style, width)])
    blocks.append([*_told(replay, style, width)])
    blocks.append([*_next_step(replay, style, width)])
    blocks.append([style.paint(line, _DIM) for line in _identity(replay)])
    return "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"


def _color(replay: Replay) -> str:
    return {Outcome.PASSED: _GREEN, Outcome.FAILED: _RED, Outcome.NOT_RUN: _YELLOW}[replay.level.outcome]


def _headline(replay: Replay) -> str:
    if replay.level.outcome is Outcome.PASSED and replay.comparison is not None:
        return f"{replay.image} replays the recorded run: {replay.comparison.outcome}"
    if replay.level.outcome is Outcome.NOT_RUN:
        return f"{replay.image} ran the command; nothing was compared"
    if any(run.failed for run in replay.runs):
        return f"{replay.image} could NOT run the command to its end"
    reproduced = replay.comparison is not None and replay.comparison.outcome is not Reproduced.NOT_REPRODUCED
    return f"{replay.image} ran other code than the recorded" if reproduced else f"{replay.image}: not reproduced"


def _runs(replay: Replay) -> Iterator[str]:
    yield f"  command  {printable(command_text(replay.command))}"
    for number, run in enumerate(replay.runs, start=1):
        name = "run" if len(replay.runs) == 1 else f"run {number}"
        problem = f"; {printable(run.problem)}" if run.problem else ""
        yield f"  {name:<9}{how_it_ended(run)}, {run.duration_s:.1f} s{problem}"
    if replay.comparison is not None and replay.comparison.repeatable is not None:
        same = "the same numbers in every run" if replay.comparison.repeatable else "other numbers from run to run"
        yield f"  repeated {same}"


def _metrics(comparison: ResultsComparison, style: Style, width: int) -> Iterator[str]:
    ordered = sorted(comparison.metrics, key=lambda one: list(Agreement).index(one.agreement), reverse=True)
    column = min(max((len(one.metric) for one in ordered), default=0), 40) + 2
    for one in ordered[:_MOST_METRICS]:
        mark, code = _MARKS[one.agreement]
        lines = textwrap.wrap(metric_text(one), max(width - column - 4, 30), break_on_hyphens=False)
        yield f"  {style.paint(mark, code)} {printable(one.metric):<{column}}{lines[0]}"
        yield from (" " * (column + 4) + line for line in lines[1:])
    if len(ordered) > _MOST_METRICS:
        yield f"    and {len(ordered) - _MOST_METRICS} more metrics"
    for name in comparison.missing:
        yield f"  {style.paint('✗', _RED)} {printable(name):<{column}}only in the record"
    for name in comparison.extra:
        yield f"  {style.paint('+', _DIM)} {printable(name):<{column}}only in the new run"


def _findings(replay: Replay, style: Style, width: int) -> Iterator[str]:
    """What was not as recorded beside the numbers."""
    told = [one for one in replay.level.differences if not one.subject.startswith(("metric ", "the run", "run "))]
    if not told:
        return
    yield style.paint("Not as recorded, and able to change the numbers", _BOLD)
    column = min(max(len(one.subject) for one in told), 40) + 2
    for one in told:
        change = f"{one.expected} → {one.found}; {one.reason}" if one.expected else f"{one.found}; {one.reason}"
        lines = textwrap.wrap(printable(change), max(width - column - 2, 30), break_on_hyphens=False)
        yield f"  {printable(one.subject):<{column}}{lines[0]}"
        yield from (" " * (column + 2) + line for line in lines[1:])


def _told(replay: Replay, style: Style, width: int) -> Iterator[str]:
    notes = list(replay.level.not_checked)
    if replay.left_out_variables:
        notes.append(f"recorded variables of the old machine, not set: {', '.join(replay.left_out_variables)}")
    untold = [name for name in replay.given_variables if name not in replay.variables]
    if untold:
        notes.append(f"set here, and not told by the record: {', '.join(untold)}")
    if notes:
        yield style.paint("Notes", _BOLD)
        for note in notes:
            yield from _wrapped(note, width)


def _next_step(replay: Replay, style: Style, width: int) -> Iterator[str]:
    if replay.level.next_step:
        yield style.paint("What to do", _BOLD)
        yield from _wrapped(replay.level.next_step, width)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(printable(text), width, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)


def _identity(replay: Replay) -> Iterator[str]:
    record, image = replay.snapshot_digest[:19], replay.image_id[:19]
    yield f"record {record}, image {image}; reprobuild {replay.reprobuild_version}, {replay.made_at}"
