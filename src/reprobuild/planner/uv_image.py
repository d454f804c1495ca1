"""Which uv installs the interpreter and the packages, and how certain it is that its image exists."""

from __future__ import annotations

from typing import Literal

from reprobuild.catalog import Catalog
from reprobuild.catalog.digests import REGISTRY, UV_REPOSITORY, ToolImage
from reprobuild.plan import Fact
from reprobuild.planner.options import PlanOptions

_NAME = "uv's image"
_CERTAINTIES: dict[str, Literal["present", "observed", "derived", "presumed"]] = {
    "": "observed",
    "observed": "observed",
    "derived": "derived",
    REGISTRY: "present",
}
"""The tools' table's words to the plan's. A row without one stands on the project's release notes."""


def uv_image(catalog: Catalog, options: PlanOptions) -> Fact:
    """The image of the uv whose table of builds the catalog has read; its version is pinned, so its builds are."""
    if options.uv_image:
        return Fact(name=_NAME, value=options.uv_image, source="option")
    version = catalog.cpython.uv_version
    known = catalog.uv_images.get(version)
    if known is None:
        return Fact(name=_NAME, value=f"{UV_REPOSITORY}:{version}", source="tool_images", certainty="presumed")
    return fact_of(_NAME, known)


def fact_of(name: str, image: ToolImage) -> Fact:
    """A row of the tools' table as a fact, with how sure it is that the image exists."""
    certainty = _CERTAINTIES.get(image.certainty or "", "presumed")
    return Fact(name=name, value=image.reference, source="tool_images", certainty=certainty)
