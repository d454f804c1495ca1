"""The catalog: every table behind one object, each read at its first use."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from reprobuild.catalog.apt import Apt
from reprobuild.catalog.companions import Companions
from reprobuild.catalog.conda_names import CondaNames
from reprobuild.catalog.cpython import CPython
from reprobuild.catalog.cuda_images import CudaImages
from reprobuild.catalog.cudnn import Cudnn
from reprobuild.catalog.digests import Digests, ToolImages
from reprobuild.catalog.drivers import Drivers
from reprobuild.catalog.freeze_traps import FreezeTraps
from reprobuild.catalog.gpus import Gpus
from reprobuild.catalog.jax import Jax
from reprobuild.catalog.operating_systems import OperatingSystems
from reprobuild.catalog.refreshed import RefreshedTables
from reprobuild.catalog.sdist_traps import SdistTraps
from reprobuild.catalog.tables import Fields, Table, items, packaged_folder, read_table
from reprobuild.catalog.tensorflow import Tensorflow
from reprobuild.catalog.torch_architectures import TorchArchitectureTable
from reprobuild.catalog.torch_files import TorchFiles
from reprobuild.catalog.torch_wheels import TorchWheels
from reprobuild.catalog.vendor_images import Ngc, PytorchImages, Rocm

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


class TableEntry(Fields, frozen=True, kw_only=True):
    """One line of the list of tables."""

    name: str
    title: str
    rows: int
    as_of: str
    key: tuple[str, ...]
    """The columns that tell its rows apart."""
    refreshed: bool = False
    """Whether it is the user's refreshed table that is read, not the one that this release ships."""


class Catalog:
    """The facts of one folder of tables, some of them refreshed. Look-ups raise CatalogError for a broken table."""

    def __init__(self, folder: Traversable, refreshed: RefreshedTables | None = None) -> None:
        self._folder = folder
        self._refreshed = refreshed

    @staticmethod
    @functools.cache
    def packaged() -> Catalog:
        """The catalog that this release ships; the same object on every call."""
        return Catalog(packaged_folder())

    @staticmethod
    def load(folder: Path | None = None) -> Catalog:
        """The catalog with the tables that ``reprobuild catalog refresh`` wrote, where these are in force.

        ``folder`` is where they are; None takes the user's own. The packaged catalog itself when there are none.
        """
        refreshed = RefreshedTables.of(packaged_folder(), folder)
        return Catalog(packaged_folder(), refreshed) if refreshed is not None else Catalog.packaged()

    def table(self, name: str) -> Table:
        """One table as text, by its name in the list of tables."""
        if self._refreshed is not None and name in self._refreshed.in_force:
            return self._refreshed.table(name)
        return read_table(self._folder, name)

    @property
    def superseded(self) -> tuple[str, ...]:
        """Names of refreshed tables that are not read: they extend tables of another release of reprobuild."""
        return self._refreshed.superseded if self._refreshed is not None else ()

    @functools.cached_property
    def tables(self) -> tuple[TableEntry, ...]:
        """The list of tables."""
        entries = [
            TableEntry(
                name=row["name"],
                title=row["title"],
                rows=int(row["rows"]),
                as_of=row["as_of"],
                key=items(row["key"]),
            )
            for row in self.table("tables").rows
        ]
        newer = self._refreshed.in_force if self._refreshed is not None else {}
        return tuple(
            msgspec.structs.replace(each, rows=newer[each.name].rows, as_of=newer[each.name].as_of, refreshed=True)
            if each.name in newer
            else each
            for each in entries
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
        names = ("torch_releases", "torch_variants", "torch_pins", "torch_lts")
        return TorchWheels(*(self.table(name) for name in names))

    @functools.cached_property
    def cpython(self) -> CPython:
        """uv's standalone builds and the official Python images."""
        return CPython(self.table("cpython_builds"), self.table("python_images"), self.table("cpython_releases"))

    @functools.cached_property
    def operating_systems(self) -> OperatingSystems:
        """Distributions' releases."""
        return OperatingSystems(self.table("operating_systems"))

    @functools.cached_property
    def apt(self) -> Apt:
        """System packages."""
        return Apt(self.table("apt_needs"), self.table("apt_packages"))

    @functools.cached_property
    def companions(self) -> Companions:
        """What goes with torch, and packages with an index of their own."""
        return Companions(
            self.table("companion_picks"),
            self.table("companion_releases"),
            self.table("package_origins"),
            self.table("onnxruntime_gpu"),
        )

    @functools.cached_property
    def tensorflow(self) -> Tensorflow:
        """TensorFlow's releases."""
        return Tensorflow(self.table("tensorflow"), self.table("tensorflow_pins"))

    @functools.cached_property
    def jax(self) -> Jax:
        """JAX's releases."""
        return Jax(self.table("jax"), self.table("jax_wheels"))

    @functools.cached_property
    def conda_names(self) -> CondaNames:
        """What conda's packages are called on the package index. Ask only about packages of conda's: it is large."""
        return CondaNames(self.table("conda_names"), self.table("conda_shared_names"))

    def knows_project(self, name: str) -> bool:
        """Whether any table tells of a public project of this canonical name. False proves nothing."""
        return (
            self.companions.speaks_of(name)
            or self.freeze_traps.speaks_of(name)
            or self.sdist_traps.speaks_of(name)
            or self.conda_names.is_shared(name)
        )

    @functools.cached_property
    def freeze_traps(self) -> FreezeTraps:
        """Kinds of lines and names in real freezes."""
        return FreezeTraps(self.table("freeze_patterns"), self.table("freeze_names"))

    @functools.cached_property
    def sdist_traps(self) -> SdistTraps:
        """Packages that no longer build from source."""
        return SdistTraps(self.table("sdist_traps"), self.table("wheel_coverage"), self.table("sdist_only"))

    @functools.cached_property
    def gpus(self) -> Gpus:
        """GPU names and compute capabilities."""
        return Gpus(self.table("gpus"), self.table("compute_capabilities"))

    @functools.cached_property
    def drivers(self) -> Drivers:
        """Which driver a CUDA needs and an image admits."""
        return Drivers(self.table("toolkit_drivers"), self.table("image_driver_branches"))

    @functools.cached_property
    def cudnn(self) -> Cudnn:
        """Which CUDA versions each cuDNN supports."""
        return Cudnn(self.table("cudnn_support"))

    @functools.cached_property
    def torch_architectures(self) -> TorchArchitectureTable:
        """Which GPUs torch's wheels run on."""
        return TorchArchitectureTable(self.table("torch_architectures"))

    @functools.cached_property
    def ngc(self) -> Ngc:
        """NVIDIA's PyTorch containers."""
        return Ngc(self.table("ngc_pytorch"))

    @functools.cached_property
    def pytorch_images(self) -> PytorchImages:
        """Tags of ``pytorch/pytorch``."""
        return PytorchImages(self.table("pytorch_images"))

    @functools.cached_property
    def rocm(self) -> Rocm:
        """Tags of AMD's images."""
        return Rocm(self.table("rocm_images"))

    @functools.cached_property
    def digests(self) -> Digests:
        """Digests that were seen behind tags."""
        return Digests(self.table("digests"))

    @functools.cached_property
    def uv_images(self) -> ToolImages:
        """Published versions of uv's image, and of micromamba's."""
        return ToolImages(self.table("tool_images"))

    @functools.cached_property
    def torch_files(self) -> TorchFiles:
        """Names and hashes of torch wheels. Large: ask only for a hash."""
        return TorchFiles(self.table("torch_files"))
