"""Records that can't be read: one clear line that names the file, the way out, and the right exit code."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprobuild.cli.main import main
from reprobuild.errors import RecordError

EXAMPLE = Path(__file__).parents[3] / "examples" / "plain-scikit-learn" / "environment.json"
RECORD = EXAMPLE.read_bytes()


def refused(capsys: pytest.CaptureFixture[str], name: str) -> str:
    """Run the command on this record and give the message it is refused with."""
    assert main(["plan", name]) == RecordError.exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    first, *rest = captured.err.splitlines()
    assert [line.split(":")[0] for line in rest] in ([], ["hint"])
    start = f"reprobuild: error: {name}: "
    assert first.startswith(start)
    return first.removeprefix(start)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"not json {", "this is no record that reprobuild understands"),
        (RECORD[:200], "the file ends in the middle: it is truncated JSON"),
        (b"[]", "this is no record that reprobuild understands"),
        (b'{"schema_version": 99}', "schema_version: this file has layout 99; this release reads layout 1"),
        (b'{"schema_version": "1"}', "schema_version: must be a whole number"),
        (b'{"schema_version": true}', "schema_version: must be a whole number"),
        (
            b'{"schema_version": 1, "distributions": [{"name": "a"}, {"name": 5}]}',
            "distributions[1].name: Expected `str`, got `int`",
        ),
        (b'{"schema_version": 1, "python": []}', "python: Expected `object`, got `array`"),
        (b"[" * 100_000, "this JSON is nested too deep to be a record"),
        (b"\xff\xfe\x00\x01", "this is no record that reprobuild understands"),
    ],
    ids=lambda value: ascii(value[:40]) if isinstance(value, bytes) else "",
)
def test_content(content: bytes, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "environment.json"
    path.write_bytes(content)
    assert refused(capsys, str(path)) == message


def test_a_hundred_megabytes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "environment.json"
    with path.open("wb") as stream:
        stream.truncate(100_000_000)
    assert refused(capsys, str(path)) == "larger than 64 MB: that is no record of an environment"


def test_no_such_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, str(tmp_path / "gone.json")) == "there is no such file"


def test_a_folder_without_a_record(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, str(tmp_path)) == "this folder holds no record that reprobuild understands"


@contextlib.contextmanager
def without_root() -> Iterator[None]:
    """Act as a user who may not read everything: root as nobody, any other user as itself."""
    if sys.platform == "win32" or os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_no_permission(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "environment.json"
    path.write_bytes(RECORD)
    assert main(["plan", str(path)]) == 0  # Loads every module, which another user may not be able to.
    capsys.readouterr()
    path.chmod(0)
    with without_root():
        if os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids):
            pytest.skip("this system lets the user read a file of mode 0")
        message = refused(capsys, str(path))
    assert "permission" in message.lower()


def test_an_empty_pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    assert refused(capsys, "-") == "the file is empty"


def test_a_record_from_a_pipe(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(RECORD)))
    assert main(["plan", "-"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("CPython 3.12.7, CPU only for linux/amd64\n")
    assert "reprobuild rebuild ENV -t rebuilt" in out


def test_unknown_keys_reach_the_context(tmp_path: Path) -> None:
    record = json.loads(RECORD)
    record["a key of tomorrow"] = {"kept": True}
    record["python"]["another"] = [1, 2]
    (tmp_path / "environment.json").write_text(json.dumps(record))
    assert main(["dockerfile", str(tmp_path / "environment.json"), "-o", str(tmp_path / "out")]) == 0
    written = json.loads((tmp_path / "out" / "environment.json").read_bytes())
    assert written["a key of tomorrow"] == {"kept": True}
    assert written["python"]["another"] == [1, 2]
