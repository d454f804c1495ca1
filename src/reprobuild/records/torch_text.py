"""What the version text of torch tells of the CUDA it was built with, and cuDNN's integer as a version."""

from __future__ import annotations

import re

_CUDA_TAG = re.compile(r"(?:^|.*?[^a-z])cu(?P<digits>\d{2,3})(?![0-9]).*|pt\d+cu(?P<older>\d{2,3}).*")
_HIP_TAG = re.compile(r"rocm(?P<version>\d+(?:\.\d+){1,2}).*")


def cuda_of_local_version(version: str | None) -> str | None:
    """The CUDA that the local part of a torch version names: ``2.1.0+cu121`` gives 12.1, ``+cpu`` gives None."""
    found = _CUDA_TAG.match(_local(version))
    digits = (found["digits"] or found["older"]) if found else None
    return f"{digits[:-1]}.{digits[-1]}" if digits else None


def hip_of_local_version(version: str | None) -> str | None:
    """The ROCm that the local part of a torch version names: ``2.5.1+rocm6.2`` gives 6.2."""
    found = _HIP_TAG.match(_local(version))
    return found["version"] if found else None


def _local(version: str | None) -> str:
    return (version or "")[:200].partition("+")[2].lower()


def cudnn_version(number: int | None) -> str | None:
    """torch's integer as a version: 8902 is 8.9.2, 91900 is 9.19.0 (from 9 on there are two digits more)."""
    if not number or number < 1000 or number > 999999:
        return None
    major, rest = divmod(number, 10000 if number >= 90000 else 1000)
    return f"{major}.{rest // 100}.{rest % 100}"
