"""Logging to Weights & Biases with the real package, offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reprobuild import log_environment_to_wandb

LOG = """
import json, sys, wandb
from reprobuild import log_environment_to_wandb, save_environment_snapshot
record = {"python_version_short": "3.10.12", "torch_version": "2.1.0+cu121", "cuda_version": "12.1",
    "gpu_name": "Tesla T4", "platform_system": "Linux", "pip_freeze": "torch==2.1.0+cu121\\n",
    "packages": {"torch": "2.1.0+cu121"}}
paths = save_environment_snapshot(record, "environment")
seen = []
run = wandb.init(project="p", name=sys.argv[1], mode="offline", config={"torch_version": "1.0", "lr": 0.1})
send = run.log_artifact
def record_artifact(artifact):
    seen.append(artifact)
    return send(artifact)
run.log_artifact = record_artifact
log_environment_to_wandb(*paths, record)
artifact = seen[0]
print(json.dumps({"name": artifact.name, "type": artifact.type, "metadata": dict(artifact.metadata),
    "files": sorted(artifact.manifest.entries), "config": dict(run.config)}))
run.finish()
"""


def run(code: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run in a process and a folder of its own, with nothing of wandb's outside that folder."""
    pytest.importorskip("wandb", reason="wandb is not installed here")
    places = {f"WANDB_{name}_DIR": str(folder / name) for name in ("CACHE", "CONFIG", "DATA", "ARTIFACT")}
    environment = {**os.environ, **places, "WANDB_MODE": "offline", "WANDB_SILENT": "true", "HOME": str(folder)}
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=folder, env=environment, capture_output=True, encoding="utf-8"
    )


@pytest.mark.parametrize(("name", "artifact"), [("baseline-1", "baseline-1"), ("my run: 2/3", "my-run-2-3")])
def test_artifact_and_configuration(tmp_path: Path, name: str, artifact: str) -> None:
    done = run(LOG, tmp_path, name)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[4] == "✅ Environment logged to W&B"
    logged = json.loads(lines[5])
    assert logged["name"].partition(":")[0] == f"{artifact}-environment"
    assert logged["type"] == "environment"
    facts = {"python_version": "3.10.12", "torch_version": "2.1.0+cu121", "cuda_version": "12.1", "platform": "Linux"}
    assert logged["metadata"] == {**facts, "gpu_name": "Tesla T4"}
    assert logged["files"] == ["REPRODUCE.md", "environment.json", "requirements.txt"]
    assert logged["config"] == {**facts, "lr": 0.1}
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))


def test_without_a_run_it_says_so(tmp_path: Path) -> None:
    code = "from reprobuild import log_environment_to_wandb as log; log('a', 'b', 'c', {})"
    assert "RuntimeError: No active W&B run. " in run(code, tmp_path).stderr


def test_a_failure_names_wandb(tmp_path: Path) -> None:
    code = "import wandb; from reprobuild import log_environment_to_wandb as log; wandb.init(); log('a', 'b', 'c', {})"
    assert "RuntimeError: W&B artifact logging failed: " in run(code, tmp_path).stderr


def test_without_wandb_it_is_an_import_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ImportError, match="wandb is not installed"):
        log_environment_to_wandb("a", "b", "c", {})
