"""How a proof and a comparison read on a terminal: plain text of a given width, colored where wanted. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator

from packaging.utils import canonicalize_name

from reprobuild.compare import Change, Comparison, Difference, Rank
from reprobuild.proof import Finding, Level, LevelResult, Outcome, Proof, Verdict

_MARKS = {Outcome.PASSED: "✓", Outcome.FAILED: "✗", Outcome.NOT_RUN: "–"}
_RED, _GREEN, _YELLOW, _BOLD, _DIM = "31", "32", "33", "1", "2"
_COLORS = {Outcome.PASSED: _GREEN, Outcome.FAILED: _RED, Outcome.NOT_RUN: _YELLOW}
_CROWD = 4
"""As many extra packages as share one line."""
_CHANGES = {Change.CHANGED: "~", Change.ADDED: "+", Change.REMOVED: "-"}


class Style:
    """Paints words with terminal colors, or leaves them as they are."""

    def __init__(self, *, color: bool) -> None:
        self._color = color

    def paint(self, text: str, code: str) -> str:
        """The text between the code's escape sequences, where color is wanted."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._color else text


def proof_text(proof: Proof, *, width: int = 100, color: bool = False) -> str:
    """What is proved, level by level, then every difference by name, what was not checked, and what to do next."""
    style = Style(color=color)
    blocks = [[style.paint(printable(headline(proof)), f"{_BOLD};{_GREEN if proof.passed else _RED}")]]
    blocks.append([*_levels(proof.levels, style, width)])
    findings = differences(proof)
    failures = [finding for finding in findings if finding.is_failure]
    announced = [finding for finding in findings if finding.declared]
    surprises = [finding for finding in findings if not finding.declared and not finding.is_failure]
    blocks.append([*_section("Wrong or missing", failures, style, _RED, width)])
    blocks.append([*_section("Different, and not announced by the plan", surprises, style, _YELLOW, width)])
    blocks.append([*_section("Announced by the plan", announced, style, _DIM, width)])
    blocks.append([*_not_checked(proof.levels, style, width)])
    blocks.append([*_next_steps(proof.levels, style, width)])
    blocks.append([style.paint(line, _DIM) for line in _identity(proof)])
    return "\n\n".join("\n".join(lines) for lines in blocks if lines) + "\n"


def differences(proof: Proof) -> tuple[Finding, ...]:
    """Every difference once: what a later level found of a subject replaces what an earlier one said of it.

    Failures of any level stay, whatever the others say.
    """
    latest: dict[tuple[str, bool], Finding] = {}
    for result in proof.levels:
        for finding in result.findings:
            latest[_key(finding.subject), finding.is_failure] = finding
    inexact = [finding for finding in latest.values() if finding.verdict is not Verdict.EXACT]
    return tuple(sorted(inexact, key=lambda finding: -finding.verdict.rank))


def _key(subject: str) -> str:
    kind, _, name = subject.partition(" ")
    return f"package {canonicalize_name(name)}" if kind == "package" and name else subject


def headline(proof: Proof) -> str:
    """The whole proof in one line without a final period."""
    findings = differences(proof)
    if not proof.passed:
        failures = [finding for finding in findings if finding.is_failure]
        if not failures:
            return f"{proof.image}: nothing could be proved"
        if all(finding.subject.startswith("label ") for finding in failures):
            return f"{proof.image} was built from another record"
        counts = ", ".join(
            f"{sum(finding.verdict is verdict for finding in failures)} {verdict}"
            for verdict in (Verdict.WRONG, Verdict.MISSING)
            if any(finding.verdict is verdict for finding in failures)
        )
        return f"{proof.image} is NOT the recorded environment: {counts}"
    if not findings:
        return f"{proof.image} is the recorded environment: 0 differences"
    noun = "difference" if len(findings) == 1 else "differences"
    return f"{proof.image} is the recorded environment, with {len(findings)} {noun} named below ({proof.verdict})"


def _levels(levels: Iterable[LevelResult], style: Style, width: int) -> Iterator[str]:
    column = max(len(level) for level in Level) + 2
    for result in levels:
        mark = style.paint(_MARKS[result.outcome], _COLORS[result.outcome])
        lines = textwrap.wrap(printable(_level_text(result)), max(width - column - 4, 30)) or [""]
        yield f"  {mark} {result.level:<{column}}{lines[0]}"
        yield from (" " * (column + 4) + line for line in lines[1:])


def _level_text(result: LevelResult) -> str:
    """What came of a level; of one that did not run also how to run it, which is no fault to be mended."""
    if result.outcome is not Outcome.NOT_RUN:
        return result.summary
    return f"not run: {result.summary}" + (f"; {result.next_step}" if result.next_step else "")


