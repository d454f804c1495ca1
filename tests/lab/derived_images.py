"""Images made from another one by a few lines of Dockerfile, such as wrong ones on purpose."""

from __future__ import annotations

import io
import tarfile

import docker
from tests.lab.laboratory import Laboratory


def derived(lab: Laboratory, tag: str, *lines: str) -> str:
    """Build an image from a few lines of Dockerfile; its tag."""
    content, stream = "\n".join(lines).encode(), io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        entry = tarfile.TarInfo("Dockerfile")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    stream.seek(0)
    client = docker.DockerClient(base_url=lab.docker_host)
    client.images.build(fileobj=stream, custom_context=True, tag=tag, network_mode="host", rm=True)
    client.close()
    return tag
