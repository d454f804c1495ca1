"""What was given in confidence is not reported."""

from __future__ import annotations

import pytest

from reprobuild.build.secrets import Redaction
from reprobuild.engine import BuildEvent, CacheHit, Failed, Output, StepStarted


@pytest.mark.parametrize(
    ("arguments", "said", "reported"),
    [
        (
            {"UV_DEFAULT_INDEX": "https://me:hunter22@host/simple"},
            "GET https://me:hunter22@host/",
            "GET https://me:***@host/",
        ),
        ({"PIP_INDEX_URL": "https://t0ken-of-mine@host/simple"}, "user t0ken-of-mine", "user ***"),
        ({"X": "https://me:p%40ss-word@host/"}, "p%40ss-word or p@ss-word", "*** or ***"),
        ({"HF_TOKEN": "hf_abcdef"}, "used hf_abcdef", "used ***"),
        ({"JOBS": "hf_abcdef"}, "used hf_abcdef", "used hf_abcdef"),
        ({"A_TOKEN": "abcd", "B_TOKEN": "abcdefgh"}, "abcdefgh abcd", "*** ***"),
        ({"A_TOKEN": "x"}, "x marks an ordinary letter", "x marks an ordinary letter"),
        ({"X": "http://[bad"}, "http://[bad", "http://[bad"),
    ],
)
def test_secrets_are_struck_out(arguments: dict[str, str], said: str, reported: str) -> None:
    assert Redaction.of_arguments(arguments).applied(Output(text=said)) == Output(text=reported)


def test_every_event_with_text_is_covered() -> None:
    redaction = Redaction.of_arguments({"A_SECRET": "hidden"})
    events: list[BuildEvent] = [
        Output(text="hidden"),
        StepStarted(number=1, total=1, instruction="RUN hidden"),
        Failed(message="hidden", exit_code=1),
    ]
    assert all("hidden" not in repr(redaction.applied(event)) for event in events)
    assert redaction.applied(CacheHit()) == CacheHit()
