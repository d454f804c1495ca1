"""The tables of images: what a registry's answers do to them."""

from __future__ import annotations

from datetime import date

import pytest
from tests.unit.refresh.server import Reply, Server, as_json, serve_image

from reprobuild.catalog import Catalog
from reprobuild.catalog.cuda_images import CudaImages
from reprobuild.catalog.digests import UV_REPOSITORY, Digests, ToolImages
from reprobuild.catalog.tables import Table
from reprobuild.errors import CatalogError
from reprobuild.refresh import images
from reprobuild.refresh.http import Client
from reprobuild.refresh.images import Seen
from reprobuild.refresh.merging import Missing, Refreshed, change_of
from reprobuild.refresh.registry import ImageDetails, Registry

DAY = date(2027, 1, 2)
PACKAGED = Catalog.packaged()
TAGS = PACKAGED.table("cuda_images")
DIGESTS = PACKAGED.table("digests")
PRESENT = tuple(row["tag"] for row in TAGS.rows if row["presence"] == "present")
GONE = tuple(row["tag"] for row in TAGS.rows if row["presence"] == "removed")
NEW = "13.9.1-cudnn-runtime-ubuntu24.04"
FIRST, SECOND = "sha256:" + "1" * 64, "sha256:" + "2" * 64


def seen(*tags: str, **told: object) -> Seen:
    return Seen(place="https://registry.test/v2/nvidia/cuda", tags=tags, **told)  # type: ignore[arg-type]  # by name


def merged(listing: Seen, missing: Missing = "check", table: Table = TAGS) -> Refreshed:
    return images.cuda_images(table, listing, missing, DAY)


def row_of(refreshed: Refreshed, tag: str) -> dict[str, str]:
    return next(row for row in refreshed.table.rows if row["tag"] == tag)


def test_every_packaged_tag_has_the_form_that_is_read() -> None:
    refreshed = merged(seen(*(row["tag"] for row in TAGS.rows)))
    before = {row["tag"]: row for row in TAGS.rows}
    for row in refreshed.table.rows:
        assert {**row, "presence": ""} == {**before[row["tag"]], "presence": ""}
        assert row["presence"] == "present"


def test_a_new_tag_comes_with_its_parts_and_what_its_image_says() -> None:
    environment = {"NV_CUDNN_VERSION": "9.20.1.3-1", "NVIDIA_REQUIRE_CUDA": "cuda>=13.9 brand=tesla,driver>=535"}
    details = ImageDetails(architectures=("amd64", "arm64"), environment=environment)
    refreshed = merged(seen(*PRESENT, NEW, details={NEW: details}))
    assert row_of(refreshed, NEW) == {
        "tag": NEW,
        "cuda": "13.9.1",
        "flavor": "runtime",
        "addon": "cudnn",
        "cudnn": "9.20.1.3",
        "cudnn_basis": "image",
        "cudnn_earlier": "",
        "distro": "ubuntu24.04",
        "architectures": "amd64;arm64",
        "presence": "present",
        "support": "",
        "require_cuda": "13.9",
    }
    change = change_of(TAGS, refreshed)
    assert (change.added, change.removed, change.changed, change.notes) == ((NEW,), (), (), ())
    assert (change.rows_before, change.rows, change.as_of) == (len(TAGS.rows), len(TAGS.rows) + 1, "2027-01-02")


def test_a_planner_finds_the_new_tag_only_when_its_architecture_is_known() -> None:
    details = ImageDetails(architectures=("amd64",), environment={})
    for known, expected in (({NEW: details}, [NEW]), ({}, [])):
        refreshed = merged(seen(*PRESENT, NEW, details=known))
        found = CudaImages(refreshed.table).find("13.9", "runtime", architecture="amd64", cudnn_series="any")
        assert [image.tag for image in found] == expected
        assert bool(refreshed.notes) == (not known)


def test_a_tag_that_is_not_listed_any_more_stays_as_removed() -> None:
    lost = PRESENT[100]
    refreshed = merged(seen(*(tag for tag in PRESENT if tag != lost)))
    assert row_of(refreshed, lost)["presence"] == "removed"
    change = change_of(TAGS, refreshed)
    assert (change.removed, change.added, change.changed) == ((lost,), (), ())
    assert CudaImages(refreshed.table).by_tag(lost) is not None


def test_a_removed_tag_that_is_listed_again_is_present() -> None:
    refreshed = merged(seen(*PRESENT, GONE[0]))
    assert row_of(refreshed, GONE[0])["presence"] == "present"
    assert change_of(TAGS, refreshed).changed == (GONE[0],)


