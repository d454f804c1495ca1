"""A loopback web site that stands in for PyTorch's index, for the CPython builds and for a git host."""

from __future__ import annotations

import hashlib
import html
import json
import subprocess
import threading
import zipfile
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name, parse_wheel_filename


class _QuietHandler(SimpleHTTPRequestHandler):
    """Serves files and keeps the paths it was asked for instead of printing them."""

    def __init__(self, *arguments: Any, requested: list[str], **options: Any) -> None:
        self.requested = requested
        super().__init__(*arguments, **options)

    def log_message(self, format: str, *arguments: Any) -> None:
        self.requested.append(self.path)


class Site:
    """Static files under one folder, served on loopback until ``stop()``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.requested: list[str] = []
        """Every path that was asked for, in order."""
        for name in ("whl", "python", "git"):
            (folder / name).mkdir(parents=True)
        (folder / "python" / "downloads.json").write_text("{}")
        handler = partial(_QuietHandler, directory=str(folder), requested=self.requested)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True, name="laboratory site").start()

    @property
    def pytorch_index(self) -> str:
        """Stands in for ``https://download.pytorch.org/whl``."""
        return f"{self.url}/whl"

    @property
    def python_downloads(self) -> str:
        """A table of CPython builds for uv."""
        return f"{self.url}/python/downloads.json"

    def add_wheel(self, variant: str, wheel: Path) -> str:
        """Offer a wheel in the folder of a variant (``cpu``, ``cu121``), as PEP 503 and PEP 658 say. Gives its URL."""
        name = canonicalize_name(parse_wheel_filename(wheel.name)[0])
        project = self.folder / "whl" / variant / name
        project.mkdir(parents=True, exist_ok=True)
        (project / wheel.name).symlink_to(wheel.resolve())
        (project / f"{wheel.name}.metadata").write_bytes(_metadata(wheel))
        wheels = sorted(project.glob("*.whl"))
        (project / "index.html").write_text(_page([_link(each, project) for each in wheels]))
        projects = sorted(path.name for path in project.parent.iterdir() if path.is_dir())
        root = _page([f'<a href="{each}/">{each}</a>' for each in projects])
        (project.parent / "index.html").write_text(root)
        return f"{self.pytorch_index}/{variant}/{name}/{wheel.name.replace('+', '%2B')}"

    def add_python(self, version: str, archive: Path) -> None:
        """Offer a CPython archive under its exact version."""
        served = self.folder / "python" / archive.name
        if served.exists():
            return
        served.symlink_to(archive.resolve())
        table_file = self.folder / "python" / "downloads.json"
        table = json.loads(table_file.read_text())
        major, minor, patch = (int(part) for part in version.split("."))
        table[f"cpython-{version}-linux-x86_64-gnu"] = {
            "name": "cpython",
            "arch": {"family": "x86_64", "variant": None},
            "os": "linux",
            "libc": "gnu",
            "major": major,
            "minor": minor,
            "patch": patch,
            "prerelease": "",
            "url": f"{self.url}/python/{archive.name}",
            "sha256": _sha256(archive),
            "variant": None,
            "build": "20240107",
        }
        table_file.write_text(json.dumps(table, indent=1))

    def add_repository(self, name: str, checkout: Path) -> str:
        """Offer a git repository over plain HTTP. Gives the URL to clone."""
        bare = self.folder / "git" / f"{name}.git"
        subprocess.run(["git", "clone", "--quiet", "--bare", str(checkout), str(bare)], check=True)
        subprocess.run(["git", "-C", str(bare), "update-server-info"], check=True)
        return f"{self.url}/git/{name}.git"

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()


def _metadata(wheel: Path) -> bytes:
    with zipfile.ZipFile(wheel) as archive:
        inside = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return archive.read(inside)


def _link(wheel: Path, project: Path) -> str:
    metadata = hashlib.sha256((project / f"{wheel.name}.metadata").read_bytes()).hexdigest()
    address = html.escape(wheel.name.replace("+", "%2B"))
    return (
        f'<a href="{address}#sha256={_sha256(wheel)}" data-dist-info-metadata="sha256={metadata}" '
        f'data-core-metadata="sha256={metadata}">{html.escape(wheel.name)}</a>'
    )


def _page(links: list[str]) -> str:
    return "<!DOCTYPE html>\n<html><body>\n" + "<br/>\n".join(links) + "\n</body></html>\n"


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
