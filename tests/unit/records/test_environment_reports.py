"""The reports that projects other than PyTorch ask for in issues."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from reprobuild.errors import RecordError
from reprobuild.records import parse, read
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


MMCV = """\
sys.platform: linux
Python: 3.7.0 (default, Jun 28 2018, 13:15:42) [GCC 7.2.0]
CUDA available: True
NVCC: Cuda compilation tools, release 10.2, V10.2.89
GPU 0,1: GeForce RTX 2080 Ti
PyTorch: 1.3.1
PyTorch compiling details: PyTorch built with:
  - GCC 7.3
"""
SETTINGS = "  - Build settings: BLAS_INFO=mkl, BUILD_TYPE=Release\n"


def build(text: str) -> tuple[str | None, str | None]:
    """torch's CUDA as a report tells it, and how surely."""
    torch = parse(text.encode(), "report.txt").torch
    assert torch is not None
    return torch.cuda, torch.read_by


def test_a_report_that_ends_before_torchs_cuda_does_not_say_that_there_is_none() -> None:
    assert build(MMCV) == (None, None)
    assert build(f"{MMCV}  - CUDA Runtime 10.1\n") == ("10.1", "import")
    assert build(MMCV + SETTINGS) == (None, "import")
    assert build("* CUDA:\n\t- GPU:\n\t- version: None\n* Lightning:\n\t- lightning: 2.0.2\n\t- torch: 2.0.0\n") == (
        None,
        "import",
    )
    assert build("- `transformers` version: 4.3.0\n- PyTorch version (GPU?): 1.7.1 (True)\n") == (None, None)


@pytest.mark.parametrize(
    "prefix", ["2022-11-11 08:08:37,084 - mmdeploy - INFO - ", "2023/05/06 12:11:10 - mmengine - INFO - "]
)
def test_a_loggers_prefix_does_not_matter(prefix: str) -> None:
    logged = parse("".join(f"{prefix}{line}\n" for line in MMCV.splitlines()).encode(), "log.txt")
    plain = parse(MMCV.encode(), "report.txt")
    assert logged.python.version == "3.7.0" and logged.cuda_toolkit == "10.2.89"
    assert (logged.python, logged.torch, logged.gpu) == (plain.python, plain.torch, plain.gpu)
    assert versions(logged) == versions(plain) == {"torch": "1.3.1"}


def test_a_table_is_known_without_the_row_of_detectron2_and_beside_nvcc() -> None:
    nvcc = "Cuda compilation tools, release 11.3, V11.3.109\n"
    table = (
        "`---------------------  ---------------\n"
        "sys.platform           linux\n"
        "Python                 3.6.13 |Anaconda, Inc.| (default, Jun  4 2021, 14:25:59) [GCC 7.5.0]\n"
        "detectron2._C          failed to import\n"
        "PyTorch                1.9.0+cu111\n"
        "GPU 0,1,2,3            NVIDIA GeForce RTX 3090\n"
        "NVCC                   Build cuda_11.3.r11.3/compiler.29920130_0\n"
        "torchvision            0.10.0+cu111\n"
    )
    for text in (table, nvcc + table):
        snapshot = parse(text.encode(), "issue.md")
        assert versions(snapshot) == {"torch": "1.9.0+cu111", "torchvision": "0.10.0+cu111"}
        assert snapshot.gpu is not None and len(snapshot.gpu.devices) == 4
        assert snapshot.torch is not None and snapshot.torch.cuda == "11.1"


def test_the_printed_value_of_mmcvs_function() -> None:
    text = (
        "OrderedDict([('sys.platform', 'linux'), ('Python', '3.9.17 (main, Jul  5 2023, 20:41:20) [GCC 11.2.0]'), "
        "('CUDA available', False), ('PyTorch', '2.0.1'), ('PyTorch compiling details', 'PyTorch built with:\\n  - GCC "
        "11.2\\n  - Build settings: BLAS_INFO=open \\n'), ('TorchVision', '0.15.2'), ('MMEngine', '0.8.4')])\n"
    )
    as_dict = "{'sys.platform': 'linux', 'CUDA available': False, 'PyTorch': '2.0.1', 'MMEngine': '0.8.4'}\n"
    snapshot = parse(f"I ran it:\n{text}".encode(), "issue.md")
    assert snapshot.python.version == "3.9.17" and build(text) == (None, "import")
    assert versions(snapshot) == {"torch": "2.0.1", "torchvision": "0.15.2", "mmengine": "0.8.4"}
    assert versions(parse(f"I ran it:\n{as_dict}".encode(), "issue.md")) == {"torch": "2.0.1", "mmengine": "0.8.4"}


def test_the_report_of_lightnings_first_versions() -> None:
    text = (
        "cuda:\n\tGPU:\n\t\tGeForce GTX 1050\n\t\tTesla T4\n\tavailable:           True\n\tversion:             10.0\n"
        "packages:\n\tnumpy:               1.18.1\n\tpyTorch_debug:       False\n\tpyTorch_version:     1.4.0+cu100\n"
        "\tpytorch-lightning:   0.7.1\nsystem:\n\tOS:                  Linux\n\tarchitecture:\n\t\t64bit\n\t\tELF\n"
        "\tprocessor:           x86_64\n\tpython:              3.6.9\n\tversion:             #34~18.04.1-Ubuntu SMP\n"
    )
    snapshot = parse(text.encode(), "issue.md")
    assert versions(snapshot) == {"numpy": "1.18.1", "pytorch-lightning": "0.7.1", "torch": "1.4.0+cu100"}
    assert snapshot.torch is not None and (snapshot.torch.cuda, snapshot.torch.read_by) == ("10.0", "import")
    assert snapshot.gpu is not None and [each.name for each in snapshot.gpu.devices] == ["GeForce GTX 1050", "Tesla T4"]
    assert (snapshot.python.version, snapshot.system.system, snapshot.system.machine) == ("3.6.9", "Linux", "x86_64")


def test_a_version_that_is_none_is_said() -> None:
    text = (
        "- `transformers` version: 4.3.0\n- PyTorch version (GPU?): yes\n"
        "- Flax version (CPU?/GPU?/TPU?): not installed (NA)\n- Tensorflow version (GPU?): 2.2.0\n"
    )
    snapshot = parse(text.encode(), "issue.md")
    assert versions(snapshot) == {"transformers": "4.3.0", "tensorflow": "2.2.0"}
    notes = [note.message for note in snapshot.notes if note.code == "line-not-understood"]
    assert notes == ["not understood: pytorch version (gpu?): yes"]


@pytest.mark.parametrize(
    "content", [b"`" * 100_000, b"'sys.platform': " + b"'a', " * 40_000, b"sys.platform  linux\t" * 9000]
)
def test_hostile_text_takes_no_time(content: bytes) -> None:
    start = time.monotonic()
    with pytest.raises(RecordError):
        parse(content, "x")
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("report_first", [True, False])
def test_a_freeze_beside_a_report_tells_which_file_torch_was(report_first: bool) -> None:
    report = "- `transformers` version: 4.36.0\n- PyTorch version (GPU?): 2.1.0+cu121 (True)\n"
    blocks = [report, "numpy==1.26.0\ntorch==2.1.0\ntransformers==4.36.0\n"]
    text = "".join(f"```\n{block}```\n" for block in (blocks if report_first else blocks[::-1]))
    snapshot = parse(text.encode(), "issue.md")
    assert versions(snapshot)["torch"] == "2.1.0"
    assert snapshot.torch is not None and snapshot.torch.version == "2.1.0+cu121"