def test_a_listing_that_lacks_too_much_is_doubted() -> None:
    half = PRESENT[: len(PRESENT) // 2]
    with pytest.raises(CatalogError, match=r"known entries, such as .* the listing is doubted") as caught:
        merged(seen(*half))
    assert caught.value.hint is not None and "--missing keep" in caught.value.hint
    kept = change_of(TAGS, merged(seen(*half, NEW), "keep"))
    assert (kept.added, kept.removed) == ((NEW,), ())
    believed = change_of(TAGS, merged(seen(*half), "remove"))
    assert len(believed.removed) == len(PRESENT) - len(half)


def test_tags_of_another_form_are_counted_and_left_out() -> None:
    refreshed = merged(seen(*PRESENT, "latest", "9.0-base", "12.1.1-base-ubuntu22.04-amd64", "12.1.1-base-ubuntu2204x"))
    assert change_of(TAGS, refreshed).added == ()
    assert refreshed.notes == ("4 tags of another form are left out, such as 12.1.1-base-ubuntu22.04-amd64",)


def test_a_tag_that_was_rebuilt_with_another_cudnn_keeps_the_earlier_one() -> None:
    tag = "12.1.1-cudnn8-runtime-ubuntu22.04"
    before = row_of(Refreshed(table=TAGS, key=("tag",)), tag)["cudnn"]
    details = ImageDetails(architectures=("amd64", "arm64"), environment={"NV_CUDNN_VERSION": "8.9.9.1-1+cuda12.1"})
    row = row_of(merged(seen(*PRESENT, details={tag: details})), tag)
    assert (row["cudnn"], row["cudnn_basis"]) == ("8.9.9.1", "image")
    assert row["cudnn_earlier"].split(";")[-1] == before


def test_an_image_without_cudnn_gets_none() -> None:
    tag = "12.1.1-base-ubuntu22.04"
    details = ImageDetails(architectures=("amd64",), environment={"CUDNN_VERSION": "8.9.9"})
    assert row_of(merged(seen(*PRESENT, details={tag: details})), tag)["cudnn"] == ""


def test_digests_are_dated_and_the_registrys_word_wins() -> None:
    tag = "12.1.1-cudnn8-runtime-ubuntu22.04"
    table = images.digests(DIGESTS, "nvidia/cuda", seen(digests={tag: FIRST}), DAY).table
    again = images.digests(table, "nvidia/cuda", seen(digests={tag: FIRST}), date(2027, 2, 1)).table
    assert table.rows == again.rows
    moved = images.digests(again, "nvidia/cuda", seen(digests={tag: SECOND}), date(2027, 3, 1)).table
    told = [each for each in Digests(moved).seen("nvidia/cuda", tag) if each.certainty == "verified"]
    assert [(each.digest, each.date) for each in told] == [(SECOND, "2027-03-01"), (FIRST, "2027-01-02")]
    found = Digests(moved).of("nvidia/cuda", tag)
    assert found is not None and found.digest == SECOND
    back = images.digests(moved, "nvidia/cuda", seen(digests={tag: FIRST}), date(2027, 4, 1)).table
    found = Digests(back).of("nvidia/cuda", tag)
    assert found is not None and (found.digest, found.date) == (FIRST, "2027-04-01")


@pytest.mark.parametrize("first, second", [(FIRST, SECOND), (SECOND, FIRST)])
def test_a_tag_that_moves_twice_a_day_has_the_later_digest(first: str, second: str) -> None:
    tag = "11.8.0-base-ubuntu20.04"
    table = images.digests(DIGESTS, "nvidia/cuda", seen(digests={tag: first}), DAY).table
    moved = images.digests(table, "nvidia/cuda", seen(digests={tag: second}), DAY).table
    found = Digests(moved).of("nvidia/cuda", tag)
    assert found is not None and found.digest == second
    assert change_of(table, Refreshed(table=moved, key=images.DIGESTS_KEY)).added == (f"nvidia/cuda {tag} {second}",)
    back = images.digests(moved, "nvidia/cuda", seen(digests={tag: first}), DAY).table
    found = Digests(back).of("nvidia/cuda", tag)
    assert found is not None and found.digest == first


def test_a_tools_versions_are_plain_tags_with_the_digest_where_it_was_asked() -> None:
    table = PACKAGED.table("tool_images")
    known = [row["version"] for row in table.rows if row["image"] == UV_REPOSITORY]
    listing = seen(*known, "0.99.1", "0.99", "0.99.1-alpine", "latest", digests={"0.99.1": FIRST})
    refreshed = images.tool_images(table, UV_REPOSITORY, listing, "check", DAY)
    assert change_of(table, refreshed).added == (f"{UV_REPOSITORY} 0.99.1",)
    newest = ToolImages(refreshed.table).newest()
    assert (newest.reference, newest.certainty) == (f"{UV_REPOSITORY}:0.99.1@{FIRST}", "verified")


def test_only_new_and_moved_tags_are_looked_into(server: Server) -> None:
    known, rebuilt = PRESENT[0], PRESENT[1]
    server.routes["/v2/nvidia/cuda/tags/list"] = as_json({"tags": [NEW, known, rebuilt, "latest"]})
    for tag in (NEW, known, rebuilt):
        serve_image(server, "nvidia/cuda", tag, ["NV_CUDNN_VERSION=9.1.0.1-1"], ["amd64"])
    table = images.digests(DIGESTS, "nvidia/cuda", seen(digests={rebuilt: FIRST}), DAY).table
    registry = Registry(Client(), server.url, "nvidia/cuda")
    told = images.see_cuda(registry, TAGS, table, with_digests=True, say=lambda _: None)
    assert set(told.details) == {NEW, rebuilt} and set(told.digests) == {NEW, known, rebuilt}
    told = images.see_cuda(registry, TAGS, table, with_digests=False, say=lambda _: None)
    assert set(told.details) == {NEW} and told.digests == {}


def test_a_registry_that_wants_no_more_requests_keeps_what_it_told(server: Server) -> None:
    first, second = PRESENT[:2]
    server.routes["/v2/nvidia/cuda/tags/list"] = as_json({"tags": [first, second]})
    server.routes[f"/v2/nvidia/cuda/manifests/{first}"] = Reply(headers={"Docker-Content-Digest": FIRST})
    server.routes[f"/v2/nvidia/cuda/manifests/{second}"] = Reply(status=429, headers={"Retry-After": "21600"})
    registry = Registry(Client(), server.url, "nvidia/cuda")
    told = images.see_cuda(registry, TAGS, DIGESTS, with_digests=True, say=lambda _: None)
    assert told.tags == (first, second) and told.digests == {first: FIRST}
    assert len(told.notes) == 1 and "asks to wait 21600 s" in told.notes[0]
