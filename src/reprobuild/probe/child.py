"""A program started with its output gathered, as ``subprocess`` does it, but for less.

Loading ``subprocess`` takes nearly as long as starting an interpreter. Where there is no ``os.posix_spawnp`` (Windows,
Python before 3.8), subprocess does the work.
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from subprocess import Popen

_BLOCK = 65536


class TookTooLong(Exception):
    """The program did not end in time, and was killed."""


class Child:
    """A running program without standard input. It starts at once; ``wait`` gathers what it writes."""

    def __init__(self, command: "list[str]", environment: "dict[str, str]") -> "None":
        """Start it. Raises OSError when there is no such program, or it can't be executed."""
        self._process: "Popen[bytes] | None" = None
        if not hasattr(os, "posix_spawnp"):
            import subprocess

            nothing, pipe = subprocess.DEVNULL, subprocess.PIPE
            self._process = subprocess.Popen(command, env=environment, stdin=nothing, stdout=pipe, stderr=pipe)
            return
        self._output, output_end = os.pipe()
        self._errors, errors_end = os.pipe()
        try:
            self._id = _spawn(command, environment, output_end, errors_end)
        except OSError:
            os.close(self._output)
            os.close(self._errors)
            raise
        finally:
            os.close(output_end)
            os.close(errors_end)

    def wait(self, timeout_s: "float") -> "tuple[int, bytes, bytes]":
        """Exit code (negative: the signal that ended it), standard output, standard error. Raises TookTooLong."""
        if self._process is not None:
            return _wait_for_process(self._process, timeout_s)
        gathered: "dict[int, list[bytes]]" = {self._output: [], self._errors: []}
        whole = False
        try:
            whole = _gather(gathered, timeout_s)
        finally:
            os.close(self._output)
            os.close(self._errors)
            if not whole:
                self._kill()
            status = os.waitpid(self._id, 0)[1]
        if not whole:
            raise TookTooLong
        exit_code = -os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)
        return exit_code, b"".join(gathered[self._output]), b"".join(gathered[self._errors])

    def stop(self) -> "None":
        """End it unheard."""
        try:
            self.wait(0)
        except TookTooLong:
            pass

    def _kill(self) -> "None":
        import signal

        os.kill(self._id, signal.SIGKILL)


def _spawn(command: "list[str]", environment: "dict[str, str]", output: "int", errors: "int") -> "int":
    actions = (
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, output, 1),
        (os.POSIX_SPAWN_DUP2, errors, 2),
    )
    return os.posix_spawnp(command[0], command, environment, file_actions=actions)


def _gather(gathered: "dict[int, list[bytes]]", timeout_s: "float") -> "bool":
    """Read until both streams end; False when the time is over before."""
    import select
    import time

    end = time.monotonic() + timeout_s
    poll = select.poll()
    for descriptor in gathered:
        poll.register(descriptor, select.POLLIN)
    remaining = len(gathered)
    while remaining:
        ready = poll.poll(max(0.0, end - time.monotonic()) * 1000)
        if not ready:
            return False
        for descriptor, _ in ready:
            block = os.read(descriptor, _BLOCK)
            gathered[descriptor].append(block)
            if not block:
                poll.unregister(descriptor)
                remaining -= 1
    return True


def _wait_for_process(process: "Popen[bytes]", timeout_s: "float") -> "tuple[int, bytes, bytes]":
    import subprocess

    try:
        output, errors = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise TookTooLong from None
    return process.returncode, output, errors
