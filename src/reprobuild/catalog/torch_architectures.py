"""Which GPUs the code in torch's CUDA wheels runs on.

Source: PyTorch's build scripts, equal to the binaries of every wheel on PyPI from 1.6 to 2.15. A binary for X.Y runs on
X.Z with Z >= Y; it never crosses a major version, unless it carries PTX, which newer GPUs compile when it is loaded.
"""

from __future__ import annotations

import re

from packaging.version import Version

from reprobuild.catalog.tables import Fields, Table, items, version_of


class TorchArchitectures(Fields, frozen=True, kw_only=True):
    """The architectures in one wheel."""

    version: str
    variant: str
    platform: str
    architectures: tuple[str, ...]
    """Compute capabilities, ``+PTX`` behind those that also carry PTX."""
    source: str

    def runs_on(self, compute_capability: str) -> bool:
        """Whether its code runs on a GPU of this compute capability."""
        gpu = version_of(compute_capability)
        if gpu is None:
            return False
        for text in self.architectures:
            capability, _, ptx = text.partition("+")
            code = Version(capability)
            if code.major == gpu.major and code.minor <= gpu.minor:
                return True
            if ptx == "PTX" and code <= gpu:
                return True
        return False


class TorchArchitectureTable:
    """Look-ups over the architectures."""

    def __init__(self, table: Table) -> None:
        self.header = table.header
        self._rows = {(row["version"], row["variant"], row["platform"]): row for row in table.rows}

    def of(self, version: str, variant: str, platform: str = "linux_x86_64") -> TorchArchitectures | None:
        """The architectures of a release's variant (cu121). None for CPU and ROCm wheels, and what is not known."""
        row = self._rows.get((version.partition("+")[0], re.sub(r"_(full|pypi_cudnn)$", "", variant), platform))
        return _architectures(row) if row else None

    def variants_for(
        self, version: str, compute_capability: str, platform: str = "linux_x86_64"
    ) -> tuple[TorchArchitectures, ...]:
        """The variants of a release whose code runs on a GPU of this compute capability."""
        wanted = version.partition("+")[0]
        found = [_architectures(row) for (each, _, on), row in self._rows.items() if (each, on) == (wanted, platform)]
        return tuple(row for row in found if row.runs_on(compute_capability))


def capability_of_sm(architecture: str) -> str | None:
    """``sm_86`` and ``compute_86`` to 8.6, ``sm_90a`` to 9.0, ``sm_120`` to 12.0. None for what is none."""
    match = re.fullmatch(r"(?:sm|compute)_(\d+)(\d)[a-z]?", architecture)
    return f"{match[1]}.{match[2]}" if match else None


def _architectures(row: dict[str, str]) -> TorchArchitectures:
    return TorchArchitectures(
        version=row["version"],
        variant=row["variant"],
        platform=row["platform"],
        architectures=items(row["architectures"]),
        source=row["source"],
    )
