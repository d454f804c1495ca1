"""What conda-meta tells of distributions, and of conda's packages that are none."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.unit.probe.test_record import write_distribution

from reprobuild.capture import snapshot_of_probe
from reprobuild.probe import record

SITE = "lib/python3.11/site-packages"


@pytest.fixture
def prefix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that the probe takes for a conda environment's."""
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / "history").write_text("==> 2024-01-01 <==\n")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    return tmp_path


def installed_by_conda(prefix: Path, name: str, version: str, *files: str, **facts: Any) -> None:
    """conda's note of a package."""
    build = facts.setdefault("build", "py311_0")
    note = {"name": name, "version": version, "files": [*files], **facts}
    (prefix / "conda-meta" / f"{name}-{version}-{build}.json").write_text(json.dumps(note))


def recorded(prefix: Path) -> dict[str, Any]:
    """Name to entry of the record."""
    found = record.probe(paths=[str(prefix / SITE)])
    assert snapshot_of_probe(json.dumps(found).encode()).distributions
    assert found["python"]["environment"] == "conda"
    return {each["name"]: each for each in found["distributions"]}


def test_a_distribution_of_condas_gets_its_origin(prefix: Path) -> None:
    write_distribution(prefix / SITE, "torch", "1.7.0")
    installed_by_conda(
        prefix,
        "pytorch",
        "1.7.0",
        f"{SITE}/torch-1.7.0.dist-info/METADATA",
        channel="https://conda.anaconda.org/pytorch/linux-64",
        subdir="linux-64",
        url="https://conda.anaconda.org/pytorch/linux-64/pytorch-1.7.0-py311_0.tar.bz2",
        md5="a" * 32,
        sha256="b" * 64,
        size=12,
    )
    found = recorded(prefix)
    assert list(found) == ["torch"]
    assert found["torch"]["conda"] == {
        "package": "pytorch",
        "channel": "https://conda.anaconda.org/pytorch/linux-64",
        "build": "py311_0",
        "subdir": "linux-64",
        "url": "https://conda.anaconda.org/pytorch/linux-64/pytorch-1.7.0-py311_0.tar.bz2",
        "md5": "a" * 32,
        "sha256": "b" * 64,
    }


def test_what_is_no_distribution_is_listed_too(prefix: Path) -> None:
    write_distribution(prefix / SITE, "zope", "1.0")
    installed_by_conda(prefix, "cudatoolkit", "11.0.221", "lib/libcudart.so", build="h6bb024c_0")
    found = recorded(prefix)
    assert list(found) == ["cudatoolkit", "zope"]
    assert found["cudatoolkit"] == {
        "name": "cudatoolkit",
        "version": "11.0.221",
        "installer": "conda",
        "conda": {"build": "h6bb024c_0"},
    }
    assert "conda" not in found["zope"]


def test_what_pip_put_over_a_package_is_pips(prefix: Path) -> None:
    write_distribution(prefix / SITE, "numpy", "1.21.0")
    installed_by_conda(prefix, "numpy", "1.19.2", f"{SITE}/numpy-1.19.2.dist-info/METADATA")
    found = record.probe(paths=[str(prefix / SITE)])["distributions"]
    assert [(each["version"], "conda" in each) for each in found] == [("1.21.0", False), ("1.19.2", True)]


def test_condas_own_version_is_kept_where_it_is_another(prefix: Path) -> None:
    write_distribution(prefix / SITE, "torchaudio", "0.7.0a0+ac17b64")
    installed_by_conda(prefix, "torchaudio", "0.7.0", f"{SITE}/torchaudio-0.7.0a0+ac17b64.dist-info/METADATA")
    assert recorded(prefix)["torchaudio"]["conda"]["version"] == "0.7.0"


def test_old_eggs_are_found(prefix: Path) -> None:
    (prefix / SITE).mkdir(parents=True)
    (prefix / SITE / "olefile-0.46-py3.11.egg-info").write_text("Metadata-Version: 1.1\nName: olefile\nVersion: 0.46\n")
    installed_by_conda(prefix, "olefile", "0.46", f"{SITE}/olefile-0.46-py3.11.egg-info", build="py_0")
    assert recorded(prefix)["olefile"]["conda"] == {"build": "py_0"}


def test_secrets_of_channels_are_removed_and_counted(prefix: Path) -> None:
    url = "https://conda.anaconda.org/t/xx-0123-hunter2/private/noarch/x-1.0-0.conda"
    installed_by_conda(prefix, "x", "1.0", channel="https://me:hunter2@conda.example/private", url=url)
    found = record.probe(paths=[str(prefix / SITE)])
    assert "hunter2" not in json.dumps(found)
    (entry,) = found["distributions"]
    assert entry["conda"]["url"] == "https://conda.anaconda.org/private/noarch/x-1.0-0.conda"
    assert sum(found["redactions"].values()) == 2


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": 3}', '{"name": "x", "files": 3}', "[" * 100_000, "\ud800"])
def test_broken_notes_never_stop_a_record(prefix: Path, text: str) -> None:
    (prefix / "conda-meta" / "x-1.0-0.json").write_text(text, errors="surrogatepass")
    installed_by_conda(prefix, "libpng", "1.6.37", build="hbc83047_0")
    assert "libpng" in recorded(prefix)
