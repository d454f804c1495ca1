"""conda's records: environment files, lists, explicit URLs, lock files."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprobuild.errors import RecordError
from reprobuild.records import Choice, parse, read
from reprobuild.records.conda_packages import cuda_of_build, distribution_of_spec
from reprobuild.snapshot import Snapshot

RECORDS = Path(__file__).parents[2] / "data" / "records"


def versions(snapshot: Snapshot) -> dict[str, str | None]:
    """Version by name."""
    return {item.name: item.version for item in snapshot.distributions}


@pytest.mark.parametrize(
    ("build", "cuda"),
    [
        ("py3.7_cuda11.0.221_cudnn8.0.5_0", "11.0.221"),
        ("py3.9_cuda11.3_cudnn8.2.0_0", "11.3"),
        ("cuda112py310he33e0d6_300", "11.2"),
        ("py38_cu101", "10.1"),
        ("py311_cu118", "11.8"),
        ("cuda_12.0_mkl_py310", "12.0"),
        ("cpu_mkl_py310_h6a36110_101", None),
        ("py3.7_0", None),
        ("h6bb024c_0", None),
    ],
)
def test_the_cuda_of_a_build_string(build: str, cuda: str | None) -> None:
    assert cuda_of_build(build) == cuda


@pytest.mark.parametrize(
    ("spec", "name", "version", "build", "channel"),
    [
        ("numpy=1.21.2=py39hd8d4704_0", "numpy", "1.21.2", "py39hd8d4704_0", None),
        ("conda-forge::numpy=1.21.2", "numpy", "1.21.2", None, "conda-forge"),
        ("python 3.8", "python", "3.8", None, None),
        ("pip", "pip", None, None, None),
        ("scipy>=1.7", "scipy", None, None, None),
        ("scipy=1.7.*", "scipy", None, None, None),
        ("_libgcc_mutex=0.1=main", "_libgcc_mutex", "0.1", "main", None),
    ],
)
def test_specs(spec: str, name: str, version: str | None, build: str | None, channel: str | None) -> None:
    item = distribution_of_spec(spec)
    assert item is not None and item.conda is not None
    assert (item.name, item.version, item.conda.build, item.conda.channel) == (name, version, build, channel)


def test_an_environment_file_tells_python_cuda_cudnn_and_keeps_the_pip_section() -> None:
    snapshot = read(RECORDS / "environment.yml")
    assert (snapshot.python.version, snapshot.python.environment) == ("3.9.7", "conda")
    assert snapshot.python.prefix == "/home/someone/miniconda3/envs/run"
    assert snapshot.torch is not None
    assert (snapshot.torch.version, snapshot.torch.cuda, snapshot.torch.cudnn) == ("1.10.0", "11.3", "8.2.0")
    assert snapshot.system.system == "Linux"
    thing = next(item for item in snapshot.distributions if item.name == "thing")
    assert (thing.installer, thing.conda) == ("pip", None) and "secret" not in snapshot.to_json()
    assert snapshot.redactions == {"dependencies": 1}


def test_a_version_like_3_10_is_not_the_number_3_1() -> None:
    snapshot = parse(b"name: x\ndependencies:\n- python=3.10\n- pip:\n  - numpy==1.20\n", "environment.yml")
    assert snapshot.python.version == "3.10" and versions(snapshot)["numpy"] == "1.20"


def test_explicit_urls_keep_build_channel_and_checksum() -> None:
    snapshot = read(RECORDS / "conda_explicit.txt")
    torch = next(item for item in snapshot.distributions if item.name == "torch")
    assert torch.conda is not None and torch.conda.package == "pytorch"
    assert torch.conda.md5 == "e49d97ae91a54cfdfcbdd7c1ffeb1fc4"
    assert (torch.conda.channel, torch.conda.subdir) == ("https://conda.anaconda.org/conda-forge", "linux-64")
    assert torch.conda.url is not None and torch.conda.url.endswith("pytorch-2.0.0-cuda112py310he33e0d6_300.conda")
    assert snapshot.torch is not None and snapshot.torch.cuda == "11.2"
    assert (snapshot.python.version, snapshot.system.machine) == ("3.10.12", "x86_64")
    assert versions(snapshot)["tqdm"] == "4.66.1"


def test_an_export_tells_the_platform_and_what_pip_installed() -> None:
    snapshot = read(RECORDS / "conda_export.txt")
    assert (snapshot.system.system, snapshot.system.machine) == ("Windows", "AMD64")
    assert {item.name: item.installer for item in snapshot.distributions}["tqdm"] == "pip"
    assert snapshot.torch is not None and snapshot.torch.cuda == "10.2"


HEAD = """\
# This file may be used to create an environment using:
# $ conda create --name <env> --file <this file>
# platform: win-64
"""


def test_condas_head_makes_specs_without_builds_condas() -> None:
    snapshot = parse(f"{HEAD}numpy\npython=3.8\npytorch=1.6\nPillow>=9.0.0\ncudatoolkit\n".encode(), "env.txt")
    assert versions(snapshot) == {
        "numpy": None,
        "python": "3.8",
        "torch": "1.6",
        "Pillow": None,
        "cudatoolkit": None,
    }
    assert all(item.installer == "conda" for item in snapshot.distributions)
    assert (snapshot.python.version, snapshot.system.system) == ("3.8", "Windows")
    assert [note.message for note in snapshot.notes if note.code == "unpinned"] == [
        "numpy has no exact version: numpy",
        "Pillow has no exact version: Pillow>=9.0.0",
        "cudatoolkit has no exact version: cudatoolkit",
    ]
    without = parse(b"numpy\npytorch=1.6\nPillow>=9.0.0\ncudatoolkit\n", "env.txt")
    assert all(item.installer is None for item in without.distributions)


def test_lines_for_pip_under_condas_head_are_pips_and_keep_the_platform() -> None:
    lines = "gdal==3.3.3\nnumpy==1.21.2\ntensorflow==2.5.0\n# scipy=1.7.1=py39hbe87c03_2\n"
    snapshot = parse(f"{HEAD}{lines}".encode(), "env.txt")
    assert {item.installer for item in snapshot.distributions} == {None}
    assert (snapshot.system.system, snapshot.system.machine) == ("Windows", "AMD64")
    told = parse(f"{HEAD}# python=3.9.18=h1aa4202_0\n{lines}".encode(), "env.txt")
    assert told.python.version == "3.9.18" and not [e for e in told.evidence if e.fact == "python.version"]


def test_a_pattern_of_a_build_is_kept() -> None:
    snapshot = parse(b"name: x\ndependencies:\n- python=3.10\n- jaxlib=0.4.6=cuda112*\n", "environment.yml")
    assert versions(snapshot)["jaxlib"] == "0.4.6"
    assert [item.conda.build for item in snapshot.distributions if item.conda] == [None, "cuda112*"]


@pytest.mark.parametrize("name", ["conda_list.txt", "conda-list.json"])
def test_the_list_as_a_table_and_as_json(name: str) -> None:
    snapshot = read(RECORDS / name)
    assert snapshot.python.version in ("3.7.10", "3.9.7")
    assert snapshot.torch is not None and snapshot.torch.cuda in ("11.1", "11.3")
    assert {item.name: item.installer for item in snapshot.distributions}["tqdm"] == "pip"


def test_a_lock_file_is_read_for_one_platform() -> None:
    linux, mac = (read(RECORDS / "conda-lock.yml", choice=Choice(platform=name)) for name in (None, "osx-arm64"))
    assert versions(linux) == {"python": "3.10.12", "tqdm": "4.66.1"}
    assert (mac.python.version, mac.system.system) == ("3.10.11", "Darwin")
    with_tests = read(RECORDS / "conda-lock.yml", choice=Choice(groups=("dev",)))
    assert versions(with_tests)["pytest"] == "7.4.0"
    with pytest.raises(RecordError) as caught:
        read(RECORDS / "conda-lock.yml", choice=Choice(platform="win-64"))
    assert caught.value.hint == "choose one: --platform linux-64, --platform osx-arm64"


@pytest.mark.parametrize(
    "text",
    [
        "name: a\ndependencies: &a [*a]\n",
        "name: a\ndependencies:\n"
        + "".join(f"- &a{i} [{', '.join([f'*a{i - 1}'] * 9) if i else '1'}]\n" for i in range(500)),
        "name: a\ndependencies: " + "[" * 5000,
        "name: a\ndependencies:\n- !!python/object/apply:os.system ['true']\n- x=1=0\n",
        "name: a\ndependencies:\n- {1: 2}\n",
    ],
    ids=["loop", "bomb", "deep", "tag", "no-package"],
)
def test_hostile_yaml_is_refused_or_harmless(text: str) -> None:
    try:
        names = [
            item.name for item in parse(text.encode(), "environment.yml", format="conda-environment").distributions
        ]
    except RecordError:
        return
    assert names == ["x"]


def test_an_environment_exported_as_json() -> None:
    text = b'{"name": "x", "channels": ["defaults"], "dependencies": ["python=3.10=0", {"pip": ["numpy==1.20"]}]}'
    snapshot = parse(text, "environment.json")
    assert snapshot.python.version == "3.10" and versions(snapshot) == {"python": "3.10", "numpy": "1.20"}


def test_credentials_of_channels_are_removed_and_counted() -> None:
    text = (
        "# platform: linux-64\n@EXPLICIT\n"
        "https://conda.anaconda.org/t/xx-hunter2/private/linux-64/python-3.8.5-h_1.conda#" + "a" * 32 + "\n"
        "https://me:hunter2@conda.example/private/noarch/six-1.16.0-py_0.tar.bz2\n"
    )
    snapshot = parse(text.encode(), "list.txt")
    assert "hunter2" not in snapshot.to_json()
    assert sum(snapshot.redactions.values()) == 2
    first = snapshot.distributions[0].conda
    assert first is not None
    assert first.url == "https://conda.anaconda.org/private/linux-64/python-3.8.5-h_1.conda"
    exported = parse(
        b"channels:\n  - https://conda.anaconda.org/t/xx-hunter2/private\n  - defaults\n"
        b"dependencies:\n  - python=3.8.5=h_1\n",
        "environment.yml",
    )
    assert exported.conda_channels == ("https://conda.anaconda.org/private", "defaults")
    assert exported.redactions == {"channels": 1}


ROWS = """\
python                    3.8.5                h7579374_1
pytorch                   1.7.1           py3.8_cuda10.1.243_cudnn7.6.3_0    pytorch
torchvision               0.8.2                py38_cu101    pytorch
numpy                     1.19.2           py38h54aff64_0
"""
MAMBA = """\
List of packages in environment: "/opt/conda"

  Name                     Version       Build                Channel
