"""What a replay proves: the level *replays* from its runs, its comparison and what differs from the record. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from reprobuild.proof import Finding, Level, LevelResult, Outcome, Verdict
from reprobuild.replay.source import same_changes
from reprobuild.replay.values import RunOutcome
from reprobuild.results.comparison import Agreement, MetricComparison, ResultsComparison
from reprobuild.results.comparison import Outcome as Reproduced
from reprobuild.results.explanation import Explanation, Explanations
from reprobuild.snapshot import SourceFacts

_VERDICTS = {
    Agreement.IDENTICAL: Verdict.EXACT,
    Agreement.WITHIN_TOLERANCE: Verdict.EQUIVALENT,
    Agreement.DIFFERENT: Verdict.WRONG,
}


def judge(
    runs: tuple[RunOutcome, ...],
    comparison: ResultsComparison | None,
    explanations: Explanations,
    source: tuple[Finding, ...],
) -> LevelResult:
    """Fails for a run that fails, for numbers that differ, and for code that is not the recorded one."""
    exact = comparison is not None and comparison.outcome is Reproduced.BIT_EXACT
    # What differs and has changed no number is in replay.json, and no difference worth a line of the proof.
    causes = () if exact else tuple(_causes(explanations, source))
    findings = (*_runs(runs), *source, *_numbers(comparison), *causes)
    failed = any(finding.is_failure for finding in findings)
    proved = comparison is not None and not failed
    return LevelResult(
        level=Level.REPLAYS,
        outcome=Outcome.FAILED if failed else Outcome.PASSED if proved else Outcome.NOT_RUN,
        summary=_summary(runs, comparison, explanations, source),
        findings=findings,
        not_checked=_not_checked(comparison, explanations),
        next_step=None if proved else _next_step(runs, comparison, explanations, source),
    )


def source_findings(recorded: SourceFacts | None, used: SourceFacts | None) -> tuple[Finding, ...]:
    """The code that was run against the recorded commit and changes; nothing where one side tells nothing."""
    if recorded is None or used is None or not recorded.commit or not used.commit:
        return ()
    same = recorded.commit == used.commit
    found = [
        Finding(
            subject="source commit",
            verdict=Verdict.EXACT if same else Verdict.WRONG,
            expected=recorded.commit,
            found=used.commit,
            reason=None if same else "the code is not the recorded one",
        )
    ]
    told = recorded.diff is not None or recorded.dirty is False
    if same and told and not same_changes(recorded.diff, used.diff):
        found.append(
            Finding(
                subject="source changes",
                verdict=Verdict.WRONG,
                expected=_lines(recorded.diff),
                found=_lines(used.diff),
                reason="the changes since the commit are not the recorded ones",
            )
        )
    return tuple(found)


def _lines(diff: str | None) -> str:
    return f"{len(diff.splitlines())} lines of diff" if diff else "no changes"


def _runs(runs: tuple[RunOutcome, ...]) -> Iterator[Finding]:
    for number, run in enumerate(runs, start=1):
        name = "the run" if len(runs) == 1 else f"run {number}"
        if run.failed:
            yield Finding(subject=name, verdict=Verdict.WRONG, expected="exit code 0", found=how_it_ended(run))
        elif run.problem is not None:
            yield Finding(subject=f"results of {name}", verdict=Verdict.WRONG, expected="numbers", found=run.problem)
        else:
            yield Finding(subject=name, verdict=Verdict.EXACT, expected="exit code 0", found="exit code 0")


def how_it_ended(run: RunOutcome) -> str:
    """In words."""
    if run.timed_out:
        return f"stopped after {run.duration_s:.0f} s, the limit of time"
    if run.out_of_memory:
        return "stopped, because it went over the limit of memory"
    return f"exit code {run.exit_code}"


def _numbers(comparison: ResultsComparison | None) -> Iterator[Finding]:
    if comparison is None:
        return
    for metric in comparison.metrics:
        yield _metric(metric)
    for name in comparison.missing:
        reason = "the new run has no such metric"
        yield Finding(subject=f"metric {name}", verdict=Verdict.MISSING, expected="recorded", reason=reason)
    for name in comparison.extra:
        yield Finding(subject=f"metric {name}", verdict=Verdict.EXTRA, found="only in the new run")


def _metric(metric: MetricComparison) -> Finding:
    first = metric.first_difference
    identical = f"{metric.identical} steps"
    expected, found = (f"{first.before} at step {first.step}", first.after) if first else (identical, identical)
    return Finding(
        subject=f"metric {metric.metric}",
        verdict=_VERDICTS[metric.agreement],
        expected=expected,
        found=found,
        reason=metric_text(metric) if metric.agreement is not Agreement.IDENTICAL else None,
    )


def metric_text(metric: MetricComparison) -> str:
    """How one metric agrees, in a few words."""
    if metric.agreement is Agreement.IDENTICAL:
        return f"{metric.identical} {_steps(metric.identical)} identical to the bit"
    parts = []
    if first := metric.first_difference:
        relative = f", {first.relative:.1e} of it" if first.relative is not None else ""
        parts.append(f"first apart at step {first.step}: {first.before} became {first.after}{relative}")
    if metric.different:
        parts.append(f"{metric.different} of {metric.steps} {_steps(metric.steps)} differ")
    if metric.within:
        parts.append(f"{metric.within} of {metric.steps} {_steps(metric.steps)} within tolerance")
    if metric.only_before:
        parts.append(f"the new run lacks {len(metric.only_before)} {_steps(len(metric.only_before))}, "
                     f"from step {metric.only_before[0]} on")  # fmt: skip
    if metric.only_after:
        parts.append(f"the record lacks {len(metric.only_after)} {_steps(len(metric.only_after))}, "
                     f"from step {metric.only_after[0]} on")  # fmt: skip
    return "; ".join(parts)


def _steps(count: int) -> str:
    return "step" if count == 1 else "steps"


def _causes(explanations: Explanations, source: tuple[Finding, ...]) -> Iterator[Finding]:
    """Facts that differ. None of them fails the level: only numbers do, and code that is not the run's."""
    named = {"source.commit", "source.diff"} if source else set()
    for cause in explanations.causes:
        if cause.fact not in named:
            yield Finding(
                subject=cause.fact,
                verdict=Verdict.SUBSTITUTED,
                expected=cause.before,
                found=cause.after,
                reason=cause.reason,
            )


