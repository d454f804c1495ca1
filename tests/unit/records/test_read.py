"""Opening a record: what is broken gives one clear error each."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path

import pytest

from reprobuild.errors import RecordError
from reprobuild.records import parse, read
from reprobuild.records.text import LARGEST_FILE


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


def test_a_missing_file_and_one_without_permission(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="there is no such file"):
        read(tmp_path / "absent.json")
    closed = tmp_path / "closed.json"
    closed.write_text("numpy==1.0\n")
    closed.chmod(0)
    if os.access(closed, os.R_OK):
        pytest.skip("this user reads every file, whatever its permissions")
    with pytest.raises(RecordError, match="no permission to read it"):
        read(closed)


def test_a_dash_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"numpy==1.24.3\n")))
    assert [item.name for item in read("-").distributions] == ["numpy"]


def test_the_format_can_be_named() -> None:
    assert parse(b"numpy==1.0\n", "x", format="requirements").distributions[0].version == "1.0"
    with pytest.raises(RecordError, match="there is no format 'nonsense'"):
        parse(b"numpy==1.0\n", "x", format="nonsense")
