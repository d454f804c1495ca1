"""The numbers of one run: which files to bring back from the container, and reading them."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import msgspec

from reprobuild.errors import RecordError, UsageError
from reprobuild.metrics_tracker import METRICS_FILE
from reprobuild.results.output import pattern_of, read_output
from reprobuild.results.read import read, short_name
from reprobuild.results.values import Results, merged

OUTPUT_PREFIX = "output:"
"""In front of a regular expression that is searched for in what the run prints."""

_WILD = re.compile(r"[*?\[]")


class ResultsSource(msgspec.Struct, frozen=True, kw_only=True):
    """One place of results: files by their pattern, or the output by an expression."""

    text: str
    """As the user wrote it."""
    pattern: str | None = None
    """Path or pattern relative to the working directory, or absolute."""
    expression: re.Pattern[str] | None = None


def results_sources(given: Iterable[str]) -> tuple[ResultsSource, ...]:
    """Understand each; without any, the metrics tracker's own file. Raises UsageError."""
    return tuple(_source(text) for text in given) or (_source(METRICS_FILE),)


def _source(text: str) -> ResultsSource:
    if text.startswith(OUTPUT_PREFIX):
        return ResultsSource(text=text, expression=pattern_of(text.removeprefix(OUTPUT_PREFIX)))
    path = PurePosixPath(text)
    if not text or ".." in path.parts or str(path) == ".":
        raise UsageError(f"--results: {text!r} is no file below the working directory")
    return ResultsSource(text=text, pattern=str(path))


def collected_path(source: ResultsSource, working_directory: str) -> str | None:
    """What to bring back from the container: the path itself, or the folder above the first wildcard."""
    if source.pattern is None:
        return None
    kept: list[str] = []
    for part in PurePosixPath(source.pattern).parts:
        if _WILD.search(part):
            break
        kept.append(part)
    return posixpath.normpath(posixpath.join(working_directory, *kept))


def place_of(path: str, working_directory: str) -> PurePosixPath | None:
    """Where a file of the container belongs below a run's folder; None for one that would lie outside of it."""
    pure = PurePosixPath(path)
    base = PurePosixPath(working_directory)
    relative = pure.relative_to(base) if pure.is_relative_to(base) else pure.relative_to("/")
    return None if ".." in relative.parts or not relative.parts else relative


def read_results(sources: Iterable[ResultsSource], folder: Path, output: str) -> tuple[Results, tuple[str, ...]]:
    """The numbers that a run left in ``folder`` and in its output, and the files they are from. Raises RecordError."""
    parts, names = [], []
    for source in sources:
        if source.expression is not None:
            parts.append(read_output(output, source.expression, "the output"))
            continue
        assert source.pattern is not None
        pattern = source.pattern.lstrip("/")
        found = sorted(folder.glob(pattern)) if _WILD.search(pattern) else [folder / pattern]
        present = [path for path in found if path.exists()]
        if not present:
            raise RecordError(
                "the run has not written it",
                source=source.text,
                hint="--results takes a path relative to the working directory; --source shows where that is",
            )
        names += [path.relative_to(folder).as_posix() for path in present]
        parts += [read(path, name=path.relative_to(folder).as_posix()) for path in present]
    return merged(parts), tuple(names)


def read_recorded(sources: tuple[ResultsSource, ...], paths: tuple[Path, ...]) -> Results | None:
    """The recorded numbers, a file for each source; None where there are no files. Raises RecordError, UsageError."""
    if not paths:
        return None
    if len(paths) != len(sources):
        raise UsageError(
            f"--recorded: {len(paths)} given for {len(sources)} --results",
            hint="give one for each, in the same order",
        )
    return merged([_recorded(source, path) for source, path in zip(sources, paths, strict=True)])


def _recorded(source: ResultsSource, path: Path) -> Results:
    if source.expression is None:
        return msgspec.structs.replace(read(path), source=short_name(path))
    try:
        text = path.read_text("utf-8", "replace")
    except OSError as error:
        raise RecordError(error.strerror or str(error), source=str(path)) from error
    return msgspec.structs.replace(read_output(text, source.expression, str(path)), source=short_name(path))
