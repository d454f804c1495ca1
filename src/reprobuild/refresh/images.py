"""The tables of images: which tags a registry has, what is behind them, what the new ones hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from datetime import date

import msgspec

from reprobuild.catalog.cuda_images import REPOSITORY as CUDA_REPOSITORY
from reprobuild.catalog.digests import OBSERVED, REGISTRY
from reprobuild.catalog.tables import Table, version_of
from reprobuild.refresh.http import AskedToWait
from reprobuild.refresh.merging import Missing, Refreshed, Row, check_missing, new_row, renewed, rows_by_key
from reprobuild.refresh.registry import ImageDetails, Registry

Say = Callable[[str], None]

DIGESTS_KEY = ("image", "tag", "digest")
TOOLS_KEY = ("image", "version")
STEP = 250
"""After how many digests a person hears of it."""

_CUDA_TAG = re.compile(
    r"(?P<cuda>\d{1,2}\.\d{1,2}(?:\.\d{1,2})?)-(?:(?P<addon>cudnn\d{0,2}|tensorrt)-)?"
    r"(?P<flavor>base|runtime|devel)-(?P<distro>[a-z]{2,20}\d{1,4}(?:\.\d{1,2})?)"
)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What a registry told of one repository."""

    place: str
    tags: tuple[str, ...]
    digests: dict[str, str] = {}
    details: dict[str, ImageDetails] = {}
    notes: tuple[str, ...] = ()


def see_cuda(registry: Registry, images: Table, digests: Table, *, with_digests: bool, say: Say) -> Seen:
    """Ask for the tags of ``nvidia/cuda``, for digests of those of a known form, and for what new ones hold.

    When the registry wants no more requests, what was learned until then is kept, and a note says so.
    """
    tags = registry.tags()
    wanted = [tag for tag in tags if _CUDA_TAG.fullmatch(tag)]
    say(f"{registry.place}: {len(tags):,} tags, {len(wanted):,} of them of a known form")
    known = {row["tag"]: row for row in images.rows}
    unread = [tag for tag in wanted if tag not in known or not known[tag]["architectures"]]
    found: dict[str, str] = {}
    details, notes = {}, []
    try:
        if with_digests:
            _add_digests(found, registry, wanted, say)
        moved = [tag for tag in wanted if tag not in unread and _has_moved(CUDA_REPOSITORY, tag, found, digests)]
        for tag in (*unread, *moved):
            told = registry.details(tag)
            if told is not None:
                details[tag] = told
    except AskedToWait as error:
        notes.append(f"not everything could be asked: {error}")
    return Seen(place=registry.place, tags=tags, digests=found, details=details, notes=tuple(notes))


def cuda_images(table: Table, seen: Seen, missing: Missing, day: date) -> Refreshed:
    """The tags' table with what the registry told. A tag that it no longer lists stays, as ``removed``."""
    rows = rows_by_key(table, ("tag",))
    listed = set(seen.tags)
    gone = [tag for (tag,), row in rows.items() if row["presence"] == "present" and tag not in listed]
    present = sum(row["presence"] == "present" for row in rows.values())
    check_missing(gone, present, missing, seen.place)
    for tag in seen.tags:
        match = _CUDA_TAG.fullmatch(tag)
        if match is not None:
            row = rows.setdefault((tag,), new_row(table, {"tag": tag, **_parts(match)}))
            row["presence"] = "present"
            if tag in seen.details:
                _describe(row, seen.details[tag])
    for tag in gone if missing != "keep" else ():
        rows[(tag,)]["presence"] = "removed"
    unknown = [tag for tag in seen.tags if not _CUDA_TAG.fullmatch(tag)]
    notes = (*seen.notes, *_note_unknown(unknown), *_note_unread(rows[(tag,)] for tag in seen.tags if (tag,) in rows))
    return Refreshed(table=renewed(table, rows.values(), seen.place, day), key=("tag",), notes=notes)


def tool_images(table: Table, image: str, seen: Seen, missing: Missing, day: date) -> Refreshed:
    """The tools' table with the versions that the registry lists as plain tags, and the digests behind them."""
    rows = rows_by_key(table, TOOLS_KEY)
    known = [version for name, version in rows if name == image]
    check_missing([each for each in known if each not in seen.tags], len(known), missing, seen.place)
    for tag in seen.tags:
        version = version_of(tag)
        if version is None or re.fullmatch(r"\d+\.\d+\.\d+", tag) is None:
            continue
        row = rows.setdefault((image, tag), new_row(table, {"image": image, "version": tag}))
        row["certainty"] = REGISTRY
        row["digest"] = seen.digests.get(tag, row["digest"])
    return Refreshed(table=renewed(table, rows.values(), seen.place, day), key=TOOLS_KEY, notes=seen.notes)


