"""Each kind of text in its place: what is quoted, what is refused."""

from __future__ import annotations

import subprocess
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reprobuild.errors import PlanError
from reprobuild.render import quoting

HOSTILE = ["a\nRUN id", "a\rb", "a\x00b", "a\u2028b", "a\u202eb", "a\x1b[31m", "a\x85b"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_comment_keeps_to_its_lines(text: str) -> None:
    lines = quoting.comment(f"first {text} last").splitlines()
    assert lines == [line for line in lines if line.startswith("# ") and line.isprintable()]
    assert "RUN id" not in lines


def test_a_long_comment_wraps_between_words() -> None:
    lines = quoting.comment("word " * 60).splitlines()
    assert len(lines) == 3
    assert max(map(len, lines)) <= quoting.LINE_WIDTH


@given(st.text(st.characters(codec="ascii") | st.sampled_from("é中\u00a0\u2003\t\n"), max_size=300))
def test_a_short_comment_is_wrapped_as_a_long_one(text: str) -> None:
    printable = "".join(character if character.isprintable() else " " for character in text)
    lines = textwrap.wrap(printable, quoting.LINE_WIDTH - 2, break_long_words=False, break_on_hyphens=False)
    assert quoting.comment(text) == "\n".join(f"# {line}" for line in lines)


def test_an_empty_comment_is_no_line() -> None:
    assert quoting.comment("") == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", '"plain"'),
        ('say "hi"', r'"say \"hi\""'),
        ("$HOME ${HOME}", r'"\$HOME \${HOME}"'),
        ("back\\slash", r'"back\\slash"'),
        ("ends in \\", r'"ends in \\"'),
        ("", '""'),
    ],
)
def test_a_value_means_itself(text: str, expected: str) -> None:
    assert quoting.quoted_value(text) == expected


@pytest.mark.parametrize("text", HOSTILE)
def test_control_characters_have_no_place_in_values_and_commands(text: str) -> None:
    for function in (quoting.quoted_value, quoting.shell_word):
        with pytest.raises(PlanError, match=r"^the plan holds text"):
            function(text)


@pytest.mark.parametrize("text", ["a b", "$(id)", "`id`", "a && b", "a;b", "'", '"', "--option", "*", "~", "a\\b"])
def test_a_shell_reads_a_word_back_as_it_was(text: str) -> None:
    output = subprocess.run(
        ["sh", "-c", f"printf '%s\\n' {quoting.shell_word(text)}"], capture_output=True, text=True, check=True
    )
    assert output.stdout == f"{text}\n"


@pytest.mark.parametrize("text", ["a<<EOF", "ends in \\", "näme", "a" * 5000])
def test_what_no_quoting_saves_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="no command line of a Dockerfile can hold"):
        quoting.shell_word(text)


@pytest.mark.parametrize(
    "text",
    [
        "ubuntu:22.04",
        "nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04",
        "ghcr.io/astral-sh/uv:0.13.9",
        "127.0.0.1:5000/base",
        "127.0.0.1:5000/base:1_A",
        "ubuntu@sha256:" + "a" * 64,
        "ubuntu:22.04@sha256:" + "0" * 64,
    ],
)
def test_image_names(text: str) -> None:
    assert quoting.image_reference(text) == text


@pytest.mark.parametrize(
    "text", ["", "ubuntu AS builder", "ubuntu:22.04\n", "-x", "$BASE", "ubuntu:22.04 # c", "ubuntu@sha256:12", "Ubuntu"]
)
def test_no_image_names(text: str) -> None:
    with pytest.raises(PlanError, match="where an image's name belongs"):
        quoting.image_reference(text)


@pytest.mark.parametrize("text", ["libgl1", "g++", "libstdc++6", "libssl3=3.0.2-0ubuntu1.18", "libc6:i386"])
def test_system_packages(text: str) -> None:
    assert quoting.system_package(text) == text


@pytest.mark.parametrize("text", ["", "-y", "a b", "a;b", "a\nb", "$(id)", "../a", "a/b"])
def test_no_system_packages(text: str) -> None:
    with pytest.raises(PlanError, match="where the name of a system package belongs"):
        quoting.system_package(text)


@pytest.mark.parametrize("text", ["../a", ".", "a/b", "-a", "a b", "", "a\n"])
def test_no_file_names(text: str) -> None:
    with pytest.raises(PlanError, match="where a file name belongs"):
        quoting.file_name(text)
