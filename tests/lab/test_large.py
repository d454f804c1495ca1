"""A run with CUDA as it was in 2023, with its gigabytes of real wheels. Opt in: ``pytest -m large -s tests/lab``."""

from __future__ import annotations

import json

import pytest
from tests.lab.laboratory import Laboratory, interpreters
from tests.lab.proofs import read_proof, unexplained
from tests.lab.recorded_run import RecordedRun

pytestmark = [pytest.mark.large, pytest.mark.timeout(3600)]

VERSION = "3.10.13"
REQUIREMENTS = ("torch==2.1.0", "transformers==4.36.0", "numpy==1.24.3", "pandas==2.0.3")
IMAGE = "real-cuda-run:rebuilt"
QUESTION = "import torch, torch.backends.cudnn as c; print(torch.__version__, torch.version.cuda, c.version())"


@pytest.fixture(scope="module")
def run(lab: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    """CPython 3.10.13 and torch 2.1.0 with its nvidia-*-cu12 packages from the default index; recorded."""
    if VERSION not in interpreters.available_versions():
        pytest.skip(f"no CPython {VERSION} under PYENV_ROOT to make the environment with")
    lab.provide_python(VERSION)
    recorded = RecordedRun(tmp_path_factory.mktemp("large"), lab)
    recorded.install(interpreters.interpreter(VERSION), *REQUIREMENTS)
    recorded.capture()
    return recorded


def test_a_cuda_run_is_rebuilt_and_proved(run: RecordedRun, lab: Laboratory) -> None:
    plan = run.plan()
    assert plan["accelerator"]["version"] == "12.1"
    assert plan["python"]["version"] == VERSION
    run.program("build", run.record, "-t", IMAGE, *run.network())
    proof_file = run.folder / "proof.json"
    verified = run.program("verify", run.record, IMAGE, "-o", proof_file)
    assert unexplained(read_proof(proof_file.read_text())) == []
    answer = lab.client.containers.run(IMAGE, ["python", "-c", QUESTION], network_mode="none", remove=True).decode()
    size = lab.client.images.get(IMAGE).attrs["Size"] / 1e9
    # Shown with `pytest -s`: the run is too large to repeat for its output.
    print(f"\n{verified.stdout}\nimport torch in the image prints: {answer}size of the image: {size:.1f} GB")
    recorded = json.loads(run.record.read_text())["torch"]
    version, cuda, cudnn = answer.split()
    assert (version, cuda) == ("2.1.0+cu121", "12.1")
    assert cudnn_digits(cudnn) == recorded["cudnn"].split(".")[:3]


def cudnn_digits(number: str) -> list[str]:
    """``8902`` -> 8, 9, 2: how cuDNN writes its version as one number up to release 8."""
    return [str(int(number) // 1000), str(int(number) // 100 % 10), str(int(number) % 100)]
