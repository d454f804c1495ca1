"""Whether the planned torch runs on a GPU and with a driver, and the rescue where it does not."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import (
    UBUNTU_2004,
    decision,
    lines,
    listed,
    placement,
    planned,
    record,
    warning_codes,
)

from reprobuild.errors import RecordError, UsageError
from reprobuild.plan import Fidelity, Plan, Question
from reprobuild.snapshot import FlatFacts, GpuDevice, GpuFacts

RTX_3090 = GpuDevice(name="NVIDIA GeForce RTX 3090", compute_capability="8.6")
RTX_5090 = GpuDevice(name="NVIDIA GeForce RTX 5090", compute_capability="12.0")
T4 = GpuDevice(name="Tesla T4", compute_capability="7.5")


def of_2021(*pins: str, **options: object) -> Plan:
    """A plan of pins from late 2021: CPython 3.8 on Ubuntu 20.04."""
    return planned(record(*listed(*pins), python="3.8.10", system=UBUNTU_2004), **options)


@pytest.mark.parametrize(
    ("pin", "gpu", "warned"),
    [
        ("torch==1.10.1+cu102", "NVIDIA GeForce RTX 3090", True),
        ("torch==1.10.1+cu113", "NVIDIA GeForce RTX 3090", False),
        ("torch==1.10.1+cu113", "Tesla T4", False),
        ("torch==1.10.1+cu113", "NVIDIA Unheard Of 9000", False),
        ("torch==1.10.1+cpu", "NVIDIA GeForce RTX 3090", False),
    ],
)
def test_code_for_the_recorded_gpu(pin: str, gpu: str, warned: bool) -> None:
    result = planned(record(*listed(pin), python="3.8.10", system=UBUNTU_2004, flat=FlatFacts(gpu_name=gpu)))
    assert ("no-gpu-code" in warning_codes(result)) == warned


def test_the_rescue_is_offered_and_not_taken() -> None:
    facts = GpuFacts(devices=(RTX_3090, RTX_3090))
    result = planned(record(*listed("torch==1.10.1+cu102"), python="3.8.10", system=UBUNTU_2004, gpu=facts))
    (warning,) = (each for each in result.warnings if each.code == "no-gpu-code")
    assert "1.10.1+cu111" in (warning.hint or "")
    assert result.accelerator.variant == "cu102"


@pytest.mark.parametrize(
    ("pins", "host", "variant"),
    [
        (("torch==1.10.1+cu102",), GpuFacts(devices=(RTX_3090,)), "cu111"),
        (("torch==2.6.0+cu124",), GpuFacts(devices=(T4,), driver_version="470.82.01", driver_cuda="11.4"), "cu118"),
        (("torch==2.7.0+cu118",), GpuFacts(devices=(RTX_5090,), driver_version="570.124.06"), "cu128"),
    ],
)
def test_the_rescue_is_taken_when_asked_for(pins: tuple[str, ...], host: GpuFacts, variant: str) -> None:
    python = "3.8.10" if "1.10" in pins[0] else "3.10.12"
    result = planned(record(*listed(*pins), python=python), host=host, rescue=True)
    assert result.accelerator.variant == variant
    assert decision(result, Question.ACCELERATOR).fidelity is Fidelity.SUBSTITUTED
    assert placement(result, "torch").fidelity is Fidelity.SUBSTITUTED
    assert "rescued" in warning_codes(result)
    assert result.groups[-1].resolve_dependencies


def test_what_belongs_to_torch_follows_the_rescue() -> None:
    pins = ("torch==2.6.0+cu124", "torchvision==0.21.0+cu124", "nvidia-cudnn-cu12==9.1.0.70", "numpy==2.1.0")
    host = GpuFacts(driver_version="470.82.01", driver_cuda="11.4")
    result = planned(record(*listed(*pins)), host=host, rescue=True)
    assert lines(result)["pytorch-cu118"] == ("torch==2.6.0+cu118", "torchvision==0.21.0+cu118")
    assert placement(result, "nvidia-cudnn-cu12").where == "left out"
    assert placement(result, "nvidia-cudnn-cu12").fidelity is Fidelity.SUBSTITUTED
    assert placement(result, "numpy").fidelity is Fidelity.EXACT


def test_a_gpu_by_its_name() -> None:
    assert "no-gpu-code" in warning_codes(of_2021("torch==1.10.1+cu102", gpu="NVIDIA GeForce RTX 3090"))
    assert "no-gpu-code" not in warning_codes(of_2021("torch==1.10.1+cu113", gpu="NVIDIA GeForce RTX 3090"))
    with pytest.raises(UsageError) as refusal:
        of_2021("torch==1.10.1+cu113", gpu="Voodoo 2")
    assert "Voodoo 2" in str(refusal.value)


def test_the_explanation_tells_of_gpu_and_driver() -> None:
    host = GpuFacts(devices=(T4,), driver_version="470.82.01", driver_cuda="11.4")
    facts = {
        each.name: each.value
        for each in decision(of_2021("torch==1.10.1+cu113", host=host), Question.ACCELERATOR).facts
    }
    assert facts["Tesla T4 (7.5)"] == "the wheel has code for it"
    assert facts["driver"] == "470.82.01"


@pytest.mark.parametrize(
    ("driver", "driver_cuda", "brand", "codes"),
    [
        ("470.82.01", "11.4", T4, []),  # a data-center GPU: the image admits the branch
        ("450.80.02", "11.0", T4, []),
        ("460.32.03", "11.2", RTX_3090, ["driver-refused"]),  # runs by minor compatibility, and the image refuses
        ("440.33.01", "10.2", T4, ["driver-too-old"]),
        ("535.54.03", "12.2", RTX_3090, []),
    ],
)
def test_whether_the_driver_admits_the_image(driver: str, driver_cuda: str, brand: GpuDevice, codes: list[str]) -> None:
    host = GpuFacts(devices=(brand,), driver_version=driver, driver_cuda=driver_cuda)
    found = warning_codes(of_2021("torch==1.10.1+cu113", host=host))
    assert [code for code in found if code.startswith("driver-")] == codes


def test_a_refusing_image_is_rescued_by_one_that_asks_for_nothing() -> None:
    host = GpuFacts(devices=(RTX_3090,), driver_version="460.32.03", driver_cuda="11.2")
    result = of_2021("torch==1.10.1+cu113", host=host, rescue=True)
    assert result.base.reference == "ubuntu:20.04"
    assert result.accelerator.variant == "cu113"
    assert decision(result, Question.BASE_IMAGE).fidelity is Fidelity.SUBSTITUTED


def test_extensions_are_built_for_the_gpus() -> None:
    result = of_2021("torch==1.10.1+cu113", "flash-attn==1.0.4", host=GpuFacts(devices=(RTX_3090, T4)))
    (built,) = (each for each in result.groups if each.needs_nvcc)
    assert built.build_environment["TORCH_CUDA_ARCH_LIST"] == "7.5;8.6"
    assert not any("TORCH_CUDA_ARCH_LIST" in each.build_environment for each in result.groups if not each.needs_nvcc)


def test_a_hostile_name_is_refused() -> None:
    facts = GpuFacts(devices=(GpuDevice(name="T4\nRUN id"),))
    with pytest.raises(RecordError) as refusal:
        planned(record(*listed("torch==2.1.0+cu121"), gpu=facts))
    assert refusal.value.path == "gpu.devices[0].name"


@pytest.mark.parametrize("words", ["RTX 3090", "rtx 3090", "GeForce RTX 3090", "A100", "V100", "Tesla T4"])
def test_a_gpu_by_the_words_that_a_person_knows(words: str) -> None:
    assert planned(record(*listed("torch==2.1.0+cu121")), gpu=words).accelerator.kind == "cuda"


@pytest.mark.parametrize(("words", "message"), [("RTX 9999", "know no GPU"), ("GeForce", "may be several GPUs")])
def test_words_that_name_no_one_gpu_are_refused(words: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        planned(record(*listed("torch==2.1.0+cu121")), gpu=words)


def test_a_gpu_that_nothing_recorded_would_use_is_said() -> None:
    seen = GpuFacts(devices=(T4,))
    result = planned(record(*listed("numpy==1.24.4"), gpu=seen))
    (warning,) = [each for each in result.warnings if each.code == "gpu-unused"]
    assert "Tesla T4" in warning.message
    assert "gpu-unused" not in warning_codes(planned(record(*listed("numpy==1.24.4", "torch==2.1.0"), gpu=seen)))
    assert "gpu-unused" not in warning_codes(planned(record(*listed("numpy==1.24.4")), host=seen))
