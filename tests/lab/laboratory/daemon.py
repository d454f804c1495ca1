"""One daemon that the laboratory starts, waits for, and ends."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.lab.laboratory.machine import LaboratoryUnavailable

START_LIMIT_S = 60.0
STOP_LIMIT_S = 30.0


class Daemon:
    """A child process with a log file. Its process id is written down, so that a killed session can be cleaned up."""

    def __init__(self, name: str, command: Sequence[str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._pid_file = folder / f"{name}.process"
        with self.log.open("wb") as log:
            # A session of its own: Ctrl-C on the tests must not end the daemon before the tests could clean up.
            self._process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        self._pid_file.write_text(str(self._process.pid))

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Return when ``ready`` says so. Raises LaboratoryUnavailable with the log's end when it never does."""
        deadline = time.monotonic() + START_LIMIT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError):
                if ready():
                    return
            time.sleep(0.1)
        tail = " | ".join(self.log.read_text(errors="replace").splitlines()[-3:])
        self.stop()
        raise LaboratoryUnavailable(f"{self.name} did not start: {tail}")

    def stop(self) -> None:
        """End the process, kindly first."""
        for how in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is None:
                self._process.send_signal(how)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(STOP_LIMIT_S)
        self._pid_file.unlink(missing_ok=True)
