"""A small conda channel: real archives and a real index, packed from what lies on this machine."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import zstandard
from tests.lab.laboratory import interpreters
from tests.lab.laboratory.machine import locked_cache

PLACEHOLDER = "/opt/a_placeholder_that_is_replaced_by_the_folder_of_the_environment"


class CondaPackage(msgspec.Struct, frozen=True, kw_only=True):
    """One package to pack."""

    name: str
    version: str
    build: str
    depends: tuple[str, ...] = ()
    noarch: str | None = None
    """``python`` where its files go into whichever site-packages there is."""
    files: dict[str, bytes] = {}
    """Relative path to content; text that holds PLACEHOLDER gets the folder of the environment."""
    tree: Path | None = None
    """A tar archive whose one folder holds more files."""
    as_conda: bool = False
    """The newer kind of archive."""

    @property
    def subdir(self) -> str:
        """Where it lies in a channel."""
        return "noarch" if self.noarch else "linux-64"

    @property
    def file_name(self) -> str:
        """``name-version-build`` with the ending of its kind."""
        return f"{self.name}-{self.version}-{self.build}" + (".conda" if self.as_conda else ".tar.bz2")


def python_package(version: str) -> CondaPackage:
    """CPython of this machine as a conda package."""
    return CondaPackage(
        name="python",
        version=version,
        build="h0000000_0_cpython",
        depends=("openssl >=3",),
        tree=interpreters.archive(version),
        as_conda=True,
    )


def write_channel(folder: Path, *packages: CondaPackage) -> None:
    """Pack ``packages`` into a channel's folder and index it."""
    from rattler.index import index_fs

    for subdir in ("noarch", "linux-64"):
        (folder / subdir).mkdir(parents=True, exist_ok=True)
    for package in packages:
        (folder / package.subdir / package.file_name).write_bytes(_packed(package))
    asyncio.run(index_fs(folder, write_zst=False, write_shards=False))


def digests(folder: Path, package: CondaPackage) -> tuple[str, str]:
    """MD5 and SHA-256 of a package in a channel's folder."""
    content = (folder / package.subdir / package.file_name).read_bytes()
    return hashlib.md5(content, usedforsecurity=False).hexdigest(), hashlib.sha256(content).hexdigest()


def _packed(package: CondaPackage) -> bytes:
    if package.tree is None:
        return _archive(package)
    with locked_cache() as cache:
        kept = cache / "conda" / package.file_name
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            kept.write_bytes(_archive(package))
        return kept.read_bytes()


def _archive(package: CondaPackage) -> bytes:
    files = {name: (content, 0o755 if name.startswith("bin/") else 0o644) for name, content in package.files.items()}
    links: dict[str, str] = {}
    if package.tree is not None:
        _add_tree(package.tree, files, links)
    information = {f"info/{name}": content for name, content in _information(package, files, links).items()}
    payload = _tar(files, links)
    about = _tar({name: (content, 0o644) for name, content in information.items()}, {})
    if not package.as_conda:
        whole = {**{name: (content, 0o644) for name, content in information.items()}, **files}
        return _compressed_bz2(_tar(whole, links))
    stem = package.file_name.removesuffix(".conda")
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as parts:
        parts.writestr("metadata.json", json.dumps({"conda_pkg_format_version": 2}))
        for kind, content in (("pkg", payload), ("info", about)):
            parts.writestr(f"{kind}-{stem}.tar.zst", zstandard.ZstdCompressor(level=1).compress(content))
    return archive.getvalue()


def _add_tree(tree: Path, files: dict[str, tuple[bytes, int]], links: dict[str, str]) -> None:
    with tarfile.open(tree) as archive:
        for member in archive:
            name = member.name.partition("/")[2]
            if "/site-packages/" in name or name.startswith("bin/pip"):
                continue  # pip is a package of its own
            if member.issym():
                links[name] = member.linkname
            elif member.isfile() and (stream := archive.extractfile(member)) is not None:
                files[name] = (stream.read(), member.mode)


def _information(
    package: CondaPackage, files: Mapping[str, tuple[bytes, int]], links: Mapping[str, str]
) -> dict[str, bytes]:
    index: dict[str, Any] = {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "build_number": 0,
        "depends": list(package.depends),
        "subdir": package.subdir,
        "arch": None if package.noarch else "x86_64",
        "platform": None if package.noarch else "linux",
    }
    if package.noarch:
        index["noarch"] = package.noarch
    paths = [_path(name, content) for name, (content, _) in sorted(files.items())]
    paths += [{"_path": name, "path_type": "softlink"} for name in sorted(links)]
    found = {
        "index.json": index,
        "paths.json": {"paths": paths, "paths_version": 1},
        "about.json": {"home": "https://example.org"},
    }
    texts = {name: json.dumps(content).encode() for name, content in found.items()}
    texts["files"] = "".join(f"{name}\n" for name in sorted([*files, *links])).encode()
    if package.noarch == "python":
        texts["link.json"] = json.dumps({"noarch": {"type": "python"}, "package_metadata_version": 1}).encode()
    return texts


def _path(name: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "_path": name,
        "path_type": "hardlink",
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_in_bytes": len(content),
    }
    if PLACEHOLDER.encode() in content:
        entry |= {"prefix_placeholder": PLACEHOLDER, "file_mode": "text"}
    return entry


def _tar(files: Mapping[str, tuple[bytes, int]], links: Mapping[str, str]) -> bytes:
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w") as archive:
        for name, (content, mode) in sorted(files.items()):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, io.BytesIO(content))
        for name, target in sorted(links.items()):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member)
    return whole.getvalue()


def _compressed_bz2(content: bytes) -> bytes:
    import bz2

    return bz2.compress(content, 9)
