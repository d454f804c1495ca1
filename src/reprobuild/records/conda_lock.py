"""conda-lock.yml: exact URLs and checksums for several platforms, conda's packages and pip's."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from reprobuild.errors import RecordError
from reprobuild.records.conda_packages import PLATFORMS, distribution_of_url, snapshot_of_packages
from reprobuild.records.direct_urls import direct_url, tags_in_file_name
from reprobuild.records.document import Document
from reprobuild.records.yaml_text import at, text_of
from reprobuild.snapshot import Distribution, Note, Snapshot


def recognizes(document: Document) -> bool:
    """Whether it has conda-lock's list of packages with a manager on each."""
    head = document.head
    return (
        re.search(r"^package:", head, re.MULTILINE) is not None
        and re.search(r"manager: ?['\"]?(conda|pip)", head) is not None
    )


def read(document: Document) -> Snapshot:
    """The packages of one platform; asks which one when there are several and linux-64 is not among them."""
    packages = [item for item in at(document.yaml, "package") or () if isinstance(item, dict)]
    platform = _platform(packages, document)
    wanted = {"main", *document.choice.groups, *document.choice.extras}
    chosen = [item for item in packages if item.get("platform") == platform and _category(item) in wanted]
    distributions = tuple(item for entry in chosen if (item := _distribution(entry)) is not None)
    if not distributions:
        raise RecordError(f"no package of this lock file is for {platform}", source=document.source)
    return snapshot_of_packages(
        distributions, document.source, platform=platform, notes=_notes(packages, wanted, platform)
    )


def _platform(packages: list[dict[str, Any]], document: Document) -> str:
    if not packages:
        raise RecordError("no package stands in this lock file", source=document.source)
    there = sorted({text for item in packages if (text := text_of(item.get("platform")))})
    wanted = document.choice.platform
    if wanted is None and len(there) == 1:
        wanted = there[0]
    if wanted is None and "linux-64" in there:
        wanted = "linux-64"
    if wanted is None or wanted not in there or wanted not in PLATFORMS:
        hint = f"choose one: {', '.join(f'--platform {name}' for name in there[:12])}"
        raise RecordError("the lock file does not say which platform ran", source=document.source, hint=hint)
    return wanted


def _category(item: dict[str, Any]) -> str:
    return text_of(item.get("category")) or "main"


def _distribution(item: dict[str, Any]) -> Distribution | None:
    name, version, url = (text_of(item.get(key)) for key in ("name", "version", "url"))
    if name is None:
        return None
    if item.get("manager") == "pip":
        digest = text_of(at(item, "hash", "sha256"))
        hashes = (f"sha256:{digest.lower()}",) if digest and re.fullmatch(r"[0-9A-Fa-f]{64}", digest) else ()
        vcs = bool(url) and "+" in (url or "").partition(":")[0]
        return Distribution(
            name=name,
            version=version,
            installer="pip",
            hashes=hashes,
            direct_url=direct_url(url) if vcs and url else None,
            tags=tags_in_file_name((url or "").rpartition("/")[2].partition("#")[0]),
        )
    digest = text_of(at(item, "hash", "sha256")) or text_of(at(item, "hash", "md5")) or ""
    package = distribution_of_url(f"{url}#{digest}", url or "") if url else None
    return package or Distribution(name=name, version=version, installer="conda")


def _notes(packages: list[dict[str, Any]], wanted: set[str], platform: str) -> Iterator[Note]:
    yield Note(code="read-for", message=f"the lock file was read for {platform}")
    left = sorted({_category(item) for item in packages} - wanted)
    if left:
        yield Note(code="not-chosen", message=f"categories that are not part of it: {', '.join(left)[:300]}")
