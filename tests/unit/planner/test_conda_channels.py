"""Channels by their own addresses of today, whatever a record calls them."""

from __future__ import annotations

import pytest

from reprobuild.errors import RecordError
from reprobuild.planner.conda_channels import Channels, addresses, channels_of, name_of, own_channel

FORGE = "https://conda.anaconda.org/conda-forge"
MAIN = "https://repo.anaconda.com/pkgs/main"
R = "https://repo.anaconda.com/pkgs/r"
FREE = "https://repo.anaconda.com/pkgs/free"


def of(*names: str, python: str | None = "3.10.12") -> Channels:
    """The channels of an environment that names these."""
    return channels_of([(name, "conda_channels[0]") for name in names], [], python)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("conda-forge", (FORGE,)),
        ("defaults", (MAIN, R)),
        ("pkgs/main", (MAIN,)),
        ("conda-forge/label/gcc7", (f"{FORGE}/label/gcc7",)),
        ("conda-forge/linux-64", (FORGE,)),
        ("https://conda.anaconda.org/conda-forge/", (FORGE,)),
        ("https://conda.anaconda.org/t/xy-secret/private", ("https://conda.anaconda.org/private",)),
        ("https://repo.continuum.io/pkgs/free", (FREE,)),
        ("https://repo.anaconda.com/pkgs/main/linux-64", (MAIN,)),
        ("https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/pytorch/", ("https://conda.anaconda.org/pytorch",)),
        ("https://mirrors.tuna.tsinghua.edu.cn/anaconda/pkgs/main", (MAIN,)),
        ("anaconda/pkgs/main", (MAIN,)),
        ("https://conda.example/private", ("https://conda.example/private",)),
        ("https://repo.anaconda.com/pkgs/pro", ()),
        ("pkgs/msys2", ()),
        ("local", ()),
        ("file:///home/me/channel", ()),
        ("/home/me/channel", ()),
        ("nodefaults", ()),
        ("pypi", ()),
    ],
)
def test_what_a_recorded_channel_stands_for(text: str, found: tuple[str, ...]) -> None:
    assert addresses(text, "conda_channels[0]") == found


@pytest.mark.parametrize("text", ["a b", "x;touch /pwned", "$(id)", "https://evil.example/$(id)", "a::b", "x\ny"])
def test_text_that_is_no_channel_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(RecordError) as refusal:
        addresses(text, "conda_channels[3]")
    assert refusal.value.path == "conda_channels[3]"


def test_each_channel_once_in_the_recorded_order() -> None:
    found = of("pytorch", "defaults", "https://mirrors.ustc.edu.cn/anaconda/pkgs/main", "conda-forge")
    assert found.urls == ("https://conda.anaconda.org/pytorch", MAIN, R, FORGE)


def test_anaconda_asks_for_a_licence() -> None:
    assert [warning.code for warning in of("conda-forge", "defaults").warnings] == ["anaconda-terms"]
    assert [warning.code for warning in of("anaconda").warnings] == ["anaconda-terms"]
    assert of("conda-forge").warnings == ()


def test_a_channel_outside_anaconda_org_is_said() -> None:
    (warning,) = of("conda-forge", "https://conda.example/private").warnings
    assert warning.code == "other-channels"
    assert "https://conda.example/private" in warning.message


def test_the_free_channel_was_a_part_of_defaults_for_old_pythons() -> None:
    old = of("defaults", python="3.6.8")
    assert old.urls == (MAIN, R, FREE)
    assert "pkgs/free" in old.notes[0]
    assert of("defaults", python="3.7.3").urls == (MAIN, R)
    assert of("conda-forge", python="3.6.8").urls == (FORGE,)


def test_without_a_channel_the_usual_ones_are_searched_and_said() -> None:
    found = of()
    assert [name_of(url) for url in found.urls] == ["pytorch", "nvidia", "conda-forge", "pkgs/main", "pkgs/r"]
    assert "names no channel" in found.notes[0]


def test_a_project_with_a_channel_of_its_own_is_looked_for_there_last() -> None:
    found = channels_of([], [], "3.8.5", ["dgl-cuda11-3", "numpy", "pytorch3d"])
    assert [name_of(url) for url in found.urls[-2:]] == ["dglteam", "pytorch3d"]
    assert "dglteam, pytorch3d" in found.notes[0]


def test_a_record_that_names_channels_is_taken_at_its_word() -> None:
    assert channels_of([("conda-forge", "conda_channels[0]")], [], "3.8.5", ["pytorch3d"]).urls == (FORGE,)


@pytest.mark.parametrize(("name", "channel"), [("pytorch-scatter", "pyg"), ("numpy", None), ("dgl", "dglteam")])
def test_the_channel_of_a_project(name: str, channel: str | None) -> None:
    assert own_channel(name) == channel
