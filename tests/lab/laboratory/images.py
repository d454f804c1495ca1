"""Stand-ins for public images: a real Debian under the names that recipes ask for."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import docker
import docker.errors
from tests.lab.laboratory import interpreters
from tests.lab.laboratory.machine import CHECKOUT

SUITE = "bookworm"
# What the interpreters of this laboratory load; a real CPython build brings these libraries along.
LIBRARIES = ("libbz2-1.0", "libffi8", "liblzma5", "libreadline8", "libsqlite3-0", "libssl3")

_PYTHON_IMAGE = re.compile(r"^python:(?P<version>\d+\.\d+(?:\.\d+)?)-slim(?:-\w+)?$")
_OTHER_REGISTRY = re.compile(r"^[^/]+[.:][^/]*/|^localhost/")


def seed_name() -> str:
    """Names the cached registry content; another suite or package list is another seed."""
    digest = hashlib.sha256(" ".join((SUITE, *LIBRARIES)).encode()).hexdigest()
    return f"registry-{SUITE}-{digest[:12]}"


def debian_root(folder: Path) -> Path:
    """A tar archive of a fresh minimal Debian, made by debootstrap with its default mirror."""
    root, archive = folder / "root", folder / "root.tar"
    include = f"--include={','.join(LIBRARIES)}"
    command = ["debootstrap", "--variant=minbase", include, SUITE, str(root)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(root / "var" / "cache" / "apt" / "archives", ignore_errors=True)
    subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "."], check=True)
    return archive


class Images:
    """Puts stand-ins where the engine finds them: Docker Hub's names in the mirror, others in the engine itself."""

    def __init__(self, client: docker.DockerClient, registry: str) -> None:
        self._client = client
        self._registry = registry
        self.base = f"{registry}/lab/base:{SUITE}"

    def import_base(self, archive: Path) -> None:
        """Make the base from a root file system, and push it."""
        repository, _, tag = self.base.rpartition(":")
        self._client.api.import_image_from_file(str(archive), repository, tag, changes=['CMD ["bash"]'])
        self._push(self.base)

    def pull_base(self) -> None:
        """Take the base from the registry, where an earlier session left it."""
        repository, _, tag = self.base.rpartition(":")
        self._client.images.pull(repository, tag)

    def provide_base(self, reference: str, *, environment: Mapping[str, str] | None = None) -> str:
        """Make ``FROM reference`` work. ``python:X.Y.Z-slim-*`` gets that interpreter. Returns the reference."""
        match = _PYTHON_IMAGE.match(reference)
        image = self._python(match["version"]) if match else self.base
        if environment:
            lines = [f"FROM {image}", *(f'ENV {name}="{value}"' for name, value in sorted(environment.items()))]
            image = self._build({"Dockerfile": "\n".join(lines).encode()})
        self._publish(image, reference)
        return reference

    def provide_trusting_base(self, reference: str, authorities: Path | None) -> str:
        """As ``provide_base``, with a network's certificate authorities inside, as a company's own base has them."""
        self.provide_base(reference)
        if authorities is not None:
            bundle = "/etc/ssl/certs/ca-certificates.crt"
            variables = " ".join(f"{name}={bundle}" for name in ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE"))
            lines = f"FROM {reference}\nCOPY authorities.crt {bundle}\nENV {variables}\n"
            files = {"Dockerfile": lines.encode(), "authorities.crt": authorities.read_bytes()}
            self._publish(self._build(files), reference)
            self.forget(reference)
        return reference

    def provide_uv(self, reference: str) -> str:
        """Make ``COPY --from=reference /uv`` work with the uv that is installed beside this interpreter."""
        import uv

        binary = Path(uv.find_uv_bin()).read_bytes()
        self._publish(
            self._build({"Dockerfile": b"FROM scratch\nCOPY uv uvx /\n", "uv": binary, "uvx": binary}), reference
        )
        return reference

    def provide_micromamba(self, reference: str, program: bytes) -> str:
        """Make ``COPY --from=reference /bin/micromamba`` work with a program that stands in for it."""
        lines = b"FROM scratch\nCOPY micromamba /bin/micromamba\n"
        self._publish(self._build({"Dockerfile": lines, "micromamba": program}), reference)
        return reference

    def forget(self, reference: str) -> None:
        """Remove the engine's own copy of a tag, if it has one."""
        try:
            self._client.images.remove(reference, force=True)
        except docker.errors.ImageNotFound:
            return

    def _python(self, version: str) -> str:
        exact = [each for each in interpreters.available_versions() if f"{each}.".startswith(f"{version}.")]
        archive = interpreters.archive(exact[-1] if exact else version)
        lines = (
            f"FROM {self.base}",
            f"ENV LANG=C.UTF-8 PYTHON_VERSION={exact[-1]}",
            "ENV PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin",
            "ADD local.tar /usr/",
            'CMD ["python3"]',
        )
        own_prefix = interpreters.interpreter(exact[-1] if exact else version).parents[1]
        return self._build({"Dockerfile": "\n".join(lines).encode(), "local.tar": _as_usr_local(archive, own_prefix)})

    def _build(self, files: Mapping[str, bytes]) -> str:
        context = io.BytesIO()
        with tarfile.open(fileobj=context, mode="w") as tar:
            for name, content in sorted(files.items()):
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), 0o755
                tar.addfile(member, io.BytesIO(content))
        context.seek(0)
        image, _ = self._client.images.build(fileobj=context, custom_context=True, rm=True, forcerm=True)
        return str(image.id)

    def _publish(self, image: str, reference: str) -> None:
        if _OTHER_REGISTRY.match(reference):
            assert self._client.images.get(image).tag(*reference.rsplit(":", 1))
            return
        name = reference if "/" in reference else f"library/{reference}"
        pushed = f"{self._registry}/{name}"
        assert self._client.images.get(image).tag(*pushed.rsplit(":", 1))
        self._push(pushed)
        self._client.images.remove(pushed)

    def _push(self, reference: str) -> None:
        repository, _, tag = reference.rpartition(":")
        events: Any = self._client.images.push(repository, tag, stream=True, decode=True)
        for event in events:
            if "error" in event:
                raise RuntimeError(f"cannot push {reference}: {event['error']}")


def _as_usr_local(archive: Path, prefix: Path) -> bytes:
    """The archive with ``local/`` where ``python/`` was, configured for ``/usr/local`` as the official images are.

    Virtual environments are made with the folder of libraries that ``sysconfig`` tells.
    """
    moved = io.BytesIO()
    with tarfile.open(archive) as source, tarfile.open(fileobj=moved, mode="w") as target:
        for member in source:
            content = source.extractfile(member) if member.isfile() else None
            if content is not None and "/_sysconfigdata_" in member.name:
                told = content.read().replace(str(prefix).encode(), b"/usr/local")
                member.size, content = len(told), io.BytesIO(told)
            member.name = member.name.replace("python", "local", 1)
            target.addfile(member, content)
    return moved.getvalue()


def scratch_folder() -> tempfile.TemporaryDirectory[str]:
    """Where the base is made: inside the checkout's .lab, which is on a disk with room."""
    (CHECKOUT / ".lab").mkdir(exist_ok=True)
    return tempfile.TemporaryDirectory(dir=CHECKOUT / ".lab", prefix="debian-")
