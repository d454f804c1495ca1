"""The table of standalone CPython builds: what the JSON that uv reads lists today."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from reprobuild.catalog.cpython import MACHINE_OF_ARCHITECTURE
from reprobuild.catalog.tables import Table, version_of
from reprobuild.errors import CatalogError
from reprobuild.refresh.http import Client, expect, without_credentials
from reprobuild.refresh.merging import Missing, Refreshed, check_missing, new_row, renewed, rows_by_key

KEY = ("version", "machine", "free_threaded", "build")
PLACEHOLDER = "{uv}"
"""Stands in the address for a release of uv: then the JSON is that release's own table."""


class Build(msgspec.Struct, frozen=True, kw_only=True):
    """One build of CPython for Linux with glibc."""

    version: str
    machine: str
    free_threaded: bool
    build: str
    file: str
    sha256: str | None

    @property
    def key(self) -> tuple[str, ...]:
        """Its place in the table."""
        return self.version, self.machine, "yes" if self.free_threaded else "no", self.build


class Downloads(msgspec.Struct, frozen=True, kw_only=True):
    """What the JSON lists."""

    url: str
    uv: str | None
    """The release of uv whose own table it is."""
    builds: tuple[Build, ...]


def see_downloads(client: Client, url: str, uv: str, say: Callable[[str], None]) -> Downloads:
    """Ask for the JSON; ``{uv}`` in the address becomes the release ``uv``. Raises CatalogError."""
    own = uv if PLACEHOLDER in url else None
    url = url.replace(PLACEHOLDER, uv)
    answer = expect(client.get(url, {"Accept": "application/json"}), "the table of CPython builds")
    content = answer.json()
    if not isinstance(content, dict):
        raise CatalogError(f"{answer.url}: its answer is no JSON object")
    builds = {build.key: build for entry in content.values() if (build := _build(entry)) is not None}
    if not builds:
        raise CatalogError(f"{answer.url}: it lists no build of CPython for Linux with glibc")
    say(f"{without_credentials(url)}: {len(content):,} entries, {len(builds):,} builds for Linux with glibc")
    return Downloads(url=without_credentials(url), uv=own, builds=tuple(builds.values()))


def cpython_builds(table: Table, downloads: Downloads, missing: Missing, day: date) -> Refreshed:
    """The builds' table. Where the JSON is a release of uv's own, ``uv`` names it on the builds that it chooses."""
    rows = rows_by_key(table, KEY)
    listed = {build.version for build in downloads.builds}
    known = {row["version"] for row in rows.values() if row["uv"]}
    check_missing(known - listed, len(known), missing, downloads.url)
    differing = []
    if downloads.uv is not None and missing != "keep":
        for row in rows.values():
            row["uv"] = ""
    for build in downloads.builds:
        row = rows.setdefault(build.key, new_row(table, dict(zip(KEY, build.key, strict=True)) | {"file": build.file}))
        row["uv"] = downloads.uv or row["uv"]
        if row["sha256"] and build.sha256 and row["sha256"] != build.sha256:
            differing.append(build.file)
        row["sha256"] = row["sha256"] or build.sha256 or ""
    notes: tuple[str, ...] = ()
    if differing:
        notes = (f"{len(differing)} builds have another hash than the known one, which is kept: {differing[0]}",)
    return Refreshed(table=renewed(table, rows.values(), downloads.url, day), key=KEY, notes=notes)


def _build(entry: Any) -> Build | None:
    """One entry of the JSON as a build; None for another implementation, system or library, or one of another form."""
    if not isinstance(entry, dict) or (entry.get("name"), entry.get("os"), entry.get("libc")) != (
        "cpython",
        "linux",
        "gnu",
    ):
        return None
    architecture, variant, url = entry.get("arch"), entry.get("variant"), entry.get("url")
    family = architecture.get("family") if isinstance(architecture, dict) else None
    is_plain = isinstance(architecture, dict) and architecture.get("variant") is None
    machine = MACHINE_OF_ARCHITECTURE.get(str(family)) if is_plain else None
    if machine is None or variant not in (None, "freethreaded") or not isinstance(url, str):
        return None
    version = ".".join(str(entry.get(part)) for part in ("major", "minor", "patch")) + str(
        entry.get("prerelease") or ""
    )
    file = unquote(urlsplit(url).path.rpartition("/")[2])
    told = str(entry.get("build") or "") or _build_of(url)
    if version_of(version) is None or re.fullmatch(r"\d{8}", told) is None:
        return None
    sha256 = str(entry.get("sha256") or "").lower()
    return Build(
        version=version,
        machine=machine,
        free_threaded=variant == "freethreaded",
        build=told,
        file=file,
        sha256=sha256 if re.fullmatch(r"[0-9a-f]{64}", sha256) else None,
    )


def _build_of(url: str) -> str:
    """The release tag in an address: ``.../download/20240107/cpython-3.12.1+20240107-...``."""
    found = re.search(r"/(\d{8})(?:T\d+)?/", urlsplit(url).path)
    return found[1] if found else ""
