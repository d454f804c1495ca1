"""The refresh as a whole: sources by themselves, what is written, what a plan makes of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tests.unit.refresh.server import Reply, Server, as_json, serve_image

from reprobuild.catalog import Catalog
from reprobuild.plan import Question
from reprobuild.planner import plan
from reprobuild.refresh import PYTHON_DOWNLOADS, SOURCES, TABLES, Options, Report, refresh
from reprobuild.refresh.http import Client
from reprobuild.snapshot import Distribution, PythonFacts, Snapshot, SystemFacts, TorchFacts

DAY = date(2027, 1, 2)
PACKAGED = Catalog.packaged()
PRESENT = [row["tag"] for row in PACKAGED.table("cuda_images").rows if row["presence"] == "present"]
NEW = "12.1.2-cudnn8-runtime-ubuntu22.04"
UV = [row["version"] for row in PACKAGED.table("tool_images").rows if row["image"].endswith("/uv")]


@pytest.fixture
def sources(server: Server) -> Server:
    """Every source, each with something new and, but for the builds, nothing missing."""
    server.routes["/v2/nvidia/cuda/tags/list"] = as_json({"tags": [*PRESENT, NEW]})
    serve_image(server, "nvidia/cuda", NEW, ["NV_CUDNN_VERSION=8.9.7.29-1"], ["amd64", "arm64"])
    server.routes["/v2/astral-sh/uv/tags/list"] = as_json({"tags": [*UV, "0.99.1"]})
    serve_image(server, "astral-sh/uv", "0.99.1", [], ["amd64"])
    server.routes["/v2/mambaorg/micromamba/tags/list"] = as_json({"tags": ["9.9.9"]})
    serve_image(server, "mambaorg/micromamba", "9.9.9", [], ["amd64"])
    wheel = "torch-2.99.0%2Bcpu-cp314-cp314-linux_x86_64.whl"
    html = f'<html><a href="/whl/cpu/{wheel}">x</a></html>'.encode()
    server.routes["/whl/torch/"] = Reply(html, headers={"Content-Type": "text/html"})
    build = {
        "name": "cpython",
        "os": "linux",
        "libc": "gnu",
        "arch": {"family": "x86_64", "variant": None},
        "major": 3,
        "minor": 14,
        "patch": 77,
        "url": "https://h/20270101/c.tar.gz",
        "build": "20270101",
    }
    server.routes["/uv/0.99.1.json"] = as_json({"a": build})
    return server


def options(server: Server, folder: Path, **given: object) -> Options:
    addresses = {
        "docker_hub": server.url,
        "github_registry": server.url,
        "pytorch_index": f"{server.url}/whl",
        "python_downloads": f"{server.url}/uv/{{uv}}.json",
    }
    return Options(**{**addresses, "folder": folder, "missing": "keep", "with_digests": False, **given})  # type: ignore[arg-type]  # by name


def run(asked: Options) -> Report:
    return refresh(asked, client=Client(sleep=lambda _: None), day=DAY)


def test_every_source_is_asked_and_every_table_written(sources: Server, tmp_path: Path) -> None:
    report = run(options(sources, tmp_path))
    assert report.failures == () and report.written
    added = {change.name: change.added for change in report.changes}
    assert set(added) == set(TABLES) == {name for names, _ in SOURCES for name in names}
    assert added["cuda_images"] == (NEW,)
    assert added["tool_images"] == ("ghcr.io/astral-sh/uv 0.99.1", "mambaorg/micromamba 9.9.9")
    assert added["torch_variants"] == ("2.99.0 cpu cpu",) and added["torch_releases"] == ("2.99.0",)
    assert added["cpython_builds"] == ("3.14.77 x86_64 no 20270101",)
    catalog = Catalog.load(tmp_path)
    assert catalog.date == "2027-01-02"
    image = catalog.cuda_images.by_tag(NEW)
    assert image is not None and image.cudnn == "8.9.7.29" and image.available
    assert catalog.torch_wheels.release("2.99.0") is not None and catalog.cpython.uv_has("3.14.77")


def test_a_second_refresh_has_nothing_new(sources: Server, tmp_path: Path) -> None:
    run(options(sources, tmp_path))
    for change in run(options(sources, tmp_path)).changes:
        assert (change.added, change.removed, change.changed) == ((), (), ()), change.name


def test_a_plan_uses_what_is_new_and_says_of_which_day_it_is(sources: Server, tmp_path: Path) -> None:
    run(options(sources, tmp_path, with_digests=True, only=("cuda_images", "tool_images", "cpython_builds")))
    snapshot = Snapshot(
        python=PythonFacts(version="3.11.7"),
        system=SystemFacts(
            system="Linux", machine="x86_64", libc="glibc", libc_version="2.35", os_id="ubuntu", os_version="22.04"
        ),
        distributions=(Distribution(name="torch", version="2.1.0+cu121"),),
        torch=TorchFacts(version="2.1.0+cu121", cuda="12.1"),
    )
    before, after = plan(snapshot, PACKAGED), plan(snapshot, Catalog.load(tmp_path))
    assert before.base.tag == "12.1.1-cudnn8-runtime-ubuntu22.04" and after.base.tag == NEW
    assert (before.catalog_date, after.catalog_date) == ("2026-11-23", "2027-01-02")
    uv = next(f for d in after.decisions if d.question is Question.PYTHON for f in d.facts if f.name == "uv's image")
    assert after.uv_image == uv.value
    assert after.uv_image.startswith("ghcr.io/astral-sh/uv:0.99.1@sha256:") and uv.certainty == "present"


def test_a_source_that_fails_does_not_keep_the_others_back(sources: Server, tmp_path: Path) -> None:
    sources.routes["/v2/nvidia/cuda/tags/list"] = Reply(b'{"tags": ["12.1')
    sources.routes["/whl/torch/"] = Reply(b"<p>Sorry", headers={"Content-Type": "text/plain"})
    report = run(options(sources, tmp_path))
    assert [failure.tables[0] for failure in report.failures] == ["cuda_images", "torch_variants"]
    assert {change.name for change in report.changes} == {"tool_images", "cpython_builds"}
    assert [each.name for each in Catalog.load(tmp_path).tables if each.refreshed] == ["cpython_builds", "tool_images"]


def test_when_everything_fails_nothing_is_written(server: Server, tmp_path: Path) -> None:
    report = run(options(server, tmp_path / "new"))
    assert len(report.failures) == len(SOURCES) and not report.written
    assert not (tmp_path / "new").exists()


def test_a_dry_run_tells_and_writes_nothing(sources: Server, tmp_path: Path) -> None:
    report = run(options(sources, tmp_path / "new", dry_run=True))
    assert report.changes and not report.written and not (tmp_path / "new").exists()


def test_only_the_wanted_tables_are_asked_for(sources: Server, tmp_path: Path) -> None:
    report = run(options(sources, tmp_path, only=("digests",)))
    assert [change.name for change in report.changes] == ["cuda_images", "digests"]
    assert all(path.startswith("/v2/nvidia/cuda/") for path in sources.paths())


def test_by_itself_the_builds_are_those_of_the_newest_known_uv(sources: Server, tmp_path: Path) -> None:
    sources.routes["/uv/0.13.9.json"] = sources.routes["/uv/0.99.1.json"]
    assert run(options(sources, tmp_path, only=("cpython_builds",))).failures == ()
    assert sources.paths() == ["/uv/0.13.9.json"]
    assert "{uv}" in PYTHON_DOWNLOADS


def test_credentials_of_an_address_are_written_nowhere(sources: Server, tmp_path: Path) -> None:
    url = sources.url.replace("//", "//anna:hunter2@")
    report = run(options(sources, tmp_path, docker_hub=url, pytorch_index=f"{url}/whl"))
    assert report.failures == ()
    assert "hunter2" not in repr(report)
    assert all("hunter2" not in path.read_text() for path in tmp_path.iterdir())
