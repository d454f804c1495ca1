"""Whether the planned torch runs on the recorded GPU."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import UBUNTU_2004, listed, planned, record, warning_codes

from reprobuild.errors import RecordError
from reprobuild.snapshot import FlatFacts, GpuDevice, GpuFacts


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
    facts = GpuFacts(devices=(GpuDevice(name="NVIDIA GeForce RTX 3090", compute_capability="8.6"),) * 2)
    result = planned(record(*listed("torch==1.10.1+cu102"), python="3.8.10", system=UBUNTU_2004, gpu=facts))
    (warning,) = (each for each in result.warnings if each.code == "no-gpu-code")
    assert "1.10.1+cu113" in (warning.hint or "")
    assert result.accelerator.variant == "cu102"


def test_a_hostile_name_is_refused() -> None:
    facts = GpuFacts(devices=(GpuDevice(name="T4\nRUN id"),))
    with pytest.raises(RecordError) as refusal:
        planned(record(*listed("torch==2.1.0+cu121"), gpu=facts))
    assert refusal.value.path == "gpu.devices[0].name"
