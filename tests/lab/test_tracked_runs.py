"""Runs that nobody captured: what a real offline W&B run and a real MLflow model left is rebuilt, with the code.

One environment, one repository, one script that both tools track; each record becomes an image of its own.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from tests.lab.laboratory import Laboratory, interpreters
from tests.lab.proofs import read_proof, unexplained
from tests.lab.recorded_run import RecordedRun

from reprobuild.proof import Proof

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

REQUIREMENTS = ("wandb==0.31.0", "mlflow-skinny==3.17.2", "numpy==1.26.4", "pandas==2.2.2")
TRAINING = """\
import os, sys
import numpy
print("learned", numpy.float64(1) / 3, *sys.argv[1:])
if "TRACK" in os.environ:
    import mlflow, wandb
    wandb.init(project="p", mode="offline", save_code=True, config={"seed": 7})
    with mlflow.start_run():
        mlflow.log_param("seed", 7)
        mlflow.pyfunc.log_model(
            name="model",
            python_model=mlflow.pyfunc.PythonModel(),
            pip_requirements=["mlflow-skinny==3.17.2", "numpy==1.26.4", "pandas==2.2.2"],
        )
    wandb.finish()
"""


class TrackedRun(RecordedRun):
    """A recorded run with the two trackers' records, and the address of its repository."""

    repository: str

    def track(self, lab: Laboratory) -> None:
        """Commit the script, change it, run it with both trackers."""
        code = self.folder / "code"
        code.mkdir()
        (code / "train.py").write_text(TRAINING)
        identity = ("-c", "user.name=someone", "-c", "user.email=someone@example.com")
        for command in (("init", "--quiet"), ("add", "."), ("commit", "--quiet", "-m", "First")):
            subprocess.run(["git", "-C", code, *identity, *command], check=True)
        self.repository = lab.site.add_repository("tracked-run", code)
        (code / "train.py").write_text(TRAINING.replace('"learned"', '"learned again"'))
        variables = {
            **os.environ,
            "TRACK": "1",
            "HOME": str(self.folder),
            "WANDB_SILENT": "true",
            "MLFLOW_ALLOW_FILE_STORE": "true",
            "MLFLOW_TRACKING_URI": (self.folder / "mlruns").as_uri(),
        }
        started = [str(self.python), "train.py", "--rate", "0.1"]
        subprocess.run(started, check=True, env=variables, cwd=code, capture_output=True, timeout=300)

    @property
    def of_wandb(self) -> Path:
        """The folder of the W&B run."""
        (found,) = (self.folder / "code" / "wandb").glob("offline-run-*")
        return found

    @property
    def of_mlflow(self) -> Path:
        """The folder of the MLflow run, whose model lies beside it."""
        (found,) = (path for path in (self.folder / "mlruns").glob("*/*/meta.yaml") if (path.parent / "tags").is_dir())
        return found.parent


@pytest.fixture(scope="module")
def run(lab: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> TrackedRun:
    """The run, and nothing captured of it."""
    versions = [version for version in interpreters.available_versions() if version.startswith("3.11.")]
    if not versions:
        pytest.skip("no CPython 3.11 under PYENV_ROOT to make the environment with")
    lab.provide_python(versions[-1])
    tracked = TrackedRun(tmp_path_factory.mktemp("tracked"), lab)
    tracked.install(interpreters.interpreter(versions[-1]), *REQUIREMENTS)
    tracked.track(lab)
    return tracked


def rebuilt(run: TrackedRun, record: Path, tag: str, lab: Laboratory) -> Proof:
    """``reprobuild rebuild RECORD`` as a user types it, with the code from the repository that they name."""
    options = ("--with-source", run.repository)
    plan = json.loads(run.program("plan", record, "--json", *options).stdout)
    base = plan["base"]
    lab.provide_base(f"{base['repository']}:{base['tag']}")
    lab.images.provide_uv(plan["uv_image"])
    run.program("rebuild", record, "-t", tag, "-o", run.folder / f"{tag}.json", *options, *run.network())
    return read_proof((run.folder / f"{tag}.json").read_text())


def printed_by(lab: Laboratory, image: str) -> str:
    """What the image prints when nobody says what it shall start."""
    return lab.client.containers.run(image, network_mode="none", remove=True).decode()


def test_a_wandb_run_is_rebuilt_with_its_changed_code_and_command(run: TrackedRun, lab: Laboratory) -> None:
    proof = rebuilt(run, run.of_wandb, "of-wandb", lab)
    assert unexplained(proof, digests=False) == []
    assert printed_by(lab, "of-wandb") == "learned again 0.3333333333333333 --rate 0.1\n"


def test_an_mlflow_run_is_rebuilt_at_its_commit(run: TrackedRun, lab: Laboratory) -> None:
    proof = rebuilt(run, run.of_mlflow, "of-mlflow", lab)
    assert unexplained(proof, digests=False) == []
    # MLflow records neither changes nor arguments.
    assert printed_by(lab, "of-mlflow") == "learned 0.3333333333333333\n"


def test_the_final_image_holds_code_but_no_repository_and_no_place(run: TrackedRun, lab: Laboratory) -> None:
    script = "ls -a /workspace; ls -ld /workspace/train.py; find / -xdev -name changes.patch"
    printed = lab.client.containers.run(
        "of-wandb", ["sh", "-c", script], network_mode="none", remove=True, user="0"
    ).decode()
    assert "train.py" in printed and "runner runner" in printed
    assert ".git" not in printed.split() and "changes.patch" not in printed
