"""A list without torch whose torch is known all the same: by torch's own word, or by what was built against it."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import (
    UBUNTU_2004,
    decision,
    from_git,
    installed,
    lines,
    listed,
    placement,
    planned,
    record,
    warning_codes,
)
from tests.unit.planner.test_conda_run import conda, of_lists

from reprobuild.plan import Fidelity, Question
from reprobuild.snapshot import Distribution, SystemFacts, TorchFacts


@pytest.mark.parametrize(
    ("pins", "python", "torch", "cuda"),
    [
        (("torchvision==0.10.0+cu111", "torchaudio==0.9.0"), "3.8.10", "torch==1.9.0+cu111", "11.1"),
        (("torchvision==0.10.0", "torchaudio==0.9.0+cu111"), "3.8.10", "torch==1.9.0+cu111", "11.1"),
        (("torchvision==0.11.0+cpu",), "3.8.10", "torch==1.10.0+cpu", None),
        (("torchaudio==0.9.0",), "3.8.10", "torch==1.9.0", "10.2"),
    ],
)
def test_a_companion_tells_the_torch_that_is_not_listed(
    pins: tuple[str, ...], python: str, torch: str, cuda: str | None
) -> None:
    result = planned(record(*listed(*pins), python=python, system=UBUNTU_2004))
    assert torch in [line for group in lines(result).values() for line in group]
    assert result.accelerator.version == cuda
    assert decision(result, Question.ACCELERATOR).fidelity is Fidelity.EQUIVALENT
    assert "torch-unlisted" in warning_codes(result)
    assert {each.name for each in result.placements} == {pin.partition("==")[0] for pin in pins}


def test_the_torch_of_a_companion_tells_the_age() -> None:
    result = planned(record(*listed("torchvision==0.10.0+cu111"), python="3.8", system=SystemFacts()))
    assert result.base.reference == "nvidia/cuda:11.1.1-cudnn8-runtime-ubuntu20.04"


def test_a_torch_that_is_told_and_not_listed_is_installed_with_what_it_needs() -> None:
    told = TorchFacts(version="2.5.1+cu118", cuda="11.8", read_by="import")
    result = planned(record(torch=told))
    assert lines(result)["pytorch-cu118"] == ("torch==2.5.1+cu118",)
    assert "completion" in lines(result)
    assert "torch-unlisted" in warning_codes(result)
    assert result.placements == ()


@pytest.mark.parametrize(
    "distributions",
    [
        # A whole list has no torch because there was none.
        installed("torchvision==0.10.0+cu111"),
        # A development version and a commit are of no release.
        listed("torchvision==0.9.0a0"),
        (from_git("torchvision", "https://github.com/pytorch/vision", commit_id="0" * 40),),
        # torch is there.
        listed("torchvision==0.10.0+cu111", "torch==1.9.0"),
    ],
)
def test_nothing_is_added_where_nothing_tells_it(distributions: tuple[Distribution, ...]) -> None:
    result = planned(record(*distributions, python="3.8.10", system=UBUNTU_2004))
    assert "torch-unlisted" not in warning_codes(result)


def test_condas_torch_is_the_one_that_pips_companion_stands_beside() -> None:
    torch = conda("torch", "1.9.0", "py3.8_cpu_0", package="pytorch", channel="pytorch")
    result = planned(of_lists(torch, *listed("torchvision==0.10.0"), torch=TorchFacts(version="1.9.0")))
    assert result.accelerator.kind == "cpu"
    assert placement(result, "torch").detail.startswith("installed by conda")
    assert "torch-unlisted" not in warning_codes(result)


def test_a_companion_without_suffix_is_of_the_told_torchs_own_variant() -> None:
    told = TorchFacts(version="1.11.0", cuda="11.3", read_by="import")
    result = planned(record(*listed("torchvision==0.12.0"), torch=told, python="3.8.10", system=UBUNTU_2004))
    assert lines(result)["pytorch-cu113"] == ("torch==1.11.0+cu113", "torchvision==0.12.0+cu113")
    beside = planned(record(*listed("torchvision==0.10.0", "torchaudio==0.9.0+cu111"), python="3.8.10"))
    assert "torchvision==0.10.0" in lines(beside)["default"]
