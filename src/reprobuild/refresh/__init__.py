"""Bringing the catalog up to date: asks registries, PyTorch's index and uv's table of builds, and merges what they say.

Each source is asked on its own, so that one that can't be reached does not keep the others back. Nothing that is known
is lost: a tag that a registry no longer lists is marked as removed. What is written goes to the user's cache folder;
``Catalog.load()`` reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec

from reprobuild.catalog.cuda_images import REPOSITORY as CUDA_REPOSITORY
from reprobuild.catalog.digests import MICROMAMBA_REPOSITORY, UV_REPOSITORY
from reprobuild.catalog.refreshed import user_folder
from reprobuild.catalog.tables import Table, newest_first
from reprobuild.catalog.torch_wheels import PYTORCH_INDEX
from reprobuild.errors import CatalogError
from reprobuild.refresh import images, python_builds, torch
from reprobuild.refresh.http import Client
from reprobuild.refresh.merging import Change, Missing, Refreshed, change_of
from reprobuild.refresh.registry import Registry
from reprobuild.refresh.store import Store

__all__ = ["SOURCES", "Change", "Failure", "Options", "Report", "refresh"]

DOCKER_HUB = "https://registry-1.docker.io"
GITHUB_REGISTRY = "https://ghcr.io"
PYTHON_DOWNLOADS = "https://raw.githubusercontent.com/astral-sh/uv/{uv}/crates/uv-python/download-metadata.json"
"""The table inside one release of uv: what that uv can install."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Which sources are asked, and where."""

    docker_hub: str = DOCKER_HUB
    github_registry: str = GITHUB_REGISTRY
    pytorch_index: str = PYTORCH_INDEX
    python_downloads: str = PYTHON_DOWNLOADS
    """Address of the JSON that uv reads; ``{uv}`` stands for the newest release of uv that the tables know."""
    ca_certificate: Path | None = None
    only: tuple[str, ...] = ()
    """Names of tables; empty for all that a source can refresh."""
    missing: Missing = "check"
    with_digests: bool = True
    folder: Path | None = None
    """Where the tables are written; None for the user's own folder."""
    dry_run: bool = False
    """Ask and compare, and write nothing."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A source that could not be used."""

    tables: tuple[str, ...]
    message: str
    hint: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What a refresh did."""

    folder: Path
    changes: tuple[Change, ...] = ()
    failures: tuple[Failure, ...] = ()
    notes: tuple[str, ...] = ()
    written: bool = False


class _Run(msgspec.Struct, frozen=True, kw_only=True):
    """What each source needs while a refresh runs."""

    client: Client
    options: Options
    store: Store
    day: date
    say: Callable[[str], None]
    finished: dict[str, Refreshed]
    """Tables of the sources before this one."""

    def table(self, name: str, key: tuple[str, ...]) -> Table:
        """A table as it stands, with what this run has learned already."""
        return self.finished[name].table if name in self.finished else self.store.table(name, key)


def _cuda(run: _Run) -> list[Refreshed]:
    registry = Registry(run.client, run.options.docker_hub, CUDA_REPOSITORY)
    tags, known = run.table("cuda_images", ("tag",)), run.table("digests", images.DIGESTS_KEY)
    seen = images.see_cuda(registry, tags, known, with_digests=run.options.with_digests, say=run.say)
    return [
        images.cuda_images(tags, seen, run.options.missing, run.day),
        images.digests(known, CUDA_REPOSITORY, seen, run.day),
    ]


def _uv(run: _Run) -> list[Refreshed]:
    registry = Registry(run.client, run.options.github_registry, UV_REPOSITORY.partition("/")[2])
    return [_tool(run, registry, UV_REPOSITORY)]


def _micromamba(run: _Run) -> list[Refreshed]:
    return [_tool(run, Registry(run.client, run.options.docker_hub, MICROMAMBA_REPOSITORY), MICROMAMBA_REPOSITORY)]


def _tool(run: _Run, registry: Registry, image: str) -> Refreshed:
    table = run.table("tool_images", images.TOOLS_KEY)
    seen = images.see_tool(registry, with_digests=run.options.with_digests, say=run.say)
    return images.tool_images(table, image, seen, run.options.missing, run.day)


def _torch(run: _Run) -> list[Refreshed]:
    variants = run.table("torch_variants", torch.VARIANTS_KEY)
    index = torch.see_index(run.client, run.options.pytorch_index, variants, run.say)
    return [
        torch.torch_variants(variants, index, run.options.missing, run.day),
        torch.torch_releases(run.table("torch_releases", torch.RELEASES_KEY), index, run.options.missing, run.day),
        torch.torch_files(run.table("torch_files", torch.FILES_KEY), index, run.day),
    ]


def _python(run: _Run) -> list[Refreshed]:
    tools = run.table("tool_images", images.TOOLS_KEY)
    newest = newest_first(row["version"] for row in tools.rows if row["image"] == UV_REPOSITORY)[0]
    downloads = python_builds.see_downloads(run.client, run.options.python_downloads, newest, run.say)
    table = run.table("cpython_builds", python_builds.KEY)
    return [python_builds.cpython_builds(table, downloads, run.options.missing, run.day)]


SOURCES: tuple[tuple[tuple[str, ...], Callable[[_Run], list[Refreshed]]], ...] = (
    (("cuda_images", "digests"), _cuda),
    (("tool_images",), _uv),
    (("tool_images",), _micromamba),
    (("torch_variants", "torch_releases", "torch_files"), _torch),
    (("cpython_builds",), _python),
)
"""The tables that each source refreshes together, in the order of asking: the builds follow the newest uv."""

TABLES: tuple[str, ...] = tuple(dict.fromkeys(name for names, _ in SOURCES for name in names))
"""Every table that can be refreshed."""


def refresh(
    options: Options,
    say: Callable[[str], None] = lambda _: None,
    client: Client | None = None,
    day: date | None = None,
) -> Report:
    """Ask every wanted source, merge, check, and write what came of it, all at once.

    A source that fails is in the report's ``failures``, and its tables stay as they are. Raises CatalogError when the
    tables can't be written, and for a certificate that can't be read.
    """
    store = Store(options.folder if options.folder is not None else user_folder())
    run = _Run(
        client=client if client is not None else Client(options.ca_certificate),
        options=options,
        store=store,
        day=day if day is not None else datetime.now(UTC).date(),
        say=say,
        finished={},
    )
    changes, failures = [], []
    for names, ask in SOURCES:
        if options.only and not set(names) & set(options.only):
            continue
        try:
            found = ask(run)
            changes += [change_of(run.table(each.table.name, each.key), each) for each in found]
            run.finished.update({each.table.name: each for each in found})
        except CatalogError as error:
            failures.append(Failure(tables=names, message=str(error), hint=error.hint))
    writes = bool(run.finished) and not options.dry_run
    if writes:
        store.write(run.finished)
    return Report(
        folder=store.folder,
        changes=tuple(_joined(changes)),
        failures=tuple(failures),
        notes=tuple(dict.fromkeys(store.notes)),
        written=writes,
    )


def _joined(changes: Iterable[Change]) -> list[Change]:
    """Two sources of one table as one change."""
    found: dict[str, Change] = {}
    for change in changes:
        first = found.get(change.name)
        found[change.name] = change if first is None else msgspec.structs.replace(
            change,
            rows_before=first.rows_before,
            added=first.added + change.added,
            removed=first.removed + change.removed,
            changed=first.changed + change.changed,
            notes=first.notes + change.notes,
        )  # fmt: skip
    return list(found.values())
