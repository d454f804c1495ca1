"""The callbacks of Hugging Face's Trainer and of Lightning in real trainings, with real tracking beside them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reprobuild.integrations.keeping import keep_environment

HUGGING_FACE = """
import pickle, sys
import torch, mlflow
from transformers import Trainer, TrainingArguments
from reprobuild import set_random_seed
from reprobuild.integrations.transformers import EnvironmentCallback
set_random_seed(3)

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
    def forward(self, x, labels):
        return {"loss": torch.nn.functional.mse_loss(self.layer(x), labels)}

data = [{"x": torch.ones(2), "labels": torch.ones(1)}] * 4
settings = TrainingArguments("out", max_steps=2, report_to=[], use_cpu=True, disable_tqdm=True, save_strategy="no")
callback = EnvironmentCallback(**eval(sys.argv[1]))
assert type(pickle.loads(pickle.dumps(callback))) is EnvironmentCallback
trainer = Trainer(Model(), settings, train_dataset=data, callbacks=[callback])
with mlflow.start_run() as run:
    trainer.train()
assert trainer.state.global_step == 2
print("trained", run.info.run_id)
"""

LIGHTNING = """
import pickle, sys
import torch
if sys.argv[1] == "lightning":
    from lightning.pytorch import LightningModule, Trainer, loggers
else:
    from pytorch_lightning import LightningModule, Trainer, loggers
from reprobuild.integrations.lightning import EnvironmentCallback

class Model(LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(2, 1)
    def training_step(self, batch, _):
        return torch.nn.functional.mse_loss(self.layer(batch), torch.ones(len(batch), 1))
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

callback = EnvironmentCallback()
assert type(pickle.loads(pickle.dumps(callback))) is EnvironmentCallback
logger = loggers.CSVLogger("logs")
trainer = Trainer(max_epochs=1, accelerator="cpu", logger=logger, enable_progress_bar=False, callbacks=[callback],
                  enable_checkpointing=False, enable_model_summary=False)
trainer.fit(Model(), torch.utils.data.DataLoader(torch.ones(4, 2)))
print("trained", trainer.log_dir)
"""

WANDB = """
import wandb
from reprobuild.integrations.keeping import keep_environment
run = wandb.init(project="p", mode="offline", tags=["mine"])
seen = []
send = run.log_artifact
run.log_artifact = lambda artifact: (seen.append(artifact), send(artifact))[1]
assert keep_environment("here", on_error="raise")
print(sorted(seen[0].manifest.entries), list(run.tags))
run.finish()
"""


def run(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """In a process and a folder of its own, with nothing of the trackers' outside it and no network asked."""
    places = {f"WANDB_{name}_DIR": str(folder / name) for name in ("CACHE", "CONFIG", "DATA", "ARTIFACT")}
    given = {
        **os.environ,
        **places,
        "WANDB_MODE": "offline",
        "WANDB_SILENT": "true",
        "HOME": str(folder),
        "MLFLOW_TRACKING_URI": (folder / "mlruns").as_uri(),
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "HF_HUB_OFFLINE": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, env=given, capture_output=True, encoding="utf-8"
    )


def record(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "environment.json").read_bytes())
    return content


def needs(*packages: str) -> None:
    for package in packages:
        pytest.importorskip(package, reason=f"{package} is not installed here")


def test_hugging_face(tmp_path: Path) -> None:
    needs("mlflow", "transformers", "accelerate")
    done = run(HUGGING_FACE, tmp_path, "{}")
    assert done.returncode == 0, done.stderr
    facts = record(tmp_path / "out" / "environment")
    assert facts["seeds"] == {"set_random_seed": 3}
    assert facts["torch"]["read_by"] == "import"
    assert facts["switches"]["torch.threads"]
    run_folder = next((tmp_path / "mlruns").glob(f"*/{done.stdout.split()[-1]}"))
    assert (run_folder / "tags" / "reprobuild.torch").read_text() == facts["torch_version"]
    assert (run_folder / "tags" / "reprobuild.python").read_text() == facts["python_version_short"]
    logged = run_folder / "artifacts" / "environment"
    assert sorted(path.name for path in logged.iterdir()) == ["REPRODUCE.md", "environment.json", "requirements.txt"]


def test_hugging_face_trains_on_where_nothing_can_be_recorded(tmp_path: Path) -> None:
    needs("mlflow", "transformers", "accelerate")
    (tmp_path / "file").write_text("")
    done = run(HUGGING_FACE, tmp_path, "{'output_dir': 'file/x'}")
    assert done.returncode == 0, done.stderr
    assert "trained" in done.stdout
    assert done.stderr.count("The environment of this run is not recorded: ") == 1


def test_a_failure_is_raised_where_that_was_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    assert keep_environment(tmp_path / "file" / "x") is None
    assert len(caplog.records) == 1 and "a file is in the way" in caplog.text
    with pytest.raises(OSError, match="a file is in the way"):
        keep_environment(tmp_path / "file" / "x", on_error="raise")


@pytest.mark.parametrize("package", ["lightning", "pytorch_lightning"])
def test_lightning(tmp_path: Path, package: str) -> None:
    needs(package)
    done = run(LIGHTNING, tmp_path, package)
    assert done.returncode == 0, done.stderr
    facts = record(tmp_path / done.stdout.split()[-1] / "environment")
    assert facts["torch"]["read_by"] == "import"


def test_an_active_run_of_wandb_gets_files_and_tags(tmp_path: Path) -> None:
    needs("wandb")
    done = run(WANDB, tmp_path)
    assert done.returncode == 0, done.stderr
    version = ".".join(map(str, sys.version_info[:3]))
    last = done.stdout.splitlines()[-1]
    assert last.startswith(f"['REPRODUCE.md', 'environment.json', 'requirements.txt'] ['mine', 'python {version}'")


def test_mlflow_without_a_run_says_so(tmp_path: Path) -> None:
    needs("mlflow")
    code = "from reprobuild import log_environment_to_mlflow as log; log('a', 'b', 'c', {})"
    assert "RuntimeError: No active MLflow run. " in run(code, tmp_path).stderr


def test_without_the_package_it_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    from reprobuild import log_environment_to_mlflow
    from reprobuild.integrations import lightning, transformers

    for package in ("mlflow", "transformers", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ImportError, match="mlflow is not installed"):
        log_environment_to_mlflow("a", "b", "c", {})
    for module in (lightning, transformers):
        monkeypatch.delitem(vars(module), "EnvironmentCallback", raising=False)
        with pytest.raises(ImportError):
            _ = module.EnvironmentCallback
        with pytest.raises(AttributeError, match="has no attribute 'Other'"):
            _ = module.Other
