"""Many processes and bad moments: a folder holds one whole set, whatever happened to those who wrote into it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprobuild import save_environment_snapshot
from reprobuild.capture import saving
from reprobuild.capture.saving import save_set, update_set

NAMES = ("requirements.txt", "environment.json", "REPRODUCE.md")

SAVE_REPEATEDLY = """
import sys
from reprobuild.capture.saving import save_set
folder, first, times, same = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "same"
sys.stdin.read(1)
for number in range(first, first + times):
    content = (b"%d\\n" % number) * 20000
    fixed = b"fixed" if same else content
    save_set(folder, {"requirements.txt": fixed, "environment.json": content, "REPRODUCE.md": fixed})
"""


def writer(folder: Path, first: int, times: int, kind: str = "different") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", SAVE_REPEATEDLY, str(folder), str(first), str(times), kind]
    return subprocess.Popen(command, stdin=subprocess.PIPE)


def go(processes: list[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.close()


def set_in(folder: Path) -> set[bytes]:
    """The contents of the three files: one, when they belong together."""
    return {(folder / name).read_bytes() for name in NAMES}


def test_sixty_four_processes_leave_one_whole_set(tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    processes = [writer(folder, number * 100, 2) for number in range(64)]
    go(processes)
    for process in processes:
        assert process.wait() == 0
    assert len(set_in(folder)) == 1
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize("others", [False, True], ids=["own folder", "shared folder"])
def test_processes_in_a_row_leave_one_whole_set(tmp_path: Path, others: bool) -> None:
    folder = tmp_path / "environment"
    folder.mkdir()
    if others:
        (folder / "mine.txt").write_text("mine")
    processes = [writer(folder, number * 100, 20) for number in range(6)]
    go(processes)
    for process in processes:
        assert process.wait() == 0
    assert len(set_in(folder)) == 1
    assert (folder / "mine.txt").exists() is others
    assert len(list(folder.iterdir())) == 3 + others


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux is known here to exchange folders in one step")
def test_a_killed_process_leaves_the_old_set_or_the_new(tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    seen = set()
    for attempt in range(40):
        process = writer(folder, attempt * 10_000, 10_000)
        go([process])
        time.sleep(0.15 + attempt * 0.003)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if folder.exists():
            found = set_in(folder)
            assert len(found) == 1
            seen |= found
    assert len(seen) > 5
    save_set(str(folder), dict.fromkeys(NAMES, b"whole"))
    assert set_in(folder) == {b"whole"}


def test_what_killed_processes_left_is_removed_later(tmp_path: Path) -> None:
    folder = tmp_path / "environment"
    save_set(str(folder), dict.fromkeys(NAMES, b"1"))
    old, young = folder / ".environment.json.1.ab.reprobuild-tmp", folder / ".environment.json.2.ab.reprobuild-tmp"
    left = tmp_path / ".environment.1.ab.reprobuild-tmp"
    left.mkdir()
    (left / "environment.json").write_text("")
    for path in (old, young):
        path.write_text("")
    for path in (old, left):
        os.utime(path, (1, 1))
    save_set(str(folder), dict.fromkeys(NAMES, b"2"))
    assert not old.exists() and young.exists()
    young.unlink()
    save_set(str(folder), dict.fromkeys(NAMES, b"3"))
    save_set(str(folder), dict.fromkeys(NAMES, b"4"))
    assert list(tmp_path.iterdir()) == [folder]


def test_a_stopped_process_does_not_stop_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl", reason="this system has no advisory locks")
    monkeypatch.setattr(saving, "LOCK_TIMEOUT_S", 0.05)
    save_set(str(tmp_path / "e"), dict.fromkeys(NAMES, b"1"))
    descriptor = os.open(tmp_path / "e", os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    save_set(str(tmp_path / "e"), dict.fromkeys(NAMES, b"2"))
    os.close(descriptor)
    assert set_in(tmp_path / "e") == {b"2"}


def test_a_folder_keeps_its_permissions(tmp_path: Path) -> None:
    folder = tmp_path / "e"
    save_set(str(folder), dict.fromkeys(NAMES, b"1"))
    folder.chmod(0o750)
    save_set(str(folder), dict.fromkeys(NAMES, b"2"))
    assert folder.stat().st_mode & 0o7777 == 0o750


def test_the_working_folder_stays_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    identity = tmp_path.stat().st_ino
    for content in (b"1", b"2"):
        save_set("./", dict.fromkeys(NAMES, content))
    assert tmp_path.stat().st_ino == identity
    assert set_in(tmp_path) == {b"2"}


def test_only_an_own_set_gets_its_end(tmp_path: Path) -> None:
    folder = str(tmp_path / "e")
    save_set(folder, dict.fromkeys(NAMES, b"mine"))
    assert update_set(folder, "environment.json", b"mine", dict.fromkeys(NAMES, b"ended"))
    assert set_in(tmp_path / "e") == {b"ended"}
    save_set(folder, dict.fromkeys(NAMES, b"another's"))
    assert not update_set(folder, "environment.json", b"ended", dict.fromkeys(NAMES, b"mine again"))
    assert set_in(tmp_path / "e") == {b"another's"}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small file system is not allowed here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


RECORD = {"pip_freeze": "a==1\n", "packages": {"a": "1"}}


@pytest.mark.parametrize("inside", [".", "environment"])
def test_a_full_disk(small_disk: Path, inside: str, caplog: pytest.LogCaptureFixture) -> None:
    folder = small_disk / inside
    save_environment_snapshot(RECORD, folder)
    before = {name: (folder / name).read_bytes() for name in NAMES}
    large = {**RECORD, "pip_freeze": "b==2\n", "filler": "x" * 100_000}
    with pytest.raises(OSError, match=r"No space left on device: '.*disk") as caught:
        save_environment_snapshot(large, folder)
    assert caught.value.filename == str(folder)
    assert {name: (folder / name).read_bytes() for name in NAMES} == before
    assert sorted(path.name for path in folder.iterdir()) == sorted(NAMES)
    caplog.clear()
    assert len(save_environment_snapshot(large, folder, on_error="warn")) == 3
    assert len(caplog.records) == 1
    assert {name: (folder / name).read_bytes() for name in NAMES} == before


def test_a_read_only_folder(small_disk: Path, caplog: pytest.LogCaptureFixture) -> None:
    save_environment_snapshot(RECORD, small_disk)
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OSError, match="Read-only file system"):
        save_environment_snapshot({**RECORD, "more": 1}, small_disk)
    with pytest.raises(OSError, match="Read-only file system"):
        save_environment_snapshot(RECORD, small_disk / "new")
    caplog.clear()
    save_environment_snapshot({**RECORD, "more": 1}, small_disk, on_error="warn")
    assert len(caplog.records) == 1 and "Read-only file system" in caplog.text
    assert json.loads((small_disk / "environment.json").read_bytes()) == RECORD


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a folder that a process is in")
def test_a_vanished_working_folder(tmp_path: Path) -> None:
    script = (
        "import os, sys; os.chdir(sys.argv[1]); os.rmdir(sys.argv[1])\n"
        "from reprobuild import capture_environment, save_environment_snapshot as save\n"
        "record = capture_environment()\n"
        "save(record, on_error='warn')\n"
        "print('alive')\n"
    )
    (tmp_path / "gone").mkdir()
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path / "gone")], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "alive\n")
    assert len(done.stderr.splitlines()) == 1 and "No such file or directory" in done.stderr
