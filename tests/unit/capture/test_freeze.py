"""``pip_freeze`` is what the real pip prints: of odd metadata, and of environments that other tools made."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.unit.capture.conftest import commit, run, write_project, write_wheel

from reprobuild.capture.interpreter import Probing

HASH = "a" * 64
COMMIT = "f" * 40


def frozen(python: Path) -> str:
    """What we record of that interpreter."""
    facts: dict[str, Any] = json.loads(Probing(python).output())
    return str(facts["pip_freeze"])


def pip_freeze(python: Path, *pip: str) -> str:
    """What its own pip prints, or the one that runs as ``pip``, apart from this machine's settings of pip."""
    command = [*(pip or (str(python), "-m", "pip")), "freeze"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    environment |= {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


def our_pip(python: Path) -> tuple[str, ...]:
    """The pip of this very environment at work in an interpreter that has none."""
    return (sys.executable, "-m", "pip", "--python", str(python))


DIRECT: dict[str, Any] = {
    "archive": {"url": "https://example.org/a-1.0.tar.gz", "archive_info": {"hash": f"sha256={HASH}"}},
    "archive-hashes": {"url": "https://example.org/a.tar.gz#egg=x", "archive_info": {"hashes": {"sha256": HASH}}},
    "archive-sub": {
        "url": "https://example.org/a.zip",
        "archive_info": {"hash": f"sha256={HASH}"},
        "subdirectory": "sub/dir",
    },
    "archive-bare": {"url": "https://example.org/a.zip", "archive_info": {}},
    "archive-odd": {"url": "https://example.org/a.zip", "archive_info": {"hash": "nonsense"}},
    "archive-wrong": {"url": "https://example.org/a.zip", "archive_info": {"hash": 3}},
    "local": {"url": "file:///srv/wheels/a%20b.whl", "archive_info": {"hash": f"sha256={HASH}"}},
    "vcs": {"url": "https://git.example.org/a.git", "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
    "vcs-sub": {
        "url": "ssh://git@git.example.org/a.git",
        "vcs_info": {"vcs": "git", "commit_id": COMMIT},
        "subdirectory": "python",
    },
    "vcs-hg": {"url": "https://hg.example.org/a", "vcs_info": {"vcs": "hg", "commit_id": COMMIT}},
    "vcs-no-commit": {"url": "https://git.example.org/a.git", "vcs_info": {"vcs": "git"}},
    "directory": {"url": "file:///home/me/dir", "dir_info": {}},
    "directory-sub": {"url": "file:///home/me/d", "dir_info": {"editable": False}, "subdirectory": "x"},
    "editable": {"url": "file:///nowhere/at-all", "dir_info": {"editable": True}},
    "editable-text": {"url": "file:///x", "dir_info": {"editable": "yes"}},
    "two-infos": {"url": "https://example.org/a", "archive_info": {}, "dir_info": {}},
    "no-info": {"url": "https://example.org/a"},
    "no-url": {"archive_info": {}},
    "a-list": [],
}
VERSIONS = ("1.0-alpha_1", "01.02", "1!2.0.0", "1.0+CU_121", "1.0-custom-build", "v1.0", "2020.01.05", "1.0.post1.dev3")
HEADERS = {
    "crlf-1.5": "Metadata-Version: 2.1\r\nName: crlf\r\nVersion: 1.5\r\n\r\nText\r\n",
    "folded-1.6": "Metadata-Version: 2.1\nSummary: a\n  Name: other\nName: folded\nVersion: 1.6\n",
    "lower-1.8": "metadata-version: 2.1\nname: lower\nversion: 1.8\n",
    "accents-1.9": "Metadata-Version: 2.1\nName: accents\nVersion: 1.9\nAuthor: \u00e9\u4e2d\n",
    "nameless-1.0": "Metadata-Version: 2.1\nVersion: 1.0\n",
    "headless-1.0": "",
    "~artial-1.0": "Metadata-Version: 2.1\nName: partial\nVersion: 1.0\n",
    "argparse-1.4.0": "Metadata-Version: 2.1\nName: argparse\nVersion: 1.4.0\n",
    "twice-1.9": "Metadata-Version: 2.1\nName: twice\nVersion: 1.9\n",
    "twice-1.10": "Metadata-Version: 2.1\nName: twice\nVersion: 1.10\n",
    "Upper.Case-2": "Metadata-Version: 2.1\nName: Upper.Case\nVersion: 2\n",
    "pkg_resources-0.0.0": "Metadata-Version: 2.1\nName: pkg_resources\nVersion: 0.0.0\n",
}


def write_odd_metadata(site: Path) -> None:
    """Distributions of every kind, as installers of many years left them; their folders' names are honest."""
    heads = dict(HEADERS)
    for number, version in enumerate(VERSIONS):
        stem = f"version_{number}-{version.replace('-', '_')}"
        heads[stem] = f"Metadata-Version: 2.1\nName: version-{number}\nVersion: {version}\n"
    for name in DIRECT:
        heads[f"{name.replace('-', '_')}-1.0"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
    for stem, head in heads.items():
        info = site / f"{stem}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_bytes(head.encode())
    for name, content in DIRECT.items():
        path = site / f"{name.replace('-', '_')}-1.0.dist-info" / "direct_url.json"
        path.write_text(json.dumps(content))
    (site / "no_json-1.0.dist-info").mkdir()
    (site / "no_json-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: no-json\nVersion: 1.0\n")
    (site / "no_json-1.0.dist-info" / "direct_url.json").write_text("{not json")
    (site / "empty-1.0.dist-info").mkdir()
    (site / "lost-1.0.dist-info").mkdir()
    (site / "lost-1.0.dist-info" / "RECORD").write_text("")
    write_eggs(site)


def write_eggs(site: Path) -> None:
    """What setuptools installed before wheels."""
    (site / "folder.egg-info").mkdir()
    (site / "folder.egg-info" / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: folder\nVersion: 0.1\n")
    (site / "flat-0.2-py3.egg-info").write_text("Metadata-Version: 1.0\nName: flat\nVersion: 0.2\n")
    unpacked = site / "unpacked-0.3-py3.egg" / "EGG-INFO"
    unpacked.mkdir(parents=True)
    (unpacked / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: unpacked\nVersion: 0.3\n")
    with zipfile.ZipFile(site / "zipped-0.4-py3.egg", "w") as archive:
        archive.writestr("EGG-INFO/PKG-INFO", "Metadata-Version: 1.0\nName: zipped\nVersion: 0.4\n")
        archive.writestr("zipped.py", "")
    (site / "broken-0.5-py3.egg").write_bytes(b"PK\x03\x04 no archive")


def test_odd_metadata_is_printed_as_the_environment_s_pip_does(
    environment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On PYTHONPATH, beside what is installed there."""
    write_odd_metadata(tmp_path)
    eggs = [tmp_path / "unpacked-0.3-py3.egg", tmp_path / "zipped-0.4-py3.egg"]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (tmp_path, *eggs))))
    printed = pip_freeze(environment)
    assert "archive @ https://example.org/a-1.0.tar.gz" in printed or "archive==1.0" in printed
    assert frozen(environment) == printed.replace("user:s3cr3t@", "")


@pytest.mark.network
@pytest.mark.parametrize(
    "version", ["9.0.3", "19.3.1", "20.0.2", "20.3.4", "21.1.3", "21.3.1", "23.0.1", "24.0", "25.3"]
)
def test_odd_metadata_is_printed_as_other_pips_do(
    version: str, tmp_path: Path, environments: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real releases of pip, under an interpreter that all of them run under."""
    found = sorted(Path(os.environ.get("PYENV_ROOT", "/nowhere")).glob("versions/3.9.*/bin/python"))
    if not found:
        pytest.skip("no CPython 3.9 under PYENV_ROOT, which pip 9 to 25 run under")
    run(found[0], "-m", "venv", "--without-pip", tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    run(sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", python, f"pip=={version}")
    write_odd_metadata(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    assert frozen(python) == pip_freeze(python)


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The folder on loopback."""

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels, source trees and a repository with two projects."""
    folder = tmp_path_factory.mktemp("sources")
    write_wheel(folder / "wheels", "from-index", "1.0")
    write_wheel(folder / "wheels", "Local.Archive", "2.0rc1")
    write_wheel(folder / "wheels", "from-url", "0.7")
    for name, version in (("plain-tree", "0.1"), ("from-directory", "0.5")):
        write_project(folder / name, name, version, modern=True)
    write_project(folder / "repository" / "first", "first-of-two", "0.2", modern=True)
    write_project(folder / "repository" / "second", "second-of-two", "0.3", modern=True)
    commit(folder / "repository", remote="https://git.example.org/team/repository.git")
    return folder


def install_with_uv(python: Path, sources: Path, url: str) -> None:
    """Every kind of install that uv knows."""
    repository = f"git+{(sources / 'repository').as_uri()}#subdirectory=second"
    uv = (sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-config", "--python", python)
    run(*uv, "--no-index", "--no-deps", "--find-links", sources / "wheels", "from-index",
        sources / "wheels" / "Local.Archive-2.0rc1-py3-none-any.whl", f"from-url @ {url}/from_url-0.7-py3-none-any.whl",
        f"second-of-two @ {repository}", sources / "from-directory",
        "-e", sources / "plain-tree", "-e", sources / "repository" / "first")  # fmt: skip


EVERY_KIND = ("from-index", "from-url", "Local.Archive", "second-of-two", "from-directory", "plain-tree", "first")
"""Beginnings of words that have to be printed, so that equality is not that of two empty lists."""


@pytest.mark.parametrize("version", ["3.8", "3.10", "3.13"])
def test_an_environment_of_uv(version: str, sources: Path, tmp_path: Path) -> None:
    found = sorted(Path(os.environ.get("PYENV_ROOT", "/nowhere")).glob(f"versions/{version}.*/bin/python"))
    if not found:
        pytest.skip(f"no CPython {version} under PYENV_ROOT")
    run(sys.executable, "-m", "uv", "venv", "--quiet", "--no-config", "--python", found[0], tmp_path / "env")
    python = tmp_path / "env" / "bin" / "python"
    with served(sources / "wheels") as url:
        install_with_uv(python, sources, url)
    printed = pip_freeze(python, *our_pip(python))
    assert [name for name in EVERY_KIND if name not in printed] == []
    assert frozen(python) == printed


def test_an_environment_of_debian(sources: Path, tmp_path: Path) -> None:
    """The system's packages, seen through a virtual environment with packages of its own."""
    python = Path("/usr/bin/python3")
    if not python.exists() or not Path("/usr/lib/python3/dist-packages").is_dir():
        pytest.skip("the system's Python is not Debian's")
    assert frozen(python) == pip_freeze(python, *our_pip(python))
    run(python, "-m", "venv", "--without-pip", "--system-site-packages", tmp_path / "env")
    inside = tmp_path / "env" / "bin" / "python"
    with served(sources / "wheels") as url:
        install_with_uv(inside, sources, url)
    printed = pip_freeze(inside, *our_pip(inside))
    assert [name for name in EVERY_KIND if name not in printed] == []
    assert frozen(inside) == printed


PYPROJECT = """\
[project]
name = "the-project"
version = "0.9"
requires-python = ">=3.10,<4"
dependencies = [
    "local-archive @ {wheels}/Local.Archive-2.0rc1-py3-none-any.whl",
    "from-url @ {url}/from_url-0.7-py3-none-any.whl",
    "second-of-two @ git+{repository}#subdirectory=second",
]
[tool.poetry]
packages = [{{ include = "the_project.py" }}]
[tool.poetry.group.local.dependencies]
plain-tree = {{ path = "{sources}/plain-tree", develop = true }}
from-directory = {{ path = "{sources}/from-directory", develop = false }}
[build-system]
requires = ["poetry-core"]
build-backend = "poetry.core.masonry.api"
"""


def poetry(folder: Path) -> Path:
    """The real Poetry in an environment of its own, from the package index; a skip where it can't be had."""
    run(sys.executable, "-m", "uv", "venv", "--quiet", "--no-config", "--python", sys.executable, folder)
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(folder / "bin" / "python")]
    done = subprocess.run([*install, "poetry==2.1.3"], capture_output=True, text=True, timeout=180)
    if done.returncode:
        pytest.skip(f"Poetry can't be installed here: {done.stderr.strip().splitlines()[-1:]}")
    return folder / "bin" / "poetry"


def test_an_environment_of_poetry(sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("git") is None:
        pytest.skip("no git on this machine")
    program = poetry(tmp_path / "poetry")
    project = tmp_path / "project"
    project.mkdir()
    (project / "the_project.py").write_text("")
    monkeypatch.setenv("POETRY_VIRTUALENVS_IN_PROJECT", "true")
    monkeypatch.setenv("POETRY_CACHE_DIR", str(tmp_path / "cache"))
    with served(sources / "wheels") as url:
        text = PYPROJECT.format(
            wheels=(sources / "wheels").as_uri(),
            url=url,
            repository=(sources / "repository").as_uri(),
            sources=sources,
        )
        (project / "pyproject.toml").write_text(text)
        run(program, "install", "--no-interaction", "--no-plugins", folder=project)
    python = project / ".venv" / "bin" / "python"
    printed = pip_freeze(python, *our_pip(python))
    names = ("from-url", "Local.Archive", "second-of-two", "from-directory", "plain-tree", "the-project")
    assert [name for name in names if name not in printed] == []
    assert frozen(python) == printed
