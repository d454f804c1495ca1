"""CPython builds in the shape of uv's standalone archives, packed from the interpreters under PYENV_ROOT."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from tests.lab.laboratory.machine import LaboratoryUnavailable, locked_cache

# Finds its interpreter beside itself, wherever the archive is unpacked; uv's builds do the same.
_PIP_SCRIPT = """#!/bin/sh
'''exec' "$(dirname -- "$(realpath -- "$0")")/python{minor}" "$0" "$@"
' '''
import sys
from pip._internal.cli.main import main
sys.exit(main())
"""


def available_versions() -> tuple[str, ...]:
    """Exact versions under PYENV_ROOT, from 3.8 on; empty where there are none."""
    versions = Path(os.environ.get("PYENV_ROOT", "/nonexistent")) / "versions"
    found = [path.name for path in versions.glob("3.*.*") if (path / "bin" / "python3").exists()]
    exact = [name for name in found if all(part.isdigit() for part in name.split("."))]
    return tuple(sorted((name for name in exact if int(name.split(".")[1]) >= 8), key=_numbers))


def interpreter(version: str) -> Path:
    """The executable of one of ``available_versions()``."""
    minor = ".".join(version.split(".")[:2])
    return Path(os.environ["PYENV_ROOT"]) / "versions" / version / "bin" / f"python{minor}"


def archive(version: str) -> Path:
    """The archive of that version: one folder ``python/``. Packed once, then kept in the cache."""
    if version not in available_versions():
        raise LaboratoryUnavailable(f"no CPython {version} under PYENV_ROOT to stand in for the real build")
    with locked_cache() as cache:
        packed = cache / "python" / f"cpython-{version}-linux-x86_64-gnu.tar.gz"
        if not packed.exists():
            packed.parent.mkdir(exist_ok=True)
            with tempfile.TemporaryDirectory(dir=packed.parent) as scratch:
                _pack(version, Path(scratch), packed)
        return packed


def _pack(version: str, scratch: Path, packed: Path) -> None:
    minor = ".".join(version.split(".")[:2])
    tree = scratch / "python"
    source = interpreter(version).parents[1]
    ignored = shutil.ignore_patterns("__pycache__", "test", "tests", "*.a", "site-packages", "idlelib", "tkinter")
    shutil.copytree(source / "lib", tree / "lib", symlinks=True, ignore=ignored)
    shutil.copytree(source / "include", tree / "include", symlinks=True)
    _copy_pip(source / "lib" / f"python{minor}" / "site-packages", tree / "lib" / f"python{minor}" / "site-packages")
    (tree / "bin").mkdir()
    shutil.copy2(source / "bin" / f"python{minor}", tree / "bin" / f"python{minor}")
    for name in ("python3", "python"):
        (tree / "bin" / name).symlink_to(f"python{minor}")
    for name in ("pip", "pip3", f"pip{minor}"):
        (tree / "bin" / name).write_text(_PIP_SCRIPT.format(minor=minor))
        (tree / "bin" / name).chmod(0o755)
    library = tree / "lib" / f"libpython{minor}.so.1.0"
    subprocess.run(["patchelf", "--set-rpath", "$ORIGIN/../lib", tree / "bin" / f"python{minor}"], check=True)
    if library.exists():
        subprocess.run(["patchelf", "--set-rpath", "$ORIGIN", library], check=True)
    whole = scratch / packed.name
    with tarfile.open(whole, "w:gz", compresslevel=1) as tar:
        tar.add(tree, "python", filter=_owned_by_root)
    whole.rename(packed)


def _copy_pip(source: Path, target: Path) -> None:
    """Only pip: what else was installed there is this machine's business."""
    target.mkdir()
    for path in [source / "pip", *source.glob("pip-*.dist-info")]:
        shutil.copytree(path, target / path.name, ignore=shutil.ignore_patterns("__pycache__"))


def _owned_by_root(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = "root"
    return member


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
