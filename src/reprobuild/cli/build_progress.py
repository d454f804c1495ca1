"""How a running build looks: one line that changes on a terminal, plain lines elsewhere, JSON events for scripts."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from reprobuild.cli import console

if TYPE_CHECKING:
    from reprobuild.engine import BuildEvent, Pulling, StepStarted

_WORK = ("RUN ", "FROM ")
"""Steps that a person waits for, and wants to see done however quick they were."""


class Progress(Protocol):
    """Shows events while it is entered."""

    shows_output: bool
    """Whether it shows everything that steps print."""

    def __enter__(self) -> Self:
        """Start showing."""
        ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing."""
        ...

    def show(self, event: BuildEvent) -> None:
        """Show one event."""
        ...


def progress_for_person(descriptions: tuple[str | None, ...]) -> Progress:
    """A changing line where a person watches a terminal, else plain lines."""
    return LiveProgress(descriptions) if console.is_terminal(sys.stderr) else PlainProgress(descriptions)


class _Entered:
    """Nothing to set up, nothing to take down."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class JsonProgress(_Entered):
    """One JSON object a line on standard output; ``type`` names the event."""

    shows_output = True

    def show(self, event: BuildEvent) -> None:
        """Write the event."""
        import msgspec

        fields: dict[str, Any] = msgspec.to_builtins(event)
        console.write_json_line(fields)


class PlainProgress(_Entered):
    """Every step and every line of its output on standard error, for logs."""

    shows_output = True

    def __init__(self, descriptions: tuple[str | None, ...]) -> None:
        self._descriptions = descriptions
        self._started = time.monotonic()

    def show(self, event: BuildEvent) -> None:
        """Write what is worth a line in a log."""
        from reprobuild.build.steps import step_title
        from reprobuild.engine import CacheHit, Output, Pulling, StepStarted

        match event:
            case StepStarted():
                title = step_title(event, self._descriptions)
                console.say(f"[{_elapsed(self._started)}] step {event.number}/{event.total}: {title}")
            case CacheHit():
                console.say("  (from the cache)")
            case Output(text=text):
                console.say(f"  {text}")
            case Pulling(layer=None, status=status):
                console.say(f"  {status}")
            case _:
                pass


class LiveProgress:
    """One line on a terminal: the step, what it is about, what it says, how long the build has run.

    Done steps stay above it, but for those that only write something down in no time (``ARG``, ``ENV``, ``LABEL``).
    """

    shows_output = False

    def __init__(self, descriptions: tuple[str | None, ...]) -> None:
        self._descriptions = descriptions
        self._console = console.rich_console(stderr=True)
        # rich calls __rich__ for each frame, so the time goes on where a step says nothing for long.
        self._status = self._console.status(self, spinner="line")
        self._saying = "sending the recipe to the engine"
        self._started = time.monotonic()
        self._step: StepStarted | None = None
        self._step_started = self._started
        self._cached = False
        self._pull: dict[str, Pulling] = {}

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish_step("failed" if kind else "done")
        self._status.stop()

    def show(self, event: BuildEvent) -> None:
        """Change the line, or leave a finished step above it."""
        from reprobuild.engine import CacheHit, Output, Pulling, StepStarted

        match event:
            case StepStarted():
                self._finish_step("done")
                self._step, self._step_started, self._cached = event, time.monotonic(), False
                self._pull.clear()
                self._saying = ""
            case CacheHit():
                self._cached = True
            case Output(text=text):
                self._saying = text.strip()
            case Pulling():
                self._saying = self._pulled(event)
            case _:
                pass

    def _finish_step(self, outcome: str) -> None:
        from reprobuild.build.steps import shortened, step_title

        step, self._step = self._step, None
        if step is None:
            return
        seconds = time.monotonic() - self._step_started
        if outcome == "done" and seconds < 1 and not step.instruction.upper().startswith(_WORK):
            return
        took = "cached" if self._cached else _minutes(seconds)
        mark = "✗" if outcome == "failed" else "✓"
        width = len(str(step.total))
        before, after = f"{mark} {step.number:>{width}}/{step.total}  ", f"  ({took})"
        title = shortened(step_title(step, self._descriptions), self._console.width - len(before) - len(after))
        self._console.print(f"{before}{title}{after}", soft_wrap=True)

    def __rich__(self) -> str:
        """The changing line as it is now."""
        from reprobuild.build.steps import step_title

        line = self._saying
        if (step := self._step) is not None:
            line = f"step {step.number}/{step.total}, {_elapsed(self._started)}: {step_title(step, self._descriptions)}"
            line = f"{line}  {self._saying}" if self._saying else line
        # Two columns are the spinner's; a line that wraps could not be taken back.
        return line[: max(20, self._console.width - 3)]

    def _pulled(self, event: Pulling) -> str:
        """How much of the base image has come, over all of its layers."""
        if event.layer is None or not event.total_bytes:
            return event.status
        if event.status == "Downloading":
            self._pull[event.layer] = event
        current = sum(layer.current_bytes for layer in self._pull.values())
        total = sum(layer.total_bytes for layer in self._pull.values())
        return f"{event.status.lower()}, {current / 1e6:.0f} of {total / 1e6:.0f} MB"


def _elapsed(since: float) -> str:
    """Minutes and seconds since a moment of the monotonic clock."""
    return _minutes(time.monotonic() - since)


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
