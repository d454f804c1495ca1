"""Runs that lie on a server: what is fetched, and what is said where the package or the run is missing."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.unit.integrations.wandb_server import WandbServer

from reprobuild.cli.live_records import is_live, read_live
from reprobuild.errors import RecordError
from reprobuild.integrations.wandb import RUN_FILES, download_files
from reprobuild.records import read
from reprobuild.snapshot import from_json_object

WANDB_RUN = Path(__file__).parents[2] / "data" / "records" / "wandb-run" / "files"


@dataclass(frozen=True)
class ServedFile:
    """A file of a run, as W&B's programming interface hands it out."""

    name: str
    origin: Path

    def download(self, root: str, replace: bool) -> None:
        """Put it below ``root`` under its name."""
        assert replace
        target = Path(root) / self.name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self.origin, target)


class ServedRun:
    """A run that has the files of a folder, and one that nobody asked for."""

    def files(self, names: list[str]) -> Iterator[ServedFile]:
        """All of them: a server of another version may take no notice of ``names``."""
        for path in sorted(WANDB_RUN.iterdir()):
            yield ServedFile(path.name, path)
        yield ServedFile("media/../../escape.txt", WANDB_RUN / "config.yaml")


def test_only_the_files_that_tell_the_environment_are_fetched(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    download_files(ServedRun(), folder)
    assert {path.name for path in folder.iterdir()} == set(RUN_FILES)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    assert read(folder).torch == read(WANDB_RUN).torch


@pytest.mark.parametrize("name", ["mlflow:0123", "wandb:team/project/run"])
def test_the_name_of_a_run_is_no_path(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_live(name) and not is_live("freeze.txt") and not is_live("-")


def test_without_mlflow_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "mlflow"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(RecordError) as caught:
        read_live("mlflow:0123")
    assert str(caught.value) == "mlflow:0123: reading a run from MLflow needs mlflow"
    assert caught.value.hint == "pip install reprobuild[mlflow]"


RUN = """
import mlflow
with mlflow.start_run() as run:
    mlflow.log_param("seed", 7)
    mlflow.pyfunc.log_model(name="model", python_model=mlflow.pyfunc.PythonModel(), pip_requirements=["numpy==1.26.4"])
print(run.info.run_id)
"""


def program(folder: Path, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program in ``folder`` as a user's shell does, with no account of anybody."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("WANDB_", "MLFLOW_"))}
    environment = {**kept, "HOME": str(folder), **variables}
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL
    )


REPROBUILD = str(Path(sys.executable).with_name("reprobuild"))


@pytest.mark.parametrize("store", ["file", "sqlite"])
def test_a_run_of_a_real_tracking_store(store: str, tmp_path: Path) -> None:
    """Read as a user does: the store stands in the variable of mlflow and nowhere else."""
    pytest.importorskip("mlflow", reason="mlflow is not installed")
    if store == "sqlite":
        pytest.importorskip("sqlalchemy", reason="sqlalchemy is not installed")
    uri = (tmp_path / "mlruns").as_uri() if store == "file" else f"sqlite:///{tmp_path / 'runs.db'}"
    (tmp_path / "train.py").write_text(RUN)
    made = program(tmp_path, sys.executable, "train.py", MLFLOW_TRACKING_URI=uri, MLFLOW_ALLOW_FILE_STORE="true")
    assert made.returncode == 0, made.stderr
    run_id = made.stdout.strip().splitlines()[-1]
    read_back = program(tmp_path, REPROBUILD, "import", f"mlflow:{run_id}", MLFLOW_TRACKING_URI=uri)
    assert read_back.returncode == 0, read_back.stderr
    snapshot = from_json_object(json.loads(read_back.stdout))
    assert snapshot.seeds == {"seed": 7}
    assert snapshot.python.version == platform.python_version()
    assert snapshot.command is not None and snapshot.command.program == "train.py"
    assert {item.name: item.version for item in snapshot.distributions}["numpy"] == "1.26.4"
    if store == "file":
        return
    missing = program(tmp_path, REPROBUILD, "import", "mlflow:0123", MLFLOW_TRACKING_URI=uri)
    assert missing.returncode == RecordError.exit_code
    assert "reprobuild: error: mlflow:0123: " in missing.stderr and "not found" in missing.stderr
    assert "hint: MLFLOW_TRACKING_URI names the server" in missing.stderr


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    pytest.importorskip("sqlalchemy", reason="sqlalchemy is not installed")
    path = tmp_path / "none.db"
    missing = program(tmp_path, REPROBUILD, "import", "mlflow:0123", MLFLOW_TRACKING_URI=f"sqlite:///{path}")
    assert f"there is no database {path}" in missing.stderr and not path.exists()


@pytest.fixture
def server() -> Iterator[WandbServer]:
    """What W&B's own client talks to in place of its service."""
    served = WandbServer(WANDB_RUN)
    yield served
    served.stop()


def test_a_run_of_a_server_of_wandb(server: WandbServer, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    account = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": "a" * 40}
    read_back = program(tmp_path, REPROBUILD, "import", "wandb:team/project/abc123", **account)
    assert read_back.returncode == 0, read_back.stderr
    snapshot = from_json_object(json.loads(read_back.stdout))
    on_disk = read(WANDB_RUN)
    assert snapshot.torch == on_disk.torch and snapshot.command == on_disk.command
    assert snapshot.source == on_disk.source and snapshot.distributions == on_disk.distributions
    assert server.asked_for <= {*RUN_FILES}
    assert "a" * 40 not in read_back.stdout + read_back.stderr


def test_a_run_that_the_server_does_not_have(server: WandbServer, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    account = {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": "a" * 40}
    missing = program(tmp_path, REPROBUILD, "import", "wandb:team/project/other", **account)
    assert missing.returncode == RecordError.exit_code
    first, second = missing.stderr.strip().splitlines()
    assert first.startswith("reprobuild: error: wandb:team/project/other: ")
    assert second == "hint: WANDB_BASE_URL names the server, 'wandb login' or WANDB_API_KEY the account"


def test_without_an_account_the_way_out_is_said(server: WandbServer, tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    refused = program(tmp_path, REPROBUILD, "import", "wandb:team/project/abc123", WANDB_BASE_URL=server.url)
    assert refused.returncode == RecordError.exit_code and "wandb login" in refused.stderr
