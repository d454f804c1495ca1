"""Running a command in this process's place: it gets the signals that are sent to us, and we end as it ended.

The command is a child of ours, because only a parent learns how a process ended. It shares our standard streams, our
terminal and our process group, so that Ctrl-C and Ctrl-Z reach it as if we were not there; what somebody sends to us
alone is handed on. On Linux it is killed when we are, even by SIGKILL.
"""

from __future__ import annotations

import os
import signal
import sys
import time

from reprobuild.errors import CaptureError

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded for nothing
    from collections.abc import Sequence
    from typing import Any

_ENDED_BY_KERNEL = ("SIGSEGV", "SIGBUS", "SIGFPE", "SIGILL", "SIGTRAP", "SIGSYS", "SIGABRT", "SIGPIPE")
_OF_JOB_CONTROL = ("SIGTTIN", "SIGTTOU")
_NEVER_HANDED_ON = frozenset({"SIGKILL", "SIGSTOP", "SIGCHLD", "SIGCLD", *_ENDED_BY_KERNEL, *_OF_JOB_CONTROL})

_OF_TERMINALS = frozenset({"SIGINT", "SIGQUIT", "SIGTSTP", "SIGHUP", "SIGWINCH", "SIGCONT"})
"""What a terminal sends to every process in its foreground group, the command included."""


class Ending:
    """How a command ended."""

    def __init__(self, status: int, duration_s: float) -> None:
        self.status = status
        """The exit code; for a command that a signal ended, the negative number of the signal."""
        self.duration_s = duration_s

    def facts(self, now: str) -> dict[str, Any]:
        """What ``command`` of environment.json gains; ``now`` is the time of the end."""
        facts: dict[str, Any] = {"ended_at": now, "duration_s": round(self.duration_s, 3)}
        if self.status >= 0:
            return {**facts, "exit_code": self.status}
        return {**facts, "signal": _name_of(-self.status)}


def run_command(command: Sequence[str], environment: dict[str, str]) -> Ending:
    """Run it to its end. Raises CaptureError when it can't be started; nothing was started then."""
    if os.name == "nt":
        return _run_on_windows(command, environment)
    watched = {number for number in signal.valid_signals() if _name_of(number) not in _NEVER_HANDED_ON}
    signal.signal(signal.SIGCHLD, _nothing)  # A SIGCHLD that is ignored, as some shells leave it, never arrives.
    held = signal.pthread_sigmask(signal.SIG_BLOCK, watched | {signal.SIGCHLD})
    try:
        begun = time.monotonic()
        child = _start(command, environment, held)
        status = _follow(child, watched | {signal.SIGCHLD})
        return Ending(status, time.monotonic() - begun)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def end_likewise(status: int) -> int:
    """End this process by the signal that ended the command; for an exit code, give it back."""
    sys.stdout.flush()
    sys.stderr.flush()
    if status >= 0:
        return status
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # The command has left its core; ours would tell nothing.
    except (ImportError, OSError, ValueError):
        pass
    number = -status
    if number not in (signal.SIGKILL, signal.SIGSTOP):
        signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


def not_startable(program: str, error: OSError) -> CaptureError:
    """The error for a command whose program is not there, or no program."""
    reason = "there is no such program" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
    hint = "what stands behind -- is run as it is, without a shell: for a pipe or a variable, -- sh -c '...'"
    return CaptureError(f"{program} can't be started: {reason}", hint=hint)


def _start(command: Sequence[str], environment: dict[str, str], mask: set[Any]) -> int:
    """Fork and execute. What keeps the program from being executed comes back through a pipe."""
    die_with_us = _death_request()
    parent = os.getpid()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            die_with_us()
            if os.getppid() != parent:
                os._exit(1)
            for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores these; a program expects the system's default.
                if hasattr(signal, name):
                    signal.signal(getattr(signal, name), signal.SIG_DFL)
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
            os.execvpe(command[0], list(command), environment)  # noqa: S606 - by list, never through a shell
        except OSError as error:
            os.write(writing, str(error.errno or 0).encode())
        finally:
            os._exit(127)
    os.close(writing)
    try:
        answer = os.read(reading, 16)
    finally:
        os.close(reading)
    if answer:
        os.waitpid(child, 0)
        number = int(answer)
        raise not_startable(command[0], OSError(number, os.strerror(number)))
    return child


def _death_request() -> Any:
    """A function for the child that asks Linux to kill it when we die. Loaded before the fork."""
    if sys.platform != "linux":
        return lambda: None
    try:
        import ctypes

        library = ctypes.CDLL(None)
        return lambda: library.prctl(1, signal.SIGKILL)
    except (ImportError, OSError, AttributeError):
        return lambda: None


def _follow(child: int, watched: set[Any]) -> int:
    """Hand on what is sent to us until the child has ended; its exit code, or the negative number of its signal."""
    while True:
        number, sent_to_us = _next_signal(watched)
        if number == signal.SIGCHLD:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            continue
        if sent_to_us:
            os.kill(child, number)
        if number == signal.SIGTSTP:
            os.kill(os.getpid(), signal.SIGSTOP)


def _next_signal(watched: set[Any]) -> tuple[int, bool]:
    """The next signal, and whether a process sent it to us: what a terminal sends, the command has got as well."""
    if hasattr(signal, "sigwaitinfo"):
        found = signal.sigwaitinfo(watched)
        return found.si_signo, found.si_code <= 0  # The kernel's own codes are positive.
    number = signal.sigwait(watched)
    return number, not (_name_of(number) in _OF_TERMINALS and _is_in_foreground())


def _is_in_foreground() -> bool:
    try:
        return os.tcgetpgrp(0) == os.getpgrp()
    except OSError:
        return False


def _run_on_windows(command: Sequence[str], environment: dict[str, str]) -> Ending:
    """Ctrl-C reaches every process of the console; we wait for the command's own answer to it."""
    import subprocess

    begun = time.monotonic()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(list(command), env=environment)
    except OSError as error:
        raise not_startable(command[0], error) from error
    return Ending(process.wait(), time.monotonic() - begun)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _nothing(*_: object) -> None:
    """A handler that is never called: while it is set, SIGCHLD is blocked and waited for."""
