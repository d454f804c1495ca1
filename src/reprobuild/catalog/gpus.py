"""GPUs: name to compute capability, and which CUDA and drivers know an architecture.

Sources: lists in NVIDIA's driver packages and open kernel modules, NVIDIA's CUDA documents.
"""

from __future__ import annotations

import re

from packaging.version import Version

from reprobuild.catalog.tables import Fields, Table, items, known


class Gpu(Fields, frozen=True, kw_only=True):
    """One name as drivers print it."""

    name: str
    compute_capability: str | None = None
    """None when the name stands for several."""
    ambiguous: tuple[str, ...] = ()
    """All capabilities that this name stands for, where there are several."""
    last_driver_branch: str | None = None


class ComputeCapability(Fields, frozen=True, kw_only=True):
    """One compute capability."""

    compute_capability: str
    architecture: str
    first_cuda: str
    last_cuda: str | None = None
    last_driver_branch: str | None = None
    note: str | None = None

    def compiles_with(self, cuda: str) -> bool:
        """Whether this CUDA minor (11.8) knows it."""
        version = Version(cuda)
        floor, ceiling = Version(self.first_cuda), Version(self.last_cuda) if self.last_cuda else None
        return floor <= version and (ceiling is None or version.release[:2] <= ceiling.release)


class Gpus:
    """Look-ups over GPU names and capabilities."""

    def __init__(self, names: Table, capabilities: Table) -> None:
        self.header = names.header
        self._names = {_plain(row["name"]): _gpu(row) for row in names.rows}
        self.capabilities = tuple(_capability(row) for row in capabilities.rows)

    def by_name(self, name: str) -> Gpu | None:
        """The GPU that a driver calls so: ``NVIDIA GeForce RTX 3090``, ``Tesla T4``. None when it is not listed."""
        return self._names.get(_plain(name))

    def called(self, words: str) -> tuple[Gpu, ...]:
        """Every GPU whose name holds these words as a person says them: ``RTX 3090``, ``A100``."""
        pattern = re.compile(rf"(?<![a-z0-9]){re.escape(_plain(words))}(?![a-z0-9])")
        return tuple(gpu for name, gpu in self._names.items() if pattern.search(name))

    def capability(self, compute_capability: str) -> ComputeCapability | None:
        """What is known of a compute capability such as 8.6."""
        return next((each for each in self.capabilities if each.compute_capability == compute_capability), None)


def _plain(name: str) -> str:
    text = re.sub(r"^nvidia\s+", "", name.strip().lower())
    return re.sub(r"\s+", " ", text)


def _gpu(row: dict[str, str]) -> Gpu:
    return Gpu(
        name=row["name"],
        compute_capability=known(row["compute_capability"]),
        ambiguous=items(row["ambiguous"]),
        last_driver_branch=known(row["last_driver_branch"]),
    )


def _capability(row: dict[str, str]) -> ComputeCapability:
    return ComputeCapability(
        compute_capability=row["compute_capability"],
        architecture=row["architecture"],
        first_cuda=row["first_cuda"],
        last_cuda=known(row["last_cuda"]),
        last_driver_branch=known(row["last_driver_branch"]),
        note=known(row["note"]),
    )
