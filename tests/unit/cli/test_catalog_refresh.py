"""``reprobuild catalog refresh``: what a person and a script see, and which tables a plan is then made from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.unit.refresh.server import Server, as_json, serve_image

from reprobuild.catalog import Catalog
from reprobuild.cli.catalog_refresh import TABLES
from reprobuild.cli.main import main
from reprobuild.refresh import TABLES as REFRESHED

PRESENT = [row["tag"] for row in Catalog.packaged().table("cuda_images").rows if row["presence"] == "present"]
NEW = "13.9.1-base-ubuntu24.04"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    """A registry with one new tag and one that is gone, and a user without settings."""
    monkeypatch.delenv("REPROBUILD_CATALOG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr("platformdirs.user_cache_path", lambda *_, **__: tmp_path / "cache")
    monkeypatch.chdir(tmp_path)
    server = Server()
    server.routes["/v2/nvidia/cuda/tags/list"] = as_json({"tags": [*PRESENT[1:], NEW, "latest"]})
    serve_image(server, "nvidia/cuda", NEW, [], ["amd64"])
    yield server
    server.stop()


def refresh(hub: Server, *arguments: str) -> int:
    return main(["catalog", "refresh", "--only", "cuda_images", "--no-digests", "--docker-hub", hub.url, *arguments])


def test_a_person_sees_what_is_new_and_gone(hub: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refresh(hub) == 0
    out, err = capsys.readouterr()
    rows, digests = (len(Catalog.packaged().table(name).rows) for name in ("cuda_images", "digests"))
    assert out.splitlines() == [
        f"cuda_images: {rows + 1:,} rows, 1 new, 1 removed",
        f"  new: {NEW}",
        f"  removed: {PRESENT[0]}",
        "  note: 1 tags of another form are left out, such as latest",
        f"digests: {digests:,} rows, nothing new",
        f"written to {tmp_path / 'cache' / 'catalog'}",
    ]
    assert err == f"{hub.url}/v2/nvidia/cuda: {len(PRESENT) + 1:,} tags, {len(PRESENT):,} of them of a known form\n"


def test_the_list_and_a_table_show_that_they_are_refreshed(hub: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert refresh(hub) == 0
    capsys.readouterr()
    assert main(["catalog", "list", "--json"]) == 0
    tables = {each["name"]: each["refreshed"] for each in json.loads(capsys.readouterr().out)["tables"]}
    assert [name for name, refreshed in tables.items() if refreshed] == ["cuda_images", "digests"]
    assert main(["catalog", "show", "cuda_images", "--where", f"tag={NEW}"]) == 0
    shown = capsys.readouterr().out
    assert f"refreshed from {hub.url}/v2/nvidia/cuda" in shown and NEW in shown


@pytest.mark.parametrize("how", ["option", "variable", "project"])
def test_packaged_switches_refreshed_tables_off(
    how: str, hub: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refresh(hub) == 0
    if how == "variable":
        monkeypatch.setenv("REPROBUILD_CATALOG", "packaged")
    if how == "project":
        Path("pyproject.toml").write_text('[tool.reprobuild]\ncatalog = "packaged"\n')
    capsys.readouterr()
    option = ["--catalog", "packaged"] if how == "option" else []
    assert main(["catalog", "search", NEW, *option]) == 0
    assert capsys.readouterr().out == f"no table holds {NEW!r}\n"


def test_a_folder_can_be_shared(hub: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refresh(hub, "--output", str(tmp_path / "shared")) == 0
    capsys.readouterr()
    assert main(["catalog", "search", NEW, "--catalog", str(tmp_path / "shared")]) == 0
    assert NEW in capsys.readouterr().out
    assert main(["catalog", "search", NEW]) == 0
    assert "no table holds" in capsys.readouterr().out
    assert main(["catalog", "list", "--catalog", "elsewhere"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "reprobuild: error: --catalog: 'elsewhere' is neither newest nor packaged nor a folder with refreshed tables",
        "hint: 'reprobuild catalog refresh --output DIR' writes one",
    ]


def test_a_script_gets_every_row(hub: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refresh(hub, "--json", "--dry-run") == 0
    content = json.loads(capsys.readouterr().out)
    assert (content["schema_version"], content["written"], content["failures"]) == (1, False, [])
    change = content["changes"][0]
    assert (change["name"], change["added"], change["removed"]) == ("cuda_images", [NEW], [PRESENT[0]])
    assert not (tmp_path / "cache").exists()


def test_a_source_that_fails_is_named_and_the_exit_code_tells(hub: Server, capsys: pytest.CaptureFixture[str]) -> None:
    hub.routes["/v2/nvidia/cuda/tags/list"] = as_json({"tags": [NEW]})
    assert refresh(hub) == 8
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines()[1:] == [
        f"warning: cuda_images, digests: left as it was: {hub.url}/v2/nvidia/cuda lacks {len(PRESENT):,} of "
        f"{len(PRESENT):,} known entries, such as {min(PRESENT)}: the listing is doubted",
        "   hint: --missing keep takes only what is new, for a mirror that holds a part; --missing remove believes it",
    ]
    assert refresh(hub, "--missing", "keep") == 0


def test_the_choice_of_tables_is_what_a_refresh_knows() -> None:
    assert TABLES == REFRESHED


def test_a_table_that_has_no_source_is_refused(hub: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["catalog", "refresh", "--only", "gpus"]) == 2
    assert "invalid choice: 'gpus'" in capsys.readouterr().err
