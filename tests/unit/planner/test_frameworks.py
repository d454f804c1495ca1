"""JAX, and records with two frameworks: whose CUDA the base carries."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import UBUNTU_2004, UBUNTU_2204, lines, listed, planned, record, warning_codes

TORCH = "torch==1.10.1+cu113"


@pytest.mark.parametrize(
    ("pins", "python", "reference"),
    [
        (("jaxlib==0.4.13+cuda12.cudnn89",), "3.10.12", "nvidia/cuda:12.2.2-cudnn8-runtime-ubuntu22.04"),
        (("jaxlib==0.4.7+cuda11.cudnn86",), "3.10.12", "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04"),
        (
            ("jax-cuda12-plugin==0.4.30", "nvidia-cuda-runtime-cu12==12.4.127", "nvidia-cudnn-cu12==9.1.0.70"),
            "3.10.12",
            "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04",
        ),
        (
            ("tensorflow==2.16.1", "nvidia-cuda-runtime-cu12==12.3.101", "nvidia-cudnn-cu12==8.9.7.29"),
            "3.10.12",
            "nvidia/cuda:12.3.2-runtime-ubuntu22.04",
        ),
        (("jaxlib==0.4.30",), "3.10.12", "python:3.10.12-slim-bookworm"),
        (("tensorflow==2.16.1",), "3.10.12", "python:3.10.12-slim-bookworm"),
    ],
)
def test_the_base_of_other_frameworks(pins: tuple[str, ...], python: str, reference: str) -> None:
    result = planned(record(*listed(*pins), python=python, system=UBUNTU_2204))
    assert result.base.reference == reference


def test_the_recorded_toolkit_tells_the_minor() -> None:
    snapshot = record(*listed("jaxlib==0.4.13+cuda12.cudnn89"), system=UBUNTU_2204, cuda_toolkit="12.1.105")
    assert planned(snapshot).accelerator.version == "12.1"


def test_jax_comes_from_its_own_page() -> None:
    (group,) = lines(planned(record(*listed("jaxlib==0.4.13+cuda12.cudnn89")))).items()
    assert group == ("storage-googleapis-com-jax-cuda-releases", ("jaxlib==0.4.13+cuda12.cudnn89",))


def test_torch_brings_its_cuda_and_the_base_carries_the_other() -> None:
    pins = listed("torch==2.1.0+cu121", "tensorflow==2.12.0")
    result = planned(record(*pins, python="3.10.12", system=UBUNTU_2204))
    assert result.accelerator.version == "12.1"
    assert result.base.reference == "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04"
    assert "two-cudas" in warning_codes(result)


def test_one_cuda_serves_its_major_version() -> None:
    snapshot = record(*listed(TORCH, "tensorflow==2.8.2"), python="3.8.10", system=UBUNTU_2004)
    for flavor in ("auto", "slim"):
        result = planned(snapshot, flavor=flavor)
        assert result.base.reference == "nvidia/cuda:11.3.1-cudnn8-runtime-ubuntu20.04"
        assert "two-cudas" not in warning_codes(result)


def test_a_recorded_toolkit_of_torchs_cuda_keeps_it() -> None:
    pins = listed("torch==2.1.0+cu121", "tensorflow==2.12.0")
    result = planned(record(*pins, system=UBUNTU_2204, cuda_toolkit="12.1.105"))
    assert result.base.cuda == "12.1.1"
    assert "two-cudas" in warning_codes(result)


@pytest.mark.parametrize("other", ["tensorflow==2.16.1", "tensorflow-cpu==2.8.2", "jaxlib==0.4.30"])
def test_what_asks_nothing_of_the_system_changes_nothing(other: str) -> None:
    result = planned(record(*listed("torch==2.1.0+cu121", other)))
    assert result.base.cuda == "12.1.1"
    assert "two-cudas" not in warning_codes(result)