def printable(text: str) -> str:
    """The text with everything that could move a terminal's cursor or hide something as its escape."""
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def _section(title: str, findings: list[Finding], style: Style, code: str, width: int) -> Iterator[str]:
    if not findings:
        return
    yield style.paint(title, _BOLD)
    entries = [*_entries(findings)]
    column = min(max(len(subject) for _, subject, _ in entries), 36) + 2
    for found_verdict, subject, said in entries:
        lines = textwrap.wrap(said, max(width - column - 17, 30), break_on_hyphens=False) or [""]
        verdict = style.paint(f"{found_verdict:<13}", code)
        yield f"  {verdict}{subject:<{column}}{lines[0]}"
        yield from (" " * (column + 15) + line for line in lines[1:])


def _entries(findings: list[Finding]) -> Iterator[tuple[Verdict, str, str]]:
    """Verdict, subject and text of each line; packages that are extra for one reason share a line."""
    extras: dict[str | None, list[Finding]] = {}
    for finding in findings:
        if finding.verdict is Verdict.EXTRA:
            extras.setdefault(finding.reason, []).append(finding)
        else:
            yield finding.verdict, printable(finding.subject), describe(finding)
    for reason, group in extras.items():
        if len(group) < _CROWD:
            yield from ((one.verdict, printable(one.subject), describe(one)) for one in group)
            continue
        names = ", ".join(f"{one.subject.removeprefix('package ')} {one.found or ''}".strip() for one in group)
        said = printable("; ".join(part for part in (names, reason) if part))
        yield Verdict.EXTRA, f"{len(group)} packages", said


def describe(finding: Finding) -> str:
    """What was recorded, what is in the image, and why, in one line."""
    was = "expected" if finding.subject.startswith(("label ", "files ", "import ")) else "recorded"
    match finding.expected, finding.found:
        case None, None:
            said = ""
        case None, str(found):
            said = f"in the image: {found}"
        case str(expected), None:
            said = f"{was} {_short(expected)}, not in the image"
        case str(expected), str(found):
            said = f"{was} {_short(expected)}, in the image {_short(found)}"
    return printable("; ".join(part for part in (said, finding.reason) if part))


def _not_checked(levels: Iterable[LevelResult], style: Style, width: int) -> Iterator[str]:
    lines = [(result.level, line) for result in levels for line in result.not_checked]
    if lines:
        yield style.paint("Not checked", _BOLD)
        for level, line in lines:
            yield from _wrapped(f"{level}: {line}", width)


def _next_steps(levels: Iterable[LevelResult], style: Style, width: int) -> Iterator[str]:
    failed = (result for result in levels if result.outcome is Outcome.FAILED)
    steps = [(result.level, result.next_step) for result in failed if result.next_step]
    if steps:
        yield style.paint("What to do", _BOLD)
        for level, step in steps:
            yield from _wrapped(f"{level}: {step}", width)


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(
        printable(text),
        width,
        initial_indent="  ",
        subsequent_indent="    ",
        break_on_hyphens=False,
        break_long_words=False,
    )


def _identity(proof: Proof) -> Iterator[str]:
    parts = {"record": proof.snapshot_digest, "plan": proof.plan_digest, "image": proof.image_id}
    named = ", ".join(f"{name} {_short(digest)}" for name, digest in parts.items())
    yield f"{named}; reprobuild {proof.reprobuild_version}, {proof.made_at}"


def _short(text: str) -> str:
    """Digests at the length at which people compare them."""
    return text[:19] if text.startswith("sha256:") else text


def comparison_text(comparison: Comparison, *, width: int = 100, color: bool = False) -> str:
    """The differences under their ranks, the likeliest to change results first."""
    style = Style(color=color)
    packages = f"{comparison.same_packages} packages are the same"
    if not comparison.differences:
        return "\n".join([style.paint(f"no differences; {packages}", _GREEN), *_only_one(comparison, width)]) + "\n"
    total = len(comparison.differences)
    lines = [style.paint(f"{total} {'difference' if total == 1 else 'differences'}; {packages}", _BOLD)]
    for rank in Rank:
        group = [difference for difference in comparison.differences if difference.rank is rank]
        lines += [*_ranked(rank, group, style)]
    return "\n".join([*lines, *_only_one(comparison, width)]) + "\n"


def _ranked(rank: Rank, group: list[Difference], style: Style) -> Iterator[str]:
    if not group:
        return
    yield ""
    yield style.paint(f"{rank[0].upper()}{rank[1:]}", _BOLD)
    column = min(max(len(difference.subject) for difference in group), 40) + 2
    for difference in group:
        mark = style.paint(_CHANGES[difference.change], _YELLOW)
        yield f"  {mark} {printable(difference.subject):<{column}}{printable(_change(difference))}"


def _change(difference: Difference) -> str:
    match difference.change:
        case Change.ADDED:
            return f"{difference.after} (only in the second)"
        case Change.REMOVED:
            return f"{difference.before} (only in the first)"
        case Change.CHANGED:
            if difference.detail:
                return f"{difference.after} ({difference.detail})"
            return f"{difference.before} → {difference.after}"


def _only_one(comparison: Comparison, width: int) -> Iterator[str]:
    if comparison.not_compared:
        yield ""
        yield from _wrapped(
            "not compared, because only one record tells it: " + ", ".join(comparison.not_compared), width
        )
