"""Taking a laboratory's folder away: mounts first, and also the folders of sessions that were killed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

PREFIX = "reprobuild-lab-"


def new_folder() -> Path:
    """A private folder with a short name: the engine's sockets live in it, and their paths are limited to 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    (folder / "owner").write_text(str(os.getpid()))
    return folder


def remove_folder(folder: Path) -> None:
    """Unmount what is mounted below ``folder``, then delete it."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in sorted((mount for mount in mounts if mount.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "--lazy", mount], check=False, capture_output=True)
    shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned() -> None:
    """Clean up after sessions whose process is gone: end their daemons, by the ids they wrote down, and delete."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        owner = folder / "owner"
        if not owner.is_file() or _is_alive(int(owner.read_text() or 0)):
            continue
        for record in folder.glob("*.process"):
            _end_if_ours(int(record.read_text() or 0), folder)
        remove_folder(folder)


def _is_alive(process_id: int) -> bool:
    return process_id > 0 and Path(f"/proc/{process_id}").exists()


def _end_if_ours(process_id: int, folder: Path) -> None:
    """Process ids are reused, so the command line must name the folder too."""
    with contextlib.suppress(OSError):
        if str(folder).encode() in Path(f"/proc/{process_id}/cmdline").read_bytes():
            os.kill(process_id, signal.SIGTERM)
            for _ in range(100):
                if not _is_alive(process_id):
                    return
                time.sleep(0.1)
            os.kill(process_id, signal.SIGKILL)
