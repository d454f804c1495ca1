"""Whole files or none; and what is no file stays what it is."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from reprobuild.files import write_atomically


def test_a_file_is_replaced_and_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "environment.json"
    for content in ("old", b"new", "ä\n"):
        write_atomically(path, content)
    assert path.read_bytes() == "ä\n".encode() and list(tmp_path.iterdir()) == [path]


def test_a_link_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("kept")
    (tmp_path / "link").symlink_to("elsewhere")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "elsewhere").read_text() == "kept" and not (tmp_path / "link").is_symlink()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=write_atomically, args=(pipe, "through"))
    writer.start()
    assert pipe.read_text() == "through"
    writer.join()
    assert stat.S_ISFIFO(pipe.stat().st_mode) and list(tmp_path.iterdir()) == [pipe]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no /dev")
def test_devices_stay_devices(tmp_path: Path) -> None:
    code = "from reprobuild.files import write_atomically; write_atomically('/dev/stdout', 'told')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "told" and Path("/dev/stdout").is_symlink()
    into = tmp_path / "output"
    with into.open("wb") as stream:
        subprocess.run([sys.executable, "-c", code], stdout=stream, check=True)
    assert into.read_text() == "told" and Path("/dev/stdout").is_symlink()
    write_atomically("/dev/null", "gone")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
