"""The words of a page: how each verdict looks and what it means, and sentences made of numbers. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from reprobuild.plan import Decision
from reprobuild.results.comparison import Outcome, PointDifference, ResultsComparison, Tolerance

_GOOD, _FAIR, _WARN, _BAD, _PLAIN = "good", "fair", "warn", "bad", ""

_LOOKS: dict[str, tuple[str, str]] = {
    "exact": (_GOOD, "✓"),
    "passed": (_GOOD, "✓"),
    "identical": (_GOOD, "✓"),
    "bit-exact": (_GOOD, "✓"),
    "equivalent": (_FAIR, "≈"),
    "extra": (_FAIR, "+"),
    "within tolerance": (_FAIR, "≈"),
    "within noise": (_FAIR, "≈"),
    "added": (_FAIR, "+"),
    "changed": (_WARN, "~"),
    "removed": (_WARN, "−"),
    "substituted": (_WARN, "⇄"),
    "missing": (_BAD, "✗"),
    "wrong": (_BAD, "✗"),
    "failed": (_BAD, "✗"),
    "different": (_BAD, "✗"),
    "not reproduced": (_BAD, "✗"),
}
"""Class in the style sheet and mark of each word, so that color is never the only sign. Others are plain."""

MEANINGS: tuple[tuple[str, str], ...] = (
    ("exact", "The same version from the same origin."),
    ("equivalent", "The same version from another build, or something known to serve as well."),
    ("substituted", "Another version, operating system, platform or CUDA stands in; it is named with its reason."),
    ("missing", "Recorded, but not in the image; it is named."),
    ("extra", "In the image, but not in the record."),
    ("wrong", "In the image, but neither as recorded nor as planned."),
    ("bit-exact", "Every number of the new run has the same bits as the recorded one."),
    ("within noise", "Every number is as near to the recorded one as the tolerance or the runs' own noise allows."),
    ("not reproduced", "A number is farther away than that, or is not there."),
)
"""The glossary at the end of a page."""

_LEVELS = {
    "declared": "What the image and its plan say of themselves.",
    "installed": "Python, every package and the libraries below them, as the image's own metadata tell.",
    "identical": "The files of every package, byte for byte.",
    "loads": "What was recorded can be imported and finds its libraries.",
    "device": "A GPU computes, as it was set up in the recorded run.",
    "replays": "The recorded command gives the recorded numbers.",
}


def results_sentence(results: ResultsComparison) -> str:
    """The verdict on a new run's numbers, in one sentence."""
    metrics = len(results.metrics)
    what = f"{metrics} metric{'' if metrics == 1 else 's'}, {sum(one.steps for one in results.metrics)} numbers"
    match results.outcome:
        case Outcome.BIT_EXACT:
            return f"The new run is bit-exact: every recorded number came back with the same bits ({what})."
        case Outcome.WITHIN_NOISE:
            return f"The new run's numbers are not the same bits but within the tolerance ({what})."
        case Outcome.NOT_REPRODUCED:
            return f"The new run does not reproduce the recorded numbers ({what}); what differs is shown below."


def tolerance_words(tolerance: Tolerance) -> str:
    """The tolerance that was allowed: ``none``, or what each number may be apart."""
    parts = [
        f"{tolerance.absolute:g} absolute" if tolerance.absolute else "",
        f"{tolerance.relative:g} of the recorded number" if tolerance.relative else "",
        f"{tolerance.ulp} units in the last place" if tolerance.ulp else "",
    ]
    return " or ".join(part for part in parts if part) or "none"


def point(difference: PointDifference | None) -> str:
    """``step 12: 0.25 → 0.26 (0.01 apart)``; a dash where there is none."""
    if difference is None:
        return "–"
    apart = f" ({difference.absolute:.2g} apart)" if difference.absolute is not None else ""
    return f"step {difference.step}: {difference.before} → {difference.after}{apart}"


def brief(text: str) -> str:
    """A digest by its beginning, which is enough to tell two apart; any other text as it is."""
    return f"{text[:19]}…" if re.fullmatch(r"sha256:[0-9a-f]{64}", text) else text


def grounds(decision: Decision) -> str:
    """What a decision's details hold: ``3 facts, 2 runners-up``."""
    facts, others = len(decision.facts), len(decision.alternatives)
    parts = [
        f"{facts} fact{'' if facts == 1 else 's'}" if facts else "",
        f"{others} {'runner-up' if others == 1 else 'runners-up'}" if others else "",
    ]
    return ", ".join(part for part in parts if part)


FILTERS: Mapping[str, Callable[..., object]] = {
    "tone": lambda word: _LOOKS.get(str(word), (_PLAIN, ""))[0],
    "mark": lambda word: _LOOKS.get(str(word), (_PLAIN, "·"))[1],
    "level_meaning": lambda level: _LEVELS.get(str(level), ""),
    "upper_first": lambda text: str(text)[:1].upper() + str(text)[1:],
    "point": point,
    "grounds": grounds,
    "brief": brief,
}
"""What templates of pages can do with a value."""
