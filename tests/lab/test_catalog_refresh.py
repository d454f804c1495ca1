"""The catalog's refresh against a real registry, a real wheel index and a disk that is really full."""

from __future__ import annotations

import subprocess
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from tests.lab.laboratory import Laboratory
from tests.lab.laboratory.daemon import Daemon
from tests.lab.laboratory.machine import free_port
from tests.unit.refresh.server import self_signed

from reprobuild.catalog import Catalog
from reprobuild.errors import CatalogError
from reprobuild.refresh import Options, Report, refresh, registry
from reprobuild.refresh.http import Client
from reprobuild.refresh.registry import Registry

pytestmark = pytest.mark.lab

KNOWN = "12.1.1-cudnn8-runtime-ubuntu22.04"
NEW = "13.9.1-cudnn-runtime-ubuntu24.04"
WHEEL = "torch-2.99.0+cu139-cp311-cp311-manylinux_2_28_x86_64.whl"
DAY = date(2027, 1, 2)


@pytest.fixture(scope="module")
def images(lab: Laboratory) -> Laboratory:
    """Two tags of ``nvidia/cuda`` in the registry, one of which no table knows."""
    lab.images.provide_base(f"nvidia/cuda:{KNOWN}")
    environment = {"NV_CUDNN_VERSION": "9.20.1.3-1", "NVIDIA_REQUIRE_CUDA": "cuda>=13.9 brand=tesla,driver>=570"}
    lab.images.provide_base(f"nvidia/cuda:{NEW}", environment=environment)
    return lab


def run(lab: Laboratory, folder: Path, **given: object) -> Report:
    addresses = {
        "docker_hub": f"http://{lab.registry}",
        "pytorch_index": lab.site.pytorch_index,
        "python_downloads": lab.site.python_downloads,
        "missing": "keep",
        "folder": folder,
    }
    return refresh(Options(**{**addresses, **given}), day=DAY)  # type: ignore[arg-type]  # by name


def test_a_pushed_tag_comes_with_its_digest_and_what_is_inside(images: Laboratory, tmp_path: Path) -> None:
    report = run(images, tmp_path, only=("cuda_images",))
    assert report.failures == ()
    changes = {change.name: change for change in report.changes}
    assert changes["cuda_images"].added == (NEW,)
    catalog = Catalog.load(tmp_path)
    image = catalog.cuda_images.by_tag(NEW)
    assert image is not None and image.available
    assert (image.cudnn, image.require_cuda, image.architectures) == ("9.20.1.3", "13.9", ("amd64",))
    digest = catalog.digests.of("nvidia/cuda", NEW)
    assert digest is not None and digest.date == "2027-01-02"
    # What was told is what the engine pulls.
    pulled = images.client.images.pull(f"{images.registry}/nvidia/cuda@{digest.digest}")
    assert f"NV_CUDNN_VERSION={'9.20.1.3-1'}" in pulled.attrs["Config"]["Env"]


def test_a_tag_that_moves_is_seen_and_looked_into_again(images: Laboratory, tmp_path: Path) -> None:
    run(images, tmp_path, only=("digests",))
    before = Catalog.load(tmp_path).digests.of("nvidia/cuda", NEW)
    images.images.provide_base(
        f"nvidia/cuda:{NEW}",
        environment={"NV_CUDNN_VERSION": "9.21.0.1-1", "NVIDIA_REQUIRE_CUDA": "cuda>=13.9 brand=tesla,driver>=570"},
    )
    report = run(images, tmp_path, only=("digests",))
    after = Catalog.load(tmp_path)
    image, moved = after.cuda_images.by_tag(NEW), after.digests.of("nvidia/cuda", NEW)
    assert image is not None and (image.cudnn, image.cudnn_earlier) == ("9.21.0.1", ("9.20.1.3",))
    assert before is not None and moved is not None and before.digest != moved.digest
    assert next(change for change in report.changes if change.name == "cuda_images").changed == (NEW,)


def test_a_registry_with_few_tags_is_doubted(images: Laboratory, tmp_path: Path) -> None:
    report = run(images, tmp_path, only=("cuda_images",), missing="check")
    assert [failure.tables for failure in report.failures] == [("cuda_images", "digests")]
    assert "the listing is doubted" in report.failures[0].message and not list(tmp_path.iterdir())
    believed = run(images, tmp_path, only=("cuda_images",), missing="remove", with_digests=False)
    removed = next(change for change in believed.changes if change.name == "cuda_images").removed
    catalog = Catalog.load(tmp_path)
    assert len(removed) > 1000
    assert {image.presence for image in catalog.cuda_images.all if image.tag in removed} == {"removed"}
    assert catalog.cuda_images.by_tag(KNOWN) in catalog.cuda_images.find("12.1", "runtime", cudnn_series="8")


