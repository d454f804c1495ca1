"""Fingerprints of data: every file once, several at a time, and nothing read twice without need."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reprobuild.capture.data_files import fingerprint
from reprobuild.errors import CaptureError


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a data set in it."""
    folder = tmp_path / "work"
    (folder / "set" / "train").mkdir(parents=True)
    for number in range(40):
        (folder / "set" / "train" / f"{number:02}.bin").write_bytes(bytes([number]) * number * 1000)
    (folder / "set" / "labels.csv").write_text("a,b\n")
    monkeypatch.chdir(folder)
    return folder


def digests(paths: list[str], cache: Path) -> dict[str, Any]:
    notes: list[dict[str, Any]] = []
    found = fingerprint(paths, notes, cache=cache)
    assert notes == []
    return {entry["path"]: (entry["size_bytes"], entry["sha256"]) for entry in found}


def test_every_file_has_its_size_and_digest(data: Path, tmp_path: Path) -> None:
    found = digests(["set"], tmp_path / "cache")
    assert list(found) == sorted(found)
    assert len(found) == 41
    content = bytes([7]) * 7000
    assert found["set/train/07.bin"] == (7000, hashlib.sha256(content).hexdigest())
    assert digests(["set/labels.csv", "set", "set/train"], tmp_path / "cache") == found


def test_an_unchanged_file_is_not_read_again(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = digests(["set"], tmp_path / "cache")
    read: list[str] = []
    whole = hashlib.file_digest

    def reading(stream: Any, name: str) -> Any:
        read.append(Path(stream.name).name)
        return whole(stream, name)

    monkeypatch.setattr(hashlib, "file_digest", reading)
    assert digests(["set"], tmp_path / "cache") == before
    assert read == []
    (data / "set" / "labels.csv").write_text("a,c\n")  # The same size, another content.
    after = digests(["set"], tmp_path / "cache")
    assert read == ["labels.csv"]
    assert {path for path in after if after[path] != before[path]} == {"set/labels.csv"}


def test_what_an_interrupted_fingerprint_has_done_stays_done(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "cache"

    def stop(files: int, _: int) -> None:
        if files == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fingerprint(["set"], [], cache=cache, progress=stop)
    with cache.open("ab") as stream:
        stream.write(b'["half a li')  # What a killed process leaves.
    read: list[str] = []
    whole = hashlib.file_digest

    def reading(stream: Any, name: str) -> Any:
        read.append(stream.name)
        return whole(stream, name)

    monkeypatch.setattr(hashlib, "file_digest", reading)
    found = digests(["set"], cache)
    assert len(found) == 41
    assert len(read) <= 21
    read.clear()
    assert digests(["set"], cache) == found
    assert len(read) <= 1  # The line behind the broken one may be lost with it.


def test_a_file_that_changes_while_it_is_read_has_no_digest(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = hashlib.file_digest

    def changing(stream: Any, name: str) -> Any:
        digest = whole(stream, name)
        with Path(stream.name).open("ab") as other:
            other.write(b"more")
        return digest

    monkeypatch.setattr(hashlib, "file_digest", changing)
    notes: list[dict[str, Any]] = []
    found = fingerprint(["set/labels.csv"], notes, cache=tmp_path / "cache")
    assert found == [{"path": "set/labels.csv", "size_bytes": 8}]
    assert [note["message"] for note in notes] == ["set/labels.csv changed while it was read"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes among its files")
def test_what_is_no_file_is_told_and_not_waited_for(data: Path, tmp_path: Path) -> None:
    os.mkfifo(data / "set" / "pipe")
    (data / "set" / "nowhere").symlink_to("absent")
    (data / "set" / "loop").symlink_to(".")
    (data / "set" / "again.csv").symlink_to("labels.csv")
    notes: list[dict[str, Any]] = []
    found = fingerprint(["set"], notes, cache=tmp_path / "cache")
    assert len(found) == 42
    assert sorted(note["message"] for note in notes) == [
        "set/nowhere is not fingerprinted: No such file or directory",
        "set/pipe is not fingerprinted: not a regular file",
    ]


def test_a_path_that_is_not_there_is_an_error(data: Path, tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="absent: there is no such file or folder"):
        fingerprint(["set", "absent"], [], cache=tmp_path / "cache")


def test_without_a_cache_everything_is_read(data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert len(digests(["set"], tmp_path / "file" / "cache")) == 41


def test_two_processes_share_the_cache(data: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from reprobuild.capture.data_files import fingerprint\n"
        "assert len(fingerprint(['set'], [], cache=Path(sys.argv[1]))) == 41"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "cache")]
    processes = [subprocess.Popen(command, cwd=data) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(digests(["set"], tmp_path / "cache")) == 41
