"""CUDA that a record lists: beside conda's TensorFlow, beside pip's, and beside nothing that is known to load it."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import (
    MACOS,
    UBUNTU_2204,
    WINDOWS,
    decision,
    lines,
    listed,
    placement,
    planned,
    record,
    warning_codes,
)
from tests.unit.planner.test_conda_run import conda, of_lists

from reprobuild.plan import Fidelity, Question
from reprobuild.snapshot import Distribution, SystemFacts

SIX = Distribution(name="six", version="1.16.0")


@pytest.mark.parametrize(
    ("packages", "cuda", "fidelity"),
    [
        ((conda("tensorflow-gpu", "2.4.1", "h30adc30_0"),), "11.0", Fidelity.EQUIVALENT),
        ((conda("tensorflow-gpu", "1.12", None),), "9.0", Fidelity.EQUIVALENT),
        ((conda("tensorflow", "2.6.0", "cuda112py38hbe5919e_1"),), "11.2", Fidelity.EXACT),
        ((conda("tensorflow", "2.1.0", "mkl_py37h80a91df_0"),), None, Fidelity.EXACT),
        (
            (conda("tensorflow", "1.12.0", "gpu_py36he74679b_0"), conda("cudatoolkit", "9.2", "0")),
            "9.2",
            Fidelity.EXACT,
        ),
    ],
)
def test_condas_tensorflow_tells_its_cuda(
    packages: tuple[Distribution, ...], cuda: str | None, fidelity: Fidelity
) -> None:
    result = planned(of_lists(*packages))
    assert result.conda is not None
    assert result.accelerator.version == cuda
    assert decision(result, Question.ACCELERATOR).fidelity is fidelity


@pytest.mark.parametrize(
    ("pin", "python", "base", "code"),
    [
        ("tensorflow==2.8.2", "3.8.5", "nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04", None),
        ("tensorflow==2.3.0", "3.8.5", "ubuntu:20.04", "cuda-gone"),
        ("cupy-cuda112==9.6.0", "3.8.5", "nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04", None),
    ],
)
def test_what_pip_put_on_top_of_conda_finds_its_cuda_in_the_base(
    pin: str, python: str, base: str, code: str | None
) -> None:
    result = planned(of_lists(*listed(pin), python=python))
    assert result.conda is not None
    assert result.base.reference == base
    assert code is None or code in warning_codes(result)


@pytest.mark.parametrize(
    ("toolkit", "expected"), [("10.0.130", "tensorflow-gpu==1.13.1"), (None, "tensorflow==1.13.1")]
)
def test_condas_cuda_serves_an_old_tensorflow_of_pips(toolkit: str | None, expected: str) -> None:
    of_conda = [conda("cudatoolkit", toolkit, "0"), conda("cudnn", "7.6.5", "cuda10.0_0")] if toolkit else []
    python = conda("python", "3.7.9", "h7579374_0")
    result = planned(record(python, *of_conda, *listed("tensorflow-gpu==1.13.1"), python="3.7.9"))
    assert lines(result)["frameworks"] == (expected,)


@pytest.mark.parametrize(
    ("packages", "base"),
    [
        ((conda("cudatoolkit", "11.3.1"), conda("cudnn", "8.2.1")), "nvidia/cuda:11.3.1-cudnn8-runtime-ubuntu20.04"),
        # cuDNN 9 is in no image of CUDA 11.
        ((conda("cudatoolkit", "11.7.1"), conda("cudnn", "9.1.1")), "nvidia/cuda:11.7.1-cudnn8-runtime-ubuntu22.04"),
        ((conda("cuda", "12.0.1", "0"),), "nvidia/cuda:12.0.1-cudnn8-runtime-ubuntu22.04"),
        (listed("nvidia-cuda-runtime-cu12==12.4.127"), "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"),
    ],
)
def test_a_listed_cuda_speaks_for_a_gpu(packages: tuple[Distribution, ...], base: str) -> None:
    day = "2023-05-01T00:00:00Z" if "22.04" in base else "2021-05-01T00:00:00Z"
    result = planned(record(SIX, *packages, system=SystemFacts(system="Linux"), recorded_at=day))
    assert result.base.reference == base
    assert "no-framework" in warning_codes(result)
    assert decision(result, Question.ACCELERATOR).fidelity is Fidelity.EQUIVALENT


def test_a_listed_cuda_whose_images_are_gone_is_said_and_a_macs_is_none() -> None:
    old = planned(record(SIX, conda("cudatoolkit", "10.1.243"), system=UBUNTU_2204))
    assert old.accelerator.kind == "cpu"
    assert {"cuda-gone", "no-framework"} <= set(warning_codes(old))
    assert decision(old, Question.ACCELERATOR).fidelity is Fidelity.SUBSTITUTED
    mac = planned(record(SIX, conda("cudatoolkit", "10.1.243"), system=MACOS))
    assert "cuda-gone" not in warning_codes(mac)


def test_a_framework_that_loads_the_listed_cuda_needs_no_word() -> None:
    result = planned(record(*listed("tensorflow==2.8.2"), conda("cudatoolkit", "11.2.2"), python="3.8.10"))
    assert result.base.cuda == "11.2.2"
    assert "no-framework" not in warning_codes(result)


def test_condas_metapackages_of_tensorflow_are_no_programs() -> None:
    packages = (conda("tensorflow", "2.5.0", "gpu_py38h8e8c102_0"), conda("tensorflow-gpu", "2.5.0", "h17022bd_0"))
    result = planned(record(*packages, python="3.8.10", system=WINDOWS))
    assert lines(result)["frameworks"] == ("tensorflow==2.5.0",)
    assert placement(result, "tensorflow-gpu").fidelity is Fidelity.EQUIVALENT
    assert result.accelerator.version == "11.2"


@pytest.mark.parametrize(
    ("packages", "fidelity"),
    [
        ((conda("torch", "1.7.0", package="pytorch"),), Fidelity.SUBSTITUTED),
        ((conda("torch", "1.7.0", package="pytorch"), conda("cpuonly", "1.0")), Fidelity.EXACT),
        ((conda("torch", "1.7.0", "py3.8_cpu_0", package="pytorch"),), Fidelity.EXACT),
    ],
)
def test_condas_torch_without_its_build_is_not_said_to_be_the_cpus(
    packages: tuple[Distribution, ...], fidelity: Fidelity
) -> None:
    assert decision(planned(of_lists(*packages)), Question.ACCELERATOR).fidelity is fidelity
