"""Real virtual environments of every interpreter on this machine, filled by the real pip without a network."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import sys
import zipfile
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

BACKEND = """
import zipfile

METADATA = "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n"
WHEEL = "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    stem = "{stem}-{version}"
    files = {{"{stem}.py": "", stem + ".dist-info/METADATA": METADATA, stem + ".dist-info/WHEEL": WHEEL}}
    record = "".join(path + ",,\\n" for path in files) + stem + ".dist-info/RECORD,,\\n"
    with zipfile.ZipFile(wheel_directory + "/" + stem + "-py3-none-any.whl", "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
        archive.writestr(stem + ".dist-info/RECORD", record)
    return stem + "-py3-none-any.whl"

build_editable = build_wheel
"""


def interpreters() -> list[Path]:
    """The CPythons of this machine that the probe runs under: those under PYENV_ROOT, else the one at work."""
    root = os.environ.get("PYENV_ROOT")
    found = sorted(Path(root).glob("versions/3.*/bin/python")) if root else []
    return found or [Path(sys.executable)]


def run(*command: str | Path, folder: Path | None = None) -> str:
    """Standard output of a command that has to succeed, apart from this process's settings of Python, pip and git."""
    environment = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "VIRTUAL_ENV", "GIT_", "PIP_")) or key == "PYTHONDONTWRITEBYTECODE"
    }
    environment |= {"PIP_CONFIG_FILE": os.devnull, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run([str(part) for part in command], cwd=folder, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def write_project(folder: Path, name: str, version: str, *, modern: bool) -> Path:
    """A source tree that pip can install without a network: setup.py, or a build backend of its own."""
    folder.mkdir(parents=True)
    stem = name.replace("-", "_")
    (folder / f"{stem}.py").write_text("")
    if modern:
        (folder / "pyproject.toml").write_text(
            '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
        )
        (folder / "backend.py").write_text(BACKEND.format(name=name, stem=stem, version=version))
    else:
        text = f"from setuptools import setup\nsetup(name={name!r}, version={version!r}, py_modules=[{stem!r}])\n"
        (folder / "setup.py").write_text(text)
    return folder


def write_wheel(folder: Path, name: str, version: str) -> Path:
    """A wheel with one module and an honest RECORD."""
    stem = f"{name.replace('-', '_')}-{version}"
    files = {
        f"{name.replace('-', '_')}.py": "value = 1\n",
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},{_record_hash(content)},{len(content)}\n" for path, content in files.items())
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for entry, content in files.items():
            archive.writestr(entry, content)
        archive.writestr(f"{stem}.dist-info/RECORD", f"{record}{stem}.dist-info/RECORD,,\n")
    return path


def _record_hash(content: str) -> str:
    digest = urlsafe_b64encode(hashlib.sha256(content.encode()).digest())
    return "sha256=" + digest.decode().rstrip("=")


def commit(folder: Path, remote: str | None = None) -> str:
    """Make ``folder`` a git repository with one commit, and tell the commit."""
    run("git", "init", "-q", folder)
    run("git", "add", ".", folder=folder)
    run("git", "-c", "user.name=t", "-c", "user.email=t@example.org", "commit", "-q", "-m", "Begin", folder=folder)
    if remote:
        run("git", "remote", "add", "origin", remote, folder=folder)
    return run("git", "rev-parse", "HEAD", folder=folder).strip()


@functools.cache
def environment_of(interpreter: Path, parent: Path) -> Path:
    """A filled virtual environment of ``interpreter``; the path of its python."""
    version = run(interpreter, "-c", "import sys; print('%d.%d' % sys.version_info[:2])").strip()
    folder = parent / version
    run(interpreter, "-m", "venv", folder / "env")
    python = folder / "env" / "bin" / "python"
    modern = tuple(map(int, version.split("."))) >= (3, 11)
    write_wheel(folder / "wheels", "from-index", "1.0")
    write_wheel(folder / "wheels", "Under_Score.d", "2020.1.5")
    given = write_wheel(folder / "wheels", "Zed", "2.0rc1")
    plain = write_project(folder / "plain-tree", "plain-tree", "0.1", modern=modern)
    tracked = write_project(folder / "tracked" / "sub", "tracked-tree", "0.2", modern=modern)
    commit(folder / "tracked", remote="https://user:s3cr3t@git.example.org/team/tracked.git")
    lonely = write_project(folder / "lonely", "lonely-tree", "0.3", modern=modern)
    versioned = write_project(folder / "versioned", "versioned", "0.4", modern=modern)
    commit(versioned)
    directory = write_project(folder / "directory", "from-directory", "0.5", modern=modern)
    if version != "3.6":  # Its pip prints git's failure among its lines where a work tree has no remote.
        commit(lonely)
    run(python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation",
        "--find-links", folder / "wheels", "from-index", "Under_Score.d", given, f"git+file://{versioned}", directory,
        "-e", plain, "-e", tracked, "-e", lonely)  # fmt: skip
    return python


@pytest.fixture(scope="session")
def environments(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds the environments of this session."""
    return tmp_path_factory.mktemp("environments")


@pytest.fixture(scope="session", params=interpreters(), ids=lambda path: path.parent.parent.name)
def environment(request: pytest.FixtureRequest, environments: Path) -> Iterator[Path]:
    """The python of a filled environment, for each interpreter in turn."""
    yield environment_of(request.param, environments)
