"""How commands speak: which stream, which characters, and when in color."""

from __future__ import annotations

import io
import json
import sys

import pytest

from reprobuild.cli import console
from reprobuild.plan import PlanWarning


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Yes."""
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing said about colors, and a terminal that can do them."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.mark.parametrize("text", ["one\ntwo", "one\ntwo\n"])
def test_a_result_ends_in_one_line_feed(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    console.write_result(text)
    assert capsys.readouterr() == ("one\ntwo\n", "")


def test_json_is_utf8_and_keeps_its_order(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    console.write_json({"b": "é✓", "a": [1, None]})
    printed = capfdbinary.readouterr().out
    assert "é✓".encode() in printed
    assert list(json.loads(printed)) == ["b", "a"]
    assert printed.endswith(b"}\n")


def test_json_lines_are_one_line_each(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    console.write_json_line({"text": "a\nb"})
    console.write_json_line({"text": "c"})
    assert capfdbinary.readouterr().out == b'{"text":"a\\nb"}\n{"text":"c"}\n'


def test_bytes_go_out_as_they_are_and_in_order(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    console.write_result("first")
    console.write_bytes(b"second\r\n\xff")
    assert capfdbinary.readouterr().out == b"first\nsecond\r\n\xff"


def test_bytes_reach_a_stream_that_has_none_below(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    console.write_bytes("é".encode())
    assert stream.getvalue() == "é"


def test_warnings_go_to_standard_error_with_their_hints(capsys: pytest.CaptureFixture[str]) -> None:
    console.warn_all([PlanWarning(code="a", message="one"), PlanWarning(code="b", message="two", hint="do this")])
    assert capsys.readouterr() == ("", "warning: one\nwarning: two\n   hint: do this\n")


@pytest.mark.parametrize(
    ("stream", "variables", "colored"),
    [
        (Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (Terminal(), {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        (Terminal(), {"TERM": "dumb"}, False),
    ],
)
def test_colors(stream: io.StringIO, variables: dict[str, str], colored: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in variables.items():
        monkeypatch.setenv(name, text)
    assert console.uses_color(stream) is colored


def test_rich_prints_text_of_a_record_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    console.rich_console(stderr=True).print("[red]a[/red] :smile: 3.11")
    assert stream.getvalue() == "[red]a[/red] :smile: 3.11\n"
