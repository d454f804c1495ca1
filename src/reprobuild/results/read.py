"""Opening what a run wrote: files of numbers, and the folders of W&B and MLflow."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from reprobuild.errors import RecordError
from reprobuild.records import wandb_log
from reprobuild.results.json_records import STEP_KEYS, number_of, number_of_text, read_json
from reprobuild.results.values import Collector, Results

MOST_BYTES = 512 * 1024 * 1024
"""A larger file of results is refused rather than read into memory."""


def read(path: Path, *, name: str | None = None) -> Results:
    """Read a file, or the folder of a W&B or MLflow run; ``name`` stands for it in messages.

    Files: the metrics tracker's, JSON, JSON lines, CSV, W&B's ``.wandb``. Raises RecordError for what can't be read
    or holds no number.
    """
    source = name or str(path)
    if path.is_dir():
        return _read_folder(path, source)
    content = _content(path, source)
    if path.suffix == ".wandb" or wandb_log.recognizes(content):
        return _read_wandb(content, source)
    if path.suffix == ".csv":
        return _read_csv(content, source)
    return read_json(content, source)


def short_name(path: Path) -> str:
    """A file by its name and its folder's: where it lies beyond that is nobody's business who reads the results."""
    return "/".join(path.absolute().parts[-2:])


def _content(path: Path, source: str) -> bytes:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise RecordError(f"larger than {MOST_BYTES // 1024**2} MiB, which is too much for results", source=source)
        return path.read_bytes()
    except OSError as error:
        raise RecordError(error.strerror or str(error), source=source) from error


def _read_folder(folder: Path, source: str) -> Results:
    logs = sorted(folder.glob("*.wandb")) or sorted(folder.glob("files/wandb-history.jsonl"))
    if logs:
        return read(logs[-1], name=source)
    if (folder / "metrics").is_dir():
        return _read_mlflow(folder / "metrics", source)
    runs = [*_newest_first(folder.glob("*run-*/*.wandb")), *_newest_first(folder.glob("*/*/metrics"))]
    if runs:
        # The folder of all runs: the last one is meant, such as the one that has just been made.
        return _read_folder(runs[0].parent, source)
    raise RecordError(
        "neither the folder of a W&B run nor of an MLflow run",
        source=source,
        hint="name the file that the run writes its numbers into",
    )


def _newest_first(paths: Iterator[Path]) -> list[Path]:
    return sorted(paths, key=lambda path: path.stat().st_mtime, reverse=True)


def _read_wandb(content: bytes, source: str) -> Results:
    collector = Collector()
    for row in wandb_log.history(content):
        step = row.get("_step")
        count = step if isinstance(step, int) and not isinstance(step, bool) else None
        for name, value in row.items():
            number = number_of(value)
            if number is not None and name != "_step":
                collector.add(name, count, number)
    results = collector.results(source)
    if not results.series:
        raise RecordError("the W&B run has logged no numbers", source=source)
    return results


def _read_mlflow(folder: Path, source: str) -> Results:
    """A file store keeps one file a metric, with lines of time, value and step."""
    collector = Collector()
    for path in sorted(one for one in folder.rglob("*") if one.is_file()):
        metric = path.relative_to(folder).as_posix()
        for line in _content(path, source).decode("utf-8", "replace").splitlines():
            parts = line.split()
            number = number_of_text(parts[1]) if len(parts) >= 2 else None
            if number is not None:
                collector.add(metric, int(parts[2]) if len(parts) > 2 and parts[2].isdecimal() else None, number)
    results = collector.results(source)
    if not results.series:
        raise RecordError("the MLflow run has logged no numbers", source=source)
    return results


def _read_csv(content: bytes, source: str) -> Results:
    """A table with a head, as CSV loggers write it; cells without a number are passed over."""
    collector = Collector()
    try:
        for row in csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace"))):
            # Cells behind the last head have None for a name.
            cells = {str(name).strip(): text for name, text in row.items() if name and isinstance(text, str)}
            key = next((one for one in STEP_KEYS if cells.get(one, "").strip()), None)
            step = number_of_text(cells[key]) if key else None
            for name, text in cells.items():
                number = number_of_text(text)
                if number is not None and name not in STEP_KEYS:
                    collector.add(name, int(step) if step is not None and step.is_integer() else None, number)
    except csv.Error as error:
        raise RecordError(f"not CSV: {error}", source=source) from error
    results = collector.results(source)
    if not results.series:
        raise RecordError("holds no numbers", source=source)
    return results
