"""Opening a record: what is broken gives one clear error each."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from reprobuild.errors import RecordError
from reprobuild.records import parse, read
from reprobuild.records.text import LARGEST_FILE, LARGEST_TEXT


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "the file is empty"),
        (b"\xef\xbb\xbf \n", "the file is empty"),
        (b'{"python_version_short": "3.10', "the file ends in the middle: it is truncated JSON"),
        (b"{nonsense}", "this is not JSON: object keys must be strings (byte 1)"),
        (b"[" * 100_000, "this JSON is nested too deep to be a record"),
        (b"\x00\x01\x02\x03" * 100, "this is no record that reprobuild understands"),
        (
            b"Dear all,\nplease find the results attached, they look good.\n",
            "this is no record that reprobuild understands",
        ),
        (b'{"schema_version": 99}', "this file has layout 99; this release reads layout 1"),
    ],
)
def test_broken_content_says_what_is_wrong(content: bytes, reason: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse(content, "record")
    assert caught.value.reason == reason and caught.value.source == "record"


def test_an_unknown_file_lists_what_is_understood() -> None:
    with pytest.raises(RecordError) as caught:
        parse(b"Dear all, this is prose\n", "record")
    assert caught.value.hint is not None and "pip freeze" in caught.value.hint
    assert caught.value.hint.startswith("line 1 is the first that names no package: Dear all, this is prose;")


def test_a_refusal_names_the_line_that_is_no_package() -> None:
    with pytest.raises(RecordError) as caught:
        parse(b"numpy==1.26.4\n\n<b>that is all</b>\nand this\n", "record")
    assert (caught.value.hint or "").startswith("line 3 is the first that names no package: <b>that is all</b>;")


def test_a_folder_is_its_environment_json(tmp_path: Path) -> None:
    with pytest.raises(RecordError):
        read(tmp_path)
    (tmp_path / "environment.json").write_text('{"python_version_short": "3.10.12", "packages": {"numpy": "1.24.3"}}')
    assert read(tmp_path).python.version == "3.10.12"


def test_a_file_that_is_too_large_is_refused_in_one_line(tmp_path: Path) -> None:
    large = tmp_path / "environment.json"
    with large.open("wb") as stream:
        stream.truncate(LARGEST_FILE + 1)
    with pytest.raises(RecordError, match="larger than 64 MB"):
        read(large)


def test_a_missing_file_and_a_path_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match=r"there is no such file"):
        read(tmp_path / "absent.json")
    with pytest.raises(RecordError, match=r"a part of the path is no folder|there is no such file"):
        (tmp_path / "file").write_text("")
        read(tmp_path / "file" / "inside.json")
    with pytest.raises(RecordError, match=r"this is not a path"):
        read("a\0b")


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"numpy==1.24.3\n")))
    assert [item.name for item in read("-").distributions] == ["numpy"]


def test_the_format_can_be_named() -> None:
    assert parse(b"numpy==1.0\n", "x", format="requirements").distributions[0].version == "1.0"
    with pytest.raises(RecordError, match="there is no format 'nonsense'"):
        parse(b"numpy==1.0\n", "x", format="nonsense")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a==1\n" * 400_001, "more than 400000 packages: that is no record of an environment"),
        (b"a=1=0\n" * 300_000, "more than 200000 packages: that is no record of an environment"),
        (b"a==1\n" + b"#" * (LARGEST_TEXT + 1), "larger than 16 MB of text"),
        (b"name: x\ndependencies:\n" + b"- a\n" * 1_000_000, "this YAML is too long to be a record"),
    ],
    ids=["lines", "conda", "text", "yaml"],
)
def test_what_would_fill_the_memory_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse(content, "record")
    assert caught.value.reason == reason


def test_a_long_transaction_log_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "run-x.wandb"
    with log.open("wb") as stream:
        stream.write(b":W&B\xe1\xbe\x00")
        stream.truncate(LARGEST_FILE + 1)
    with pytest.raises(RecordError, match="no record of a run stands in this log"):
        read(log)
