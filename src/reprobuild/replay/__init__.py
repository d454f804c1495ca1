"""Running the recorded command in the rebuilt image, and comparing its numbers with the recorded ones.

Layer: beside ``verify``, above ``engine``. Only the engine runs anything; ``judging`` and what it rests on are pure.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from reprobuild import __version__
from reprobuild.engine import Collected, Ended, Engine, Printed, Task, TaskEvent
from reprobuild.errors import RecordError, ReprobuildError, UsageError
from reprobuild.replay.command import chosen_command, command_facts, recorded_command
from reprobuild.replay.gathering import (
    ResultsSource,
    collected_path,
    place_of,
    read_recorded,
    read_results,
    results_sources,
)
from reprobuild.replay.judging import judge, source_findings
from reprobuild.replay.source import pack, source_facts
from reprobuild.replay.values import WORKSPACE, Replay, ReplayOptions, RunOutcome
from reprobuild.replay.variables import Variables, variables_of
from reprobuild.results.comparison import compare_results
from reprobuild.results.explanation import Explanations, explain
from reprobuild.results.values import Results
from reprobuild.snapshot import Snapshot, SourceFacts
from reprobuild.verify.container import probe_image

OUTPUT_FILE = "output.txt"
"""What a run printed, in its folder."""

_PLAN_LABEL = "dev.reprobuild.plan-digest"
_MOST_OUTPUT = 64 * 1024**2
"""As much of the output is searched for numbers; a run that prints more is still shown and kept whole."""


def replay(
    snapshot: Snapshot,
    image: str,
    engine: Engine,
    options: ReplayOptions,
    on_output: Callable[[Printed], None] = lambda _: None,
    *,
    now: datetime | None = None,
) -> Replay:
    """Run the command as often as asked, compare, explain, judge.

    Everything that can be checked is checked before the first run. Raises UsageError for options that don't fit,
    RecordError for recorded numbers that can't be read, EngineError when the engine does not answer.
    """
    command = chosen_command(snapshot, options.command)
    sources = results_sources(options.results)
    recorded = read_recorded(sources, options.recorded)
    if options.output.exists() and (not options.output.is_dir() or any(options.output.iterdir())):
        hint = "results of an earlier run must not pass for those of this one: name another folder"
        raise UsageError(f"--output: {options.output} is not an empty folder", hint=hint)
    facts = engine.inspect(image)
    variables = variables_of(snapshot.environment_variables, options.variables)
    used = source_facts(options.source) if options.source is not None else None
    task = _task(snapshot, facts.image_id, command, variables, sources, options)
    found = _probed(engine, facts.image_id)
    outcomes, results = [], []
    for number in range(1, options.repeat + 1):
        folder = options.output / f"run-{number}" if options.repeat > 1 else options.output
        outcome, numbers = _run(engine, task, sources, folder, on_output)
        outcomes.append(outcome)
        results += [numbers] if numbers is not None else []
        if outcome.failed:
            break
    complete = recorded is not None and len(results) == options.repeat
    comparison = (
        compare_results(recorded, results, options.tolerance, options.ignore) if complete and recorded else None
    )
    after = _as_run(found, command, variables, used) if found is not None else None
    explanations = _explained(_as_recorded(snapshot, variables), after, recorded, results[0] if results else None)
    level = judge(tuple(outcomes), comparison, explanations, source_findings(snapshot.source, used))
    return Replay(
        snapshot_digest=snapshot.digest,
        image=image,
        image_id=facts.image_id,
        image_digests=facts.repo_digests,
        plan_digest=facts.labels.get(_PLAN_LABEL),
        reprobuild_version=__version__,
        made_at=(now or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        command=command,
        variables=variables.recorded,
        given_variables=tuple(sorted(variables.given)),
        left_out_variables=variables.left_out,
        runs=tuple(outcomes),
        comparison=comparison,
        explanations=explanations,
        level=level,
    )


def _task(
    snapshot: Snapshot,
    image: str,
    command: tuple[str, ...],
    variables: Variables,
    sources: tuple[ResultsSource, ...],
    options: ReplayOptions,
) -> Task:
    folder = working_directory(snapshot, options.source)
    # Results of an earlier run must not pass for those of this one.
    stale = [source.pattern for source in sources if source.pattern is not None]
    inside = posixpath.relpath(folder, WORKSPACE)
    stale += [posixpath.normpath(posixpath.join(inside, pattern)) for pattern in stale if inside != "."]
    return Task(
        image=image,
        command=command,
        environment=variables.all,
        working_directory=folder,
        archive=pack(options.source, WORKSPACE, stale),
        mounts=options.mounts,
        network=options.network,
        gpus=options.gpus,
        memory_bytes=options.memory_bytes,
        timeout_s=options.timeout_s,
        collect=tuple(path for source in sources if (path := collected_path(source, folder))),
    )


def working_directory(snapshot: Snapshot, source: Path | None) -> str:
    """The recorded directory below the top of the code, where the given folder has it; else the top."""
    recorded = snapshot.source.directory if snapshot.source else None
    if recorded and source is not None and ".." not in Path(recorded).parts and (source / recorded).is_dir():
        return posixpath.normpath(posixpath.join(WORKSPACE, recorded.lstrip("/")))
    return WORKSPACE


def _probed(engine: Engine, image: str) -> Snapshot | None:
    """What the image holds, for the explanation; a replay without Python in the image has none."""
    try:
        return probe_image(engine, image, timeout_s=600, libraries=True)
    except ReprobuildError:
        return None


def _run(
    engine: Engine,
    task: Task,
    sources: tuple[ResultsSource, ...],
    folder: Path,
    on_output: Callable[[Printed], None],
) -> tuple[RunOutcome, Results | None]:
    """One run: follow it, keep what it printed and left, and read its numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    text, ended = bytearray(), Ended(exit_code=-1, duration_s=0.0)
    with (folder / OUTPUT_FILE).open("wb") as kept:

        def take(event: TaskEvent) -> None:
            nonlocal text, ended
            match event:
                case Printed(content=content):
                    kept.write(content)
                    kept.flush()
                    text += content[: _MOST_OUTPUT - len(text)]
                    on_output(event)
                case Collected(path=path, content=content):
                    _keep(folder, path, content, task.working_directory or "/")
                case Ended():
                    ended = event

        _take_each(engine.follow(task), take)
    outcome = RunOutcome(
        exit_code=ended.exit_code,
        duration_s=round(ended.duration_s, 3),
        timed_out=ended.timed_out,
        out_of_memory=ended.out_of_memory,
    )
    try:
        results, names = read_results(sources, folder, text.decode("utf-8", "replace"))
    except RecordError as error:
        return msgspec.structs.replace(outcome, problem=str(error)), None
    return msgspec.structs.replace(outcome, results=names), results


