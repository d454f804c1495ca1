"""Real records against what a person read off them: Python, torch's build, CUDA, cuDNN, system, index and base.

``case.json`` beside each record holds the answers. Where a plan says something else, the table of exceptions below
holds its answer and the reason.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from tests.unit.planner.records import planned

from reprobuild import records
from reprobuild.catalog import Catalog
from reprobuild.errors import PlanError, RecordError
from reprobuild.plan import Plan, PytorchFolder
from reprobuild.render import render
from reprobuild.snapshot import Snapshot

CORPUS = Path(__file__).resolve().parents[4] / "shared" / "corpus"
CASES = sorted(path.parent for path in CORPUS.glob("*/case.json"))

pytestmark = pytest.mark.skipif(not CASES, reason="the corpus of real records is not beside this checkout")

REFUSED = {
    "ce-jetson-orin-truncated": "built by NVIDIA for its Jetson boards",
    "ce-nightly-120-centos": "is a nightly build",
    "ce-nightly-28-cu128-5090": "is a nightly build",
    "ce-pt10-py27": "reprobuild rebuilds 3.6 and later",
    "ce-riscv64-notorch": "riscv64",
    "kaggle-requirements-unpinned": "does not tell its Python",
    "lk-uv-kokoro-extras": "does not say which one ran",
    "snap-two-torches": "is a nightly build",
}
"""What can't be planned, and the words of the reason."""

ONE_OF_SEVERAL = {"lk-uv-kokoro-rocm": "uv.lock"}
"""Folders that hold two forms of one lock file: the one that is read."""

VARIANTS = {
    "envjson-macos-v1": "cpu",
    "envjson-macos-v3": "cpu",
    "fz-demucs-computecanada": "cu121",  # a cluster's own wheel; the default build of the release stands in
}
"""Variants where the record's own word names no published build."""

INFERRED_PYTHONS: dict[str, str] = {}
"""Minor versions that the plan infers where a person inferred another one, with the reason behind each."""

SYSTEMS = {
    "Ubuntu 24.04": "no image of CUDA 12.1 was made for Ubuntu 24.04",
    "Arch": "no base is made of it",
    "Red Hat": "the nearest Ubuntu, unless --same-family asks for Red Hat's",
    "Ubuntu 22.04": "without a GPU the official Python image is enough, and that is Debian",
    "Ubuntu 22.04.5": "likewise",
}
"""Why a base may be of another release than the record's."""


def source_of(case: Path) -> Path:
    """What is read of a case."""
    return case / ONE_OF_SEVERAL[case.name] if case.name in ONE_OF_SEVERAL else case


def facts_of(case: Path) -> dict[str, Any]:
    """What a person read off the record."""
    facts: dict[str, Any] = json.loads((case / "case.json").read_text("utf-8"))["facts"]
    return facts


def plan_of(case: Path) -> tuple[Snapshot, Plan]:
    """The record and its plan."""
    snapshot = records.read(source_of(case))
    return snapshot, planned(snapshot)


PLANNED = [case for case in CASES if case.name not in REFUSED]
each_planned = pytest.mark.parametrize("case", PLANNED, ids=lambda case: case.name)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refusal_says_why_and_what_to_do(name: str) -> None:
    with pytest.raises((PlanError, RecordError)) as refusal:
        plan_of(CORPUS / name)
    assert REFUSED[name] in str(refusal.value)
    assert refusal.value.hint


@each_planned
def test_every_line_is_accounted_for(case: Path) -> None:
    snapshot, result = plan_of(case)
    assert [placement.name for placement in result.placements] == [each.name for each in snapshot.distributions]
    held = {requirement.line for group in result.groups for requirement in group.requirements}
    held |= {package.line for package in result.conda.packages} if result.conda else set()
    for placement in result.placements:
        assert (placement.line in held) == (placement.where == "installed"), placement
        assert placement.detail


@each_planned
def test_python(case: Path) -> None:
    _, result = plan_of(case)
    facts = facts_of(case)
    told = re.match(r"[23]\.\d+(?:\.\d+)?", str(facts.get("python") or ""))
    inferred = re.match(r"3\.\d+", str(facts.get("python_inferred") or ""))
    version = result.python.version
    if told:
        assert version == told.group() or version.startswith(f"{told.group()}.")
    elif inferred:
        assert version.startswith(INFERRED_PYTHONS.get(case.name, inferred.group()) + ".")


def told_variant(case: Path) -> str | None:
    """The variant of torch that a person read, in the words of PyTorch's index."""
    if case.name in VARIANTS:
        return VARIANTS[case.name]
    facts = facts_of(case)
    text = str(facts.get("torch_variant") or "")
    found = re.fullmatch(r"(cu\d+|rocm[\d.]+|cpu)(?:/none)?", text) or re.search(r"cuda ?(\d+)\.(\d)", text)
    if found is None:
        return None
    return found.group(1) if found.re.groups == 1 else f"cu{found.group(1)}{found.group(2)}"


