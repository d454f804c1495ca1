"""What the GPU's driver says.

No GPU is here, so the driver's library is a stand-in: compiled C behind NVIDIA's own names and signatures (nvml.h),
which the probe loads in a real interpreter as it loads the real one. nvidia-smi is a script that prints what the
program prints, and AMD's kernel interface a folder with the files that it has in /sys. The library ends the process
where it is asked for a serial number or a UUID.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from reprobuild.capture.interpreter import Probing
from reprobuild.capture.result import snapshot_of_facts
from reprobuild.probe.amd import amd_facts, rocm_version
from reprobuild.snapshot import GpuDevice

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the stand-ins are those of Linux")

NVML = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
typedef struct { unsigned long long total, free, used; } nvmlMemory_t;
typedef void *nvmlDevice_t;
static const char *names[] = {"NVIDIA A100-SXM4-40GB", "Tesla T4", "NVIDIA A100-SXM4-40GB MIG 1g.5gb",
                              "NVIDIA A100-SXM4-40GB MIG 2g.10gb"};
static int number(nvmlDevice_t device) { return (int)(long)device - 1; }
int nvmlInit_v2(void) { return INIT; }
int nvmlShutdown(void) { return 0; }
int nvmlSystemGetDriverVersion(char *text, unsigned size) { snprintf(text, size, "535.104.05"); return 0; }
int nvmlSystemGetCudaDriverVersion_v2(int *version) { *version = 12020; return 0; }
int nvmlDeviceGetCount_v2(unsigned *count) { *count = 3; return 0; }
int nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t *device) {
    if (index == 2) return 15; /* NVML_ERROR_GPU_IS_LOST */
    *device = (nvmlDevice_t)(long)(index + 1);
    return 0;
}
int nvmlDeviceGetName(nvmlDevice_t device, char *text, unsigned size) {
    snprintf(text, size, "%s", names[number(device)]);
    return 0;
}
int nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t *memory) {
    memset(memory, 0, sizeof *memory);
    memory->total = number(device) == 0 ? 42949672960ULL : 16106127360ULL;
    return 0;
}
int nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int *major, int *minor) {
    *major = number(device) == 0 ? 8 : 7;
    *minor = number(device) == 0 ? 0 : 5;
    return 0;
}
int nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned *current, unsigned *pending) {
    if (number(device) == 1) return 3; /* NVML_ERROR_NOT_SUPPORTED */
    *current = *pending = 1;
    return 0;
}
int nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned *count) { *count = 7; return 0; }
int nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index, nvmlDevice_t *part) {
    if (index > 1) return 6; /* NVML_ERROR_NOT_FOUND */
    *part = (nvmlDevice_t)(long)(index + 3);
    return 0;
}
int nvmlDeviceGetSerial(nvmlDevice_t device, char *text, unsigned size) { abort(); }
int nvmlDeviceGetUUID(nvmlDevice_t device, char *text, unsigned size) { abort(); }
"""


