"""Drivers: which one a CUDA needs, and which older branches an image of ``nvidia/cuda`` lets start.

Sources: NVIDIA's release notes and compatibility documents, ``NVIDIA_REQUIRE_CUDA`` in its container recipes.
"""

from __future__ import annotations

import re

from packaging.version import InvalidVersion, Version

from reprobuild.catalog.tables import Fields, Table, items, known, newest_first, within

MINOR_COMPATIBILITY = {11: "450.80.02", 12: "525.60.13", 13: "580.65.06"}
"""CUDA major to the driver from which on every minor of it runs, if no newer feature is used."""

DATA_CENTER_BRANDS = frozenset({"tesla"})


class ToolkitDriver(Fields, frozen=True, kw_only=True):
    """The driver that one CUDA toolkit was released with."""

    cuda: str
    branch: str
    minimum: str | None = None
    """Linux x86-64; None where NVIDIA states only the branch."""
    note: str | None = None


class AdmittedBranch(Fields, frozen=True, kw_only=True):
    """An older driver branch with which an image of this CUDA starts."""

    branch: str
    brands: tuple[str, ...] = ()
    """The brands of GPUs it holds for; every GPU when empty."""


class Drivers:
    """Look-ups over drivers."""

    def __init__(self, toolkits: Table, admissions: Table) -> None:
        self.header = toolkits.header
        self._toolkits = {row["cuda"]: _toolkit(row) for row in toolkits.rows}
        self._minimum = {row["cuda"]: row["minimum_cuda"] for row in admissions.rows}
        self._admitted: dict[str, list[AdmittedBranch]] = {}
        for row in admissions.rows:
            if row["branch"]:
                admitted = AdmittedBranch(branch=row["branch"], brands=items(row["brands"]))
                self._admitted.setdefault(row["cuda"], []).append(admitted)

    def toolkit(self, cuda: str) -> ToolkitDriver | None:
        """The driver of a CUDA version; of the first patch that the table has when only a minor is asked for."""
        exact = self._toolkits.get(cuda)
        if exact is not None:
            return exact
        patches = newest_first(each for each in self._toolkits if within(each, cuda))
        return self._toolkits[patches[-1]] if patches else None

    def admitted(self, cuda: str) -> tuple[AdmittedBranch, ...]:
        """The older branches with which images of this CUDA patch start; empty when only its own CUDA will do."""
        return tuple(self._admitted.get(cuda, ()))

    def starts(self, image_cuda: str, driver: str, driver_cuda: str | None, brand: str | None = None) -> bool | None:
        """Whether a container of this CUDA starts with this driver, as ``NVIDIA_REQUIRE_CUDA`` of its image decides.

        ``brand`` is NVIDIA's word (geforce, tesla, quadrortx). None when the table does not tell.
        """
        minimum = self._minimum.get(image_cuda)
        if minimum is None:
            return None
        if driver_cuda is not None and _version(driver_cuda) >= _version(minimum):
            return True
        branch = driver.split(".", 1)[0]
        for admitted in self.admitted(image_cuda):
            if admitted.branch == branch and (not admitted.brands or brand in admitted.brands):
                return True
            if admitted.branch == branch and brand is None:
                return None
        return False if driver_cuda is not None else None

    def runs(self, cuda: str, driver: str) -> bool | None:
        """Whether this driver runs programs of this CUDA, minor-version compatibility included. None: not known."""
        major = _version(cuda).major
        floor = MINOR_COMPATIBILITY.get(major)
        if floor is None:
            toolkit = self.toolkit(cuda)
            floor = toolkit.minimum if toolkit else None
        return _version(driver) >= _version(floor) if floor else None


def brand_of(gpu_name: str) -> str:
    """NVIDIA's word for the brand of a GPU, as ``NVIDIA_REQUIRE_CUDA`` uses it, from the name that drivers print."""
    name = gpu_name.lower()
    for pattern, brand in (
        (r"geforce rtx", "geforcertx"),
        (r"geforce", "geforce"),
        (r"titan rtx", "titanrtx"),
        (r"titan", "titan"),
        (r"quadro rtx", "quadrortx"),
        (r"quadro", "quadro"),
        (r"tesla", "tesla"),
        (r"grid", "grid"),
        (r"\brtx\b", "nvidiartx"),
    ):
        if re.search(pattern, name):
            return brand
    return "nvidia"


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        return Version("0")


def _toolkit(row: dict[str, str]) -> ToolkitDriver:
    return ToolkitDriver(cuda=row["cuda"], branch=row["branch"], minimum=known(row["minimum"]), note=known(row["note"]))
