"""The classic builder's stream of messages, translated to build events.

The engine sends JSON objects: ``stream`` carries its own words and the steps' output alike, in fragments, with the
standard error of a step wrapped in ANSI red; ``status`` is the progress of a pull; ``aux`` names the image; ``error``
ends a failed build. (Docker Engine API, POST /build, as observed with API 1.41.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from reprobuild.engine import BuildEvent, Built, CacheHit, Failed, Output, Pulling, StepStarted

ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\-_])")
"""Escape sequences of a terminal: colors, cursor movements, window titles."""

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_STEP = re.compile(r"^Step (?P<number>\d+)/(?P<total>\d+) : (?P<instruction>.*)$", re.DOTALL)
_ENGINE_NOTE = re.compile(
    r"^ ---> (?:[0-9a-f]{6,64}|Running in [0-9a-f]+)$|^Removing intermediate container [0-9a-f]+$"
    r"|^Successfully (?:built|tagged) \S+$"
)
_LONGEST_LINE = 10_000


def plain_text(text: str) -> str:
    """Text without escape sequences and control characters. Of a line that was redrawn, the last state."""
    return _CONTROL.sub("", ANSI.sub("", text).rstrip("\r").rpartition("\r")[2])


class Translator:
    """Turns messages into events, one at a time; remembers fragments and the step that is running."""

    def __init__(self) -> None:
        self._fragment = ""
        self._step = 0
        self._image_id: str | None = None
        self._failure: Failed | None = None

    def events(self, messages: Iterable[Mapping[str, Any]]) -> Iterator[BuildEvent]:
        """Translate a whole build. Ends in exactly one Built or Failed, whatever the engine sends."""
        for message in messages:
            yield from self._translate(message)
            if self._failure is not None:
                break
        yield from self._flush()
        if self._failure is not None:
            yield self._failure
        elif self._image_id is None:
            yield Failed(message="the engine ended the build without an image and without an error")
        else:
            yield Built(image_id=self._image_id)

    def _translate(self, message: Mapping[str, Any]) -> Iterator[BuildEvent]:
        if "error" in message or "errorDetail" in message:
            self._failure = _failure(message)
        elif isinstance(message.get("aux"), Mapping):
            self._image_id = str(message["aux"].get("ID", "")) or self._image_id
        elif "stream" in message:
            yield from self._stream(str(message["stream"]))
        elif "status" in message:
            yield from self._flush()
            yield _pulling(message)

    def _stream(self, text: str) -> Iterator[BuildEvent]:
        # Escape sequences may start in one fragment and end in the next, so they are removed from whole lines only.
        *lines, self._fragment = (self._fragment + text).split("\n")
        for line in lines:
            yield from self._line(line)
        if len(self._fragment) > _LONGEST_LINE:
            yield from self._flush()

    def _flush(self) -> Iterator[BuildEvent]:
        line, self._fragment = self._fragment, ""
        if line:
            yield from self._line(line)

    def _line(self, line: str) -> Iterator[BuildEvent]:
        text = plain_text(line)
        step = _STEP.match(text)
        # Only the next number is the engine's: a command may print something that looks like a step.
        if step and int(step["number"]) == self._step + 1:
            self._step += 1
            yield StepStarted(number=self._step, total=int(step["total"]), instruction=step["instruction"].strip())
        elif text == " ---> Using cache":
            yield CacheHit()
        elif text.strip() and not _ENGINE_NOTE.match(text):
            yield Output(text=text)


def _failure(message: Mapping[str, Any]) -> Failed:
    detail = message.get("errorDetail")
    detail = detail if isinstance(detail, Mapping) else {}
    text = plain_text(str(message.get("error") or detail.get("message") or "no reason given").replace("\n", " "))
    code = detail.get("code")
    return Failed(message=text.strip(), exit_code=code if isinstance(code, int) else None)


def _pulling(message: Mapping[str, Any]) -> Pulling:
    detail = message.get("progressDetail")
    detail = detail if isinstance(detail, Mapping) else {}
    return Pulling(
        status=plain_text(str(message["status"])),
        layer=str(message["id"]) if message.get("id") else None,
        current_bytes=_count(detail.get("current")),
        total_bytes=_count(detail.get("total")),
    )


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
