"""The proof as a value, as a file and as text."""

from __future__ import annotations

from typing import Any

import pytest

from reprobuild.errors import RecordError
from reprobuild.proof import Finding, Level, LevelResult, Outcome, Proof, Verdict, parse_proof
from reprobuild.report import describe, differences, proof_text


def proof(*levels: LevelResult) -> Proof:
    """A proof with these levels."""
    return Proof(
        snapshot_digest="sha256:" + "a" * 64,
        plan_digest="sha256:" + "b" * 64,
        image="run:rebuilt",
        image_id="sha256:" + "c" * 64,
        reprobuild_version="1.2.3",
        made_at="2026-11-23T08:00:00Z",
        levels=levels,
    )


def level(level: Level, *findings: Finding, **fields: Any) -> LevelResult:
    """A level that failed when one of its findings did."""
    failed = any(finding.is_failure for finding in findings)
    whole: dict[str, Any] = {"outcome": Outcome.FAILED if failed else Outcome.PASSED, "summary": "checked"} | fields
    return LevelResult(level=level, findings=findings, **whole)


EXACT = Finding(subject="python", verdict=Verdict.EXACT, expected="3.10.12", found="3.10.12")
WRONG = Finding(subject="package numpy", verdict=Verdict.WRONG, expected="1.24.3", found="1.26.0")
MISSING = Finding(subject="package attrs", verdict=Verdict.MISSING, expected="23.1.0")
ANNOUNCED = Finding(
    subject="package PyYAML", verdict=Verdict.MISSING, expected="5.4.1", declared=True, reason="never published"
)
EXTRA = Finding(subject="package evil", verdict=Verdict.EXTRA, found="6.6.6")


def test_only_what_is_missing_or_wrong_and_was_not_announced_fails() -> None:
    assert [one.is_failure for one in (EXACT, WRONG, MISSING, ANNOUNCED, EXTRA)] == [False, True, True, False, False]


def test_a_proof_passes_when_a_level_ran_and_none_failed() -> None:
    not_run = level(Level.LOADS, outcome=Outcome.NOT_RUN)
    assert proof(level(Level.INSTALLED, EXACT, ANNOUNCED), not_run).passed
    assert not proof(level(Level.INSTALLED, EXACT), level(Level.LOADS, WRONG)).passed
    assert not proof(not_run).passed
    assert not proof().passed


def test_the_verdict_is_that_of_the_worst_finding() -> None:
    assert proof(level(Level.INSTALLED, EXACT)).verdict is Verdict.EXACT
    assert proof(level(Level.INSTALLED, EXACT, EXTRA), level(Level.LOADS, ANNOUNCED)).verdict is Verdict.MISSING


def test_a_proof_survives_its_file() -> None:
    whole = proof(level(Level.DECLARED, ANNOUNCED), level(Level.INSTALLED, EXACT, WRONG, next_step="rebuild"))
    assert parse_proof(whole.to_json().encode()) == whole


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "proof.json: not JSON"),
        (b"[]", "proof.json: schema_version: not a proof of layout 1"),
        (b'{"schema_version": 2}', "proof.json: schema_version: not a proof of layout 1"),
        (b'{"schema_version": 1}', "proof.json: Object missing required field `snapshot_digest`"),
        (b'{"schema_version": 1, "snapshot_digest": 3}', "proof.json: snapshot_digest: Expected `str`, got `int`"),
    ],
)
def test_what_is_no_proof_is_refused_by_name(content: bytes, message: str) -> None:
    with pytest.raises(RecordError) as caught:
        parse_proof(content, source="proof.json")
    assert str(caught.value).startswith(message)


def test_a_perfect_proof_reads_in_one_screen() -> None:
    text = proof_text(proof(level(Level.INSTALLED, EXACT, summary="Python 3.10.12, 4 of 4 packages exact")))
    assert text == (
        "run:rebuilt is the recorded environment: 0 differences\n"
        "\n"
        "  ✓ installed  Python 3.10.12, 4 of 4 packages exact\n"
        "\n"
        "record sha256:aaaaaaaaaaaa, plan sha256:bbbbbbbbbbbb, image sha256:cccccccccccc; "
        "reprobuild 1.2.3, 2026-11-23T08:00:00Z\n"
    )