def write_program(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH, with an nvidia-smi that fails: its being there says that there may be a driver."""
    folder = tmp_path / "bin"
    write_program(folder / "nvidia-smi", "exit 9")
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    return folder


def install_driver(folder: Path, monkeypatch: pytest.MonkeyPatch, *, init: int = 0) -> None:
    """The driver's library, where the loader of the next process finds it."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler on this machine to make the stand-in with")
    (folder / "nvml.c").write_text(NVML)
    library = folder / "libnvidia-ml.so.1"
    subprocess.run([compiler, "-shared", "-fPIC", f"-DINIT={init}", "-o", library, folder / "nvml.c"], check=True)
    monkeypatch.setenv("LD_LIBRARY_PATH", str(folder))


def captured(python: str = sys.executable) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(Probing(python).output())
    snapshot_of_facts(dict(facts))
    return facts


def test_the_driver_tells_every_device(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_driver(tmp_path, monkeypatch)
    assert captured()["gpu"] == {
        "driver_version": "535.104.05",
        "driver_cuda": "12.2",
        "devices": [
            {
                "name": "NVIDIA A100-SXM4-40GB",
                "memory_bytes": 40 * 2**30,
                "compute_capability": "8.0",
                "mig": True,
                "mig_instances": ["NVIDIA A100-SXM4-40GB MIG 1g.5gb", "NVIDIA A100-SXM4-40GB MIG 2g.10gb"],
            },
            {"name": "Tesla T4", "memory_bytes": 15 * 2**30, "compute_capability": "7.5"},
            {"name": "unknown"},
        ],
        "read_by": "nvml",
    }


def test_the_oldest_interpreter_asks_it_too(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = sorted(Path(os.environ.get("PYENV_ROOT", "/nowhere")).glob("versions/3.6.*/bin/python"))
    if not found:
        pytest.skip("no CPython 3.6 under PYENV_ROOT")
    install_driver(tmp_path, monkeypatch)
    gpu = captured(str(found[0]))["gpu"]
    assert (gpu["read_by"], len(gpu["devices"])) == ("nvml", 3)


@pytest.mark.parametrize(("code", "reason"), [(18, "another version"), (9, "not loaded"), (77, "error 77")])
def test_a_driver_that_does_not_start_is_noted(
    code: int, reason: str, tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_driver(tmp_path, monkeypatch, init=code)
    facts = captured()
    assert "gpu" not in facts
    (note,) = [note for note in facts["notes"] if note["code"] == "gpu-not-read"]
    assert reason in note["message"]


BANNER = "| NVIDIA-SMI 470.57.02    Driver Version: 470.57.02    CUDA Version: 11.4     |"
SMI = """\
case "$1" in
    *compute_cap,mig*) {newest};;
    *compute_cap*) {newer};;
    --query-gpu=*) echo '470.57.02, Tesla V100-SXM2-16GB, 16160';;
    *) echo '{banner}';;
esac
"""
REFUSAL = "echo 'Field \"compute_cap\" is not a valid field to query.'; exit 2"


@pytest.mark.parametrize(
    ("newest", "newer", "expected"),
    [
        (REFUSAL, REFUSAL, {}),
        (REFUSAL, "echo '470.57.02, Tesla V100-SXM2-16GB, 16160, 7.0'", {"compute_capability": "7.0"}),
        (
            "echo '470.57.02, Tesla V100-SXM2-16GB, 16160, 7.0, Disabled'",
            "exit 2",
            {"compute_capability": "7.0", "mig": False},
        ),
        (
            "echo '470.57.02, Tesla V100-SXM2-16GB, 16160, 7.0, [N/A]'",
            "exit 2",
            {"compute_capability": "7.0"},
        ),
    ],
)
def test_nvidia_smi_is_asked_where_the_library_is_not_there(
    newest: str, newer: str, expected: dict[str, Any], programs: Path
) -> None:
    write_program(programs / "nvidia-smi", SMI.format(newest=newest, newer=newer, banner=BANNER))
    assert captured()["gpu"] == {
        "driver_version": "470.57.02",
        "driver_cuda": "11.4",
        "devices": [{"name": "Tesla V100-SXM2-16GB", "memory_bytes": 16160 * 2**20, **expected}],
        "read_by": "nvidia-smi",
    }


def test_each_cuda_has_its_own_name(tmp_path: Path, programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver's, nvcc's, torch's, and the cuDNN and NCCL that torch loads: five facts, none for another."""
    install_driver(tmp_path, monkeypatch)
    write_program(programs / "nvcc", "echo 'Cuda compilation tools, release 12.3, V12.3.107'")
    site = tmp_path / "site"
    (site / "torch").mkdir(parents=True)
    (site / "torch" / "version.py").write_text("__version__ = '2.1.0+cu121'\ncuda: Optional[str] = '12.1'\n")
    for name, version in (
        *(("torch", "2.1.0"), ("nvidia-cudnn-cu12", "8.9.2.26")),
        *(("nvidia-nccl-cu12", "2.18.1"), ("nvidia-cuda-runtime-cu12", "12.1.105")),
    ):
        info = site / f"{name.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    monkeypatch.setenv("PYTHONPATH", str(site))
    facts = captured(str(tmp_path / "env" / "bin" / "python"))
    assert facts["gpu"]["driver_cuda"] == "12.2"
    assert facts["cuda_toolkit"] == "12.3.107"
    assert facts["torch"] == {
        "version": "2.1.0+cu121",
        "cuda": "12.1",
        "cudnn": "8.9.2.26",
        "nccl": "2.18.1",
        "read_by": "files",
    }
    flat = ("torch_version", "cuda_available", "cuda_version", "cudnn_version", "gpu_name", "gpu_count")
    assert [facts[key] for key in flat] == ["2.1.0+cu121", True, "12.1", 8902, "NVIDIA A100-SXM4-40GB", 3]


def write_amd(root: Path) -> None:
    """What the kernel shows of a machine with a processor and two GPUs; the serial number is a trap."""
    nodes = root / "sys" / "class" / "kfd" / "kfd" / "topology" / "nodes"
    gpu = "simd_count 416\ngfx_target_version 90010\ndrm_render_minor {minor}\nunique_id 1234567890\nvendor_id 4098\n"
    for name, text in {
        "0": "cpu_cores_count 64\nsimd_count 0\n",
        "1": gpu.format(minor=128),
        "10": "simd_count 192\ngfx_target_version 110003\n",
    }.items():
        (nodes / name).mkdir(parents=True)
        (nodes / name / "properties").write_text(text)
    for bank, text in {
        "0": "heap_type 1\nsize_in_bytes 68702699520\n",
        "1": "heap_type 5\nsize_in_bytes 65536\n",
    }.items():
        (nodes / "1" / "mem_banks" / bank).mkdir(parents=True)
        (nodes / "1" / "mem_banks" / bank / "properties").write_text(text)
    card = root / "sys" / "class" / "drm" / "renderD128" / "device"
    card.mkdir(parents=True)
    (card / "product_name").write_text("AMD Instinct MI210\n")
    (card / "serial_number").write_text("S3R1AL\n")
    (root / "sys" / "module" / "amdgpu").mkdir(parents=True)
    (root / "sys" / "module" / "amdgpu" / "version").write_text("6.3.6\n")
    (root / "opt" / "rocm" / ".info").mkdir(parents=True)
    (root / "opt" / "rocm" / ".info" / "version").write_text("6.1.2-116\n")


def test_amd_s_devices_and_rocm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROCM_PATH", "ROCM_HOME"):
        monkeypatch.delenv(name, raising=False)
    write_amd(tmp_path)
    facts = amd_facts(str(tmp_path))
    assert facts == {
        "driver_version": "6.3.6",
        "devices": [
            {"name": "AMD Instinct MI210", "memory_bytes": 68702699520, "architecture": "gfx90a"},
            {"name": "AMD gfx1103", "architecture": "gfx1103"},
        ],
        "read_by": "kfd",
    }
    assert rocm_version(str(tmp_path)) == "6.1.2"
    assert "S3R1AL" not in json.dumps(facts) and "1234567890" not in json.dumps(facts)


def test_a_machine_without_amd_has_none_of_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROCM_PATH", str(tmp_path / "none"))
    assert amd_facts(str(tmp_path)) is None
    assert rocm_version(str(tmp_path)) is None


def test_the_model_has_no_place_for_what_identifies_a_machine() -> None:
    assert not [name for name in GpuDevice.__struct_fields__ if "serial" in name or "uuid" in name or "bus" in name]
