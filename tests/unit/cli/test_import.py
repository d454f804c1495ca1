"""``reprobuild import``: what is written where, and what a person is told."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reprobuild.cli.main import main

START = "import sys; from reprobuild.cli.main import main; sys.exit(main())"
RECORDS = Path(__file__).parents[2] / "data" / "records"


def test_the_result_goes_to_standard_output_and_the_rest_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(RECORDS / "wandb-run")]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["python"]["version"] == "3.10.12"
    assert "imported 4 packages\n" in output.err
    assert "inferred: system.os_version = 22.04: glibc 2.35 is that of ubuntu 22.04\n" in output.err
    assert "note: files/conda-environment.yaml: the conda export is left out" in output.err


def test_several_records_are_combined_into_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "environment.json"
    records = [str(RECORDS / name) for name in ("freeze.txt", "collect_env.txt", "nvidia-smi.txt")]
    assert main(["import", *records, "-o", str(target), "--set", "date=2022-05-01"]) == 0
    assert capsys.readouterr().out == ""
    written = json.loads(target.read_text())
    assert written["gpu"]["driver_cuda"] == "12.2" and written["recorded_at"] == "2022-05-01T00:00:00Z"
    assert any(note["code"] == "conflict" for note in written["notes"])


def test_what_is_imported_is_a_record_again(tmp_path: Path) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    assert main(["import", str(RECORDS / "mlflow-model"), "-o", str(first)]) == 0
    assert main(["import", str(first), "-o", str(second)]) == 0
    assert first.read_bytes() == second.read_bytes()


def test_standard_input(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"numpy==1.24.3\n")))
    assert main(["import", "-", "--set", "python=3.8.10"]) == 0
    assert json.loads(capsys.readouterr().out)["python"] == {"version": "3.8.10"}


def test_the_choices_of_a_lock_file(capsys: pytest.CaptureFixture[str]) -> None:
    lock = str(RECORDS / "uv.lock")
    assert main(["import", lock]) == 3
    assert "hint: choose one: --extra cpu, --extra gpu\n" in capsys.readouterr().err
    assert main(["import", lock, "--extra", "cpu", "--group", "dev", "--python", "3.12"]) == 0
    written = json.loads(capsys.readouterr().out)
    assert {item["name"] for item in written["distributions"]} == {"numpy", "pytest", "thing", "torch"}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ([], 2, "no record is named"),
        (["-", "-"], 2, "only one of the records can come from standard input"),
        (["absent.txt"], 3, "absent.txt: there is no such file"),
        ([str(RECORDS / "freeze.txt"), "--format", "nonsense"], 3, "there is no format 'nonsense'"),
        ([str(RECORDS / "freeze.txt"), "--set", "python"], 2, "'python' is not name=value"),
        ([str(RECORDS / "freeze.txt"), "-o", "/absent/environment.json"], 9, "could not be written"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    arguments: list[str], code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import", *arguments]) == code
    assert message in capsys.readouterr().err


def test_the_formats_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "--formats"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in ("wandb", "mlflow", "uv-lock", "collect-env", "requirements"))


def test_asking_needs_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert main(["import", str(RECORDS / "pip-list.txt"), "--ask"]) == 2
    assert "--ask needs a terminal" in capsys.readouterr().err


def test_choices_that_have_no_effect_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", str(RECORDS / "pip-list.txt"), "--extra", "gpu", "--python", "3.10.12"]) == 0
    output = capsys.readouterr()
    assert json.loads(output.out)["python"] == {"version": "3.10.12"}
    assert "warning: --extra: a choice from lock files, and no record is one\n" in output.err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_person_is_asked_for_what_is_open_or_inferred(tmp_path: Path) -> None:
    freeze, target = tmp_path / "freeze.txt", tmp_path / "environment.json"
    freeze.write_text("numpy==1.24.4\nzipp==3.20.2\ntorch==2.0.1\n")
    person, terminal = os.openpty()
    os.write(person, b"three\n3.8.10\n\n\nubuntu 20.04\n")
    command = [sys.executable, "-c", START, "import", str(freeze), "--ask", "-o", str(target)]
    environment = {**os.environ, "TERM": "xterm"}
    done = subprocess.run(command, stdin=terminal, capture_output=True, text=True, env=environment, timeout=60)
    os.close(person)
    os.close(terminal)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("python [3.8] (") == 2 and "'three' is no value for python.version" in done.stderr
    assert "system [unknown]: " in done.stderr
    written = json.loads(target.read_text())
    assert written["python"]["version"] == "3.8.10"
    assert written["system"] == {"os_id": "ubuntu", "os_version": "20.04"}


def test_each_conflict_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = (RECORDS / "collect_env.txt").read_text()
    (tmp_path / "one.txt").write_text(report)
    (tmp_path / "other.txt").write_text(report.replace("GeForce RTX 3090", "Tesla T4").replace("3090", "4090"))
    smi = str(RECORDS / "nvidia-smi.txt")
    assert main(["import", str(tmp_path / "one.txt"), smi, "-o", str(tmp_path / "environment.json")]) == 0
    said = capsys.readouterr().err
    conflicts = [line for line in said.splitlines() if "the first one is taken" in line]
    assert conflicts and all("GpuDevice(" not in line and "read_by" not in line for line in conflicts)
    assert all(line.startswith("note: one.txt says ") for line in conflicts)
    assert len(set(said.splitlines())) == len(said.splitlines())
