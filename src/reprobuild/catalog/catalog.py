"""The catalog: every table behind one object, each read at its first use."""

from __future__ import annotations

import functools
from importlib.resources.abc import Traversable

from reprobuild.catalog.apt import Apt
from reprobuild.catalog.cpython import CPython
from reprobuild.catalog.cuda_images import CudaImages
from reprobuild.catalog.operating_systems import OperatingSystems
from reprobuild.catalog.tables import Fields, Table, items, packaged_folder, read_table
from reprobuild.catalog.torch_wheels import TorchWheels


class TableEntry(Fields, frozen=True, kw_only=True):
    """One line of the list of tables."""

    name: str
    title: str
    rows: int
    as_of: str
    key: tuple[str, ...]
    """The columns that tell its rows apart."""


class Catalog:
    """The facts of one folder of tables. Look-ups raise CatalogError when a table is absent or malformed."""

    def __init__(self, folder: Traversable) -> None:
        self._folder = folder

    @staticmethod
    @functools.cache
    def packaged() -> Catalog:
        """The catalog that this release ships; the same object on every call."""
        return Catalog(packaged_folder())

    def table(self, name: str) -> Table:
        """One table as text, by its name in the list of tables."""
        return read_table(self._folder, name)

    @functools.cached_property
    def tables(self) -> tuple[TableEntry, ...]:
        """The list of tables."""
        return tuple(
            TableEntry(
                name=row["name"],
                title=row["title"],
                rows=int(row["rows"]),
                as_of=row["as_of"],
                key=items(row["key"]),
            )
            for row in self.table("tables").rows
        )

    @property
    def date(self) -> str:
        """ISO date of the newest table: the day up to which the catalog knows anything."""
        return max(entry.as_of for entry in self.tables)

    @functools.cached_property
    def cuda_images(self) -> CudaImages:
        """Tags of ``nvidia/cuda``."""
        return CudaImages(self.table("cuda_images"))

    @functools.cached_property
    def torch_wheels(self) -> TorchWheels:
        """Published PyTorch wheels."""
        return TorchWheels(self.table("torch_releases"), self.table("torch_variants"), self.table("torch_pins"))

    @functools.cached_property
    def cpython(self) -> CPython:
        """uv's standalone builds and the official Python images."""
        return CPython(self.table("cpython_builds"), self.table("python_images"))

    @functools.cached_property
    def operating_systems(self) -> OperatingSystems:
        """Distributions' releases."""
        return OperatingSystems(self.table("operating_systems"))

    @functools.cached_property
    def apt(self) -> Apt:
        """System packages."""
        return Apt(self.table("apt_needs"), self.table("apt_packages"))
