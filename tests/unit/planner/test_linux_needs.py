"""What runs on Linux needs more than what ran: markers add it, and torch's wheels load CUDA from others."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import (
    MACOS,
    UBUNTU_2204,
    WINDOWS,
    decision,
    group,
    installed,
    listed,
    planned,
    record,
    warning_codes,
)

from reprobuild.errors import PlanError
from reprobuild.plan import Fidelity, Plan, PlanWarning, Platform, Question
from reprobuild.snapshot import Distribution, SystemFacts

BESIDE_TORCH = ("filelock==3.13.1", "jinja2==3.1.3", "networkx==3.2.1", "sympy==1.12", "typing-extensions==4.9.0")


def on_linux(result: Plan) -> list[PlanWarning]:
    """The warnings about what only Linux needs."""
    return [each for each in result.warnings if each.code == "needed-on-linux"]


def test_what_a_marker_adds_is_resolved_and_named() -> None:
    result = planned(record(*listed("ipython==7.18.1", "terminado==0.8.3"), system=WINDOWS))
    (warning,) = on_linux(result)
    assert "ipython needs pexpect, ptyprocess; terminado needs ptyprocess, and Windows does not" in warning.message
    assert [item.line for item in group(result, "completion").requirements] == ["ipython==7.18.1", "terminado==0.8.3"]
    assert "not-closed" not in warning_codes(result)
    assert "(pexpect, ptyprocess)" in decision(result, Question.PACKAGES).reason


def test_an_installation_on_windows_needs_it_too() -> None:
    assert len(on_linux(planned(record(*installed("ipython==7.18.1"), system=WINDOWS)))) == 1


@pytest.mark.parametrize(
    ("pins", "system"),
    [
        (("ipython==7.18.1", "pexpect==4.8.0", "ptyprocess==0.6.0"), WINDOWS),
        (("ipython==7.18.1",), MACOS),
        (("ipython==7.18.1",), UBUNTU_2204),
        (("ipython==4.0.0",), WINDOWS),
    ],
)
def test_nothing_is_added_where_nothing_is_missing(pins: tuple[str, ...], system: SystemFacts) -> None:
    assert on_linux(planned(record(*installed(*pins), system=system))) == []


@pytest.mark.parametrize(
    ("pin", "named"),
    [
        ("torch==2.4.1+cu121", "nvidia-cublas-cu12, nvidia-cuda-cupti-cu12, nvidia-cuda-nvrtc-cu12 and 8 more"),
        ("torch==2.4.1+cu118", "torch needs nvidia-cuda-runtime-cu11, nvidia-cudnn-cu11"),
    ],
)
def test_the_cuda_of_windows_torch_comes_in_wheels_on_linux(pin: str, named: str) -> None:
    (warning,) = on_linux(planned(record(*listed(pin, *BESIDE_TORCH), system=WINDOWS)))
    assert named in warning.message


@pytest.mark.parametrize("pin", ["torch==2.1.0+cu121", "torch==1.12.1+cu113", "torch==2.4.1+cpu", "torch==1.12.1"])
def test_wheels_that_bring_cuda_or_need_none_add_nothing(pin: str) -> None:
    assert on_linux(planned(record(*listed(pin, *BESIDE_TORCH), system=WINDOWS))) == []


def test_an_open_list_is_said_to_be_open_once() -> None:
    assert warning_codes(planned(record(*listed("torch==2.4.1")))).count("not-closed") == 1
    assert on_linux(planned(record(*listed("torch==2.4.1")))) == []


def whole(*more: str) -> tuple[Distribution, ...]:
    """A list with what torch needs besides CUDA."""
    return listed("torch==2.4.1", *BESIDE_TORCH, *more)


def test_a_whole_list_without_cuda_wheels_is_of_another_build() -> None:
    result = planned(record(*whole()))
    found = decision(result, Question.ACCELERATOR)
    assert found.fidelity is Fidelity.EQUIVALENT
    assert "another build of this release ran" in found.reason
    assert len(on_linux(result)) == 1


@pytest.mark.parametrize(
    "distributions",
    [
        whole("nvidia-cudnn-cu12==9.1.0.70"),
        listed("torch==2.4.1", "filelock==3.13.1"),
        listed("torch==1.12.1", *BESIDE_TORCH),
    ],
)
def test_a_list_that_tells_nothing_of_it_is_taken_at_its_word(distributions: tuple[Distribution, ...]) -> None:
    assert decision(planned(record(*distributions)), Question.ACCELERATOR).fidelity is Fidelity.EXACT


def test_wheels_for_arm_need_none() -> None:
    result = planned(record(*whole()), platform=Platform(architecture="arm64"))
    assert on_linux(result) == []


def test_strict_refuses_what_a_resolver_adds() -> None:
    with pytest.raises(PlanError, match="needed-on-linux"):
        planned(record(*listed("ipython==7.18.1"), system=WINDOWS), strict=True)
