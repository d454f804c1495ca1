"""Folders of W&B and MLflow: which piece wins where they disagree."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from reprobuild.errors import RecordError
from reprobuild.records import parse, read
from reprobuild.records.command_line import without_secrets
from reprobuild.records.wandb_run import another_environment
from reprobuild.snapshot import PythonFacts, Snapshot

RECORDS = Path(__file__).parents[2] / "data" / "records"


def test_a_wandb_run_tells_interpreter_machine_code_and_command() -> None:
    snapshot = read(RECORDS / "wandb-run")
    assert (snapshot.python.version, snapshot.python.environment) == ("3.10.12", "conda")
    assert (snapshot.system.os_id, snapshot.system.os_version) == ("ubuntu", "22.04")
    assert snapshot.torch is not None
    assert (snapshot.torch.version, snapshot.torch.cuda, snapshot.torch.cudnn) == ("2.1.0+cu121", "12.1", "8.9.2.26")
    assert snapshot.gpu is not None and snapshot.gpu.driver_cuda == "12.2"
    assert [device.name for device in snapshot.gpu.devices] == ["Tesla T4", "Tesla T4"]
    assert snapshot.command is not None and snapshot.command.program == "src/train.py"
    assert snapshot.source is not None and snapshot.source.dirty and "+lr = 0.2" in (snapshot.source.diff or "")
    assert snapshot.source.commit == "0123456789012345678901234567890123456789"
    assert snapshot.recorded_at == "2024-03-16T23:06:23Z" and snapshot.seeds == {"seed": 42}


def test_no_secret_and_no_person_of_a_wandb_run_is_kept() -> None:
    snapshot = read(RECORDS / "wandb-run")
    assert "hunter2" not in snapshot.to_json() and '"host"' not in snapshot.to_json()
    assert snapshot.command is not None and "512" in snapshot.command.arguments
    assert snapshot.redactions == {"command.arguments": 2}


def test_a_conda_export_of_another_environment_is_left_out_and_said() -> None:
    snapshot = read(RECORDS / "wandb-run")
    assert "conda" not in [item.name for item in snapshot.distributions]
    (note,) = [note for note in snapshot.notes if note.code == "conda-of-another-environment"]
    assert "/home/someone/miniconda3/envs/run/bin/python" in note.message


@pytest.mark.parametrize(
    ("executable", "prefix", "versions", "differs"),
    [
        ("/opt/conda/bin/python", "/opt/conda", ("3.8.3", "3.8.3"), False),
        ("/opt/conda/envs/a/bin/python3.8", "/opt/conda/envs/a/", ("3.8.3", "3.8"), False),
        ("/opt/conda/envs/a/bin/python", "/opt/conda", ("3.8.3", "3.8.3"), True),
        ("C:\\conda\\envs\\a\\python.exe", "C:\\conda\\envs\\a", ("3.8.3", "3.8.3"), False),
        (None, "/opt/conda", ("3.8.3", "3.9.1"), True),
        (None, None, ("3.8.3", None), False),
    ],
)
def test_whose_export_it_is(
    executable: str | None, prefix: str | None, versions: tuple[str, str | None], differs: bool
) -> None:
    run = Snapshot(python=PythonFacts(version=versions[0], executable=executable))
    export = Snapshot(python=PythonFacts(version=versions[1], prefix=prefix))
    assert bool(another_environment(run, export)) == differs


def test_changes_against_a_published_commit_are_kept_with_that_commit(tmp_path: Path) -> None:
    run = shutil.copytree(RECORDS / "wandb-run", tmp_path / "run")
    base = "fedcba9876543210fedcba9876543210fedcba98"
    (run / "files" / f"upstream_diff_{base}.patch").write_text("diff --git a/x b/x\n+unpublished\n")
    source = read(run).source
    assert source is not None and source.diff is not None and "+unpublished" in source.diff
    assert (source.commit, source.diff_base) == ("0123456789012345678901234567890123456789", base)
    (run / "files" / "diff.patch").unlink()
    again = read(run).source
    assert again is not None and (again.diff_base, again.dirty) == (base, None)


def test_a_broken_file_of_a_run_is_a_note(tmp_path: Path) -> None:
    run = shutil.copytree(RECORDS / "wandb-run", tmp_path / "run")
    (run / "files" / "wandb-metadata.json").write_text('{"os": "Lin')
    (run / "files" / "conda-environment.yaml").write_text("")
    snapshot = read(run)
    assert "conda-export-empty" in [note.code for note in snapshot.notes]
    assert [item.name for item in snapshot.distributions][:2] == ["numpy", "torch"]


def test_a_folder_of_several_runs_asks_which_one(tmp_path: Path) -> None:
    for name in ("run-20240101_000000-a", "run-20240102_000000-b"):
        shutil.copytree(RECORDS / "wandb-run", tmp_path / "wandb" / name)
    with pytest.raises(RecordError) as caught:
        read(tmp_path / "wandb")
    assert caught.value.hint == "name one of them: run-20240101_000000-a, run-20240102_000000-b"
    shutil.rmtree(tmp_path / "wandb" / "run-20240102_000000-b")
    assert read(tmp_path / "wandb") == read(RECORDS / "wandb-run")


def test_an_mlflow_models_own_versions_win() -> None:
    snapshot = read(RECORDS / "mlflow-model")
    found = {item.name: item.version for item in snapshot.distributions}
    assert found["torch"] == "2.1.0+cpu" and found["setuptools"] == "65.5.0"
    assert snapshot.torch is not None and snapshot.torch.version == "2.1.0+cpu"
    assert any(note.code == "conflict" and "MLmodel says 2.1.0+cpu" in note.message for note in snapshot.notes)
    assert (snapshot.python.version, snapshot.python.environment) == ("3.10.12", None)
    assert snapshot.system.system == "Darwin" and snapshot.recorded_at == "2024-03-25T07:06:07Z"


def test_an_mlflow_runs_tags_and_seed(tmp_path: Path) -> None:
    shutil.copytree(RECORDS / "mlflow-model", tmp_path / "artifacts" / "model")
    for place, text in {
        "meta.yaml": "artifact_uri: file:///home/someone/mlruns\nstart_time: 1711351063954\n",
        "tags/mlflow.source.git.commit": "0123456789012345678901234567890123456789\n",
        "tags/mlflow.source.git.repoURL": "https://me:hunter2@example.org/run.git",
        "tags/mlflow.source.name": "train.py",
        "tags/mlflow.user": "someone",
        "params/seed": "7",
    }.items():
        (tmp_path / place).parent.mkdir(exist_ok=True)
        (tmp_path / place).write_text(text)
    snapshot = read(tmp_path)
    assert snapshot.source is not None and snapshot.source.remote == "https://example.org/run.git"
    assert snapshot.command is not None and snapshot.command.program == "train.py"
    assert snapshot.seeds == {"seed": 7} and snapshot.redactions == {"source.remote": 1}


@pytest.mark.parametrize(
    ("arguments", "kept"),
    [
        (["--api_key", "x"], ["--api_key", "REMOVED"]),
        (["--wandb-token=x", "--lr=1"], ["--wandb-token=REMOVED", "--lr=1"]),
        (["--max_tokens", "512"], ["--max_tokens", "512"]),
        (["--tokenizer", "bert"], ["--tokenizer", "bert"]),
        (["--pad_token_id", "0"], ["--pad_token_id", "0"]),
        (["--password", "--verbose"], ["--password", "--verbose"]),
        (["https://me:x@example.org/a"], ["https://example.org/a"]),
    ],
)
def test_secrets_of_a_command_line(arguments: list[str], kept: list[str]) -> None:
    assert without_secrets(arguments)[0] == kept


def test_the_model_of_an_mlflow_3_run_lies_beside_it(tmp_path: Path) -> None:
    run = tmp_path / "0" / "37391859edf149e5ac7d3ffebc7b46a1"
    for place in ("tags/mlflow.source.name", "outputs/m-1/meta.yaml"):
        (run / place).parent.mkdir(parents=True)
        (run / place).write_text("train.py")
    shutil.copytree(RECORDS / "mlflow-model", tmp_path / "0" / "models" / "m-1" / "artifacts")
    snapshot = read(run)
    assert snapshot.python.version == "3.10.12" and "torch" in [item.name for item in snapshot.distributions]
    assert snapshot.command is not None and snapshot.command.program == "train.py"


def test_a_folder_of_several_mlflow_runs_asks_which_one(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "tags").mkdir(parents=True)
        (tmp_path / name / "tags" / "mlflow.source.name").write_text("train.py")
    with pytest.raises(RecordError) as caught:
        read(tmp_path)
    assert caught.value.hint == "name one of them: a, b"


def test_a_record_without_packages_says_so(tmp_path: Path) -> None:
    (tmp_path / "tags").mkdir()
    (tmp_path / "tags" / "mlflow.source.name").write_text("train.py")
    assert [note.code for note in read(tmp_path).notes] == ["no-arguments", "no-packages"]


METADATA = {
    "os": "Linux-4.15.0-118-generic-x86_64-with-debian-buster-sid",
    "python": "3.7.9",
    "startedAt": "2020-10-05T12:00:00.123456",
    "heartbeatAt": "2020-10-05T12:00:01",
    "program": "train.py",
    "args": ["--lr", "0.1"],
}


def of_metadata(**changes: object) -> Snapshot:
    """What W&B's metadata of 2020 tells, with some of it changed."""
    return parse(json.dumps({**METADATA, **changes}).encode(), "wandb-metadata.json")


