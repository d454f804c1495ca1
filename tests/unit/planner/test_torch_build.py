"""Which published build of torch a record means: evidence to decision, case by case."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from tests.unit.planner.records import (
    MACOS,
    UBUNTU_2204,
    WINDOWS,
    decision,
    gpu,
    installed,
    lines,
    listed,
    placement,
    planned,
    record,
    warning_codes,
)

from reprobuild.errors import PlanError
from reprobuild.plan import DefaultIndex, Fidelity, Origin, PytorchFolder, Question
from reprobuild.snapshot import CondaOrigin, Distribution, FlatFacts, Snapshot, SystemFacts, TorchFacts

ARM = SystemFacts(
    system="Linux", machine="aarch64", libc="glibc", libc_version="2.35", os_id="ubuntu", os_version="22.04"
)


INTEL_MAC = SystemFacts(system="Darwin", machine="x86_64")


class Case(NamedTuple):
    """A record and what is expected of torch."""

    snapshot: Snapshot
    line: str
    origin: Origin
    cuda: str | None
    fidelity: Fidelity


def conda_torch(version: str, build: str) -> Distribution:
    """torch as conda installed it."""
    return Distribution(name="torch", version=version, installer="conda", conda=CondaOrigin(build=build))


CASES = {
    "suffix": Case(
        record(*listed("torch==2.1.0+cu118")),
        "torch==2.1.0+cu118",
        PytorchFolder(folder="cu118"),
        "11.8",
        Fidelity.EXACT,
    ),
    "cpu suffix": Case(
        record(*listed("torch==2.1.0+cpu")), "torch==2.1.0+cpu", PytorchFolder(folder="cpu"), None, Fidelity.EXACT
    ),
    "suffix of another ABI": Case(
        record(*listed("torch==2.1.0+cpu.cxx11.abi")),
        "torch==2.1.0+cpu.cxx11.abi",
        PytorchFolder(folder="cpu-cxx11-abi"),
        None,
        Fidelity.EXACT,
    ),
    "plain freeze beside torch's own suffix is the default index": Case(
        record(*listed("torch==2.1.0"), torch=TorchFacts(version="2.1.0+cu121", cuda="12.1")),
        "torch==2.1.0",
        DefaultIndex(),
        "12.1",
        Fidelity.EXACT,
    ),
    "plain freeze beside another suffix is that folder": Case(
        record(*listed("torch==2.1.0"), torch=TorchFacts(version="2.1.0+cu118", cuda="11.8")),
        "torch==2.1.0+cu118",
        PytorchFolder(folder="cu118"),
        "11.8",
        Fidelity.EXACT,
    ),
    "no other evidence": Case(record(*listed("torch==2.1.0")), "torch==2.1.0", DefaultIndex(), "12.1", Fidelity.EXACT),
    "the driver's CUDA says nothing": Case(
        record(*listed("torch==2.1.0"), gpu=gpu("12.4"), cuda_toolkit="11.7"),
        "torch==2.1.0",
        DefaultIndex(),
        "12.1",
        Fidelity.EXACT,
    ),
    "a text that tells no CUDA does not say that there is none": Case(
        record(*listed("torch==2.1.0"), torch=TorchFacts(version="2.1.0")),
        "torch==2.1.0",
        DefaultIndex(),
        "12.1",
        Fidelity.EXACT,
    ),
    "files say that there is no CUDA": Case(
        record(*installed("torch==2.1.0"), torch=TorchFacts(version="2.1.0", read_by="files")),
        "torch==2.1.0+cpu",
        PytorchFolder(folder="cpu"),
        None,
        Fidelity.EQUIVALENT,
    ),
    "1.1 for another CUDA: only the folder tells": Case(
        record(*listed("torch==1.1.0"), python="3.7.3", torch=TorchFacts(version="1.1.0", cuda="10.0")),
        "torch==1.1.0",
        PytorchFolder(folder="cu100"),
        "10.0",
        Fidelity.EXACT,
    ),
    "1.1 with the flat CUDA": Case(
        record(*listed("torch==1.1.0"), python="3.7.3", flat=FlatFacts(cuda_version="10.0")),
        "torch==1.1.0",
        PytorchFolder(folder="cu100"),
        "10.0",
        Fidelity.EXACT,
    ),
    "conda build": Case(
        record(conda_torch("2.0.1", "py3.11_cuda11.8_cudnn8.7.0_0"), python="3.11.4"),
        "torch==2.0.1+cu118",
        PytorchFolder(folder="cu118"),
        "11.8",
        Fidelity.EQUIVALENT,
    ),
    "conda build without its own CUDA on the index": Case(
        record(conda_torch("1.12.1", "py3.9_cuda11.4_cudnn8.3.2_0"), python="3.9.13"),
        "torch==1.12.1+cu113",
        PytorchFolder(folder="cu113"),
        "11.3",
        Fidelity.SUBSTITUTED,
    ),
    "conda's CPU build": Case(
        record(conda_torch("2.0.1", "py3.11_cpu_0"), python="3.11.4"),
        "torch==2.0.1+cpu",
        PytorchFolder(folder="cpu"),
        None,
        Fidelity.EQUIVALENT,
    ),
    "macOS on ARM: the default index has no CUDA for Linux there either": Case(
        record(*listed("torch==2.9.1"), python="3.12.3", system=MACOS),
        "torch==2.9.1",
        DefaultIndex(),
        None,
        Fidelity.SUBSTITUTED,
    ),
    "macOS on Intel": Case(
        record(*listed("torch==2.1.0"), system=INTEL_MAC),
        "torch==2.1.0+cpu",
        PytorchFolder(folder="cpu"),
        None,
        Fidelity.SUBSTITUTED,
    ),
    "Windows with a suffix": Case(
        record(*listed("torch==2.4.1+cu118"), system=WINDOWS),
        "torch==2.4.1+cu118",
        PytorchFolder(folder="cu118"),
        "11.8",
        Fidelity.EXACT,
    ),
    "aarch64 from the default index": Case(
        record(*listed("torch==2.1.0"), system=ARM), "torch==2.1.0", DefaultIndex(), None, Fidelity.EXACT
    ),
    "another builder's, CUDA not told": Case(
        record(*listed("torch==2.1.2+computecanada")), "torch==2.1.2", DefaultIndex(), "12.1", Fidelity.SUBSTITUTED
    ),
    "another builder's, CUDA told": Case(
        record(*listed("torch==2.1.2+git1234"), torch=TorchFacts(version="2.1.2+git1234", cuda="11.8")),
        "torch==2.1.2+cu118",
        PytorchFolder(folder="cu118"),
        "11.8",
        Fidelity.SUBSTITUTED,
    ),
    "a CUDA that was never published": Case(
        record(*installed("torch==2.1.0"), torch=TorchFacts(version="2.1.0", cuda="12.2", read_by="files")),
        "torch==2.1.0+cu121",
        PytorchFolder(folder="cu121"),
        "12.1",
        Fidelity.SUBSTITUTED,
    ),
    "full wheel without nvidia packages": Case(
        record(*installed("torch==2.4.0+cu121")),
        "torch==2.4.0+cu121",
        PytorchFolder(folder="cu121_full"),
        "12.1",
        Fidelity.EXACT,
    ),
    "ordinary wheel with nvidia packages": Case(
        record(*installed("torch==2.4.0+cu121", "nvidia-cudnn-cu12==9.1.0.70")),
        "torch==2.4.0+cu121",
        PytorchFolder(folder="cu121"),
        "12.1",
        Fidelity.EXACT,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_build(name: str) -> None:
    case = CASES[name]
    result = planned(case.snapshot)
    (group,) = (
        each
        for each in result.groups
        if any(r.name == "torch" for r in each.requirements) and not each.resolve_dependencies
    )
    assert placement(result, "torch").line == case.line
    assert group.origin == case.origin
    assert result.accelerator.version == case.cuda
    assert placement(result, "torch").fidelity is case.fidelity


def test_what_ran_wins_over_the_list() -> None:
    facts = TorchFacts(version="2.1.2+cu121", read_by="import")
    result = planned(record(*listed("torch==2.1.0+cu118", "torchvision==0.16.2"), torch=facts))
    assert placement(result, "torch").line == "torch==2.1.2+cu121"
    assert placement(result, "torch").fidelity is Fidelity.SUBSTITUTED
    assert "torch-differs" in warning_codes(result)


@pytest.mark.parametrize(
    ("snapshot", "message", "hint"),
    [
        (record(*listed("torch==2.1.0+cu121"), python="3.12.3"), "never published for CPython 3.12.3", "cp311"),
        (record(*listed("torch==2.2.0.dev20231010+cu121")), "is a nightly build", "2.2.0"),
        (record(*listed("torch==2.1.0a0+1234567")), "built from source or by a vendor", "2.1.0"),
        (record(*listed("torch==9.9.9")), "not a release that the tables know", "a newer reprobuild may know this one"),
        (record(*listed("torch==2.1.0+cu113")), "never published", "2.1.0+cu118"),
    ],
)
def test_refusals_name_the_reason_and_the_way_out(snapshot: Snapshot, message: str, hint: str) -> None:
    with pytest.raises(PlanError) as refusal:
        planned(snapshot)
    assert message in str(refusal.value)
    assert hint in (refusal.value.hint or "")


def test_an_inferred_variant_is_said() -> None:
    assert "variant-inferred" in warning_codes(planned(record(*listed("torch==2.1.0"))))
    told = record(*listed("torch==2.1.0"), torch=TorchFacts(version="2.1.0+cu121", cuda="12.1"))
    assert "variant-inferred" not in warning_codes(planned(told))
    pinned = record(*listed("torch==2.1.0", "nvidia-cudnn-cu12==8.9.2.26"))
    assert "variant-inferred" not in warning_codes(planned(pinned))


@pytest.mark.parametrize(
    ("snapshot", "cudnn"),
    [
        (record(*listed("torch==2.1.0+cu121")), "8.9.2.26"),
        (record(*listed("torch==2.1.0", "nvidia-cudnn-cu12==8.9.7.29")), "8.9.7.29"),
        (record(*listed("torch==2.1.0+cu121"), flat=FlatFacts(cudnn_version=8902)), "8.9.2"),
        (record(*listed("torch==2.8.0+cu128"), flat=FlatFacts(cudnn_version=91900)), "9.19.0"),
        (record(*listed("torch==2.1.0+cu121"), torch=TorchFacts(cudnn="8.9.4")), "8.9.4"),
    ],
)
def test_cudnn_is_the_one_that_torch_loads(snapshot: Snapshot, cudnn: str) -> None:
    assert planned(snapshot).accelerator.cudnn == cudnn


def test_the_other_cuda_versions_are_facts_of_their_own() -> None:
    snapshot = record(*listed("torch==2.1.0+cu121"), gpu=gpu("12.4"), cuda_toolkit="11.7.64")
    answer = decision(planned(snapshot), Question.ACCELERATOR)
    assert "the driver's 12.4 and nvcc's 11.7.64 say nothing of it" in answer.reason
    assert {(fact.name, fact.value) for fact in answer.facts} >= {
        ("gpu.driver_cuda", "12.4"),
        ("cuda_toolkit", "11.7.64"),
    }


def test_companions_keep_what_the_record_says() -> None:
    result = planned(record(*listed("torch==2.0.1+cu118", "torchvision==0.15.2")))
    assert lines(result)["pytorch-cu118"] == ("torch==2.0.1+cu118",)
    assert "torchvision==0.15.2" in lines(result)["default"]


def test_companions_follow_a_torch_that_had_to_be_found_out() -> None:
    result = planned(record(*listed("torch==2.1.0", "torchvision==0.16.0"), system=INTEL_MAC))
    assert lines(result)["pytorch-cpu"] == ("torch==2.1.0+cpu", "torchvision==0.16.0+cpu")


def test_torch_without_a_distribution_still_tells_the_accelerator() -> None:
    snapshot = record(*listed("numpy==1.24.3"), system=UBUNTU_2204, torch=TorchFacts(version="2.1.0+cu121"))
    result = planned(snapshot)
    assert result.accelerator.version == "12.1"


NIGHTLY = "https://download.pytorch.org/whl/nightly/cu128"


@pytest.mark.parametrize(
    ("facts", "hint"),
    [({}, "put the release that followed"), ({"recorded_at": "2024-08-01T00:00:00Z"}, "torch==2.4.1")],
)
def test_a_torch_of_the_nightly_index_without_a_version_is_refused(facts: dict[str, Any], hint: str) -> None:
    with pytest.raises(PlanError, match="nightly builds for about two months") as refusal:
        planned(record(*listed("torch", "numpy==1.26.4"), package_indexes=(NIGHTLY,), **facts))
    assert hint in (refusal.value.hint or "")


def test_a_release_beside_the_nightly_index_is_no_nightly() -> None:
    result = planned(record(*listed("torch==2.4.1"), package_indexes=(NIGHTLY,)))
    assert lines(result)["frameworks"] == ("torch==2.4.1",)


@pytest.mark.parametrize("pin", ["torch", "tensorflow"])
def test_what_a_framework_without_a_version_was_built_for_is_not_known(pin: str) -> None:
    answer = decision(planned(record(*listed(pin, "numpy==1.26.4"))), Question.ACCELERATOR)
    assert answer.fidelity is Fidelity.SUBSTITUTED
    assert answer.choice.startswith("not known")
