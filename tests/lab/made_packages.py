"""Small packages of the laboratory's own: as a repository, as a source archive, as a wheel of one page."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

from tests.lab.laboratory import Laboratory
from tests.lab.laboratory.wheels import made_up_wheel


def sources(name: str) -> dict[str, str]:
    """Files of a pure package, version 1.0, that setuptools of any year builds."""
    module = name.replace("-", "_")
    setup = f"from setuptools import setup\n\nsetup(name={name!r}, version='1.0', packages=[{module!r}])\n"
    return {f"{module}/__init__.py": "ANSWER = 42\n", "setup.py": setup}


def repository(lab: Laboratory, folder: Path, name: str) -> tuple[str, str]:
    """Serve a repository of the package; its URL and its commit."""
    checkout = folder / name
    for path, text in sources(name).items():
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text(text)
    identity = ["-c", "user.name=someone", "-c", "user.email=someone@example.com"]
    for command in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "-m", "First"]):
        subprocess.run(["git", "-C", checkout, *identity, *command], check=True)
    head = subprocess.run(["git", "-C", checkout, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return lab.site.add_repository(name, checkout), head.stdout.strip()


def archive(lab: Laboratory, name: str) -> str:
    """Serve a source archive of the package; its URL, with the digest as installers read it."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as packed:
        for path, text in sources(name).items():
            member = tarfile.TarInfo(f"{name}-1.0/{path}")
            member.size = len(text.encode())
            packed.addfile(member, io.BytesIO(text.encode()))
    (lab.site.folder / f"{name}-1.0.tar.gz").write_bytes(stream.getvalue())
    return f"{lab.site.url}/{name}-1.0.tar.gz#sha256={hashlib.sha256(stream.getvalue()).hexdigest()}"


def page_of_links(lab: Laboratory, folder: Path, name: str, version: str, files: dict[str, str]) -> str:
    """Serve a page of links, which is no index, with a made-up wheel of the package; its URL."""
    wheel = made_up_wheel(folder, name, version, files)
    pages = lab.site.folder / "pages"
    pages.mkdir(exist_ok=True)
    (pages / wheel.name).write_bytes(wheel.read_bytes())
    (pages / "links.html").write_text(f'<a href="{wheel.name.replace("+", "%2B")}">{wheel.name}</a>\n')
    return f"{lab.site.url}/pages/links.html"


def torch(folder: Path, version: str, *, cuda: str, cudnn: int) -> Path:
    """A wheel without torch in it, which says of itself what the real one of this version says."""
    files = {
        "torch/__init__.py": "from torch import backends, cuda, version\nfrom torch.version import __version__\n",
        "torch/version.py": f"__version__ = {version!r}\ndebug = False\ncuda = {cuda!r}\nhip = None\n",
        "torch/backends/__init__.py": "from torch.backends import cudnn\n",
        "torch/backends/cudnn.py": f"def version():\n    return {cudnn}\n",
        "torch/cuda/__init__.py": "def get_arch_list():\n    return []\n",
    }
    return made_up_wheel(folder, "torch", version, files)
