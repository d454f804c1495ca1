"""Runs that lie on a server: what is fetched, and what is said where the package or the run is missing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from reprobuild.cli.live_records import is_live, read_live
from reprobuild.errors import RecordError
from reprobuild.integrations.wandb import RUN_FILES, download_files
from reprobuild.records import read

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


def test_without_mlflow_the_way_out_is_said() -> None:
    if find_spec("mlflow") is not None:
        pytest.skip("mlflow is installed here")
    with pytest.raises(RecordError) as caught:
        read_live("mlflow:0123")
    assert str(caught.value) == "mlflow:0123: reading a run from MLflow needs mlflow"
    assert caught.value.hint == "pip install reprobuild[mlflow]"


def test_a_run_of_a_real_tracking_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri((tmp_path / "mlruns").as_uri())
    with mlflow.start_run() as run:
        mlflow.log_param("seed", 7)
        mlflow.pyfunc.log_model(
            name="model", python_model=mlflow.pyfunc.PythonModel(), pip_requirements=["numpy==1.26.4"]
        )
    snapshot = read_live(f"mlflow:{run.info.run_id}")
    assert snapshot.seeds == {"seed": 7}
    assert {item.name: item.version for item in snapshot.distributions}["numpy"] == "1.26.4"
    with pytest.raises(RecordError, match="not found"):
        read_live("mlflow:0123")
