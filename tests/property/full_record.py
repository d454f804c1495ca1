"""A record in which every field of the model holds something, and ways to reach each of its texts."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
"""Keys and indexes from the top of the file to one value."""

_COMMIT = "0123456789abcdef0123456789abcdef01234567"
_DIGEST = "sha256:" + "a" * 64
_FREEZE = "certifi==2023.7.22\nnumpy==1.24.3\npkg @ git+https://example.org/pkg.git@" + _COMMIT + "\n"

FULL_RECORD: dict[str, Any] = {
    "python_version": "3.10.12 (main, Nov 20 2023, 15:14:05) [GCC 11.4.0]",
    "python_version_short": "3.10.12",
    "platform": "Linux-5.15.0-1051-gcp-x86_64-with-glibc2.35",
    "platform_system": "Linux",
    "platform_release": "5.15.0-1051-gcp",
    "pip_freeze": _FREEZE,
    "packages": {"numpy": "1.24.3", "torch": "2.1.0+cu121"},
    "torch_version": "2.1.0+cu121",
    "cuda_available": True,
    "cuda_version": "12.1",
    "cudnn_version": 8902,
    "gpu_name": "Tesla T4",
    "gpu_count": 1,
    "schema_version": 1,
    "package_indexes": ["https://example.org/simple"],
    "recorder": {"name": "reprobuild", "version": "0.1.0"},
    "recorded_at": "2023-12-20T10:00:00Z",
    "python": {
        "version": "3.10.12",
        "implementation": "CPython",
        "build": "3.10.12 (main, Nov 20 2023, 15:14:05) [GCC 11.4.0]",
        "compiler": "GCC 11.4.0",
        "executable": "/home/user/venv/bin/python",
        "prefix": "/home/user/venv",
        "base_prefix": "/usr",
        "environment": "venv",
        "abi_tag": "cpython-310-x86_64-linux-gnu",
        "free_threaded": False,
        "openssl": "OpenSSL 3.0.2 15 Mar 2022",
    },
    "system": {
        "system": "Linux",
        "kernel": "5.15.0-1051-gcp",
        "machine": "x86_64",
        "platform": "Linux-5.15.0-1051-gcp-x86_64-with-glibc2.35",
        "libc": "glibc",
        "libc_version": "2.35",
        "os_id": "ubuntu",
        "os_version": "22.04",
        "os_name": "Ubuntu 22.04.3 LTS",
        "cpu_model": "Intel(R) Xeon(R) CPU @ 2.00GHz",
    },
    "distributions": [
        {
            "name": "torch",
            "version": "2.1.0+cu121",
            "installer": "pip",
            "requested": True,
            "tags": ["cp310-cp310-linux_x86_64"],
            "record_digest": _DIGEST,
            "location": "lib/python3.10/site-packages",
            "metadata_format": "dist-info",
        },
        {
            "name": "numpy",
            "version": "1.24.3",
            "hashes": [_DIGEST],
            "marker": "python_version >= '3.8'",
            "index_url": "https://example.org/simple",
            "line": "numpy==1.24.3",
        },
        {
            "name": "pkg",
            "version": "1.0",
            "direct_url": {
                "url": "https://example.org/pkg.git",
                "vcs_info": {"vcs": "git", "commit_id": _COMMIT, "requested_revision": "main"},
                "subdirectory": "python",
            },
        },
        {
            "name": "wheel-of-a-url",
            "version": "2.0",
            "direct_url": {
                "url": "https://example.org/wheel_of_a_url-2.0-py3-none-any.whl",
                "archive_info": {"hashes": {"sha256": "b" * 64}},
            },
        },
        {
            "name": "mine",
            "version": "0.1",
            "direct_url": {
                "url": "file:///home/user/mine",
                "dir_info": {"editable": True, "commit_id": _COMMIT, "dirty": True},
            },
        },
        {
            "name": "certifi",
            "version": "2023.7.22",
            "conda": {
                "package": "certifi",
                "version": "2023.7.22",
                "channel": "conda-forge",
                "build": "pyhd8ed1ab_0",
                "subdir": "noarch",
                "url": "https://example.org/noarch/certifi-2023.7.22-pyhd8ed1ab_0.conda",
                "md5": "c" * 32,
                "sha256": "d" * 64,
            },
        },
    ],
    "conda_channels": ["conda-forge", "defaults"],
    "torch": {
        "version": "2.1.0+cu121",
        "cuda": "12.1",
        "hip": "5.6",
        "git_version": _COMMIT,
        "cudnn": "8.9.2",
        "nccl": "2.18.1",
        "arch_list": ["sm_70", "sm_75"],
        "read_by": "files",
    },
    "gpu": {
        "driver_version": "535.104.05",
        "driver_cuda": "12.2",
        "devices": [
            {"name": "Tesla T4", "memory_bytes": 16106127360, "compute_capability": "7.5", "mig": False},
            {"name": "NVIDIA A100", "mig": True, "mig_instances": ["NVIDIA A100 MIG 1g.5gb"], "architecture": "gfx90a"},
        ],
        "read_by": "nvml",
    },
    "cuda_toolkit": "12.2",
    "rocm_toolkit": "6.1.2",
    "system_libraries": [
        {
            "soname": "libgomp.so.1",
            "path": "/usr/lib/x86_64-linux-gnu/libgomp.so.1",
            "package": "libgomp1",
            "package_version": "12.3.0-1ubuntu1~22.04",
            "needed_by": ["numpy"],
        }
    ],
    "source": {
        "remote": "https://example.org/project.git",
        "commit": _COMMIT,
        "branch": "main",
        "dirty": True,
        "diff": "diff --git a/x b/x",
        "diff_base": _COMMIT,
        "untracked": ["notes.txt"],
        "directory": "training",
    },
    "switches": {"torch.cudnn.benchmark": "False"},
    "data": [
        {
            "path": "data/train.csv",
            "size_bytes": 3,
            "sha256": "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        }
    ],
    "command": {"program": "train.py", "arguments": ["--epochs", "3"]},
    "environment_variables": {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"},
    "seeds": {"random": 42},
    "redactions": {"environment_variables": 1},
    "evidence": [
        {"fact": "torch.cuda", "value": "12.1", "certainty": "told", "source": "torch/version.py", "reason": "read"}
    ],
    "notes": [{"code": "example", "message": "An example.", "path": "torch"}],
    "a key of tomorrow": {"kept": "as it is"},
}


def text_paths(value: Any = FULL_RECORD, path: Path = ()) -> Iterator[Path]:
    """Where each text stands, in the order of the file."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from text_paths(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from text_paths(item, (*path, index))


def key_paths() -> Iterator[Path]:
    """Where each key stands that a record chooses freely: those of ``packages``, hashes, variables and seeds."""
    for top in (("packages",), ("environment_variables",), ("seeds",), ("redactions",)):
        for key in FULL_RECORD[top[0]]:
            yield (*top, key)


def replaced(path: Path, text: str) -> dict[str, Any]:
    """A copy of the record with ``text`` at ``path``."""
    record = copy.deepcopy(FULL_RECORD)
    *parents, last = path
    place: Any = record
    for part in parents:
        place = place[part]
    place[last] = text
    return record


def renamed(path: Path, key: str) -> dict[str, Any]:
    """A copy of the record in which the last key of ``path`` reads ``key``."""
    record = copy.deepcopy(FULL_RECORD)
    *parents, last = path
    place: Any = record
    for part in parents:
        place = place[part]
    place[key] = place.pop(last)
    return record


def written(path: Path) -> str:
    """``distributions[3].version``: the path as error messages write it."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
