"""The tables of torch's wheels: what PyTorch's index does to them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

import pytest
from tests.unit.refresh.server import Reply, Server

from reprobuild.catalog import Catalog
from reprobuild.catalog.torch_wheels import TorchWheels
from reprobuild.errors import CatalogError
from reprobuild.refresh import torch
from reprobuild.refresh.http import Client
from reprobuild.refresh.merging import Missing, Refreshed, change_of
from reprobuild.refresh.torch import Index, see_index

DAY = date(2027, 1, 2)
PACKAGED = Catalog.packaged()
VARIANTS, RELEASES, FILES = (PACKAGED.table(name) for name in ("torch_variants", "torch_releases", "torch_files"))
SHA256 = "cd" * 32
KNOWN = [(row["folder"], row["file"]) for row in FILES.rows if row["origin"] == "pytorch"]
NEW = "torch-2.99.0+cu139-cp314-cp314t-manylinux_2_28_x86_64.whl"


def page(files: Iterable[tuple[str, str]]) -> Reply:
    """A page that lists files of folders, as PyTorch's own index does: all under one root, whatever page it is."""
    links = (
        f'<a href="/whl/{folder + "/" if folder else ""}{name.replace("+", "%2B")}#sha256={SHA256}">{name}</a>'
        for folder, name in files
    )
    return Reply(f"<html><body>{'<br/>'.join(links)}</body></html>".encode(), headers={"Content-Type": "text/html"})


def serve(server: Server, files: Iterable[tuple[str, str]]) -> None:
    """Answer for the root's page, which lists everything, and for the page of each folder."""
    listed = list(files)
    server.routes["/whl/torch/"] = page(listed)
    for folder in {folder for folder, _ in listed}:
        server.routes[f"/whl/{folder}/torch/"] = page(each for each in listed if each[0] in (folder, ""))


def seen(server: Server) -> Index:
    return see_index(Client(), f"{server.url}/whl", VARIANTS, lambda _: None)


def row_of(refreshed: Refreshed, *key: str) -> dict[str, str]:
    return next(row for row in refreshed.table.rows if tuple(row[each] for each in refreshed.key) == key)


def variants(index: Index, missing: Missing = "keep") -> Refreshed:
    return torch.torch_variants(VARIANTS, index, missing, DAY)


def test_what_is_known_read_again_changes_nothing_that_was_observed(server: Server) -> None:
    """Every known file name, through a page, gives the very rows that the packaged tables have for it."""
    serve(server, KNOWN)
    index = seen(server)
    refreshed = variants(index, "check")
    before = {tuple(row[each] for each in refreshed.key): row for row in VARIANTS.rows}
    observed = [key for key, row in before.items() if row["evidence"] == "observed"]
    after = {tuple(row[each] for each in refreshed.key): row for row in refreshed.table.rows}
    differing = [(key, before[key], after[key]) for key in observed if before[key] != after[key]]
    assert differing == []
    assert [key for key in after if key not in before] == []
    assert len(observed) > 300


def test_a_new_release_is_known_with_its_variants_pythons_and_files(server: Server) -> None:
    serve(server, [("cu139", NEW), ("cu139", NEW.replace("cp314t", "cp314")), ("", NEW.replace("+cu139", ""))])
    index = seen(server)
    row = row_of(variants(index), "2.99.0", "cu139", "cu139")
    assert row["linux_x86_64"] == "cp314;cp314t" and row["linux_x86_64_tags"] == "manylinux_2_28_x86_64"
    assert (row["cuda"], row["rocm"], row["evidence"], row["cudnn"]) == ("13.9", "", "observed", "")
    assert row_of(variants(index), "2.99.0", "", "")["cuda"] == ""
    releases = torch.torch_releases(RELEASES, index, "keep", DAY)
    assert row_of(releases, "2.99.0")["evidence"] == "observed"
    wheels = TorchWheels(
        releases.table, variants(index).table, PACKAGED.table("torch_pins"), PACKAGED.table("torch_lts")
    )
    found = wheels.variant("2.99.0+cu139", "cp314t")
    assert found is not None and found.folder == "cu139"
    file = row_of(torch.torch_files(FILES, index, DAY), "pytorch", "cu139", NEW)
    assert (file["sha256"], file["version"]) == (SHA256, "2.99.0+cu139")


def test_what_was_seen_wins_over_what_a_build_matrix_made_likely(server: Server) -> None:
    derived = next(row for row in VARIANTS.rows if row["evidence"] == "derived" and row["folder"] == "cu126")
    version = derived["version"]
    wheel = f"torch-{version}+cu126-cp312-cp312-manylinux_2_28_x86_64.whl"
    serve(server, [*KNOWN, ("cu126", wheel)])
    row = row_of(variants(seen(server), "check"), version, "cu126", "cu126")
    assert (row["linux_x86_64"], row["evidence"], row["seen"]) == ("cp312", "observed", "")
    assert row["linux_aarch64"] == row["windows_x86_64"] == ""
    kept = row_of(variants(seen(server), "keep"), version, "cu126", "cu126")
    assert kept["linux_x86_64"] == derived["linux_x86_64"] and kept["evidence"] == "derived"


