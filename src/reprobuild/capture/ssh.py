"""Another host: the probe goes through ``ssh`` on standard input, and nothing is written there.

The user's own ssh program does it, with their configuration, keys and agent. It asks for passwords at the terminal.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Sequence
from typing import Any

from reprobuild.capture.elsewhere import ENVIRONMENT, FIND_PYTHON, facts_of_answer, probe_arguments, probe_text
from reprobuild.errors import CaptureError

TIMEOUT_S = 300
"""Seconds that a host may take, its password included."""

_NOT_CONNECTED = 255
"""ssh's own exit code."""


def facts_of_host(host: str, python: str | None, extras: Sequence[str]) -> dict[str, Any]:
    """What the probe says on ``host`` (``[user@]name``, or a name of the ssh configuration). Raises CaptureError."""
    if host.startswith("-") or not host.strip() or any(character.isspace() for character in host):
        raise CaptureError(f"{host!r} is no name of a host", hint="give [USER@]HOST, as ssh takes it")
    command = ["ssh", "-T", "--", host, remote_command(python, extras)]
    try:
        done = subprocess.run(command, input=probe_text().encode(), capture_output=True, timeout=TIMEOUT_S, check=False)
    except FileNotFoundError as error:
        raise CaptureError("there is no ssh program", hint="install OpenSSH's client") from error
    except subprocess.TimeoutExpired as error:
        raise CaptureError(f"{host} did not answer within {TIMEOUT_S} s", hint=f"see whether 'ssh {host}' works") from (
            error
        )
    if done.returncode == _NOT_CONNECTED:
        said = (done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no answer"])[-1]
        raise CaptureError(f"{host}: {said}", hint=f"see whether 'ssh {host}' works")
    return facts_of_answer(host, done.returncode, done.stdout, done.stderr)


def remote_command(python: str | None, extras: Sequence[str]) -> str:
    """One line for whichever shell the host's user has: it only starts ``/bin/sh``, which finds the Python."""
    settings = [f"{name}={value}" for name, value in ENVIRONMENT.items()]
    program = 'exec "$0" "$@"' if python else FIND_PYTHON
    words = ["exec", "env", *settings, "/bin/sh", "-c", program, python or "sh", "-", *probe_arguments(extras)]
    return shlex.join(words)
