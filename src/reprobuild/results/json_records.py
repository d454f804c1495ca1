"""Numbers in JSON and JSON lines: the metrics tracker's file, lists of records, plain objects, trainer states. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from reprobuild.errors import RecordError
from reprobuild.results.values import Collector, Results

STEP_KEYS = ("step", "global_step", "_step", "iteration", "iter", "epoch")
"""Keys that count a record, the first of them that is there."""

_HISTORIES = ("log_history", "history", "metrics", "epochs", "steps")
"""Keys whose list of records is the run itself, so that they are no part of a metric's name."""

_ODD_NUMBERS = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}
_HEXADECIMAL = re.compile(r"[+-]?0x[0-9a-f]*\.?[0-9a-f]*p[+-]?\d+", re.IGNORECASE)


def read_json(content: bytes, source: str) -> Results:
    """Read a JSON document, or JSON lines. Raises RecordError when it is neither, or holds no number."""
    text = content.decode("utf-8-sig", "replace")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return read_lines(text.split("\n"), source)
    if isinstance(document, dict) and "kind" in document and "run" in document:
        return read_lines([text], source)
    collector = Collector()
    _take_document(collector, document)
    return _some(collector.results(source))


def read_lines(lines: Iterable[str], source: str) -> Results:
    """Read JSON lines: the tracker's, or one record of numbers a line. A line that is torn is noted and left out."""
    records, notes = [], []
    numbered = [(number, line) for number, line in enumerate(lines, start=1) if line.strip()]
    for number, line in numbered:
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            last = number == numbered[-1][0]
            notes.append(f"line {number} is cut off" + (", and it is the last one" if last else ""))
            continue
        if isinstance(record, dict):
            records.append(record)
    if not records:
        raise RecordError("neither JSON nor JSON lines", source=source)
    mine = [record for record in records if "run" in record and record.get("kind") in ("run", "scalar", "epoch")]
    collector = Collector()
    facts = _take_tracked(collector, mine) if mine else {}
    if not mine:
        _take_records(collector, records, "")
    collector.notes += notes
    return _some(collector.results(source, facts))


def number_of(value: Any) -> float | None:
    """A JSON value as a number; truth values and other texts are none."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, str):
        return _ODD_NUMBERS.get(value)
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def number_of_text(text: str) -> float | None:
    """A number as programs print it: ``0.25``, ``1e-3``, ``nan``, ``0x1.8p-2``."""
    text = text.strip()
    try:
        return float.fromhex(text) if _HEXADECIMAL.fullmatch(text) else float(text.replace(",", ""))
    except (ValueError, OverflowError):
        return None


def _some(results: Results) -> Results:
    if not results.series:
        raise RecordError("holds no numbers", source=results.source)
    return results


def _take_tracked(collector: Collector, records: list[dict[str, Any]]) -> dict[str, str]:
    """The last run of each rank in a tracker's file; its facts as the value."""
    last: dict[int, str] = {}
    for record in records:
        last[_rank(record)] = str(record["run"])
    runs = {str(record["run"]) for record in records}
    if len(runs) > len(last):
        collector.notes.append(f"the file holds {len(runs)} runs; the last one counts")
    facts: dict[str, str] = {}
    for record in records:
        rank = _rank(record)
        if record["run"] != last[rank]:
            continue
        suffix = f" (rank {rank})" if rank else ""
        match record["kind"]:
            case "run":
                told = record.get("facts")
                if rank == min(last) and isinstance(told, dict):
                    facts |= {str(name): str(text) for name, text in told.items()}
            case "scalar":
                value = number_of(record.get("value"))
                if value is not None:
                    collector.add(f"{record.get('metric')}{suffix}", _step(record, ("step",)), value)
            case _:
                step = _step(record, ("epoch",))
                left_out = ("run", "rank", "kind", "epoch")
                for name, value in _numbers({key: one for key, one in record.items() if key not in left_out}):
                    collector.add(f"{name}{suffix}", step, value)
    return facts


def _rank(record: dict[str, Any]) -> int:
    rank = record.get("rank", 0)
    return rank if isinstance(rank, int) else 0


def _take_document(collector: Collector, document: Any) -> None:
    """A list of records or numbers, or an object of numbers, lists and further objects."""
    if isinstance(document, list):
        _take_list(collector, document, "value")
        return
    for key, value in document.items() if isinstance(document, dict) else ():
        if isinstance(value, list):
            _take_list(collector, value, key)
        elif isinstance(value, dict) or number_of(value) is not None:
            for name, number in _numbers({key: value}):
                collector.add(name, 0, number)
            for name, items in _lists({key: value} if isinstance(value, dict) else {}):
                _take_list(collector, items, name)


def _take_list(collector: Collector, items: list[Any], name: str) -> None:
    records = [item for item in items if isinstance(item, dict)]
    if records:
        _take_records(collector, records, "" if name in (*_HISTORIES, "value") else f"{name}/")
        return
    for item in items:
        value = number_of(item)
        if value is not None:
            collector.add(name, None, value)


def _take_records(collector: Collector, records: list[dict[str, Any]], prefix: str) -> None:
    for record in records:
        step = _step(record, STEP_KEYS)
        if isinstance(record.get("metric"), str) and number_of(record.get("value")) is not None:
            collector.add(prefix + record["metric"], step, number_of(record["value"]) or 0.0)
            continue
        counters = {key for key in STEP_KEYS if key in record}
        for name, value in _numbers({key: one for key, one in record.items() if key not in counters}):
            collector.add(prefix + name, step, value)


def _step(record: dict[str, Any], keys: Iterable[str]) -> int | None:
    """The record's count. Fractions of epochs are no count."""
    for key in keys:
        value = record.get(key)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, float) and value.is_integer():
            return int(value)
    return None


def _numbers(value: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, float]]:
    """Every number in nested objects, by its path."""
    for key, item in value.items():
        number = number_of(item)
        if number is not None:
            yield f"{prefix}{key}", number
        elif isinstance(item, dict) and depth < 20:
            yield from _numbers(item, f"{prefix}{key}/", depth + 1)


def _lists(value: dict[str, Any], prefix: str = "", depth: int = 0) -> Iterator[tuple[str, list[Any]]]:
    for key, item in value.items():
        if isinstance(item, list):
            yield f"{prefix}{key}", item
        elif isinstance(item, dict) and depth < 20:
            yield from _lists(item, f"{prefix}{key}/", depth + 1)