def test_a_part_of_an_index_is_doubted_and_with_keep_only_adds(server: Server) -> None:
    serve(server, [*KNOWN[:50], ("cu139", NEW)])
    index = seen(server)
    with pytest.raises(CatalogError, match=r"known entries, such as .*: the listing is doubted"):
        variants(index, "check")
    change = change_of(VARIANTS, variants(index, "keep"))
    assert change.added == ("2.99.0 cu139 cu139",)


def test_a_file_with_another_hash_keeps_the_known_one_and_is_named(server: Server) -> None:
    folder, name = next(
        (row["folder"], row["file"]) for row in FILES.rows if row["origin"] == "pytorch" and row["sha256"]
    )
    serve(server, [(folder, name)])
    refreshed = torch.torch_files(FILES, seen(server), DAY)
    assert change_of(FILES, refreshed).changed == ()
    path = f"{folder}/{name}"
    assert refreshed.notes == (f"1 files have another hash than the known one, which is kept: {path}",)


def test_nightlies_folders_of_another_form_and_ancient_releases_are_no_variants(server: Server) -> None:
    files = [
        ("cu139", "torch-3.0.0.dev20270101+cu139-cp314-cp314-linux_x86_64.whl"),
        ("cpu", "torch-0.4.1-cp36-cp36m-linux_x86_64.whl"),
        ("nightly/cu139", NEW),
        ("../../etc", NEW),
        ("lts/1.8", NEW),
        ("cpu", "torch-2.99.0-cp314-cp314-linux_s390x.whl"),
        ("cpu", "torch-2.99.0-cp314-cp314-musllinux_1_2_x86_64.whl"),
    ]
    serve(server, files)
    assert change_of(VARIANTS, variants(seen(server))).added == ()


def test_files_of_a_mirror_lie_in_the_folder_whose_page_lists_them(server: Server) -> None:
    link = f'<html><a href="/blobs/ab/{NEW.replace("+", "%2B")}">x</a>'.encode()
    html = {"Content-Type": "text/html"}
    server.routes["/mirror/torch/"] = server.routes["/mirror/cu126/torch/"] = Reply(link, headers=html)
    index = see_index(Client(), f"{server.url}/mirror/", VARIANTS, lambda _: None)
    assert [wheel.folder for wheel in index.wheels] == ["cu126"]
    own = f'<html><a href="https://download.pytorch.org/whl/cu139/{NEW.replace("+", "%2B")}">x</a>'.encode()
    server.routes["/mirror/torch/"] = server.routes["/mirror/cu126/torch/"] = Reply(own, headers=html)
    index = see_index(Client(), f"{server.url}/mirror", VARIANTS, lambda _: None)
    assert [wheel.folder for wheel in index.wheels] == ["cu139"]


def test_cudnn_is_what_a_new_wheels_metadata_requires(server: Server) -> None:
    quoted = NEW.replace("+", "%2B")
    link = f'<html><a href="{quoted}" data-core-metadata="true">x</a>'.encode()
    server.routes["/whl/torch/"] = page([("cu139", NEW)])
    server.routes["/whl/cu139/torch/"] = Reply(link, headers={"Content-Type": "text/html"})
    metadata = b"Metadata-Version: 2.1\nName: torch\nRequires-Dist: nvidia-cudnn-cu13==9.20.0.48; sys_platform\n"
    server.routes[f"/whl/cu139/torch/{quoted}.metadata"] = Reply(metadata)
    row = row_of(variants(seen(server)), "2.99.0", "cu139", "cu139")
    assert (row["cudnn"], row["cudnn_source"]) == ("9.20.0.48", "pin")


@pytest.mark.parametrize(
    ("local", "cuda", "rocm"),
    [("cu92", "9.2", ""), ("cu102", "10.2", ""), ("cu139", "13.9", ""), ("cu126_full", "12.6", ""), ("cpu", "", ""),
     ("rocm7.14", "", "7.14"), ("xpu", "", "")],
)  # fmt: skip
def test_a_variant_is_what_its_folder_is_named_after(local: str, cuda: str, rocm: str, server: Server) -> None:
    suffix = re.sub("_full", "", local)
    serve(server, [(local, f"torch-2.99.0+{suffix}-cp314-cp314-linux_x86_64.whl")])
    row = row_of(variants(seen(server)), "2.99.0", local, suffix)
    assert (row["cuda"], row["rocm"]) == (cuda, rocm)


def test_an_address_that_is_no_index_is_refused(server: Server) -> None:
    with pytest.raises(CatalogError, match=r"lists no wheel of torch") as caught:
        seen(server)
    assert caught.value.hint is not None and "whl" in caught.value.hint
