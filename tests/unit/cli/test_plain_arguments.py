"""Plain calls are read as argparse reads them, and nothing else is read plainly."""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import Any

import pytest

from reprobuild.cli.main import COMMANDS
from reprobuild.cli.parser import new_parser
from reprobuild.cli.plain_arguments import read_plainly


def declare(parser: Any) -> None:
    """Options of every kind that commands have."""
    parser.add_argument("-o", "--output", default="here")
    parser.add_argument("--flag-name", action="store_true")
    group = parser.add_argument_group("group")
    group.add_argument("--number", type=int, default="7")
    group.add_argument("--kind", choices=("a", "b"), dest="sort")
    parser.add_argument("--many", action="append", metavar="X")
    parser.add_argument("rest", nargs="*")


@pytest.mark.parametrize(
    "given",
    [
        [],
        ["-o", "there"],
        ["--output=there", "--flag-name"],
        ["--output", "a=b", "--number", "3"],
        ["--number=-3"],
        ["--kind", "b", "--kind", "a"],
        ["--output", ""],
        ["--output="],
    ],
)
def test_a_plain_call_means_what_argparse_says(given: list[str]) -> None:
    parser = argparse.ArgumentParser()
    declare(parser)
    plain = read_plainly(declare, given)
    if given == ["--number=-3"]:
        assert plain is None
    else:
        assert plain is not None
        assert vars(plain) == vars(parser.parse_args(given))


@pytest.mark.parametrize(
    "given",
    [
        ["--help"],
        ["-othere"],
        ["-o=there"],
        ["--out", "there"],
        ["--output"],
        ["--output", "--flag-name"],
        ["--flag-name=yes"],
        ["--number", "x"],
        ["--kind", "c"],
        ["--many", "x"],
        ["word"],
        ["--", "word"],
        ["--unknown"],
    ],
)
def test_any_other_call_is_left_to_argparse(given: list[str]) -> None:
    assert read_plainly(declare, given) is None


def test_a_needed_argument_is_left_to_argparse() -> None:
    assert read_plainly(lambda parser: parser.add_argument("record"), []) is None
    assert read_plainly(lambda parser: parser.add_argument("--tag", required=True), []) is None
    assert read_plainly(lambda parser: parser.add_mutually_exclusive_group(), []) is None


@pytest.mark.parametrize("name", COMMANDS)
def test_the_defaults_of_each_command_are_those_of_argparse(name: str) -> None:
    module = import_module(COMMANDS[name][0])
    plain = read_plainly(module.configure, [])
    if plain is None:
        return
    parser = new_parser(name, "line")
    module.configure(parser)
    assert vars(plain) == vars(parser.parse_args([]))