def _not_checked(comparison: ResultsComparison | None, explanations: Explanations) -> tuple[str, ...]:
    lines = [*(comparison.notes if comparison else ())]
    if comparison is not None and comparison.ignored:
        lines.append(f"metrics that measure the machine: {', '.join(comparison.ignored)}")
    different = comparison is not None and comparison.outcome is not Reproduced.BIT_EXACT
    if different and explanations.not_recorded:
        lines.append(f"not told by both runs, so neither blamed nor cleared: {', '.join(explanations.not_recorded)}")
    if different:
        lines += explanations.unsteady
    return tuple(lines)


def _summary(
    runs: tuple[RunOutcome, ...],
    comparison: ResultsComparison | None,
    explanations: Explanations,
    source: tuple[Finding, ...],
) -> str:
    failed = next((run for run in runs if run.failed), None)
    if failed is not None:
        return f"the run failed: {how_it_ended(failed)}"
    if comparison is None:
        problem = next((run.problem for run in runs if run.problem), None)
        return problem or "the run ended well; there are no recorded numbers to compare with"
    steps = sum(metric.identical for metric in comparison.metrics)
    names = ", ".join(metric.metric for metric in comparison.metrics[:3])
    if comparison.outcome is Reproduced.BIT_EXACT:
        said = f"bit-exact: {steps} numbers of {names} are identical"
    else:
        said = f"{comparison.outcome}: {_worst(comparison)}"
    stale = "; the source is not the recorded one" if any(one.is_failure for one in source) else ""
    culprits = [cause.fact for cause in explanations.causes[:3]]
    blamed = comparison.outcome is not Reproduced.BIT_EXACT and culprits
    return said + stale + (f"; not as recorded: {', '.join(culprits)}" if blamed else "")


def _worst(comparison: ResultsComparison) -> str:
    if comparison.missing:
        return f"metric {comparison.missing[0]} is missing"
    inexact = [one for one in comparison.metrics if one.agreement is not Agreement.IDENTICAL]
    worst = max(inexact, key=lambda one: one.agreement is Agreement.DIFFERENT, default=None)
    return f"{worst.metric}: {metric_text(worst)}" if worst else "no metric is on both sides"


def _next_step(
    runs: tuple[RunOutcome, ...],
    comparison: ResultsComparison | None,
    explanations: Explanations,
    source: tuple[Finding, ...],
) -> str:
    stale = next((one for one in source if one.is_failure), None)
    if stale is not None:
        commit = source[0].expected
        return f"check out the recorded code: git checkout {commit}, apply the recorded changes, and replay again"
    failed = next((run for run in runs if run.failed), None)
    if failed is not None:
        return _after_failure(failed)
    if comparison is None:
        return "name the recorded numbers with --recorded FILE, and where the run writes its own with --results FILE"
    if any("cut off" in note for note in comparison.notes):
        return "a file of numbers is cut off: compare with a whole one, or record the run's numbers anew"
    if explanations.causes:
        return _after_cause(explanations.causes[0])
    if comparison.runs == 1:
        return "no recorded fact differs: repeat with --repeat 3 to learn whether the run gives the same numbers twice"
    if comparison.repeatable:
        return "the new runs agree among themselves, so something that nobody recorded has changed: the code, the "\
               "data or the processor"  # fmt: skip
    return "the run does not give the same numbers twice: seed it, and use deterministic algorithms"


def _after_failure(run: RunOutcome) -> str:
    if run.timed_out:
        return "give it more time with --timeout SECONDS, or fewer steps with a command of your own behind --"
    if run.out_of_memory:
        return "give it more with --memory, such as --memory 16g"
    if run.exit_code in (126, 127):
        return "the image can't execute the command: give one behind --, such as -- python train.py"
    return (
        "read what it printed in output.txt; data and code come in with --data and --source, a network with --network"
    )


def _after_cause(cause: Explanation) -> str:
    kind, _, name = cause.fact.partition(".")
    match kind:
        case "environment_variables":
            return f"replay with {name} as recorded, which is {cause.before}"
        case "seeds" | "command":
            return f"replay with {cause.fact} as recorded: {cause.before}"
        case "gpu" | "system":
            return f"replay on a machine with the recorded {cause.fact}, {cause.before}, or allow a tolerance"
    return f"rebuild the image with {cause.fact} {cause.before}: `reprobuild verify` says what else differs"
