"""The run's variables, switches and settings: what is recorded of them, and what is not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reprobuild import capture_environment, run_notes
from reprobuild.capture.configuration import further_variables
from reprobuild.capture.run_record import variables
from reprobuild.errors import UsageError
from reprobuild.linear_algebra import linear_algebra_facts


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of this machine's."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("REPROBUILD_VARIABLE", raising=False)
    monkeypatch.chdir(tmp_path)


def test_variables_that_change_results_are_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    changing = {
        "TF_DETERMINISTIC_OPS": "1",
        "XLA_FLAGS": "--xla_gpu_deterministic_ops=true",
        "OMP_NUM_THREADS": "3",
        "KMP_AFFINITY": "compact",
        "NCCL_ALGO": "Ring",
        "MKL_CBWR": "COMPATIBLE",
    }
    for name, value in {**changing, "MY_FLAG": "x", "HOSTNAME": "secret-host"}.items():
        monkeypatch.setenv(name, value)
    found = variables()
    assert changing.items() <= found.items()
    assert not {"MY_FLAG", "HOSTNAME", "PATH", "HOME"} & found.keys()


def test_another_programs_variables_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TF_VAR_database", "hunter2")
    monkeypatch.setenv("TF_TOKEN_app_terraform_io", "hunter2")
    assert "hunter2" not in variables().values()
    assert variables(["TF_VAR_database"])["TF_VAR_database"] == "hunter2"


def test_further_names_come_from_the_best_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert further_variables() == ()
    user = tmp_path / "config" / "reprobuild"
    user.mkdir(parents=True)
    if sys.platform == "linux":
        (user / "config.toml").write_text('variable = ["OF_THE_USER"]\n')
        assert further_variables() == ("OF_THE_USER",)
    (tmp_path / "pyproject.toml").write_text('[tool.reprobuild]\nvariable = ["MY_*", "OTHER"]\n')
    assert further_variables() == ("MY_*", "OTHER")
    monkeypatch.setenv("REPROBUILD_VARIABLE", "A B*")
    assert further_variables(["GIVEN"]) == ("GIVEN", "A", "B*")
    monkeypatch.setenv("MY_FLAG", "x")
    monkeypatch.setenv("MYSELF", "y")
    assert variables(["MY_*"]).items() >= {"MY_FLAG": "x"}.items()
    assert "MYSELF" not in variables(["MY_*"])


def test_a_mistake_in_the_settings_does_not_stop_a_run(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.reprobuild]\nvariable = "ONE"\n')
    with pytest.raises(UsageError, match="variable: must be a list of texts"):
        further_variables()
    notes = [note for note in capture_environment()["notes"] if note["code"] == "settings-unreadable"]
    assert len(notes) == 1 and "pyproject.toml" in notes[0]["message"]


def test_a_secret_in_a_variable_that_was_asked_for_is_not_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REPROBUILD_VARIABLE", "SERVICE_* PLAIN")
    monkeypatch.setenv("SERVICE_PASSWORD", "hunter2")
    monkeypatch.setenv("PLAIN", "value")
    record = capture_environment()
    assert record["environment_variables"]["SERVICE_PASSWORD"] == "REMOVED"
    assert record["environment_variables"]["PLAIN"] == "value"
    assert record["redactions"]["environment_variables.SERVICE_PASSWORD"] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process is not told what it has loaded")
def test_numpys_library_tells_its_threads() -> None:
    pytest.importorskip("numpy", reason="numpy is not installed here")
    code = (
        "import numpy\nfrom reprobuild.linear_algebra import linear_algebra_facts\n"
        "facts = linear_algebra_facts()\nprint(facts['blas.threads'], facts['blas.library'])"
    )
    for threads in ("1", "2"):
        given = {**os.environ, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True)
        assert done.stdout.split()[0] == threads, done.stderr
        assert "openblas" in done.stdout


def test_without_numpy_nothing_is_said_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numpy", raising=False)
    monkeypatch.delitem(sys.modules, "scipy", raising=False)
    assert linear_algebra_facts() == {}


def test_notes_of_a_run_are_told_and_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "notes"
    path.touch()
    monkeypatch.setenv(run_notes.VARIABLE, str(path))
    run_notes.tell("seeds", {"set_random_seed": 1})
    run_notes.tell("seeds", {"set_random_seed": 2})
    run_notes.tell("switches", {"torch.threads": "4"})
    assert run_notes.read(str(path)) == ({"set_random_seed": 2}, {"torch.threads": "4"})


@pytest.mark.parametrize(
    "hostile",
    [b"\xff\xfe", b"[1, 2", b"3", b'{"seeds": 3}', b'{"seeds": {"a": "b", "c": true}}', b'{"switches": {"a": [1]}}',
     b'{"switches": {"a": "' + b"x" * 300 + b'"}}'],
)  # fmt: skip
def test_whatever_a_run_writes_is_no_more_than_a_note(tmp_path: Path, hostile: bytes) -> None:
    (tmp_path / "notes").write_bytes(hostile + b'\n{"seeds": {"s": 1}}\n')
    assert run_notes.read(str(tmp_path / "notes")) == ({"s": 1}, {})


def test_a_run_whose_capture_is_gone_tells_nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(run_notes.VARIABLE, str(tmp_path / "gone"))
    run_notes.tell("seeds", {"s": 1})
    assert list(tmp_path.iterdir()) == []
    assert run_notes.read(str(tmp_path / "gone")) == ({}, {})
