"""Lock files: one environment out of many, by platform, Python, extras and groups."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprobuild.errors import RecordError
from reprobuild.records import Choice, parse, read
from reprobuild.records.lock_target import lowest_python
from reprobuild.snapshot import Snapshot

RECORDS = Path(__file__).parents[2] / "data" / "records"
COMMIT = "0123456789012345678901234567890123456789"
GPU = Choice(extras=("gpu",))


def names(snapshot: Snapshot) -> list[str]:
    """Names and versions, sorted."""
    return sorted(f"{item.name}=={item.version}" for item in snapshot.distributions)


@pytest.mark.parametrize(
    ("requires", "python"),
    [
        (">=3.10", "3.10"),
        (">=3.10, <3.13", "3.10"),
        ("^3.9", "3.9"),
        ("~=3.11.2", "3.11"),
        ("==3.12.1", "3.12.1"),
        ("3.9", "3.9"),
        (">3.10,!=3.11.*", "3.10"),
        ("nonsense", None),
        (None, None),
    ],
)
def test_the_lowest_python_of_a_range(requires: str | None, python: str | None) -> None:
    assert lowest_python(requires) == python


def test_uv_lock_of_one_extra() -> None:
    snapshot = read(RECORDS / "uv.lock", choice=GPU)
    assert names(snapshot) == ["numpy==1.26.4", "thing==0.3", "torch==2.5.1+cu124"]
    torch, numpy = ({item.name: item for item in snapshot.distributions}[name] for name in ("torch", "numpy"))
    assert torch.index_url == "https://download.pytorch.org/whl/cu124" and len(numpy.hashes) == 2
    assert snapshot.torch is not None and snapshot.torch.cuda == "12.4"
    assert snapshot.python.version == "3.10"
    assert [item.certainty for item in snapshot.evidence if item.fact == "python.version"] == ["inferred"]


def test_uv_lock_of_another_platform_group_and_python() -> None:
    choice = Choice(extras=("cpu",), groups=("dev",), platform="win-64", python="3.12.4")
    snapshot = read(RECORDS / "uv.lock", choice=choice)
    assert names(snapshot) == ["colorama==0.4.6", "numpy==1.26.4", "pytest==8.0.0", "thing==0.3", "torch==2.5.1+cpu"]
    assert snapshot.python.version == "3.12.4" and snapshot.system.system == "Windows"
    assert not [item for item in snapshot.evidence if item.fact == "python.version"]


def test_uv_lock_with_conflicting_extras_asks() -> None:
    with pytest.raises(RecordError) as caught:
        read(RECORDS / "uv.lock")
    assert caught.value.hint == "choose one: --extra cpu, --extra gpu"


def test_a_git_package_keeps_its_commit() -> None:
    thing = next(item for item in read(RECORDS / "uv.lock", choice=GPU).distributions if item.name == "thing")
    assert thing.direct_url is not None and thing.direct_url.vcs_info is not None
    assert (thing.direct_url.url, thing.direct_url.subdirectory) == ("https://example.org/thing.git", "python")
    assert thing.direct_url.vcs_info.commit_id == COMMIT


def test_pylock() -> None:
    snapshot = read(RECORDS / "pylock.toml")
    assert names(snapshot) == ["mine==None", "numpy==2.1.0", "thing==0.3"]
    mine = next(item for item in snapshot.distributions if item.name == "mine")
    assert mine.direct_url is not None and mine.direct_url.dir_info is not None and mine.direct_url.dir_info.editable
    assert "colorama==0.4.6" in names(read(RECORDS / "pylock.toml", choice=Choice(platform="win-64")))


def test_pylock_of_another_version_is_refused() -> None:
    with pytest.raises(RecordError, match=r"has version '2\.0'; version 1 is read"):
        parse(b'lock-version = "2.0"\n[[packages]]\nname = "x"\n', "pylock.toml")


def test_poetry_lock() -> None:
    snapshot = read(RECORDS / "poetry.lock")
    assert names(snapshot) == ["numpy==1.26.4", "thing==0.3"]
    assert names(read(RECORDS / "poetry.lock", choice=Choice(groups=("dev",), platform="win-64"))) == [
        "colorama==0.4.6",
        "numpy==1.26.4",
        "pytest==8.0.0",
        "thing==0.3",
    ]
    with_extra = read(RECORDS / "poetry.lock", choice=GPU)
    torch = next(item for item in with_extra.distributions if item.name == "torch")
    assert torch.index_url == "https://download.pytorch.org/whl/cu124"


def test_pipfile_lock() -> None:
    snapshot = read(RECORDS / "Pipfile.lock")
    assert names(snapshot) == ["mine==None", "numpy==1.26.4", "thing==None", "torch==2.0.1+cu118"]
    assert snapshot.python.version == "3.9" and "secret" not in snapshot.to_json()
    assert "pytest==8.0.0" in names(read(RECORDS / "Pipfile.lock", choice=Choice(groups=("dev",))))


def test_an_unknown_platform_lists_the_known_ones() -> None:
    with pytest.raises(RecordError) as caught:
        read(RECORDS / "pylock.toml", choice=Choice(platform="amiga"))
    assert caught.value.hint is not None and "linux-64" in caught.value.hint


def test_a_marker_that_is_no_marker_drops_nothing() -> None:
    lock = (
        b'lock-version = "1.0"\nrequires-python = ">=3.11"\n[[packages]]\nname = "x"\nversion = "1"\nmarker = "what?"\n'
    )
    assert names(parse(lock, "pylock.toml")) == ["x==1"]


OLD_POETRY = b"""
[[package]]
name = "numpy"
version = "1.19.5"
description = ""
category = "main"
optional = false
python-versions = ">=3.6"

