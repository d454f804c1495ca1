"""Libraries that load CUDA from the system: the base carries it, or the plan says that it doesn't."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import UBUNTU_2004, UBUNTU_2204, decision, listed, planned, record, warning_codes

from reprobuild.plan import Fidelity, Question


@pytest.mark.parametrize(
    ("pin", "tag"),
    [
        ("cupy-cuda112==10.0.0", "11.2.2-cudnn8-runtime-ubuntu20.04"),
        ("cupy-cuda11x==12.2.0", "11.8.0-cudnn8-runtime-ubuntu20.04"),
        ("mxnet-cu112==1.9.1", "11.2.2-cudnn8-runtime-ubuntu20.04"),
        ("paddlepaddle-gpu==2.5.2.post117", "11.7.1-cudnn8-runtime-ubuntu20.04"),
        ("onnxruntime-gpu==1.16.0", "11.8.0-cudnn8-runtime-ubuntu20.04"),
    ],
)
def test_the_base_carries_what_the_library_loads(pin: str, tag: str) -> None:
    result = planned(record(*listed(pin, "numpy==1.21.6"), python="3.8.10", system=UBUNTU_2004))
    assert result.base.reference == f"nvidia/cuda:{tag}"
    assert result.accelerator.kind == "cuda"


@pytest.mark.parametrize(
    ("pins", "tag"),
    [
        (("onnxruntime-gpu==1.19.2",), "12.4.1-cudnn-runtime-ubuntu22.04"),
        (("cudf-cu12==24.4.0",), "12.2.2-cudnn8-runtime-ubuntu22.04"),
        (("jax==0.4.30", "jaxlib==0.4.30", "jax-cuda12-plugin==0.4.30"), "12.4.1-cudnn-runtime-ubuntu22.04"),
        (("jax==0.7.2", "jaxlib==0.7.2", "jax-cuda13-plugin==0.7.2"), "13.0.3-cudnn-runtime-ubuntu22.04"),
    ],
)
def test_a_major_alone_gets_a_minor_with_that_cudnn(pins: tuple[str, ...], tag: str) -> None:
    result = planned(record(*listed(*pins), python="3.11.7", system=UBUNTU_2204))
    assert result.base.reference == f"nvidia/cuda:{tag}"
    assert decision(result, Question.ACCELERATOR).fidelity is Fidelity.EQUIVALENT


def test_the_recorded_toolkit_tells_the_minor() -> None:
    result = planned(record(*listed("cupy-cuda12x==13.0.0"), cuda_toolkit="12.6.77"))
    assert result.accelerator.version == "12.6"
    assert decision(result, Question.ACCELERATOR).fidelity is Fidelity.EXACT


@pytest.mark.parametrize("pin", ["cupy-cuda102==10.0.0", "mxnet-cu101==1.6.0", "jaxlib==0.1.56+cuda101"])
def test_a_cuda_whose_images_are_gone_is_said(pin: str) -> None:
    result = planned(record(*listed(pin), python="3.8.5", system=UBUNTU_2004))
    assert result.accelerator.kind == "cpu"
    assert "cuda-gone" in warning_codes(result)


def test_beside_a_framework_the_library_takes_what_is_there() -> None:
    same = planned(record(*listed("torch==2.1.0+cu118", "cupy-cuda11x==12.2.0")))
    assert same.base.cuda == "11.8.0" and not same.notes
    assert "two-cudas" not in warning_codes(same)
    other = planned(record(*listed("torch==2.1.0+cu118", "onnxruntime-gpu==1.19.2")))
    assert other.base.cuda == "11.8.0"
    assert "two-cudas" in warning_codes(other)


def test_what_is_lost_with_an_old_tensorflow_is_said_beside_a_torch() -> None:
    result = planned(record(*listed("tensorflow==2.3.0", "torch==1.7.0"), python="3.8.5", system=UBUNTU_2004))
    assert "cuda-gone" in warning_codes(result)
    assert result.accelerator.variant == "cu102"


def test_a_cudnn_of_the_same_series_is_told_apart_from_one_in_a_wheel() -> None:
    old = decision(planned(record(*listed("jaxlib==0.3.25+cuda11.cudnn82"))), Question.BASE_IMAGE)
    assert old.fidelity is Fidelity.EQUIVALENT and "where 8.2 was meant" in old.reason
    wheel = decision(planned(record(*listed("torch==2.0.1+cu118"))), Question.BASE_IMAGE)
    assert wheel.fidelity is Fidelity.EXACT and "the wheels load their own 8.7.0.84" in wheel.reason


def test_a_toolkit_without_an_image_of_that_cudnn_does_not_bind() -> None:
    """Images of CUDA 12.3 hold cuDNN 9 only, which does not stand in for the 8 that the build loads."""
    pins = listed("jax==0.4.20", "jaxlib==0.4.20+cuda12.cudnn89")
    result = planned(record(*pins, python="3.11.7", cuda_toolkit="12.3.107"))
    assert result.base.reference == "nvidia/cuda:12.2.2-cudnn8-runtime-ubuntu22.04"
