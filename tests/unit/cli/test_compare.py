"""``reprobuild compare`` as a user runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reprobuild.cli.main import main
from reprobuild.snapshot import Distribution, PythonFacts, Snapshot


def record(folder: Path, name: str, **packages: str) -> str:
    """Path of a record with these packages."""
    path = folder / name
    distributions = tuple(Distribution(name=package, version=version) for package, version in packages.items())
    whole = Snapshot(python=PythonFacts(version="3.10.12"), distributions=distributions)
    path.write_text(whole.to_json(), encoding="utf-8")
    return str(path)


@pytest.fixture
def first(tmp_path: Path) -> str:
    """One record."""
    return record(tmp_path, "a.json", numpy="1.24.3", attrs="23.1.0")


@pytest.fixture
def second(tmp_path: Path) -> str:
    """Another one."""
    return record(tmp_path, "b.json", numpy="1.26.0", attrs="23.1.0")


def test_differences_are_printed_and_do_not_fail_by_themselves(
    first: str, second: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", first, second]) == 0
    assert "~ numpy  1.24.3 → 1.26.0" in capsys.readouterr().out


@pytest.mark.parametrize(("same", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_is_there_for_ci(first: str, second: str, same: bool, code: int) -> None:
    assert main(["compare", "--exit-code", first, first if same else second]) == code


def test_json_is_versioned_and_complete(first: str, second: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", first, second, "--json"]) == 0
    content = json.loads(capfd.readouterr().out)
    assert (content["schema_version"], content["identical"], content["same_packages"]) == (1, False, 1)
    assert content["differences"] == [
        {"rank": "numeric library", "subject": "numpy", "change": "changed", "before": "1.24.3", "after": "1.26.0"}
    ]


def test_another_tools_record_compares_with_ours(
    first: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    frozen = tmp_path / "requirements.txt"
    frozen.write_text("Attrs==23.1\nnumpy==1.24.3\n", encoding="utf-8")
    assert main(["compare", "--exit-code", first, str(frozen)]) == 0
    assert "no differences; 2 packages are the same" in capsys.readouterr().out


def test_only_one_record_can_come_from_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "-", "-"]) == 2
    assert capsys.readouterr().err == "reprobuild: error: only one of the two records can come from standard input\n"


def test_a_record_that_is_not_there_is_named(first: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", first, "nowhere.json"]) == 3
    assert "nowhere.json" in capsys.readouterr().err


def test_an_image_needs_an_engine(
    first: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nothing.sock")
    assert main(["compare", first, "image:run:rebuilt"]) == 6
    assert "nothing.sock" in capsys.readouterr().err