@each_planned
def test_torch_and_its_cuda(case: Path) -> None:
    _, result = plan_of(case)
    facts = facts_of(case)
    variant = told_variant(case)
    if variant is not None and facts.get("torch") and "ngc" not in case.name:
        assert result.accelerator.variant == variant
    cuda = re.match(r"\d+\.\d+", str(facts.get("cuda_torch") or ""))
    if cuda:
        assert (result.accelerator.kind, result.accelerator.version) == ("cuda", cuda.group())
    cudnn = re.match(r"(?:probably )?(\d+)\.\d+\.\d+", str(facts.get("cudnn") or ""))
    if cudnn and result.accelerator.cudnn and "probably" not in str(facts["cudnn"]):
        assert result.accelerator.cudnn.split(".")[0] == cudnn.group(1)


@each_planned
def test_the_index_has_that_build(case: Path) -> None:
    _, result = plan_of(case)
    catalog = Catalog.packaged()
    minor = result.python.version.split(".")[1]
    platform = "linux_aarch64" if result.platform.architecture == "arm64" else "linux_x86_64"
    for group in result.groups:
        pins = [item.line for item in group.requirements if item.name == "torch" and not group.resolve_dependencies]
        for pin in pins:
            version = pin.partition("==")[2].partition(" ")[0]
            release = catalog.torch_wheels.release(version)
            assert release is not None
            if isinstance(group.origin, PytorchFolder):
                assert group.origin.folder in {each.folder for each in release.published(f"cp3{minor}", platform)}
            else:
                assert release.pypi[platform].offers(f"cp3{minor}")


@each_planned
def test_the_base_is_there_and_of_the_recorded_system(case: Path) -> None:
    _, result = plan_of(case)
    base, system = result.base, str(facts_of(case).get("os") or "")
    if base.repository == "nvidia/cuda":
        row = Catalog.packaged().cuda_images.by_tag(base.tag)
        assert row is not None
        assert row.presence == "present"
        assert result.accelerator.version is not None
        assert Version(row.cuda).release[:2] == Version(result.accelerator.version).release[:2]
        assert result.platform.architecture in row.architectures
    recorded = re.match(r"(Ubuntu|Debian GNU/Linux) (\d+(?:\.\d\d)?)", system)
    if recorded and not any(name in system for name in SYSTEMS):
        assert (base.os_id, base.os_version) == (recorded.group(1).split()[0].lower(), recorded.group(2))


def test_hadolint_finds_nothing_in_any_dockerfile(tmp_path: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed beside this interpreter")
    files = []
    for case in PLANNED:
        snapshot, result = plan_of(case)
        files.append(tmp_path / f"{case.name}.Dockerfile")
        files[-1].write_bytes(render(result, snapshot).files["Dockerfile"])
    found = subprocess.run([hadolint, *files], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")


CONDA = {
    "cd-explicit-condalock": True,
    "cd-sparsecl-jan": False,
    "cd-sparsecl-listexport": False,
    "wb-2021-speech-conda": False,
    "wb-2023-swin-cu113-base": False,
    "wb-2024-kinship-cu118": False,
    "wb-2024-sparsecl-offline": False,
}
"""What conda rebuilds, and whether from URLs. Any other record with conda's packages is an excerpt, or not Linux's."""


@each_planned
def test_conda_runs_are_rebuilt_by_conda_with_every_build(case: Path) -> None:
    snapshot, result = plan_of(case)
    assert (result.conda is not None) == (case.name in CONDA)
    if result.conda is None:
        return
    assert result.conda.explicit is CONDA[case.name]
    assert not result.conda.resolve_dependencies
    of_conda = [each for each in snapshot.distributions if each.conda is not None]
    assert len(result.conda.packages) == len(of_conda)
    for package in result.conda.packages:
        assert ("://" in package.line) if result.conda.explicit else (package.line.count("=") == 3), package
    told = re.match(r"[23]\.\d+\.\d+", str(facts_of(case).get("python") or ""))
    assert told is None or result.python.version == told.group()


@pytest.mark.parametrize(
    "name", ["cd-deepstorm-windows-nobuilds", "cd-neuronmerging-handedited", "ce-pt17-cu110-conda"]
)
def test_conda_can_be_asked_for_the_versions_where_it_does_not_get_the_builds(name: str) -> None:
    snapshot = records.read(CORPUS / name)
    result = planned(snapshot, via="conda")
    assert result.conda is not None
    assert result.conda.resolve_dependencies
    assert {package.name for package in result.conda.packages} >= {"python", "numpy", "pytorch"}
    render(result, snapshot)


@pytest.mark.parametrize("name", sorted(CONDA))
def test_conda_runs_can_be_mapped_to_wheels(name: str) -> None:
    snapshot = records.read(CORPUS / name)
    result = planned(snapshot, via="pip")
    assert result.conda is None
    assert [placement.name for placement in result.placements] == [each.name for each in snapshot.distributions]
