"""The whole way on real input: an environment that pip made is recorded, planned, built unchanged, and proved."""

from __future__ import annotations

import json
import subprocess

import pytest
from tests.lab.laboratory import Laboratory
from tests.lab.proofs import read_proof, unexplained
from tests.lab.real_training import IMAGE, TRAINING
from tests.lab.recorded_run import RecordedRun

from reprobuild.proof import Verdict

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def run(real_run: RecordedRun) -> RecordedRun:
    """The recorded run."""
    return real_run


@pytest.fixture(scope="module")
def image(real_image: str) -> str:
    """The image of its record."""
    return real_image


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