[[package]]
name = "pytest"
version = "5.4.3"
description = ""
category = "dev"
optional = false
python-versions = ">=3.5"

[metadata]
lock-version = "1.1"
python-versions = "^3.7"
content-hash = "0"

[metadata.files]
numpy = [
    {file = "numpy-1.19.5.zip", hash = "sha256:2a02aba9ed12e4ac4eb3ea9421c420301a0c6460d9830d74a9df87efa4912010"},
]
pytest = []
"""


def test_poetry_before_2_has_categories_and_one_table_of_files() -> None:
    snapshot = parse(OLD_POETRY, "poetry.lock")
    (numpy,) = snapshot.distributions
    assert numpy.version == "1.19.5" and len(numpy.hashes) == 1 and snapshot.python.version == "3.7"
    assert "no-markers" in [note.code for note in snapshot.notes]
    assert len(parse(OLD_POETRY, "poetry.lock", choice=Choice(groups=("dev",))).distributions) == 2


PDM = b"""# This file is @generated by PDM.
[metadata]
groups = ["default", "dev"]
strategy = ["inherit_metadata"]
lock_version = "4.5.0"

[[metadata.targets]]
requires_python = ">=3.9,<3.12"

[[package]]
name = "numpy"
version = "1.26.4"
groups = ["default"]
files = [
    {file = "numpy-1.26.4.tar.gz", hash = "sha256:2a02aba9ed12e4ac4eb3ea9421c420301a0c6460d9830d74a9df87efa4912010"},
]

[[package]]
name = "colorama"
version = "0.4.6"
groups = ["default", "dev"]
marker = 'sys_platform == "win32"'

[[package]]
name = "pytest"
version = "8.0.0"
groups = ["dev"]

[[package]]
name = "thing"
version = "0.3"
groups = ["default"]
git = "https://example.org/thing.git"
ref = "main"
revision = "0123456789012345678901234567890123456789"
"""


def test_pdm_lock() -> None:
    snapshot = parse(PDM, "pdm.lock")
    assert names(snapshot) == ["numpy==1.26.4", "thing==0.3"] and snapshot.python.version == "3.9"
    thing = snapshot.distributions[1].direct_url
    assert thing is not None and thing.vcs_info is not None and thing.vcs_info.commit_id == COMMIT
    everything = parse(PDM, "pdm.lock", choice=Choice(groups=("dev",), platform="win-64"))
    assert names(everything) == ["colorama==0.4.6", "numpy==1.26.4", "pytest==8.0.0", "thing==0.3"]


@pytest.mark.parametrize(
    ("requires", "lowest"),
    [
        ("~3.12", "3.12"),
        ("^3.7", "3.7"),
        ("~=3.9", "3.9"),
        ("^3.8 || ^3.10", "3.8"),
        (">=3.10,<3.12", "3.10"),
        ("3.8.*", "3.8"),
        ("==3.11.*", "3.11"),
        ("3.9", "3.9"),
        ("*", None),
        ("", None),
    ],
)
def test_the_lowest_python_of_a_range_as_each_tool_writes_it(requires: str, lowest: str | None) -> None:
    assert lowest_python(requires) == lowest


@pytest.mark.parametrize("name", ["uv.lock", "poetry.lock", "pylock.toml"])
@pytest.mark.parametrize("kind", ["extra", "group"])
def test_a_choice_that_the_lock_does_not_have_is_refused_with_what_it_has(name: str, kind: str) -> None:
    choice = Choice(extras=("nope",)) if kind == "extra" else Choice(groups=("nope",))
    with pytest.raises(RecordError) as caught:
        read(RECORDS / name, choice=choice)
    assert str(caught.value) == f"{RECORDS / name}: the lock file has no {kind} 'nope'"
    assert (caught.value.hint or "").startswith("it has ")


def test_default_groups_of_a_pylock_are_there_and_extras_are_a_question() -> None:
    head = 'lock-version = "1.0"\ncreated-by = "x"\nextras = ["cpu", "cu118"]\nrequires-python = "==3.12.*"\n'
    torch = "".join(
        f'[[packages]]\nname = "torch"\nversion = "2.3.0+{name}"\nmarker = "\'{name}\' in extras"\n'
        for name in ("cpu", "cu118")
    )
    with pytest.raises(RecordError) as caught:
        parse((head + torch).encode(), "pylock.toml")
    assert caught.value.hint == "choose one: --extra cpu, --extra cu118"
    chosen = parse((head + torch).encode(), "pylock.toml", choice=Choice(extras=("cu118",)))
    assert [item.version for item in chosen.distributions] == ["2.3.0+cu118"]
    groups = 'dependency-groups = ["dev"]\ndefault-groups = ["dev"]\n'
    dev = '[[packages]]\nname = "dev-only"\nversion = "1.0"\nmarker = "\'dev\' in dependency_groups"\n'
    assert [item.name for item in parse((head + groups + dev).encode(), "pylock.toml").distributions] == ["dev-only"]
