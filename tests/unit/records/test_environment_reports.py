"""The reports that projects other than PyTorch ask for in issues."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprobuild.records import read
from reprobuild.snapshot import Snapshot

RECORDS = Path(__file__).parents[2] / "data" / "records"


def versions(snapshot: Snapshot) -> dict[str, str | None]:
    """Version by name."""
    return {item.name: item.version for item in snapshot.distributions}


@pytest.mark.parametrize(
    ("name", "python", "torch", "cuda", "gpus"),
    [
        ("transformers_env.txt", "3.10.12", "2.1.0+cu121", "12.1", ["Tesla T4"]),
        ("mmcv_env.txt", "3.8.13", "1.11.0", "11.3", ["Tesla V100-SXM2-16GB"] * 2),
        ("detectron2_env.txt", "3.8.10", "1.8.1+cu101", "10.1", ["GeForce RTX 2080 Ti"]),
        ("lightning_env.txt", "3.10.10", "2.0.0", "11.7", ["NVIDIA A100-SXM4-40GB"]),
    ],
)
def test_python_torch_cuda_and_gpus(name: str, python: str, torch: str, cuda: str, gpus: list[str]) -> None:
    snapshot = read(RECORDS / name)
    assert snapshot.python.version == python and snapshot.system.system == "Linux"
    assert snapshot.torch is not None and (snapshot.torch.version, snapshot.torch.cuda) == (torch, cuda)
    assert snapshot.gpu is not None and [device.name for device in snapshot.gpu.devices] == gpus
    assert "partial-list" in [note.code for note in snapshot.notes]


def test_names_are_those_of_the_index() -> None:
    assert versions(read(RECORDS / "mmcv_env.txt")) == {
        "torch": "1.11.0",
        "torchvision": "0.12.0",
        "opencv-python": "4.6.0",
        "mmcv": "1.6.1",
        "mmdet": "2.25.1+unknown",
    }
    assert versions(read(RECORDS / "transformers_env.txt")) == {
        "transformers": "4.36.0",
        "huggingface-hub": "0.19.4",
        "safetensors": "0.4.1",
        "torch": "2.1.0+cu121",
    }


def test_the_toolkit_and_cudnn_of_a_build() -> None:
    snapshot = read(RECORDS / "mmcv_env.txt")
    assert snapshot.cuda_toolkit == "11.3.109"
    assert snapshot.torch is not None and snapshot.torch.cudnn == "8.2"
