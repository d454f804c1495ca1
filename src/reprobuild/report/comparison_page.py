"""The comparison of two environments as one HTML page, the likeliest cause of other results first. Pure."""

from __future__ import annotations

import msgspec

from reprobuild.compare import Comparison, Difference, Rank
from reprobuild.report.page import fill


class RankGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Differences of one rank under its title."""

    title: str
    differences: tuple[Difference, ...]


def comparison_page(comparison: Comparison, before: str, after: str) -> str:
    """The page's HTML; ``before`` and ``after`` are what the user called the two records."""
    count = len(comparison.differences)
    values = {
        "comparison": comparison,
        "before": before,
        "after": after,
        "headline": f"{count or 'No'} {'difference' if count == 1 else 'differences'}",
        "groups": _groups(comparison),
    }
    return fill("report/comparison.html.j2", values)


def _groups(comparison: Comparison) -> tuple[RankGroup, ...]:
    groups = []
    for rank in Rank:
        found = tuple(one for one in comparison.differences if one.rank is rank)
        if found:
            groups.append(RankGroup(title=f"{rank[0].upper()}{rank[1:]}", differences=found))
    return tuple(groups)
