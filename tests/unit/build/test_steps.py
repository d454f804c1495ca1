"""Steps are told in the words of the recipe's comments."""

from __future__ import annotations

import pytest

from reprobuild.build.steps import step_descriptions, step_title
from reprobuild.engine import StepStarted

DOCKERFILE = """\
# A file about something: with a header.

FROM uv AS uv

# The builder: compilers end here.
FROM base AS builder

# - git: packages from version control
# - gcc: what is compiled
# Without versions: the archive keeps only the newest.
# hadolint ignore=DL3008
RUN apt-get update \\
 && apt-get install git gcc

# CPython 3.11.7 is uv's. It has a build of it.
ENV A=b
RUN uv python install 3.11.7 \\
    # A comment inside.

    && true

COPY x /x
"""


def test_one_description_for_each_instruction() -> None:
    assert step_descriptions(DOCKERFILE) == (
        None,
        "The builder: compilers end here",
        "git: packages from version control, gcc: what is compiled",
        "CPython 3.11.7 is uv's",
        "CPython 3.11.7 is uv's",
        None,
    )


@pytest.mark.parametrize(
    ("comment", "expected"),
    [
        ("# Short", "Short"),
        ("# Two lines\n# of one sentence. And another.", "Two lines of one sentence"),
        ("# Version 1.2 is one word. Next.", "Version 1.2 is one word"),
        ("# hadolint ignore=DL3008", None),
        ("#", None),
        ("# Why:\n# - a list", "Why:"),
        ("# " + "word " * 40, ("word " * 18).strip()[:89].rsplit(" ", 1)[0] + "…"),
    ],
)
def test_the_first_sentence(comment: str, expected: str | None) -> None:
    (description,) = step_descriptions(f"{comment}\nRUN x\n")
    assert description == expected
    assert description is None or len(description) <= 90


def test_an_empty_file_has_no_steps() -> None:
    assert step_descriptions("") == ()


@pytest.mark.parametrize(
    ("instruction", "descriptions", "title"),
    [
        ("RUN a  &&   b", (None,), "RUN a && b"),
        ("RUN a", ("The tools",), "The tools"),
        ("run a", ("The tools",), "The tools"),
        ("COPY a b", ("The tools",), "COPY a b"),
        ("RUN a", (), "RUN a"),
        ("RUN " + "x" * 200, (None,), "RUN " + "x" * 95 + "…"),
    ],
)
def test_titles(instruction: str, descriptions: tuple[str | None, ...], title: str) -> None:
    assert step_title(StepStarted(number=1, total=1, instruction=instruction), descriptions) == title
