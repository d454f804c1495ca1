"""``reprobuild catalog``: the list of tables, one table, a search over all."""

from __future__ import annotations

import json

import pytest

from reprobuild.catalog import Catalog
from reprobuild.cli.catalog import aligned
from reprobuild.cli.main import main
from reprobuild.errors import UsageError


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["catalog", *arguments]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    return captured.out


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["catalog", *arguments]) == UsageError.exit_code
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err.splitlines()


def test_the_list_names_every_table_with_its_date(capsys: pytest.CaptureFixture[str]) -> None:
    titles, *lines = printed(capsys, "list").splitlines()
    assert titles.split()[:2] == ["table", "rows"]
    assert [line.split()[:3] for line in lines] == [
        [entry.name, str(entry.rows), entry.as_of] for entry in Catalog.packaged().tables
    ]


def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(printed(capsys, "list", "--json"))
    assert (content["schema_version"], content["date"]) == (1, Catalog.packaged().date)
    table = next(each for each in content["tables"] if each["name"] == "cuda_images")
    assert table["rows"] == len(Catalog.packaged().cuda_images.all) and table["key"] == ["tag"]


def test_a_table_is_shown_with_its_source_and_only_with_columns_that_say_something(
    capsys: pytest.CaptureFixture[str],
) -> None:
    lines = printed(capsys, "show", "python_images", "--where", "version=3.8.1").splitlines()
    assert lines[0].startswith("source: ") and lines[1].startswith("as of: ")
    assert lines[-2].split() == ["version", "slim", "full", "first_listed", "last_listed"]
    assert lines[-1].split() == ["3.8.1", "buster", "buster", "2019-12-19", "2020-01-31"]
    assert "replacement" not in printed(capsys, "show", "freeze_names", "-w", "name=ufw")


def test_conditions_add_up_and_reach_into_lists(capsys: pytest.CaptureFixture[str]) -> None:
    content = json.loads(
        printed(
            capsys,
            "show",
            "cuda_images",
            "--json",
            "-w",
            "cuda=11.8.0",
            "-w",
            "architectures=arm64",
            "-w",
            "flavor=base",
        )
    )
    assert content["name"] == "cuda_images" and content["source"]
    assert content["rows"] and all("arm64" in row["architectures"].split(";") for row in content["rows"])
    assert {row["flavor"] for row in content["rows"]} == {"base"}


def test_a_search_covers_every_table_without_regard_to_case(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys, "search", "MMCV-full")
    assert [line.split()[0] for line in text.splitlines() if "(as of" in line] == [
        "package_origins",
        "sdist_only",
        "sdist_traps",
    ]
    content = json.loads(printed(capsys, "search", "mmcv-full", "--json"))
    assert [table["name"] for table in content["tables"]] == ["package_origins", "sdist_only", "sdist_traps"]


def test_a_search_that_finds_nothing_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "search", "no such thing anywhere") == "no table holds 'no such thing anywhere'\n"
    assert json.loads(printed(capsys, "search", "no such thing anywhere", "--json"))["tables"] == []


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["show", "ngc"], "there is no table 'ngc'", "did you mean ngc_pytorch?"),
        (["show", "cuda_image"], "there is no table 'cuda_image'", "did you mean cuda_images?"),
        (["show", "zzz"], "there is no table 'zzz'", "'reprobuild catalog list' lists the tables"),
        (["show", "sdist_only", "-w", "x=1"], "--where 'x=1' does not name a column of sdist_only",
         "write COLUMN=TEXT with one of: name, versions, pure, certainty, bound"),
        (["search", " "], "there is nothing to search for", "name a package, a tag, a version or a part of one"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused_with_a_way_out(
    arguments: list[str], message: str, hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(capsys, *arguments) == [f"reprobuild: error: {message}", f"hint: {hint}"]


def test_columns_are_aligned_without_trailing_blanks() -> None:
    assert aligned(("a", "b"), [("long", ""), ("x", "y")]) == "a     b\nlong\nx     y\n"


def test_without_an_action_the_tables_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys) == printed(capsys, "list")


def test_several_words_stand_in_one_row_and_the_first_may_name_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    everywhere = json.loads(printed(capsys, "search", "--json", "rtx", "3090"))
    assert {table["name"] for table in everywhere["tables"]} == {"gpus"}
    words = ("search", "cuda_images", "12.2.2", "cudnn8-runtime", "ubuntu22.04")
    assert printed(capsys, *words).splitlines()[-1].startswith("12.2.2-cudnn8-runtime-ubuntu22.04 ")
    assert printed(capsys, "search", "gpus", "no-such-gpu") == "no table holds 'gpus no-such-gpu'\n"
