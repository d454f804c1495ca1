"""The file of metrics: no record is lost to a kill, to another writer or to a torn line before it."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from reprobuild.metrics_file import MetricsFile, encode

ENDLESS_WRITER = """
import itertools, os, sys
from reprobuild.metrics_file import MetricsFile
file, writer = MetricsFile(sys.argv[1]), sys.argv[2]
os.write(1, b"ready\\n")
for number in itertools.count():
    file.append({"writer": writer, "number": number, "value": number / 3, "text": "x" * (number % 500)})
    os.write(1, b"%d\\n" % number)
"""


def read(path: Path) -> tuple[list[dict[str, Any]], int]:
    """The records, and how many lines are none."""
    records, torn = [], 0
    for line in path.read_bytes().split(b"\n"):
        if line:
            try:
                records.append(json.loads(line))
            except ValueError:
                torn += 1
    return records, torn


def killed_after(path: Path, writer: str, moment_s: float) -> int:
    """Let a process append until it is killed; the number of records that it knew to be written."""
    with subprocess.Popen([sys.executable, "-c", ENDLESS_WRITER, path, writer], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(moment_s)
        process.kill()
        acknowledged = process.stdout.read().split(b"\n")[:-1]
    return len(acknowledged)


def test_killed_at_any_moment_it_loses_at_most_the_record_being_written(tmp_path: Path) -> None:
    path, moments = tmp_path / "metrics.jsonl", random.Random(42)
    known = {str(writer): killed_after(path, str(writer), moments.uniform(0, 0.02)) for writer in range(15)}
    records, torn = read(path)
    assert torn <= 15
    assert sum(known.values()) > 15
    for writer, count in known.items():
        numbers = [record["number"] for record in records if record["writer"] == writer]
        assert numbers == list(range(len(numbers)))
        # The one after the last acknowledged may be whole, torn or absent; all before are there.
        assert len(numbers) in (count, count + 1)
    assert all(record["value"] == record["number"] / 3 for record in records)


def test_writers_at_the_same_time_do_not_mix_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    code = ENDLESS_WRITER.replace("itertools.count()", "range(300)")
    processes = [
        subprocess.Popen([sys.executable, "-c", code, path, str(writer)], stdout=subprocess.DEVNULL)
        for writer in range(4)
    ]
    assert [process.wait() for process in processes] == [0] * 4
    records, torn = read(path)
    assert torn == 0
    for writer in range(4):
        assert [one["number"] for one in records if one["writer"] == str(writer)] == list(range(300))


def test_a_torn_line_is_ended_before_the_next_record(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_bytes(b'{"whole": 1}\n{"torn": 0.12')
    MetricsFile(path).append({"next": 2})
    assert path.read_bytes() == b'{"whole": 1}\n{"torn": 0.12\n{"next": 2}\n'


def test_numbers_keep_every_bit() -> None:
    values = [0.1, 1 / 3, 5e-324, 1.7976931348623157e308, -0.0, 2.0**-1074, 123456789012345678]
    assert json.loads(encode({"values": values}))["values"] == values
    assert math.copysign(1, json.loads(encode({"value": -0.0}))["value"]) == -1


def test_what_json_has_no_number_for_is_a_text() -> None:
    assert json.loads(encode({"values": [math.nan, math.inf, -math.inf], "none": None})) == {
        "values": ["NaN", "Infinity", "-Infinity"],
        "none": None,
    }


def test_numbers_of_numpy_are_exact() -> None:
    numpy = pytest.importorskip("numpy", reason="numpy is not installed here")
    written = json.loads(encode({"single": numpy.float32(0.1), "whole": numpy.int64(7)}))
    assert numpy.float32(written["single"]) == numpy.float32(0.1)
    assert written["single"] == float(numpy.float32(0.1))
    assert written["whole"] == 7


def test_a_text_that_is_no_unicode_is_escaped(tmp_path: Path) -> None:
    assert json.loads(encode({"name": "loss \udcff", "umlaut": "ü"}))["umlaut"] == "ü"


def test_the_file_stays_where_the_run_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    file = MetricsFile("metrics.jsonl")
    monkeypatch.chdir(tmp_path / "elsewhere")
    file.append({"value": 1})
    assert (tmp_path / "metrics.jsonl").exists()


def test_a_folder_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        MetricsFile(tmp_path / "gone" / "metrics.jsonl").append({"value": 1})