def test_differences_are_named_the_worst_first_with_the_way_out() -> None:
    text = proof_text(
        proof(
            level(Level.DECLARED, ANNOUNCED),
            level(Level.INSTALLED, EXACT, WRONG, MISSING, ANNOUNCED, EXTRA, next_step="rebuild it"),
            level(Level.IDENTICAL, outcome=Outcome.NOT_RUN, summary="the record holds no digests"),
            level(Level.LOADS, not_checked=("import x: no driver",)),
            level(Level.REPLAYS, outcome=Outcome.NOT_RUN, summary="no training", next_step="`replay` runs it"),
        )
    )
    assert text.split("record sha256")[0] == (
        "run:rebuilt is NOT the recorded environment: 1 wrong, 1 missing\n"
        "\n"
        "  ✓ declared   checked\n"
        "  ✗ installed  checked\n"
        "  – identical  not run: the record holds no digests\n"
        "  ✓ loads      checked\n"
        "  – replays    not run: no training; `replay` runs it\n"
        "\n"
        "Wrong or missing\n"
        "  wrong        package numpy  recorded 1.24.3, in the image 1.26.0\n"
        "  missing      package attrs  recorded 23.1.0, not in the image\n"
        "\n"
        "Different, and not announced by the plan\n"
        "  extra        package evil  in the image: 6.6.6\n"
        "\n"
        "Announced by the plan\n"
        "  missing      package PyYAML  recorded 5.4.1, not in the image; never published\n"
        "\n"
        "Not checked\n"
        "  loads: import x: no driver\n"
        "\n"
        "What to do\n"
        "  installed: rebuild it\n"
        "\n"
    )


def test_a_later_level_replaces_what_an_earlier_one_said_of_the_same_thing() -> None:
    announced = Finding(subject="package Py_YAML", verdict=Verdict.SUBSTITUTED, declared=True)
    seen = Finding(subject="package py-yaml", verdict=Verdict.EXACT, expected="5.4.1", found="5.4.1")
    assert differences(proof(level(Level.DECLARED, announced), level(Level.INSTALLED, seen))) == ()
    assert differences(proof(level(Level.INSTALLED, WRONG), level(Level.LOADS, seen, EXACT))) == (WRONG,)


def test_many_extra_packages_share_a_line() -> None:
    extras = [
        Finding(subject=f"package p{number}", verdict=Verdict.EXTRA, found=f"{number}.0", reason="as planned")
        for number in range(4)
    ]
    few = proof_text(proof(level(Level.INSTALLED, *extras[:3])))
    assert few.count("  extra        package p") == 3
    many = proof_text(proof(level(Level.INSTALLED, *extras)))
    assert "  extra        4 packages  p0 0.0, p1 1.0, p2 2.0, p3 3.0; as planned\n" in many


@pytest.mark.parametrize("width", [20, 60, 120])
def test_the_text_keeps_to_the_terminals_width(width: int) -> None:
    long = Finding(subject="package numpy", verdict=Verdict.WRONG, expected="1", found="2", reason="because " * 30)
    lines = proof_text(proof(level(Level.INSTALLED, long, summary="word " * 50, next_step="do " * 60)), width=width)
    # The last lines name digests, which are never broken.
    assert max(len(line) for line in lines.split("\n\n")[1].splitlines()) <= max(width, 50)


def test_color_is_only_there_when_asked_for() -> None:
    whole = proof(level(Level.INSTALLED, WRONG))
    assert "\x1b[" not in proof_text(whole)
    assert "\x1b[31m" in proof_text(whole, color=True)


def test_what_an_image_says_can_not_play_with_the_terminal() -> None:
    hostile = Finding(subject="package \x1b[2Jx", verdict=Verdict.EXTRA, found="1\r\n2\u202e", reason="\x07")
    text = proof_text(proof(level(Level.INSTALLED, hostile, summary="\x1b]0;title\x07", not_checked=("\x1b[A",))))
    assert all(character.isprintable() or character == "\n" for character in text)
    assert r"1\r\n2\u202e" in text


def test_a_finding_without_values_still_says_its_reason() -> None:
    assert describe(Finding(subject="base image", verdict=Verdict.SUBSTITUTED, reason="it was deleted")) == (
        "it was deleted"
    )
