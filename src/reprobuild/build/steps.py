"""What each step of a Dockerfile is about, in the words of the comment above it."""

from __future__ import annotations

import itertools
import re

from reprobuild.engine import StepStarted

_INSTRUCTION = re.compile(r"^[A-Za-z]+(?:\s|$)")
_LONGEST = 90
_LONGEST_INSTRUCTION = 100
_REMARKS = ("hadolint ", "syntax=", "escape=")
"""What tools read in comments."""


def step_descriptions(dockerfile: str) -> tuple[str | None, ...]:
    """One description for each instruction, in order: the first sentence of the comment at the top of its paragraph.

    Paragraphs are separated by blank lines, so that several instructions may share a comment. None where there is
    no comment. Understands line continuations; heredocs, which the classic builder has not, are no part of it.
    """
    descriptions: list[str | None] = []
    comment: list[str] = []
    shared: str | None = None
    continued = False
    for line in dockerfile.splitlines():
        stripped = line.strip()
        if continued:
            continued = _continues(stripped, continued)
        elif not stripped:
            comment, shared = [], None
        elif stripped.startswith("#"):
            comment.append(stripped.lstrip("#").strip())
        elif _INSTRUCTION.match(stripped):
            shared = _first_sentence(comment) or shared
            comment = []
            descriptions.append(shared)
            continued = _continues(stripped, False)
    return tuple(descriptions)


def step_title(step: StepStarted, descriptions: tuple[str | None, ...]) -> str:
    """What a step is about: of a command the recipe's comment, of everything else the instruction itself."""
    instruction = " ".join(step.instruction.split())
    is_command = instruction.upper().startswith("RUN ")
    if is_command and 0 < step.number <= len(descriptions) and (description := descriptions[step.number - 1]):
        return description
    return shortened(instruction, _LONGEST_INSTRUCTION)


def shortened(text: str, length: int) -> str:
    """The text in at most so many characters, the last of which says that something was left out."""
    return text if len(text) <= length else f"{text[: max(length - 1, 0)]}…"


def _continues(line: str, already: bool) -> bool:
    """Whether the next line belongs to the same instruction. Comments and blank lines inside one change nothing."""
    if already and (not line or line.startswith("#")):
        return True
    return line.endswith("\\")


def _first_sentence(comment: list[str]) -> str | None:
    """The sentence that a comment opens with; of one that opens with a list, the list's items."""
    lines = [line for line in comment if line and not line.startswith(_REMARKS)]
    if lines and lines[0].startswith("- "):
        sentence = ", ".join(line.removeprefix("- ") for line in itertools.takewhile(_is_item, lines))
    else:
        words = " ".join(itertools.takewhile(lambda line: not _is_item(line), lines))
        sentence = re.split(r"(?<=\.)\s", words, maxsplit=1)[0].rstrip(".")
    if len(sentence) > _LONGEST:
        sentence = sentence[: _LONGEST - 1].rsplit(" ", 1)[0].rstrip(",;:") + "…"
    return sentence or None


def _is_item(line: str) -> bool:
    return line.startswith("- ")
