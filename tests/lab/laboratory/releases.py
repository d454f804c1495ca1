"""Release archives to compile, where their projects' own sites can't be reached: Debian keeps them byte for byte."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

from tests.lab.laboratory.laboratory import Laboratory
from tests.lab.laboratory.machine import LaboratoryUnavailable, locked_cache

_DOWNLOAD = """set -e
sed 's/^deb /deb-src /; s/ bookworm / {suite} /' /etc/apt/sources.list > /etc/apt/sources.list.d/sources.list
apt-get update
mkdir /source
cd /source
apt-get source --download-only {package}
"""


def offer_cpython(lab: Laboratory, version: str, *, suite: str = "bookworm") -> str:
    """Serve ``X.Y.Z/Python-X.Y.Z.tgz``; the value of PYTHON_SOURCE_MIRROR.

    Raises LaboratoryUnavailable where that suite of Debian has another patch release, or packed it anew.
    """
    package = "python" + ".".join(version.split(".")[:2])
    return _offer(lab, package, suite, f"{package}_{version}.orig.tar.gz", f"{version}/Python-{version}.tgz")


def offer_openssl(lab: Laboratory, version: str, *, suite: str) -> str:
    """Serve ``OpenSSL_X_Y_Z/openssl-X.Y.Z.tar.gz``; the value of OPENSSL_SOURCE_MIRROR. Raises as above."""
    path = f"OpenSSL_{version.replace('.', '_')}/openssl-{version}.tar.gz"
    return _offer(lab, "openssl", suite, f"openssl_{version}.orig.tar.gz", path)


def _offer(lab: Laboratory, package: str, suite: str, original: str, path: str) -> str:
    with locked_cache() as cache:
        kept = cache / "sources" / original
        if not kept.exists():
            kept.parent.mkdir(exist_ok=True)
            unfinished = kept.with_suffix(".unfinished")
            unfinished.write_bytes(_downloaded(lab, package, suite, original))
            unfinished.rename(kept)
    served = lab.site.folder / "releases" / path
    served.parent.mkdir(parents=True, exist_ok=True)
    if not served.exists():
        served.symlink_to(kept.resolve())
    return f"{lab.site.url}/releases"


def _downloaded(lab: Laboratory, package: str, suite: str, original: str) -> bytes:
    script = _DOWNLOAD.format(package=package, suite=suite)
    container = lab.client.containers.create(lab.images.base, ["sh", "-c", script], network_mode="host")
    try:
        container.start()
        if container.wait()["StatusCode"]:
            raise LaboratoryUnavailable(f"{package} can't be downloaded: {container.logs(tail=3).decode()}")
        chunks, _ = container.get_archive("/source")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as files:
            found = {Path(member.name).name: member for member in files}
            stream = files.extractfile(found[original]) if original in found else None
            if stream is None:
                raise LaboratoryUnavailable(f"{suite} has no {original}, but {', '.join(sorted(found))}")
            return stream.read()
    finally:
        container.remove(force=True)
