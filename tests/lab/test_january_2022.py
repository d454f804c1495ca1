"""The record of January 2022 in ``examples/jan-2022-cu113``: built from its Dockerfile with no edit, and proved.

Real: the record but for the two lines named below, the plan, the Dockerfile, uv, numpy 1.21.5 and the other packages
of the default index, the git installation, CPython.
Stand-ins: CPython 3.8.18 for 3.8.10, and a repository of the laboratory for the one on GitHub, because neither can be
had without them; the first test shows that the Dockerfile of the record itself differs in nothing else. Debian 12 under
the name of NVIDIA's image. ``torch`` and ``torchvision`` are wheels of the recorded versions without the libraries
inside: so CUDA and cuDNN are proved as far as the right wheel was installed from the right folder, and no further.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.lab import made_packages
from tests.lab.laboratory import Laboratory, interpreters
from tests.lab.laboratory.wheels import made_up_wheel
from tests.lab.proofs import read_proof, unexplained
from tests.lab.recorded_run import RecordedRun

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]

EXAMPLE = Path(__file__).parents[2] / "examples" / "jan-2022-cu113"
BASE = "nvidia/cuda:11.3.1-cudnn8-runtime-ubuntu20.04"
THERE, HERE = "3.8.10", "3.8.18"
IMAGE = "january-2022:rebuilt"


class JanuaryRun(RecordedRun):
    """The example's record with what the laboratory has in place of what it has not."""

    repository: str
    commit: str


@pytest.fixture(scope="module")
def run(lab: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> JanuaryRun:
    """The record, and everything that its recipe asks for."""
    if HERE not in interpreters.available_versions():
        pytest.skip(f"no CPython {HERE} under PYENV_ROOT to stand in for {THERE}")
    folder = tmp_path_factory.mktemp("january")
    run = JanuaryRun(folder, lab)
    run.repository, run.commit = made_packages.repository(lab, folder, "clip")
    lab.provide_python(HERE)
    lab.provide_base(BASE)
    lab.site.add_wheel("cu113", made_packages.torch(folder, "1.10.1+cu113", cuda="11.3", cudnn=8200))
    vision = {"torchvision/__init__.py": "import torch\n"}
    lab.site.add_wheel("cu113", made_up_wheel(folder, "torchvision", "0.11.2+cu113", vision))
    run.record.parent.mkdir()
    run.record.write_text(json.dumps(at_the_laboratory(run), indent=2))
    return run


def at_the_laboratory(run: JanuaryRun) -> Any:
    """The example's record with the two stand-ins that a record can tell."""
    record = json.loads((EXAMPLE / "environment.json").read_text().replace(THERE, HERE))
    (clip,) = (each for each in record["distributions"] if each["name"] == "clip")
    clip["direct_url"]["url"] = run.repository
    clip["direct_url"]["vcs_info"]["commit_id"] = run.commit
    return record


def instructions(dockerfile: str) -> list[str]:
    """The file without its comments and without the digests, which tell records apart."""
    lines = [line for line in dockerfile.splitlines() if line and not line.startswith("#")]
    return [line for line in lines if "digest" not in line and "image.version" not in line]


def test_the_recipe_of_the_record_itself_differs_in_the_stand_ins_alone(run: JanuaryRun) -> None:
    files = json.loads(run.program("dockerfile", run.record, "--json").stdout)["files"]
    there = json.loads(run.program("dockerfile", EXAMPLE / "environment.json", "--json").stdout)["files"]
    assert instructions(files["Dockerfile"].replace(HERE, THERE)) == instructions(there["Dockerfile"])
    lists = {name for name in there if name.startswith("requirements/")}
    assert lists == {name for name in files if name.startswith("requirements/")}
    for name in lists:
        if "version-control" in name:
            assert f"clip @ git+{run.repository}@{run.commit}" in files[name]
        else:
            assert files[name] == there[name]


def test_each_fact_of_the_record_is_kept() -> None:
    dockerfile = (EXAMPLE / "Dockerfile").read_text()
    lines = "".join(path.read_text() for path in (EXAMPLE / "requirements").iterdir()).splitlines()
    assert f"FROM {BASE} AS builder" in dockerfile
    assert dockerfile.count(f"FROM {BASE}\n") == 1
    assert f"uv python install {THERE} " in dockerfile
    assert '"${PYTORCH_INDEX}/cu113"' in dockerfile
    assert {"torch==1.10.1+cu113", "torchvision==0.11.2+cu113", "numpy==1.21.5"} <= set(lines)
    assert any(line.startswith("clip @ git+") and line.endswith("b46f5ac7587d2e1862f8b7b1573179d80dcdd620")
               for line in lines)  # fmt: skip
    assert json.loads((EXAMPLE / "plan.json").read_text())["fidelity"] == "exact"


def test_it_builds_and_is_proved(run: JanuaryRun) -> None:
    plan = run.plan()
    assert f"{plan['base']['repository']}:{plan['base']['tag']}" == BASE
    run.program("build", run.record, "-t", IMAGE, *run.network())
    proof = read_proof(run.program("verify", run.record, IMAGE, "--json", check=False).stdout)
    assert unexplained(proof, digests=False) == []
    exact = {finding.subject: finding.found for level in proof.levels for finding in level.findings}
    assert exact["python"] == HERE
    assert exact["package numpy"] == "1.21.5"
    assert exact["package torch"] == "1.10.1+cu113"
