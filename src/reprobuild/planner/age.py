"""When a run was made, as far as anything tells: its own day, else that of the newest thing in it."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.planner.python import PythonVersion
from reprobuild.planner.subject import Subject


def made_around(
    subject: Subject, python: PythonVersion, torch_released: str | None, catalog: Catalog
) -> datetime.date | None:
    """The told day; else the newest among the inferred one and the releases of the frameworks and of the Python.

    None where nothing tells. A run is no older than what it holds, and seldom much newer.
    """
    if subject.recorded_on is not None:
        return subject.recorded_on
    released = (torch_released, *_of_frameworks(subject, catalog), _of_python(python, catalog))
    days = [datetime.date.fromisoformat(day) for day in released if day]
    return max((*days, *((subject.era,) if subject.era else ())), default=None)


def _of_frameworks(subject: Subject, catalog: Catalog) -> Iterator[str | None]:
    for package in subject.packages:
        text = package.version_text
        if text is None:
            continue
        if package.canonical in ("tensorflow", "tensorflow-gpu", "tensorflow-cpu"):
            tensorflow = catalog.tensorflow.release(text)
            yield tensorflow.released if tensorflow else None
        if package.canonical == "jax":
            jax = catalog.jax.release(text)
            yield jax.released if jax else None
        if package.canonical == "jaxlib":
            jaxlib = catalog.jax.wheel("jaxlib", text)
            yield jaxlib.released if jaxlib else None


def _of_python(python: PythonVersion, catalog: Catalog) -> str | None:
    """When the recorded patch came out; a patch that the plan chose itself tells nothing."""
    is_recorded = len(Version(python.fact.value).release) == 3
    image = catalog.cpython.image(python.version) if is_recorded else None
    return image.first_listed if image else None
