"""An independent reading of Dockerfiles, as the classic builder reads them: for tests of what a recipe says."""

from __future__ import annotations

from typing import NamedTuple

KEYWORDS = frozenset(
    {"ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER"}
    | {"ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR"}
)


class Instruction(NamedTuple):
    """One instruction: its keyword and the rest of its logical line, continuations joined."""

    keyword: str
    rest: str


def instructions(dockerfile: str) -> list[Instruction]:
    """Every instruction in order. Raises AssertionError for a line that is none."""
    found = []
    pending = ""
    for line in dockerfile.split("\n"):
        if line.lstrip().startswith("#") or (not line.strip()):
            continue
        # The indentation of a continued line is layout; blanks inside a line may be quoted, and stay.
        joined = pending + (line.lstrip() if pending else line)
        if joined.rstrip().endswith("\\"):
            pending = joined.rstrip()[:-1].rstrip() + " "
            continue
        pending = ""
        keyword, _, rest = joined.strip().partition(" ")
        assert keyword in KEYWORDS, f"not an instruction: {line[:100]!r}"
        found.append(Instruction(keyword, rest.strip()))
    assert not pending, "the last line continues into nothing"
    return found


def of_keyword(dockerfile: str, keyword: str) -> list[str]:
    """The rest of each instruction with this keyword."""
    return [instruction.rest for instruction in instructions(dockerfile) if instruction.keyword == keyword]
