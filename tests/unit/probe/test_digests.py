"""Digests by several processes are those of one, whatever becomes of the helpers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="only Linux tells spare processors")

SCRIPT = """
import os, sys
from reprobuild.probe import digests, description
from reprobuild.probe.distributions import installed_distributions
from reprobuild.probe.findings import Findings
os.sched_getaffinity = lambda _: set(range(int(sys.argv[2])))
os.getloadavg = lambda: (9.5 if sys.argv[3] == "busy" else 0.5, 0, 0)
forked = []
fork = os.fork
def counted():
    child = fork()
    if child:
        forked.append(child)
    elif sys.argv[3] == "dies":
        os._exit(1)
    return child
os.fork = counted
if sys.argv[3] == "threads":
    import threading
    threading.Thread(target=threading.Event().wait, daemon=True).start()
items = installed_distributions([sys.argv[1]], Findings())
if sys.argv[3] == "lost":
    def lost(self, writing):
        os.read(self._queue, 40)
        os._exit(1)
    digests.Digests._help = lost
found = digests.Digests(items).take()
assert found == [description.record_digest(item.folder, item.entry) for item in items]
assert len(found) == 101 and found.count(None) == 1
print(len(forked))
for child in forked:
    try:
        os.waitpid(child, 0)
    except ChildProcessError:
        continue
    raise AssertionError("a helper was not waited for")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A hundred distributions with a RECORD, and one without."""
    for number in range(101):
        metadata = tmp_path / f"d{number}-1.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: d{number}\nVersion: 1\n")
        lines = "".join(f"d{number}/{line}.py,sha256={line:043},1\n" for line in range(number * 3 + 1))
        if number < 100:
            (metadata / "RECORD").write_text(lines)
    return tmp_path


@pytest.mark.parametrize(
    ("processors", "how", "helpers"),
    [
        (1, "", 0),
        (2, "", 1),
        (64, "", 3),
        (4, "dies", 3),
        (4, "lost", 3),
        (4, "threads", 0),
        (8, "busy", 0),
        (12, "busy", 2),
    ],
)
def test_all_are_found(folder: Path, processors: int, how: str, helpers: int) -> None:
    command = [sys.executable, "-c", SCRIPT, str(folder), str(processors), how]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{helpers}\n"