def see_tool(registry: Registry, *, with_digests: bool, say: Say) -> Seen:
    """Ask for the versions of a tool's image, and for the digest of the newest."""
    tags = registry.tags()
    versions = [tag for tag in tags if re.fullmatch(r"\d+\.\d+\.\d+", tag)]
    say(f"{registry.place}: {len(tags):,} tags, {len(versions):,} of them plain versions")
    newest = sorted(versions, key=lambda tag: [int(part) for part in tag.split(".")])[-1:]
    found: dict[str, str] = {}
    notes = []
    try:
        if with_digests:
            _add_digests(found, registry, newest, say)
    except AskedToWait as error:
        notes.append(f"not everything could be asked: {error}")
    return Seen(place=registry.place, tags=tags, digests=found, notes=tuple(notes))


def digests(table: Table, image: str, seen: Seen, day: date) -> Refreshed:
    """The digests' table with what is behind each tag today. A digest that was told last time keeps its date.

    Of two on one day the earlier is merely observed from then on: dates alone could not tell which one came last.
    """
    rows = rows_by_key(table, DIGESTS_KEY)
    for tag, digest in seen.digests.items():
        last = _last_told(rows.values(), image, tag)
        if last is None or last["digest"] != digest:
            if last is not None and last["date"] == day.isoformat():
                rows[(image, tag, last["digest"])] = {**last, "certainty": OBSERVED}
            cells = {"image": image, "tag": tag, "digest": digest, "certainty": REGISTRY, "date": day.isoformat()}
            rows[(image, tag, digest)] = new_row(table, cells)
    return Refreshed(table=renewed(table, rows.values(), seen.place, day), key=DIGESTS_KEY)


def _add_digests(found: dict[str, str], registry: Registry, tags: Collection[str], say: Say) -> None:
    """Ask for one digest after the other; what was found until the registry wants no more requests stays."""
    for number, tag in enumerate(tags, 1):
        digest = registry.digest(tag)
        if digest is not None:
            found[tag] = digest
        if number % STEP == 0:
            say(f"{registry.place}: {number:,} of {len(tags):,} digests")


def _has_moved(image: str, tag: str, found: dict[str, str], table: Table) -> bool:
    """Whether the registry told another digest of this tag before. Tags are rebuilt, with another cuDNN perhaps."""
    last = _last_told(table.rows, image, tag)
    return last is not None and tag in found and last["digest"] != found[tag]


def _last_told(rows: Collection[Row], image: str, tag: str) -> Row | None:
    told = [row for row in rows if (row["image"], row["tag"], row["certainty"]) == (image, tag, REGISTRY)]
    return max(told, key=lambda row: row["date"], default=None)


def _parts(match: re.Match[str]) -> Row:
    return {name: text or "" for name, text in match.groupdict().items()}


def _describe(row: Row, details: ImageDetails) -> None:
    """Take over what the image says of itself: architectures, cuDNN, the CUDA that it asks of the driver."""
    row["architectures"] = ";".join(details.architectures) or row["architectures"]
    asked = re.match(r"cuda>=(\d+\.\d+)", details.environment.get("NVIDIA_REQUIRE_CUDA", ""))
    row["require_cuda"] = asked[1] if asked else row["require_cuda"]
    told = details.environment.get("NV_CUDNN_VERSION") or details.environment.get("CUDNN_VERSION") or ""
    cudnn = re.match(r"\d+(?:\.\d+){1,3}", told)
    if row["addon"].startswith("cudnn") and cudnn is not None:
        if row["cudnn"] not in ("", cudnn[0]):
            row["cudnn_earlier"] = ";".join(filter(None, (row["cudnn_earlier"], row["cudnn"])))
        row["cudnn"], row["cudnn_basis"] = cudnn[0], "image"


def _note_unknown(tags: Collection[str]) -> tuple[str, ...]:
    if not tags:
        return ()
    return (f"{len(tags):,} tags of another form are left out, such as {min(tags)}",)


def _note_unread(rows: Iterable[Row]) -> tuple[str, ...]:
    unread = [row["tag"] for row in rows if row["presence"] == "present" and not row["architectures"]]
    if not unread:
        return ()
    return (f"{len(unread):,} tags of unknown architecture are not offered yet, such as {unread[0]}",)
