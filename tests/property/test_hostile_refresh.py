"""Whatever a registry, an index or a mirror answers: tables that hold their invariants, or the documented error."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from reprobuild.catalog import Catalog
from reprobuild.catalog.tables import parse_table, table_text
from reprobuild.errors import CatalogError
from reprobuild.refresh import images, python_builds, torch
from reprobuild.refresh.http import Answer, Client
from reprobuild.refresh.images import Seen
from reprobuild.refresh.merging import Refreshed, change_of
from reprobuild.refresh.registry import ImageDetails, Registry

DAY = date(2027, 1, 2)
PACKAGED = Catalog.packaged()
TAGS, VARIANTS, BUILDS, FILES = (
    msgspec.structs.replace(table, rows=table.rows[::20])
    for table in map(PACKAGED.table, ("cuda_images", "torch_variants", "cpython_builds", "torch_files"))
)
"""Every twentieth row, for time's sake."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
TEXT = st.text(max_size=60)
PIECES = st.sampled_from(
    ["12.1.1", "-base", "-runtime", "-cudnn8", "-ubuntu22.04", "cu121", "/", "..", "%2F", "+", ";", "\n", "é", "0" * 40]
)
HOSTILE = st.lists(PIECES | st.text(max_size=4), max_size=8).map("".join)
NAMES = st.builds(
    "torch-{}-{}-{}-{}.whl".format,
    st.sampled_from(["2.1.0", "2.1.0+cu121", "99!1.0", "3.0.dev1", "2.1.0%2Bcu139", "1.0+" + "a." * 9 + "b"]) | TEXT,
    st.sampled_from(["cp310", "py3", "cp27", "cp" + "9" * 30]) | TEXT,
    st.sampled_from(["cp310", "cp313t", "none", "abi3"]) | TEXT,
    st.sampled_from(["linux_x86_64", "win_amd64", "macosx_11_0_arm64", "manylinux_2_28_aarch64", "any"]) | TEXT,
)


class Told(Client):
    """Gives one answer to everything."""

    def __init__(self, content: bytes, headers: Mapping[str, str] | None = None) -> None:
        # No session is opened, for none is asked.
        self._answer = Answer(url="https://test/x", status=200, headers=headers or {}, content=content)

    def get(self, url: str, headers: Mapping[str, str] | None = None, *, method: str = "GET") -> Answer:
        """The one answer."""
        return self._answer


def holds(before: Any, refreshed: Refreshed) -> None:
    """What no answer may break: rows stay, the file reads back as it was written."""
    try:
        change = change_of(before, refreshed)
        text = table_text(refreshed.table, refreshed.key)
    except CatalogError:
        return
    assert change.rows == change.rows_before + len(change.added)
    again = parse_table(before.name, text)
    assert sorted(map(str, again.rows)) == sorted(map(str, refreshed.table.rows))


@settings(deadline=None, max_examples=60)
@given(st.lists(HOSTILE, max_size=6), st.dictionaries(st.text(max_size=20), TEXT, max_size=3), TEXT)
def test_any_tags_and_any_environment(tags: list[str], environment: dict[str, str], version: str) -> None:
    told = ImageDetails(architectures=("amd64",), environment={**environment, "NV_CUDNN_VERSION": version})
    tags = [*tags, "13.9.1-cudnn-runtime-ubuntu24.04"]
    seen = Seen(place="https://test", tags=tuple(tags), details=dict.fromkeys(tags, told))
    holds(TAGS, images.cuda_images(TAGS, seen, "keep", DAY))


@settings(deadline=None, max_examples=200)
@given(JSON | st.builds(lambda tags: {"tags": tags}, st.lists(HOSTILE | JSON, max_size=5)), st.binary(max_size=50))
def test_any_answer_of_a_registry(content: Any, noise: bytes) -> None:
    for body in (json.dumps(content).encode(), noise):
        registry = Registry(Told(body), "https://test", "nvidia/cuda")
        with contextlib.suppress(CatalogError):
            assert all(isinstance(tag, str) for tag in registry.tags())
        with contextlib.suppress(CatalogError):
            registry.digest("t")
        with contextlib.suppress(CatalogError):
            registry.details("t")


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from(["cu121", "cpu", "..", "", "nightly/cpu"]) | TEXT, NAMES), max_size=5), TEXT)
def test_any_page_of_an_index(files: list[tuple[str, str]], noise: str) -> None:
    links = "".join(f'<a href="/whl/{folder}/{name}#sha256={"ab" * 32}">' for folder, name in files)
    page = f"<html>{links}{noise}".encode("utf-8", "replace")
    try:
        index = torch.see_index(Told(page, {"Content-Type": "text/html"}), "https://test/whl", VARIANTS, lambda _: None)
        holds(VARIANTS, torch.torch_variants(VARIANTS, index, "keep", DAY))
        holds(FILES, torch.torch_files(FILES, index, DAY))
    except CatalogError:
        return


@settings(deadline=None, max_examples=100)
@given(
    st.fixed_dictionaries(
        {"name": st.just("cpython"), "os": st.just("linux"), "libc": st.just("gnu")},
        optional={
            "arch": st.just({"family": "x86_64", "variant": None}) | JSON,
            "major": st.integers() | JSON,
            "minor": st.integers(0, 20) | JSON,
            "patch": st.integers(0, 20) | JSON,
            "prerelease": st.sampled_from(["", "a1", "rc2"]) | JSON,
            "variant": st.none() | JSON,
            "url": st.just("https://h/20270101/cpython-3.14.77.tar.gz")
            | TEXT.map("https://h/20270101/{}".format)
            | JSON,
            "sha256": st.just("ab" * 32) | JSON,
            "build": st.just("20270101") | JSON,
        },
    )
)
def test_any_entry_of_a_table_of_builds(entry: dict[str, Any]) -> None:
    body = json.dumps({"a": entry, "b": entry}).encode()
    try:
        downloads = python_builds.see_downloads(Told(body), "https://test/uv.json", "0.13.9", lambda _: None)
        holds(BUILDS, python_builds.cpython_builds(BUILDS, downloads, "keep", DAY))
    except CatalogError:
        return
