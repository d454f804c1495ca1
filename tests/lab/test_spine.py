"""The whole way on real input: an environment that pip made is recorded, planned, built unchanged, and proved."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from tests.lab.laboratory import Laboratory, interpreters
from tests.lab.laboratory.wheels import offer_real_torch
from tests.lab.proofs import read_proof, unexplained
from tests.lab.recorded_run import RecordedRun

from reprobuild.proof import Verdict

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

TRAINING = Path(__file__).parents[2] / "examples" / "train.py"
IMAGE = "real-old-run:rebuilt"

REQUIREMENTS = (
    "torch==2.13.0",
    "numpy==1.26.2",
    "attrs==23.1.0",
    "certifi==2023.11.17",
    "charset-normalizer==3.3.2",
    "click==8.1.7",
    "einops==0.7.0",
    "idna==3.6",
    "markdown-it-py==3.0.0",
    "mdurl==0.1.2",
    "psutil==5.9.6",
    "Pygments==2.17.2",
    "python-dateutil==2.8.2",
    "pytz==2023.3.post1",
    "PyYAML==6.0.1",
    "regex==2023.10.3",
    "requests==2.31.0",
    "rich==13.7.0",
    "safetensors==0.4.1",
    "six==1.16.0",
    "tabulate==0.9.0",
    "tqdm==4.66.1",
    "urllib3==2.1.0",
)
"""What a run of late 2023 might have had, beside what torch itself brings."""


@pytest.fixture(scope="module")
def run(lab: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    """CPython 3.11, the real torch, numpy, twenty more packages and one from version control; recorded."""
    versions = [version for version in interpreters.available_versions() if version.startswith("3.11.")]
    if not versions:
        pytest.skip("no CPython 3.11 under PYENV_ROOT to make the environment with")
    if not offer_real_torch(lab.site):
        pytest.skip("no torch-2.13.0+cpu wheel in the PIP_FIND_LINKS folder")
    folder = tmp_path_factory.mktemp("run")
    lab.provide_python(versions[-1])
    recorded = RecordedRun(folder, lab)
    from_git = f"git+{lab.site.add_repository('own-package', own_package(folder))}@v1.2"
    recorded.install(interpreters.interpreter(versions[-1]), *REQUIREMENTS, f"own-package @ {from_git}")
    recorded.capture()
    return recorded


def own_package(folder: Path) -> Path:
    """A repository with a package of the run's own, tagged v1.2."""
    checkout = folder / "own-package"
    (checkout / "own_package").mkdir(parents=True)
    (checkout / "own_package" / "__init__.py").write_text("ANSWER = 42\n")
    (checkout / "pyproject.toml").write_text(
        '[build-system]\nrequires = ["hatchling==1.18.0"]\nbuild-backend = "hatchling.build"\n'
        '[project]\nname = "own-package"\nversion = "1.2"\n'
    )
    identity = ["-c", "user.name=someone", "-c", "user.email=someone@example.com"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "First"], ["tag", "v1.2"]):
        subprocess.run(["git", "-C", checkout, *identity, *command], check=True)
    return checkout


@pytest.fixture(scope="module")
def image(run: RecordedRun) -> str:
    """The image that ``reprobuild build`` makes of the record."""
    run.plan()
    run.program("build", run.record, "-t", IMAGE, *run.network())
    return IMAGE


def test_the_record_holds_every_package_and_where_the_own_one_came_from(run: RecordedRun) -> None:
    record = json.loads(run.record.read_text())
    names = {distribution["name"].lower().replace("_", "-") for distribution in record["distributions"]}
    assert len(names) >= 30
    assert {"torch", "numpy", "own-package", "pip"} <= names
    text = run.record.read_text()
    commit = subprocess.run(
        ["git", "-C", run.folder / "own-package", "rev-parse", "HEAD"],
        check=True,
        capture_output=True,
        encoding="utf-8",
    ).stdout.strip()
    assert commit in text


def test_the_plan_is_exact(run: RecordedRun) -> None:
    plan = run.plan()
    inexact = [decision for decision in plan["decisions"] if decision["fidelity"] not in ("exact", "equivalent")]
    assert inexact == []
    left_out = [placement for placement in plan["placements"] if placement["fidelity"] == "missing"]
    assert left_out == []


def test_the_image_is_the_recorded_environment(run: RecordedRun, image: str) -> None:
    verified = run.program("verify", run.record, image, "--json", check=False)
    proof = read_proof(verified.stdout)
    assert unexplained(proof) == []
    verdicts = {finding.verdict for level in proof.levels for finding in level.findings}
    assert verdicts <= {Verdict.EXACT, Verdict.EQUIVALENT}
    assert verified.status == 0


def test_training_gives_the_same_losses_to_the_last_bit(run: RecordedRun, image: str) -> None:
    before, after = run.printed_by(TRAINING), run.printed_in_image(image, TRAINING)
    assert len(before.splitlines()) >= 100
    assert before == after


def test_the_image_holds_no_trace_of_this_network(run: RecordedRun, image: str, lab: Laboratory) -> None:
    script = "find / -xdev -name given.crt; find / -xdev -path '*certificates/bundle'; env"
    printed = lab.client.containers.run(
        image, ["sh", "-c", script], network_mode="none", remove=True, user="0"
    ).decode()
    assert "given.crt" not in printed
    assert "certificates/bundle" not in printed
    assert lab.site.url not in printed
    history = " ".join(str(layer["CreatedBy"]) for layer in lab.client.images.get(image).history())
    assert lab.site.url not in history


def test_the_second_build_is_the_same_image_from_the_cache(run: RecordedRun, image: str) -> None:
    events = run.program("build", run.record, "-t", IMAGE, "--json", *run.network()).stdout.splitlines()
    result = json.loads(events[-1])
    assert result["type"] == "result"
    # FROM is no step that a cache could answer; everything else is.
    assert result["cached_steps"] == result["steps"] - sum('"instruction":"FROM' in event for event in events)
    assert {json.loads(event)["type"] for event in events} >= {"step", "cache", "built", "result"}


def test_the_folder_builds_without_reprobuild(run: RecordedRun, image: str, lab: Laboratory) -> None:
    target = run.folder / "context"
    run.program("dockerfile", run.record, "-o", target)
    sent = json.loads(run.program("dockerfile", run.record, "--json").stdout)["files"]
    assert (target / "Dockerfile").read_text() == sent["Dockerfile"]
    arguments = {"PYTORCH_INDEX": lab.site.pytorch_index, "UV_PYTHON_DOWNLOADS_JSON_URL": lab.site.python_downloads}
    run.program("dockerfile", run.record, "-o", target, "--force", *run.network()[4:])
    built, _ = lab.client.images.build(
        path=str(target), buildargs=arguments, network_mode="host", platform="linux/amd64", rm=True, forcerm=True
    )
    assert built.labels == lab.client.images.get(image).labels
