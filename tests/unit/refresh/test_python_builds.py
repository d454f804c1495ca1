"""The table of CPython builds: what uv's JSON does to it."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from tests.unit.refresh.server import Reply, Server, as_json

from reprobuild.catalog import Catalog
from reprobuild.catalog.cpython import CPython
from reprobuild.errors import CatalogError
from reprobuild.refresh.http import Client
from reprobuild.refresh.merging import Missing, Refreshed, change_of
from reprobuild.refresh.python_builds import Downloads, cpython_builds, see_downloads

DAY = date(2027, 1, 2)
PACKAGED = Catalog.packaged()
TABLE = PACKAGED.table("cpython_builds")
SHA256 = "ef" * 32
HOST = "https://github.test/releases/download"


def entry(version: str = "3.14.77", build: str = "20270101", **given: Any) -> dict[str, Any]:
    """One entry in the form of uv's JSON."""
    major, minor, patch = version.split(".")
    return {
        "name": "cpython",
        "arch": {"family": "x86_64", "variant": None},
        "os": "linux",
        "libc": "gnu",
        "major": int(major),
        "minor": int(minor),
        "patch": int(patch),
        "prerelease": "",
        "url": f"{HOST}/{build}/cpython-{version}%2B{build}-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz",
        "sha256": SHA256,
        "variant": None,
        "build": build,
        **given,
    }


def seen(server: Server, *entries: dict[str, Any], path: str = "/uv.json", uv: str = "0.99.1") -> Downloads:
    server.routes[path.replace("{uv}", uv)] = as_json({str(number): each for number, each in enumerate(entries)})
    return see_downloads(Client(), f"{server.url}{path}", uv, lambda _: None)


def merged(downloads: Downloads, missing: Missing = "keep") -> Refreshed:
    return cpython_builds(TABLE, downloads, missing, DAY)


def own_table(uv: str = "0.13.9") -> list[dict[str, Any]]:
    """The packaged builds of uv's own table, in the form of its JSON."""
    return [
        entry(
            "1.2.3",
            row["build"],
            arch={"family": row["machine"], "variant": None},
            **dict(zip(("major", "minor", "patch"), row["version"].split("."), strict=True)),
            variant="freethreaded" if row["free_threaded"] == "yes" else None,
            url=f"{HOST}/{row['build']}/{row['file']}",
            sha256=row["sha256"] or None,
        )
        for row in TABLE.rows
        if row["uv"] == uv
    ]


def test_the_known_table_read_again_changes_nothing(server: Server) -> None:
    downloads = seen(server, *own_table(), path="/{uv}/table.json", uv="0.13.9")
    change = change_of(TABLE, merged(downloads, "check"))
    assert (change.added, change.changed, change.removed, change.notes) == ((), (), (), ())
    assert len(downloads.builds) > 300


def test_the_table_of_a_newer_uv_becomes_the_one_that_is_installed_with(server: Server) -> None:
    downloads = seen(server, *own_table(), entry(), path="/{uv}/table.json")
    assert (downloads.uv, server.paths()) == ("0.99.1", ["/0.99.1/table.json"])
    refreshed = merged(downloads, "check")
    cpython = CPython(refreshed.table, PACKAGED.table("python_images"), PACKAGED.table("cpython_releases"))
    build = cpython.uv_build("3.14.77")
    assert cpython.uv_version == "0.99.1"
    assert build is not None and (build.uv, build.sha256, build.build) == ("0.99.1", SHA256, "20270101")
    assert build.file == "cpython-3.14.77+20270101-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz"
    assert "3.14.77 x86_64 no 20270101" in change_of(TABLE, refreshed).added


def test_another_table_adds_builds_that_uv_does_not_choose_by_itself(server: Server) -> None:
    refreshed = merged(seen(server, entry()))
    cpython = CPython(refreshed.table, PACKAGED.table("python_images"), PACKAGED.table("cpython_releases"))
    build = cpython.uv_build("3.14.77")
    assert cpython.uv_version == "0.13.9"
    assert build is not None and build.uv is None
    assert change_of(TABLE, refreshed).changed == ()


def test_a_table_that_lacks_too_much_is_doubted(server: Server) -> None:
    with pytest.raises(CatalogError, match="the listing is doubted"):
        merged(seen(server, entry()), "check")


@pytest.mark.parametrize(
    "given",
    [
        {"name": "pypy"},
        {"os": "darwin"},
        {"libc": "musl"},
        {"arch": {"family": "x86_64", "variant": "v3"}},
        {"arch": {"family": "riscv64", "variant": None}},
        {"arch": "x86_64"},
        {"variant": "debug"},
        {"url": None},
        {"major": "{0}"},
        {"minor": None},
        {"build": "latest"},
    ],
)
def test_other_builds_and_entries_of_another_form_are_left_out(given: dict[str, Any], server: Server) -> None:
    downloads = seen(server, entry(), entry("3.14.78", **given))
    assert [build.version for build in downloads.builds] == ["3.14.77"]


def test_a_build_is_named_in_its_address_where_the_entry_does_not_tell(server: Server) -> None:
    assert seen(server, entry(build="20270203") | {"build": None}).builds[0].build == "20270203"


def test_prereleases_and_free_threaded_builds_are_told_apart(server: Server) -> None:
    downloads = seen(server, entry("3.16.0", prerelease="rc1", variant="freethreaded"))
    assert downloads.builds[0].key == ("3.16.0rc1", "x86_64", "yes", "20270101")


def test_a_build_with_another_hash_keeps_the_known_one_and_is_named(server: Server) -> None:
    row = next(
        row for row in TABLE.rows if row["sha256"] and row["version"].count(".") == 2 and "a" not in row["version"]
    )
    downloads = seen(server, entry(row["version"], row["build"], arch={"family": row["machine"], "variant": None}))
    refreshed = merged(downloads)
    assert change_of(TABLE, refreshed).changed == ()
    assert refreshed.notes[0].startswith("1 builds have another hash than the known one")


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(b'{"cpython-3.12.1": {"name": "cpyth'), "not JSON"),
        (as_json([]), "no JSON object"),
        (as_json({}), "no build of CPython"),
        (as_json({"a": 3}), "no build of CPython"),
        (Reply(status=404), "does not have it"),
    ],
)
def test_a_table_that_is_none_is_refused(reply: Reply, words: str, server: Server) -> None:
    server.routes["/uv.json"] = reply
    with pytest.raises(CatalogError, match=words):
        see_downloads(Client(), f"{server.url}/uv.json", "0.99.1", lambda _: None)
