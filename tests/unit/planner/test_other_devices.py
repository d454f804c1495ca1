"""Devices that no image serves: named, with what of the run can be rebuilt and what can't."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import decision, gpu, listed, placement, planned, record, warning_codes

from reprobuild.plan import Fidelity, Question
from reprobuild.snapshot import TorchFacts


@pytest.mark.parametrize(
    ("pins", "kind", "name"),
    [
        (("torch==2.8.0", "torch-xla==2.8.0", "libtpu==0.0.17"), "tpu", "a TPU"),
        (("torch==2.5.0+cpu", "torch-xla==2.5.0"), "tpu", "a TPU"),
        (("jax==0.4.30", "jaxlib==0.4.30", "libtpu-nightly==0.1.dev20240617"), "tpu", "a TPU"),
        (("torch==2.8.0+xpu", "pytorch-triton-xpu==3.4.0"), "xpu", "an Intel GPU"),
        (("torch==2.3.1+cxx11.abi", "intel-extension-for-pytorch==2.3.110+xpu"), "xpu", "an Intel GPU"),
        (("torch==2.1.0", "torch-npu==2.1.0.post3"), "other", "an Ascend NPU"),
        (("tensorflow-rocm==2.12.0.560",), "other", "an AMD GPU"),
        (("torch==1.13.1", "torch-neuronx==1.13.1.1.9.0"), "other", "an AWS Neuron device"),
        (("torch==2.1.0+das1.1.git3ac1bdd.abi1.dtk2404",), "other", "a Hygon DCU"),
        (("torch==2.0.0", "torch-directml==0.2.0"), "other", "DirectML"),
    ],
)
def test_the_device_is_named_and_the_rest_is_rebuilt(pins: tuple[str, ...], kind: str, name: str) -> None:
    result = planned(record(*listed(*pins)))
    answer = decision(result, Question.ACCELERATOR)
    assert result.accelerator.kind == kind
    assert answer.fidelity is Fidelity.SUBSTITUTED and name in answer.reason
    (warning,) = (each for each in result.warnings if each.code == "other-device")
    assert name in warning.message
    assert result.base.repository == "python"
    assert "variant-inferred" not in warning_codes(result)


@pytest.mark.parametrize(
    ("torch", "facts"),
    [
        ("torch==2.1.0+cu121", None),
        ("torch==2.1.0", TorchFacts(version="2.1.0+cu121", cuda="12.1")),
        ("torch==2.2.0+rocm5.7", None),
    ],
)
def test_a_build_that_the_record_tells_counts_more_than_a_package(torch: str, facts: TorchFacts | None) -> None:
    result = planned(record(*listed(torch, "torch-xla==2.1.0"), torch=facts))
    assert result.accelerator.kind in ("cuda", "rocm")
    assert "other-device" not in warning_codes(result)


def test_a_driver_of_nvidias_counts_more_than_a_package() -> None:
    result = planned(record(*listed("torch==2.1.0", "torch-xla==2.1.0"), gpu=gpu("12.2")))
    assert result.accelerator.kind == "cuda"


def test_what_only_the_vendor_has_is_left_out() -> None:
    result = planned(record(*listed("torch==2.1.0", "mindietorch==1.0.0+torch2.1.0.abi0")))
    assert placement(result, "mindietorch").fidelity is Fidelity.MISSING
