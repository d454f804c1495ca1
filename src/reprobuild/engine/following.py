"""Following one command in a container of Docker's: its output while it runs, its limits, its end, its files.

The SDK is not imported here: the client that ``docker.py`` made is all that is needed.
"""

from __future__ import annotations

import contextlib
import posixpath
import queue
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

from reprobuild.engine import Collected, Ended, Printed, Task, TaskEvent

SHARED_MEMORY_BYTES = 2 * 1024**3
"""Room for the workers of data loaders, which the engine's own 64 MiB does not give. Only what is used is taken."""

MOST_COLLECTED_BYTES = 1024**3
"""A larger file is no result and is not brought back."""


NOT_EXECUTED = {"executable file not found": 127, "no such file or directory": 127, "permission denied": 126}
"""Words of the engine for a program that it could not execute, and the exit codes that shells give for these."""


def exit_code_of_refusal(reason: str) -> int | None:
    """The exit code of a program that the engine could not execute; None where it failed for another reason."""
    return next((code for words, code in NOT_EXECUTED.items() if words in reason), None)


class Following:
    """One container from its making to its removal."""

    def __init__(self, client: Any, task: Task) -> None:
        self._client = client
        self._task = task
        self._timed_out = False

    def events(self) -> Iterator[TaskEvent]:
        """What happens, in order. However it ends, the container is removed."""
        container = self._create()
        watch = None
        try:
            if self._task.archive is not None:
                self._client.put_archive(container, "/", self._task.archive)
            # Attached before it starts, so that nothing is missed.
            pieces = self._client.attach(container, stdout=True, stderr=True, stream=True, demux=True)
            begun = time.monotonic()
            try:
                self._client.start(container)
            except Exception as error:
                yield from _refused(error)
                return
            watch = self._watch(container)
            yield from self._printed(container, _Pieces(pieces))
            state = self._state(container)
            duration_s = time.monotonic() - begun
            watch.cancel()
            for path in self._task.collect:
                yield from self._files(container, path)
            yield Ended(
                exit_code=int(state["ExitCode"]),
                duration_s=duration_s,
                timed_out=self._timed_out,
                out_of_memory=bool(state.get("OOMKilled")),
            )
        except GeneratorExit:
            # Nobody listens any more, so that its last words are lost.
            self._interrupt(container)
            raise
        finally:
            if watch is not None:
                watch.cancel()
            self._client.remove_container(container, force=True, v=True)

    def _create(self) -> str:
        task = self._task
        options: dict[str, Any] = {
            "log_config": {"Type": "json-file", "Config": {}},
            "shm_size": SHARED_MEMORY_BYTES,
            "mounts": [
                {"Type": "bind", "Source": one.source, "Target": one.target, "ReadOnly": one.read_only}
                for one in task.mounts
            ],
        }
        if task.network:
            options["network_mode"] = task.network
        if task.memory_bytes is not None:
            # Without swap, which would let the command live on at a crawl.
            options |= {"mem_limit": task.memory_bytes, "memswap_limit": task.memory_bytes}
        if task.gpus:
            options["device_requests"] = [{"Count": -1, "Capabilities": [["gpu"]]}]
        created = self._client.create_container(
            task.image,
            command=list(task.command),
            environment=task.environment,
            working_dir=task.working_directory,
            host_config=self._client.create_host_config(**options),
        )
        return str(created["Id"])

    def _watch(self, container: str) -> threading.Timer:
        """Kill it when its time is up; that ends its output as well."""

        def stop() -> None:
            self._timed_out = True
            self._kill(container)

        watch = threading.Timer(self._task.timeout_s or threading.TIMEOUT_MAX, stop)
        watch.daemon = True
        if self._task.timeout_s is not None:
            watch.start()
        return watch

    def _state(self, container: str) -> dict[str, Any]:
        """The container's last state. A command may close its output and go on for a while."""
        self._client.wait(container, timeout=None)
        state: dict[str, Any] = self._client.inspect_container(container)["State"]
        return state

    def _printed(self, container: str, pieces: _Pieces) -> Iterator[Printed]:
        """What the command prints. After Ctrl-C also its last words; KeyboardInterrupt is raised at their end."""
        try:
            yield from pieces
        except KeyboardInterrupt:
            grace = threading.Timer(self._task.grace_s, self._kill, [container])
            grace.start()
            try:
                self._kill(container, "SIGINT")
                yield from pieces
            finally:
                grace.cancel()
            raise

    def _interrupt(self, container: str) -> None:
        """What Ctrl-C does to a command in a terminal, with some time to end; it is killed afterwards."""
        self._kill(container, "SIGINT")
        # Whatever the engine answers now, that the caller went away is what counts.
        with contextlib.suppress(Exception):
            self._client.wait(container, timeout=self._task.grace_s)

    def _kill(self, container: str, signal: str = "SIGKILL") -> None:
        """Send a signal. The command may have ended by itself in this very moment."""
        with contextlib.suppress(Exception):
            self._client.kill(container, signal=signal)

    def _files(self, container: str, path: str) -> Iterator[Collected]:
        """The file at a path, or every file below it. Nothing when there is none, or no regular one."""
        try:
            pieces, _ = self._client.get_archive(container, path)
        except Exception as error:
            if getattr(getattr(error, "response", None), "status_code", None) == 404:
                return
            raise
        with tempfile.TemporaryFile() as archive:
            for piece in pieces:
                archive.write(piece)
            archive.seek(0)
            with tarfile.open(fileobj=archive, mode="r") as tar:
                for member in tar:
                    stream = tar.extractfile(member) if member.isreg() else None
                    if stream is not None and member.size <= MOST_COLLECTED_BYTES:
                        place = posixpath.join(posixpath.dirname(path), member.name)
                        yield Collected(path=place, content=stream.read())


def _refused(error: Exception) -> Iterator[TaskEvent]:
    """What a shell would tell of a program that can't be executed. Raises the error again for any other reason."""
    reason = str(getattr(error, "explanation", None) or error)
    exit_code = exit_code_of_refusal(reason)
    if exit_code is None:
        raise error
    yield Printed(stream="stderr", content=f"{' '.join(reason.split())}\n".encode())
    yield Ended(exit_code=exit_code, duration_s=0.0)


class _Pieces:
    """The pieces of a command's output, read in a thread, so that Ctrl-C in between loses none of them."""

    def __init__(self, pieces: Iterator[tuple[bytes | None, bytes | None]]) -> None:
        # A command that prints faster than anybody reads has to wait, as in a terminal.
        self._waiting: queue.Queue[Printed | BaseException | None] = queue.Queue(maxsize=1000)
        threading.Thread(target=self._read, args=[pieces], daemon=True).start()

    def _read(self, pieces: Iterator[tuple[bytes | None, bytes | None]]) -> None:
        try:
            for stdout, stderr in pieces:
                if stdout:
                    self._waiting.put(Printed(stream="stdout", content=stdout))
                if stderr:
                    self._waiting.put(Printed(stream="stderr", content=stderr))
        except BaseException as error:
            self._waiting.put(error)
        else:
            self._waiting.put(None)

    def __iter__(self) -> Iterator[Printed]:
        while True:
            try:
                # On Windows a wait without an end hears of no Ctrl-C.
                piece = self._waiting.get(timeout=1)
            except queue.Empty:
                continue
            if piece is None:
                return
            if isinstance(piece, BaseException):
                raise piece
            yield piece