def test_an_ubuntu_that_calls_itself_a_debian_in_the_making() -> None:
    snapshot = of_metadata()
    assert (snapshot.system.os_id, snapshot.system.os_version) == ("ubuntu", "18.04")
    assert {item.fact for item in snapshot.evidence} == {"system.os_id", "system.os_version"}
    debian = of_metadata(os="Linux-4.19.0-11-amd64-x86_64-with-debian-10.6")
    assert (debian.system.os_id, debian.system.os_version, debian.evidence) == ("debian", "10.6", ())


@pytest.mark.parametrize(
    "program",
    ["<python with no main file>", "/usr/lib/python3/dist-packages/ipykernel_launcher.py", "/content/train.ipynb"],
)
def test_a_notebook_is_no_command(program: str) -> None:
    snapshot = of_metadata(program=program)
    assert snapshot.command is None and "notebook" in [note.code for note in snapshot.notes]


def test_a_module_is_started_as_one() -> None:
    command = of_metadata(program="-m package.train", codePath="package/train.py").command
    assert command is not None and command.program == "-m package.train"


def test_amds_devices() -> None:
    gpu = of_metadata(gpu_amd=[{"id": "0", "productName": "AMD Instinct MI250X"}], gpu="[AMD]", gpu_count=1).gpu
    assert gpu is not None and [device.name for device in gpu.devices] == ["AMD Instinct MI250X"]


def test_a_notebook_and_a_project_of_mlflow_are_no_commands(tmp_path: Path) -> None:
    for kind, code in (("NOTEBOOK", "notebook"), ("PROJECT", "mlflow-project")):
        tags = tmp_path / kind / "tags"
        tags.mkdir(parents=True)
        (tags / "mlflow.source.type").write_text(kind)
        (tags / "mlflow.source.name").write_text("somewhere")
        snapshot = read(tmp_path / kind)
        assert snapshot.command is None and code in [note.code for note in snapshot.notes]