def test_the_registrys_own_pages_are_followed(images: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "PAGE", 1)
    tags = Registry(Client(), f"http://{images.registry}", "nvidia/cuda").tags()
    assert {KNOWN, NEW} <= set(tags) and len(tags) == len(set(tags))


def test_a_repository_that_the_registry_lacks_is_an_error(images: Laboratory) -> None:
    with pytest.raises(CatalogError, match="does not have it"):
        Registry(Client(), f"http://{images.registry}", "no/such").tags()


@pytest.fixture
def encrypted(images: Laboratory, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The same registry over TLS with a certificate of its own: its address and that certificate."""
    _, certificate = self_signed(tmp_path)
    port = free_port()
    configuration = tmp_path / "registry.yml"
    configuration.write_text(
        f"version: 0.1\nlog:\n  level: warn\nstorage:\n  filesystem:\n    rootdirectory: {images.folder / 'registry'}\n"
        f"http:\n  addr: 127.0.0.1:{port}\n"
        f"  tls:\n    certificate: {certificate}\n    key: {tmp_path / 'key.pem'}\n"
    )
    daemon = Daemon("encrypted", ["docker-registry", "serve", str(configuration)], tmp_path)
    url = f"https://127.0.0.1:{port}"
    daemon.wait_until(lambda: _answers(url, certificate))
    yield url, certificate
    daemon.stop()


def _answers(url: str, certificate: Path) -> bool:
    try:
        return Client(certificate).get(f"{url}/v2/").status == 200
    except CatalogError:
        return False


def test_a_registry_behind_a_companys_authority(
    images: Laboratory, encrypted: tuple[str, Path], tmp_path: Path
) -> None:
    url, certificate = encrypted
    folder = tmp_path / "tables"
    report = run(images, folder, only=("cuda_images",), docker_hub=url)
    assert "its certificate is not trusted" in report.failures[0].message
    assert report.failures[0].hint is not None and "--ca-certificate" in report.failures[0].hint
    assert run(images, folder, only=("cuda_images",), docker_hub=url, ca_certificate=certificate).failures == ()
    assert Catalog.load(folder).digests.of("nvidia/cuda", KNOWN) is not None


def test_a_wheel_on_the_index_is_known_with_its_hash_and_cudnn(lab: Laboratory, tmp_path: Path) -> None:
    wheel = tmp_path / WHEEL
    metadata = (
        "Metadata-Version: 2.1\nName: torch\nVersion: 2.99.0+cu139\nRequires-Dist: nvidia-cudnn-cu13==9.20.0.48\n"
    )
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("torch-2.99.0+cu139.dist-info/METADATA", metadata)
    lab.site.add_wheel("cu139", wheel)
    # The root's page, which PyTorch's own index has too, names the folders; a static site lists none by itself.
    project = lab.site.folder / "whl" / "torch"
    project.mkdir(exist_ok=True)
    (project / "index.html").write_text(f'<html><a href="../cu139/torch/{WHEEL.replace("+", "%2B")}">x</a></html>')
    folder = tmp_path / "tables"
    assert run(lab, folder, only=("torch_variants",)).failures == ()
    catalog = Catalog.load(folder)
    variant = catalog.torch_wheels.variant("2.99.0+cu139", "cp311")
    assert variant is not None and (variant.cuda, variant.cudnn, variant.cudnn_source) == ("13.9", "9.20.0.48", "pin")
    (file,) = catalog.torch_files.find("2.99.0+cu139", "cp311", folder="cu139")
    digest = subprocess.run(["sha256sum", str(wheel)], check=True, capture_output=True, text=True).stdout.split()[0]
    assert file.sha256 == digest


def test_a_table_of_builds_that_a_mirror_serves(lab: Laboratory, tmp_path: Path) -> None:
    (lab.site.folder / "python" / "mirror.json").write_text(
        '{"a": {"name": "cpython", "os": "linux", "libc": "gnu", "arch": {"family": "x86_64", "variant": null},'
        ' "major": 3, "minor": 14, "patch": 77, "url": "https://mirror.example.com/20270101/c.tar.gz",'
        ' "build": "20270101"}}'
    )
    url = f"{lab.site.url}/python/mirror.json"
    assert run(lab, tmp_path, only=("cpython_builds",), python_downloads=url).failures == ()
    build = Catalog.load(tmp_path).cpython.uv_build("3.14.77")
    assert build is not None and build.uv is None


def test_a_disk_that_is_full_leaves_the_old_tables_in_force(images: Laboratory, tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], check=True)
    try:
        run(images, disk, only=("cuda_images",))
        before = sorted(path.name for path in disk.iterdir())
        with pytest.raises(CatalogError, match="No space left on device"):
            run(images, disk, only=("cuda_images",), missing="remove", with_digests=False)
        assert sorted(path.name for path in disk.iterdir()) == before
        image = Catalog.load(disk).cuda_images.by_tag("12.1.0-base-ubuntu22.04")
        assert image is not None and image.available
    finally:
        subprocess.run(["umount", str(disk)], check=True)
