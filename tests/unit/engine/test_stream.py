"""The builder's messages, as an engine of API 1.41 sends them, become events."""

from __future__ import annotations

from typing import Any

import pytest

from reprobuild.engine import BuildEvent, Built, CacheHit, Failed, Output, Pulling, StepStarted
from reprobuild.engine.stream import Translator, plain_text

IMAGE = "sha256:3fe1db58d7fd3f4873a97b5189c67a972792cd4a92fe4f676afdfd7b400c4320"
AUX = {"aux": {"ID": IMAGE}}


def events(*messages: dict[str, Any]) -> list[BuildEvent]:
    return list(Translator().events(messages))


def streamed(*texts: str) -> list[BuildEvent]:
    """The events of some stream messages, without the end."""
    return events(*({"stream": text} for text in texts), AUX)[:-1]


def test_a_whole_build() -> None:
    assert events(
        {"stream": "Step 1/2 : FROM ubuntu:22.04"},
        {"stream": "\n"},
        {"status": "Pulling from library/ubuntu", "id": "22.04"},
        {
            "status": "Downloading",
            "progressDetail": {"current": 539, "total": 1000},
            "progress": "[=> ]",
            "id": "b2c7ae1f4d2b",
        },
        {"stream": " ---> e1a2b9ef49e5\n"},
        {"stream": "Step 2/2 : RUN echo hi"},
        {"stream": "\n"},
        {"stream": " ---> Running in 0f1c8a7a3b0e\n"},
        {"stream": "hi\n"},
        {"stream": "Removing intermediate container 0f1c8a7a3b0e\n"},
        {"stream": " ---> 3fe1db58d7fd\n"},
        AUX,
        {"stream": "Successfully built 3fe1db58d7fd\n"},
        {"stream": "Successfully tagged t:1\n"},
    ) == [
        StepStarted(number=1, total=2, instruction="FROM ubuntu:22.04"),
        Pulling(status="Pulling from library/ubuntu", layer="22.04"),
        Pulling(status="Downloading", layer="b2c7ae1f4d2b", current_bytes=539, total_bytes=1000),
        StepStarted(number=2, total=2, instruction="RUN echo hi"),
        Output(text="hi"),
        Built(image_id=IMAGE),
    ]


def test_a_cached_step() -> None:
    assert streamed("Step 1/1 : RUN x", "\n", " ---> Using cache\n", " ---> 3fe1db58d7fd\n") == [
        StepStarted(number=1, total=1, instruction="RUN x"),
        CacheHit(),
    ]


def test_fragments_are_joined_and_colors_removed() -> None:
    assert streamed("\x1b[91mWARN", "ING: old\n\x1b[", "0mnext\n") == [
        Output(text="WARNING: old"),
        Output(text="next"),
    ]


def test_a_last_line_without_line_feed_is_kept() -> None:
    assert streamed("the end") == [Output(text="the end")]


def test_a_line_that_never_ends_is_not_hoarded() -> None:
    longest = max(len(event.text) for event in streamed(*["x" * 6_000] * 10) if isinstance(event, Output))
    assert longest <= 20_000


def test_output_that_looks_like_a_step_is_output() -> None:
    assert streamed("Step 1/3 : FROM a", "\n", "Step 9/3 : RUN forged\n", "Step 1/3 : FROM again\n") == [
        StepStarted(number=1, total=3, instruction="FROM a"),
        Output(text="Step 9/3 : RUN forged"),
        Output(text="Step 1/3 : FROM again"),
    ]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("10%\r50%\r100%", "100%"),
        ("done\r", "done"),
        ("bell\x07 and back\x08", "bell and back"),
        ("tab\tstays", "tab\tstays"),
        ("ü ✓", "ü ✓"),
    ],
)
def test_plain_text(raw: str, expected: str) -> None:
    assert plain_text(raw) == expected


def test_a_failed_command() -> None:
    message = "The command '/bin/sh -c exit 3' returned a non-zero code: 3"
    assert events({"errorDetail": {"code": 3, "message": message}, "error": message}, {"stream": "never seen\n"}) == [
        Failed(message=message, exit_code=3)
    ]


def test_output_before_the_failure_is_not_lost() -> None:
    assert events({"stream": "because"}, {"error": "x", "errorDetail": {"message": "x"}}) == [
        Output(text="because"),
        Failed(message="x"),
    ]


@pytest.mark.parametrize("messages", [(), ({"stream": "Step 1/1 : FROM a\n"},), ({"aux": {}},), ({"unknown": 1},)])
def test_a_stream_that_just_ends_is_a_failure(messages: tuple[dict[str, Any], ...]) -> None:
    last = events(*messages)[-1]
    assert isinstance(last, Failed)
    assert "without an image" in last.message


@pytest.mark.parametrize(
    "message", [{"error": None}, {"errorDetail": "text"}, {"error": "e", "errorDetail": {"code": "x"}}]
)
def test_odd_errors_are_still_failures(message: dict[str, Any]) -> None:
    (event,) = events(message)
    assert isinstance(event, Failed)
    assert event.exit_code is None


def test_odd_progress_counts_nothing() -> None:
    event = events({"status": "Downloading", "progressDetail": {"current": None, "total": -1}}, AUX)[0]
    assert event == Pulling(status="Downloading")
