"""What a machine must offer for the laboratory, and where the laboratory keeps what later runs reuse."""

from __future__ import annotations

import fcntl
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]
CACHE = CHECKOUT / ".lab" / "cache"

PROGRAMS = {
    "dockerd": "docker.io",
    "docker-registry": "docker-registry",
    "debootstrap": "debootstrap",
    "iptables": "iptables",
    "patchelf": "patchelf",
    "git": "git",
}
"""Program -> the Debian package that brings it."""


class LaboratoryUnavailable(Exception):
    """This machine can't run the laboratory. The message is the exact reason."""


def require_machine() -> None:
    """Raise LaboratoryUnavailable unless dockerd could be started here."""
    if sys.platform != "linux":
        raise LaboratoryUnavailable(f"the laboratory runs on Linux, and this is {sys.platform}")
    if os.geteuid() != 0:
        raise LaboratoryUnavailable("the laboratory starts dockerd, which needs root")
    packages = sorted({package for program, package in PROGRAMS.items() if not shutil.which(program)})
    if packages:
        raise LaboratoryUnavailable(f"the laboratory needs the Debian packages {' '.join(packages)}")


def free_port() -> int:
    """A loopback TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def locked_cache() -> Iterator[Path]:
    """The cache folder, held by this process alone: two test sessions must not fill it at once."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield CACHE