------------------------------------------------------------------------
  python                   3.8.5         h7579374_1           defaults
  pytorch                  1.7.1         py3.8_cuda10.1.243_cudnn7.6.3_0  pytorch
"""


@pytest.mark.parametrize(
    "text", [ROWS, MAMBA, "python=3.8.5\npytorch=1.7.1=py3.8_cuda10.1.243_cudnn7.6.3_0\nnumpy=1.19.2\n"]
)
def test_conda_lists_without_head_of_mamba_and_without_builds(text: str) -> None:
    snapshot = parse(text.encode(), "list.txt")
    assert snapshot.python.version == "3.8.5" and snapshot.python.environment == "conda"
    assert snapshot.torch is not None and (snapshot.torch.version, snapshot.torch.cuda) == ("1.7.1", "10.1.243")
    assert "Name" not in [item.name for item in snapshot.distributions]


def test_tokens_of_anaconda_are_no_part_of_a_record() -> None:
    text = (
        "@EXPLICIT\nhttps://conda.anaconda.org/t/tk-12-secret/main/linux-64/python-3.8.5-h7579374_1.conda\n"
        "https://me:secret@h.example/ch/noarch/tqdm-4.55.1-pyhd3eb1b0_0.conda\n"
    )
    snapshot = parse(text.encode(), "explicit.txt")
    assert "secret" not in snapshot.to_json() and snapshot.redactions == {"distributions": 2}
