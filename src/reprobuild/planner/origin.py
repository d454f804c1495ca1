"""Where a package of an index lies: the default index, PyTorch's, another project's page, or one that was named."""

from __future__ import annotations

import re
from typing import assert_never

import msgspec

from reprobuild.catalog.companions import PackageOrigin, torch_of_local, variant_of_local
from reprobuild.catalog.torch_wheels import local_of
from reprobuild.plan import FindLinks, NamedIndex, Origin, PytorchFolder
from reprobuild.planner import grammar
from reprobuild.planner.sources import Sources
from reprobuild.planner.subject import Package

_PYTORCH_INDEX_URL = re.compile(r"https://download(?:-r2)?\.pytorch\.org/whl/([a-z0-9_.-]{2,40})/?")


class Place(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the table says of where a package lies, looked up once."""

    local: str
    """The local part of its version."""
    row: PackageOrigin | None
    torch: str | None
    """The torch that it was looked up beside."""
    variant: str | None

    @property
    def is_own(self) -> bool:
        """Whether it is a page or an index beside PyTorch's and the default one."""
        return self.row is not None and self.row.kind in ("find-links", "index")


def place_of(package: Package, sources: Sources) -> Place:
    """The table's row for it beside the planned torch, or the torch that its own version names."""
    local = local_of(package.version_text or "")
    torch = sources.torch
    variant = variant_of_local(local) if local else None
    release = torch_of_local(local) if local else None
    if torch is not None:
        variant, release = variant or torch.variant, release or torch.release.version
    row = sources.catalog.companions.origin(package.canonical, package.version_text, torch=release, variant=variant)
    return Place(local=local, row=row, torch=release, variant=variant)


def page_of(package: Package, place: Place, sources: Sources) -> Origin | None:
    """Where this project publishes this version beside the default index; None where nobody is known to."""
    if package.canonical == "jaxlib":
        page = sources.catalog.jax.find_links(package.version_text or "")
        return FindLinks(url=page) if page else None
    row = place.row
    if row is None:
        return None
    match row.kind:
        case "pytorch":
            return _pytorch_folder(row, place.local, sources)
        case "find-links" | "index":
            url = row.address(
                torch=place.torch, variant=place.variant, python=sources.target.python, version=package.version_text
            )
            if url is None:
                return None
            return FindLinks(url=url) if row.kind == "find-links" else NamedIndex(url=url)
        case "source" | "default" | "none":
            return None
        case never:
            assert_never(never)


def _pytorch_folder(row: PackageOrigin, local: str, sources: Sources) -> PytorchFolder | None:
    """The folder that a suffix names; torch's own for what only PyTorch's index has, with or without suffix."""
    if local and local in sources.catalog.torch_wheels.folders:
        return PytorchFolder(folder=local)
    if row.local:
        return None
    if row.name.endswith("-xpu"):
        return PytorchFolder(folder="xpu")
    own = sources.torch.folder if sources.torch and sources.torch.kind != "cpu" else None
    return PytorchFolder(folder=own) if own else None


def recorded_index(package: Package, sources: Sources) -> Origin | None:
    """The index that the user or a lock file names for it; None for the one that the whole record takes as default."""
    named = sources.indexes.get(package.canonical)
    if named is not None:
        return NamedIndex(url=named)
    text = package.distribution.index_url
    if not text:
        return None
    url = grammar.url(text, f"{package.path}.index_url", grammar.WEB_SCHEMES)
    if found := _PYTORCH_INDEX_URL.fullmatch(url):
        return PytorchFolder(folder=found.group(1))
    return None if url == sources.subject.default_index else NamedIndex(url=url)
