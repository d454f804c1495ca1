"""Records made inside NVIDIA's PyTorch containers: the container is the base, and it brings torch."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import (
    SHA256,
    UBUNTU_2004,
    decision,
    from_git,
    group,
    lines,
    listed,
    placement,
    planned,
    record,
    warning_codes,
)

from reprobuild.errors import PlanError
from reprobuild.plan import BasePython, Fidelity, Question
from reprobuild.snapshot import SystemFacts, TorchFacts

IMAGE = "nvcr.io/nvidia/pytorch"
JETSON = SystemFacts(
    system="Linux",
    machine="aarch64",
    platform="Linux-5.10.104-tegra-aarch64-with-glibc2.29",
    os_id="ubuntu",
    os_version="20.04",
)


@pytest.mark.parametrize(
    ("torch", "cuda", "tag"),
    [
        ("1.14.0a0+410ce96", None, "22.12-py3"),
        ("1.14.0a0+44dac51", "12.0", "23.02-py3"),
        ("2.1.0a0+29c30b1", None, "23.08-py3"),
        ("2.4.0a0+07cecf4168.nv24.5", None, "24.05-py3"),
        ("2.8.0a0+5228986c39.nv25.06", None, "25.06-py3"),
        ("2.8.0a0+5228986c39.nv25.05", None, "25.05-py3"),
    ],
)
def test_the_container_of_that_commit(torch: str, cuda: str | None, tag: str) -> None:
    facts = TorchFacts(version=torch, cuda=cuda, read_by="import")
    result = planned(record(*listed(f"torch=={torch}", "numpy==1.24.3"), system=UBUNTU_2004, torch=facts))
    assert result.base.reference == f"{IMAGE}:{tag}"
    assert result.python == BasePython(version="3.10.12", executable="python3", with_packages=True)
    assert placement(result, "torch").where == "base"
    assert placement(result, "torch").fidelity is Fidelity.EXACT
    assert lines(result) == {"default": ("numpy==1.24.3",)}
    assert "large-base" in warning_codes(result)


def test_containers_of_one_commit_are_told_apart_or_named() -> None:
    result = planned(record(*listed("torch==1.14.0a0+44dac51"), system=UBUNTU_2004))
    answer = decision(result, Question.ACCELERATOR)
    assert len([each for each in answer.alternatives if each.choice.startswith(IMAGE)]) == 1


def test_what_the_container_brings_and_what_came_on_top() -> None:
    pins = ("torch==2.1.0a0+29c30b1", "torchvision==0.16.0a0", "apex==0.1", "transformers==4.33.1", "k2==1.2.dev3")
    repository = from_git("minigpt", "https://github.com/karpathy/minGPT", commit_id="37baab71b9abea1b76ab957409a1cc2f")
    result = planned(record(*listed(*pins, "einops"), repository, python="3.10.6"))
    where = {each.name: each.where for each in result.placements}
    assert where == {
        "torch": "base",
        "torchvision": "base",
        "apex": "base",
        "transformers": "installed",
        "k2": "left out",
        "einops": "left out",
        "minigpt": "installed",
    }
    assert not any(each.resolve_dependencies for each in result.groups)
    assert [item.line for item in group(result, "default").requirements] == ["transformers==4.33.1"]


def test_a_container_with_another_python_is_a_warning() -> None:
    result = planned(record(*listed("torch==2.1.0a0+29c30b1"), python="3.11.4"))
    assert "base-python-differs" in warning_codes(result)


def test_the_base_may_be_pinned_but_not_exchanged() -> None:
    snapshot = record(*listed("torch==2.1.0a0+29c30b1"))
    digest = f"sha256:{SHA256}"
    assert planned(snapshot, base_digest=digest).base.reference == f"{IMAGE}:23.08-py3@{digest}"
    assert planned(snapshot, base=f"{IMAGE}:23.08-py3@{digest}").base.digest == digest
    with pytest.raises(PlanError) as refusal:
        planned(snapshot, base="ubuntu:22.04")
    assert "exists only inside" in str(refusal.value)
    assert refusal.value.hint


def test_a_commit_of_two_containers_that_nothing_tells_apart_is_said() -> None:
    result = planned(record(*listed("torch==1.14.0a0+44dac51"), python="3.8.10", system=SystemFacts()))
    # 23.01 has the same commit, and nothing else is known of it.
    assert result.base.reference == f"{IMAGE}:23.02-py3"
    answer = decision(result, Question.ACCELERATOR)
    assert answer.fidelity is Fidelity.EQUIVALENT
    assert "23.01-py3" in answer.reason
    assert "container-inferred" in warning_codes(result)
    told = TorchFacts(version="1.14.0a0+44dac51", cuda="12.0", read_by="import")
    settled = planned(record(*listed("torch==1.14.0a0+44dac51"), python="3.8.10", torch=told, system=UBUNTU_2004))
    assert "container-inferred" not in warning_codes(settled)


def test_the_containers_python_keeps_its_own_patch() -> None:
    result = planned(record(*listed("torch==2.1.0a0+29c30b1"), python="3.10"))
    assert result.python == BasePython(version="3.10", executable="python3", with_packages=True)
    assert "the patch is the container's" in decision(result, Question.PYTHON).reason


def test_a_suffix_that_no_container_of_its_time_has_is_a_jetsons() -> None:
    snapshot = record(*listed("torch==1.14.0a0+44dac51c.nv23.02"), python="3.8.10", system=SystemFacts())
    with pytest.raises(PlanError, match="Jetson"):
        planned(snapshot)
    later = record(*listed("torch==2.4.0a0+07cecf4168.nv24.5"), python="3.10.12", system=SystemFacts())
    assert "container-inferred" in warning_codes(planned(later))
    on_x86 = record(*listed("torch==2.4.0a0+07cecf4168.nv24.5"), python="3.10.12")
    assert "container-inferred" not in warning_codes(planned(on_x86))


@pytest.mark.parametrize("torch", ["2.0.0a0+1767026", "2.0.0a0+ec3941ad.nv23.02"])
def test_a_jetson_has_no_container(torch: str) -> None:
    with pytest.raises(PlanError) as refusal:
        planned(record(*listed(f"torch=={torch}"), system=JETSON, python="3.8.10"))
    assert "Jetson" in str(refusal.value) or "by a vendor" in str(refusal.value)
