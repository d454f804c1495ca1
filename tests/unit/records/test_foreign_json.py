"""JSON of other snapshot utilities: the facts are looked for, not the layout."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reprobuild.records import parse
from reprobuild.snapshot import Snapshot

NESTED = {
    "timestamp": "2024-05-01 10:00:00",
    "system": {"python_version": "3.10.12", "platform": "Linux-5.15.0-x86_64-with-glibc2.35", "user": "someone"},
    "torch": {"version": "2.1.0+cu121", "cuda_version": "12.1", "cudnn": 8902},
    "gpus": [{"name": "Tesla T4", "memory": 15360}, {"name": "Tesla T4", "memory": 15360}],
    "packages": [{"name": "torch", "version": "2.1.0+cu121"}, {"name": "numpy", "version": "1.24.3"}],
    "wandb_api_key": "hunter2",
    "data": "https://me:hunter2@example.org/data",
}
FLAT = {
    "python": "3.11.10 (main, Sep  7 2024, 18:35:41) [GCC 11.4.0]",
    "torch_version": "2.4.1+cu124",
    "transformers": "4.40.0",
    "gpu": "NVIDIA GeForce RTX 4090",
}
LINES = {
    "python_version": "3.13.2 (tags/v3.13.2:4f8bb39) [MSC v.1942 64 bit (AMD64)]",
    "packages": ["numpy==2.4.2\r", ""],
}
TWO = {"python": "3.12.1", "versions": {"torch": ["2.2.0", "2.1.0"]}, "pytorch": "2.1.0"}


def snapshot_of(value: dict[str, Any]) -> Snapshot:
    """The snapshot of such a file."""
    return parse(json.dumps(value).encode(), "environment_snapshot.json")


@pytest.mark.parametrize(
    ("value", "python", "torch", "cuda", "gpus", "packages"),
    [
        (NESTED, "3.10.12", "2.1.0+cu121", "12.1", 2, ["torch", "numpy"]),
        (FLAT, "3.11.10", "2.4.1+cu124", "12.4", 1, ["torch", "transformers"]),
        (LINES, "3.13.2", None, None, 0, ["numpy"]),
        (TWO, "3.12.1", "2.1.0", None, 0, ["torch"]),
    ],
    ids=["nested", "flat", "lines", "two-torches"],
)
def test_facts_wherever_they_stand(
    value: dict[str, Any], python: str, torch: str | None, cuda: str | None, gpus: int, packages: list[str]
) -> None:
    snapshot = snapshot_of(value)
    assert snapshot.python.version == python
    assert (snapshot.torch.version if snapshot.torch else None) == torch
    assert (snapshot.torch.cuda if snapshot.torch else None) == cuda
    assert len(snapshot.gpu.devices if snapshot.gpu else ()) == gpus
    assert [item.name for item in snapshot.distributions] == packages


def test_the_compiler_names_the_system() -> None:
    assert snapshot_of(LINES).system.system == "Windows"
    assert snapshot_of(FLAT).system.os_version == "22.04"


def test_what_is_not_understood_is_kept_without_its_secrets() -> None:
    snapshot = snapshot_of(NESTED)
    kept = json.loads(snapshot.to_json())["imported"]
    assert kept["system"]["user"] == "someone" and kept["wandb_api_key"] == "REMOVED"
    assert "hunter2" not in snapshot.to_json() and snapshot.redactions == {"other keys": 2}
    assert snapshot.recorded_at == "2024-05-01T10:00:00Z"


def test_names_of_modules_and_of_systems() -> None:
    content = {
        "environment": {"python_version": "3.9.1", "os": "Ubuntu 20.04"},
        "libraries": {"numpy": "1.20.0", "sklearn": "0.24.1", "cv2": "4.5.1"},
    }
    snapshot = parse(json.dumps(content).encode(), "snapshot.json")
    assert (snapshot.system.system, snapshot.system.os_version) == ("Linux", "20.04")
    found = {item.name: item.version for item in snapshot.distributions}
    assert found == {"numpy": "1.20.0", "scikit-learn": "0.24.1", "opencv-python": "4.5.1"}