def _take_each(events: Iterator[TaskEvent], take: Callable[[TaskEvent], None]) -> None:
    """Hand each event over. Ctrl-C is the command's to hear, whether it comes while one waits or while one is taken."""
    event = next(events, None)
    while event is not None:
        try:
            take(event)
        except KeyboardInterrupt as interruption:
            if not isinstance(events, Generator):
                raise
            event = events.throw(interruption)
        else:
            event = next(events, None)


def _keep(folder: Path, path: str, content: bytes, working_directory: str) -> None:
    place = place_of(path, working_directory)
    if place is not None:
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _as_run(found: Snapshot, command: tuple[str, ...], variables: Variables, used: SourceFacts | None) -> Snapshot:
    """The image's environment with what this run added to it, in the shape of a record."""
    return msgspec.structs.replace(
        found,
        command=command_facts(command),
        environment_variables=variables.seen(found.environment_variables),
        source=SourceFacts(commit=used.commit) if used is not None else None,
    )


def _explained(
    snapshot: Snapshot, after: Snapshot | None, recorded: Results | None, results: Results | None
) -> Explanations:
    if after is None:
        return Explanations()
    told = recorded.facts if recorded else {}, results.facts if results else {}
    return explain(snapshot, after, *told)


def _as_recorded(snapshot: Snapshot, variables: Variables) -> Snapshot:
    """The record as it compares with a run: the command in the same shape, and no variables of the old machine."""
    kept = {name: text for name, text in snapshot.environment_variables.items() if name not in variables.left_out}
    command = command_facts(recorded_command(snapshot))
    return msgspec.structs.replace(snapshot, command=command, environment_variables=kept)
