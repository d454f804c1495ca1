"""Images that hold torch themselves: NVIDIA's NGC containers, ``pytorch/pytorch``, AMD's; and plain ROCm ones.

Sources: NVIDIA's and AMD's documents and push scripts, public files. Absence of a tag proves nothing.
"""

from __future__ import annotations

import re

from reprobuild.catalog.tables import Fields, Table, items, known, version_order


class NgcContainer(Fields, frozen=True, kw_only=True):
    """One release of ``nvcr.io/nvidia/pytorch``. None: not established."""

    release: str
    """YY.MM"""
    image: str
    torch_version: str
    torch_certainty: str
    torch_variants: tuple[str, ...] = ()
    """Other ways in which the version is printed inside."""
    cuda: str | None = None
    cuda_certainty: str | None = None
    cudnn: str | None = None
    cudnn_certainty: str | None = None
    python: str | None = None
    python_certainty: str | None = None
    ubuntu: str | None = None
    ubuntu_certainty: str | None = None
    min_driver: str | None = None
    note: str | None = None


class Ngc:
    """Look-ups over NVIDIA's containers."""

    def __init__(self, table: Table) -> None:
        self.header = table.header
        self.all = tuple(_container(row) for row in table.rows)

    def release(self, release: str) -> NgcContainer | None:
        """The container of one release (23.10)."""
        return next((each for each in self.all if each.release == release), None)

    def by_torch_version(self, version: str) -> tuple[NgcContainer, ...]:
        """The containers whose torch calls itself so, oldest first; several when a commit serves two releases.

        The number and the first seven digits of the commit decide: ``2.1.0a0+29c30b1``. A ``.nvYY.MM`` at the end
        names the release itself.
        """
        wanted = _identity(version)
        if wanted is None:
            return ()
        release = _named_release(version)
        found = [each for each in self.all if wanted in {_identity(text) for text in _spellings(each)}]
        return tuple(each for each in found if each.release == release) or tuple(found)

    def is_of_a_jetson_alone(self, version: str) -> bool:
        """Whether only a Jetson's wheel can call itself so: ``.nv23.02`` is older than any container's suffix."""
        release = _named_release(version)
        marked = (each.release for each in self.all if any(".nv" in text for text in _spellings(each)))
        return release is not None and release < min(marked, default="")


class PytorchImage(Fields, frozen=True, kw_only=True):
    """One tag of ``pytorch/pytorch``."""

    tag: str
    version: str
    cuda: str
    cudnn: str
    flavor: str
    python: str | None = None
    certainty: str


class PytorchImages:
    """Look-ups over ``pytorch/pytorch``."""

    def __init__(self, table: Table) -> None:
        self.header = table.header
        self.all = tuple(_pytorch(row) for row in table.rows)

    def find(self, version: str, cuda: str | None = None, flavor: str | None = None) -> tuple[PytorchImage, ...]:
        """The tags of a torch release, of one CUDA and flavor where they are named."""
        wanted = version.partition("+")[0]
        found = (each for each in self.all if each.version == wanted)
        return tuple(each for each in found if cuda in (None, each.cuda) and flavor in (None, each.flavor))


class RocmImage(Fields, frozen=True, kw_only=True):
    """One tag of AMD's images."""

    image: str
    tag: str
    rocm: str
    os_id: str
    os_version: str
    python: str | None = None
    torch: str | None = None
    certainty: str
    date: str | None = None

    @property
    def reference(self) -> str:
        """``rocm/dev-ubuntu-22.04:6.1.1``"""
        return f"{self.image}:{self.tag}"

    @property
    def is_complete(self) -> bool:
        """Whether it holds every ROCm library, not only what development needs at least."""
        return self.tag.endswith("-complete")


class Rocm:
    """Look-ups over AMD's images."""

    def __init__(self, table: Table) -> None:
        self.header = table.header
        self.all = tuple(_rocm(row) for row in table.rows)

    def find(
        self, rocm: str, os_id: str | None = None, os_version: str | None = None, *, torch: bool = False
    ) -> tuple[RocmImage, ...]:
        """Images of a ROCm version (6.1 finds 6.1.2 too), newest patch first; those with torch inside on request."""
        found = [
            each
            for each in self.all
            if (each.rocm == rocm or each.rocm.startswith(f"{rocm}."))
            and os_id in (None, each.os_id)
            and os_version in (None, each.os_version)
            and bool(each.torch) == torch
        ]
        return tuple(sorted(found, key=lambda each: (version_order(each.rocm), not each.is_complete), reverse=True))


def _spellings(container: NgcContainer) -> tuple[str, ...]:
    return (container.torch_version, *container.torch_variants)


def _named_release(version: str) -> str | None:
    """``23.02`` of ``1.14.0a0+44dac51c.nv23.02``."""
    named = re.search(r"\.nv(\d+)\.(\d+)(?:\.\d+)?$", version)
    return f"{int(named[1]):02}.{int(named[2]):02}" if named else None


def _identity(version: str) -> tuple[str, str] | None:
    match = re.match(r"(\d+(?:\.\d+)+a0)\+(?:git)?([0-9a-f]{7})", version)
    return (match[1], match[2]) if match else None


def _container(row: dict[str, str]) -> NgcContainer:
    optional = ("cuda", "cudnn", "python", "ubuntu")
    facts = {name: known(row[name]) for name in optional}
    certainties = {f"{name}_certainty": known(row[f"{name}_certainty"]) for name in optional}
    return NgcContainer(
        release=row["release"],
        image=row["image"],
        torch_version=row["torch_version"],
        torch_certainty=row["torch_certainty"],
        torch_variants=items(row["torch_variants"]),
        min_driver=known(row["min_driver"]),
        note=known(row["note"]),
        **facts,
        **certainties,
    )


def _pytorch(row: dict[str, str]) -> PytorchImage:
    return PytorchImage(
        tag=row["tag"],
        version=row["version"],
        cuda=row["cuda"],
        cudnn=row["cudnn"],
        flavor=row["flavor"],
        python=known(row["python"]),
        certainty=row["certainty"],
    )


def _rocm(row: dict[str, str]) -> RocmImage:
    return RocmImage(
        image=row["image"],
        tag=row["tag"],
        rocm=row["rocm"],
        os_id=row["os_id"],
        os_version=row["os_version"],
        python=known(row["python"]),
        torch=known(row["torch"]),
        certainty=row["certainty"],
        date=known(row["date"]),
    )
