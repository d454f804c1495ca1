"""The built artefacts: exactly the expected files, and an installed wheel that works from any folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from email.parser import Parser
from importlib.util import find_spec
from pathlib import Path

import pytest

import reprobuild

ROOT = Path(__file__).parents[2]
VERSION = reprobuild.__version__
SDIST_ROOTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]["sdist"][
    "include"
]
# The build backend adds these three by itself.
SDIST_EXTRAS = {"PKG-INFO", "pyproject.toml", ".gitignore"}

pytestmark = pytest.mark.skipif(
    find_spec("build") is None or find_spec("hatchling") is None,
    reason="build and hatchling are not installed: pip install -e .[test]",
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project's files as git knows them, with this checkout's content, and nothing else that lies around."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout: which files belong to the project is not known")
    folder = tmp_path_factory.mktemp("tree")
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def artefacts(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist of the tree and the wheel that was built from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(tree)]
    finished = subprocess.run(command, capture_output=True, text=True)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return folder


@pytest.fixture(scope="module")
def installed(artefacts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of scripts of a fresh virtual environment that holds the wheel.

    The dependencies are those of the environment that runs the tests, put on the path, so that no network is
    needed; an editable installation's own link is not followed from there.
    """
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, with_pip=False, symlinks=os.name != "nt")
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    inside = subprocess.run(
        [scripts / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
    )
    wheel = next(artefacts.glob("*.whl"))
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", scripts / "python", "install", "--no-deps", "--quiet", wheel],
        check=True,
    )
    (Path(inside.stdout.strip()) / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return scripts


def files_below(folder: Path, top: str) -> set[str]:
    """POSIX paths of the files below ``folder/top``, relative to ``folder``; the file itself where it is one."""
    if (folder / top).is_file():
        return {top}
    return {path.relative_to(folder).as_posix() for path in (folder / top).rglob("*") if path.is_file()}


def test_the_sdist_holds_exactly_the_project(tree: Path, artefacts: Path) -> None:
    with tarfile.open(next(artefacts.glob("*.tar.gz"))) as archive:
        held = {name.removeprefix(f"reprobuild-{VERSION}/") for name in archive.getnames()}
    expected = {name for top in SDIST_ROOTS for name in files_below(tree, top)}
    assert held == expected | SDIST_EXTRAS


def test_everything_the_sdist_names_is_there(tree: Path) -> None:
    assert [top for top in SDIST_ROOTS if not (tree / top).exists()] == []


def test_the_wheel_holds_exactly_the_package_and_its_templates(tree: Path, artefacts: Path) -> None:
    wheel = next(artefacts.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    package = {name.removeprefix("src/") for name in files_below(tree, "src/reprobuild")}
    templates = {f"reprobuild/{name}" for name in files_below(tree, "templates")}
    about = {
        f"reprobuild-{VERSION}.dist-info/{name}"
        for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    }
    assert held == package | templates | about
    assert wheel.name == f"reprobuild-{VERSION}-py3-none-any.whl"


def test_the_wheel_holds_only_kinds_of_files_that_it_should(artefacts: Path) -> None:
    with zipfile.ZipFile(next(artefacts.glob("*.whl"))) as archive:
        names = [name for name in archive.namelist() if ".dist-info/" not in name]
        oversized = [entry.filename for entry in archive.infolist() if entry.file_size > 8_000_000]
    kinds = {Path(name).suffix or Path(name).name for name in names}
    assert kinds <= {".py", ".typed", ".sh", ".csv", ".jsonl", ".toml", ".json", ".j2", ".txt", ".dockerignore"}
    assert oversized == []


def test_the_metadata(artefacts: Path) -> None:
    with zipfile.ZipFile(next(artefacts.glob("*.whl"))) as archive:
        metadata = Parser().parsestr(archive.read(f"reprobuild-{VERSION}.dist-info/METADATA").decode("utf-8"))
    assert metadata["Name"] == "reprobuild"
    assert metadata["Version"] == VERSION
    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).startswith("# reprobuild")
    assert {"torch", "wandb", "mlflow", "transformers", "lightning", "notebook", "test"} == set(
        metadata.get_all("Provides-Extra", [])
    )


def run(installed: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the installed program in a folder that has nothing to do with the checkout."""
    environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [installed / "reprobuild", *arguments], cwd=folder, capture_output=True, text=True, env=environment
    )


def test_the_installed_program_is_the_wheels(installed: Path, tmp_path: Path) -> None:
    where = "import reprobuild; print(reprobuild.__file__)"
    finished = subprocess.run([installed / "python", "-I", "-c", where], cwd=tmp_path, capture_output=True, text=True)
    assert Path(finished.stdout.strip()).is_relative_to(installed.parent)


def test_the_installed_program_tells_its_version(installed: Path, tmp_path: Path) -> None:
    finished = run(installed, tmp_path, "--version")
    assert (finished.returncode, finished.stdout) == (0, f"reprobuild {VERSION}\n"), finished.stderr


def test_templates_and_tables_work_from_any_folder(installed: Path, tmp_path: Path) -> None:
    record = ROOT / "examples" / "guide-example-cu121" / "environment.json"
    finished = run(installed, tmp_path, "dockerfile", str(record))
    assert finished.returncode == 0, finished.stderr
    assert "FROM nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04" in finished.stdout
    assert list(tmp_path.iterdir()) == []


def test_capture_works_from_any_folder(installed: Path, tmp_path: Path) -> None:
    finished = run(installed, tmp_path, "capture", "-o", "here", "--python", sys.executable)
    assert finished.returncode == 0, finished.stderr
    assert {path.name for path in (tmp_path / "here").iterdir()} == {
        "environment.json",
        "requirements.txt",
        "REPRODUCE.md",
    }
