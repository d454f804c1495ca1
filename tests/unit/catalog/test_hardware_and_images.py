"""Look-ups over GPUs, drivers, cuDNN, vendors' images and digests."""

from __future__ import annotations

import pytest

from reprobuild.catalog import Catalog
from reprobuild.catalog.cudnn import version_of_integer
from reprobuild.catalog.drivers import brand_of
from reprobuild.catalog.torch_architectures import capability_of_sm

CATALOG = Catalog.packaged()


@pytest.mark.parametrize(
    ("name", "capability"),
    [
        ("NVIDIA GeForce RTX 3090", "8.6"),
        ("GeForce RTX 3090", "8.6"),
        ("Tesla T4", "7.5"),
        ("NVIDIA A100-SXM4-40GB", "8.0"),
        ("NVIDIA H100 80GB HBM3", "9.0"),
        ("Tesla V100-SXM2-16GB", "7.0"),
    ],
)
def test_a_gpus_capability_by_its_name(name: str, capability: str) -> None:
    gpu = CATALOG.gpus.by_name(name)
    assert gpu is not None and gpu.compute_capability == capability


def test_a_gpu_that_is_not_listed() -> None:
    assert CATALOG.gpus.by_name("NVIDIA Quantum 1") is None


def test_every_gpu_has_a_capability_that_is_known() -> None:
    capabilities = {each.compute_capability for each in CATALOG.gpus.capabilities}
    for row in CATALOG.table("gpus").rows:
        assert set((row["ambiguous"] or row["compute_capability"]).split(";")) <= capabilities


def test_which_cuda_compiles_for_a_capability() -> None:
    ampere = CATALOG.gpus.capability("8.6")
    assert ampere is not None and not ampere.compiles_with("11.0") and ampere.compiles_with("11.1")
    pascal = CATALOG.gpus.capability("6.1")
    assert pascal is not None and pascal.compiles_with("12.9") and not pascal.compiles_with("13.0")
    assert CATALOG.gpus.capability("0.5") is None


def test_torch_1_10_for_cuda_10_2_has_nothing_for_an_rtx_3090() -> None:
    table = CATALOG.torch_architectures
    old, rescue = table.of("1.10.1+cu102", "cu102"), table.of("1.10.1", "cu113")
    assert old is not None and not old.runs_on("8.6")
    assert rescue is not None and rescue.runs_on("8.6")
    assert {each.variant for each in table.variants_for("1.10.1", "8.6")} == {"cu111", "cu113"}


def test_code_runs_on_later_minors_and_by_ptx_on_later_majors() -> None:
    table = CATALOG.torch_architectures
    ada = table.of("2.1.0", "cu121")
    assert ada is not None and ada.runs_on("8.9") and not ada.runs_on("12.0") and not ada.runs_on("3.7")
    ptx = table.of("1.0.0", "cu100")
    assert ptx is not None and "5.0+PTX" in ptx.architectures and ptx.runs_on("8.6")
    assert table.of("2.1.0", "cpu") is None


@pytest.mark.parametrize(("name", "text"), [("sm_86", "8.6"), ("sm_90a", "9.0"), ("sm_120", "12.0"), ("gfx90a", None)])
def test_architectures_as_torch_prints_them(name: str, text: str | None) -> None:
    assert capability_of_sm(name) == text


def test_the_driver_of_a_toolkit() -> None:
    exact, minor = CATALOG.drivers.toolkit("12.1.1"), CATALOG.drivers.toolkit("11.8")
    assert exact is not None and exact.minimum == "530.30.02"
    assert minor is not None and minor.cuda == "11.8.0"
    assert CATALOG.drivers.toolkit("99.1") is None


@pytest.mark.parametrize(
    ("image", "driver", "driver_cuda", "brand", "starts"),
    [
        ("12.1.1", "535.104.05", "12.2", "geforce", True),
        ("12.1.1", "525.85.12", "12.0", "geforcertx", True),
        ("12.1.1", "515.43.04", "11.7", "geforce", False),
        ("12.6.3", "535.104.05", "12.2", "geforce", False),
        ("12.6.3", "535.104.05", "12.2", "tesla", True),
        ("12.6.3", "535.104.05", "12.2", None, None),
        ("10.2", "440.33", "10.2", None, None),
    ],
)
def test_whether_an_image_starts(
    image: str, driver: str, driver_cuda: str | None, brand: str | None, starts: bool | None
) -> None:
    assert CATALOG.drivers.starts(image, driver, driver_cuda, brand) is starts


def test_minor_version_compatibility_is_looser() -> None:
    assert CATALOG.drivers.runs("12.6", "525.85.12") is True
    assert CATALOG.drivers.runs("12.6", "515.43.04") is False
    assert CATALOG.drivers.runs("10.2", "430.64") is False
    assert CATALOG.drivers.runs("6.0", "300.1") is None


@pytest.mark.parametrize(
    ("name", "brand"),
    [("NVIDIA GeForce RTX 3090", "geforcertx"), ("Tesla T4", "tesla"), ("NVIDIA A100-SXM4-40GB", "nvidia"),
     ("NVIDIA RTX A6000", "nvidiartx"), ("Quadro P1000", "quadro")],
)  # fmt: skip
def test_brands(name: str, brand: str) -> None:
    assert brand_of(name) == brand


def test_which_cuda_a_cudnn_supports() -> None:
    cudnn = CATALOG.cudnn
    assert cudnn.supports("8.9.1.23", "12.1") is True
    assert cudnn.supports("9.17.0", "11.8") is False
    assert cudnn.supports("8.9.2.26", "12.1") is True
    assert cudnn.supports("8.9.2.26", "12.2") is None
    assert cudnn.supports("4.0", "7.5") is None
    assert cudnn.support("no version") is None


@pytest.mark.parametrize(
    ("number", "text"), [(8902, "8.9.2"), (7605, "7.6.5"), (90100, "9.1.0"), (91900, "9.19.0"), (0, None)]
)
def test_cudnns_own_integer(number: int, text: str | None) -> None:
    assert version_of_integer(number) == text


def test_ngc_containers_are_found_by_the_commit_in_their_torch() -> None:
    assert [each.release for each in CATALOG.ngc.by_torch_version("2.1.0a0+29c30b1")] == ["23.08"]
    assert [each.release for each in CATALOG.ngc.by_torch_version("1.14.0a0+44dac51")] == ["23.01", "23.02"]
    assert CATALOG.ngc.by_torch_version("2.1.0") == ()
    assert CATALOG.ngc.by_torch_version("2.1.0a0+0000000") == ()
    container = CATALOG.ngc.release("23.08")
    assert container is not None and container.image == "nvcr.io/nvidia/pytorch:23.08-py3"


def test_a_container_that_names_its_release_is_the_only_answer() -> None:
    found = CATALOG.ngc.by_torch_version("2.8.0a0+5228986c39.nv25.05")
    assert [each.release for each in found] == ["25.05"]


def test_tags_of_pytorchs_images() -> None:
    (image,) = CATALOG.pytorch_images.find("2.1.2+cu121", "12.1", "runtime")
    assert image.tag == "2.1.2-cuda12.1-cudnn8-runtime"


def test_rocm_images() -> None:
    found = CATALOG.rocm.find("6.1", "ubuntu", "22.04")
    assert found[0].reference == "rocm/dev-ubuntu-22.04:6.1.2"
    assert all(image.torch is None for image in found)
    assert all(image.torch for image in CATALOG.rocm.find("6.1", torch=True))


def test_digests_of_tags() -> None:
    digest = CATALOG.digests.of("nvidia/cuda", "12.1.1-cudnn8-devel-ubuntu22.04")
    assert digest is not None
    assert digest.digest == "sha256:21196d81f56b48dbee70494d5f10322e1a77cc47ffe202a3bf68eab81533c20f"
    assert len(CATALOG.digests.seen("python", "3.8.12-slim-bullseye")) == 2
    assert CATALOG.digests.of("python", "3.8.12-slim-bullseye") is None


def test_the_tools_images() -> None:
    newest = CATALOG.uv_images.newest()
    assert CATALOG.uv_images.get(newest.version) == newest
    assert newest.reference.startswith("ghcr.io/astral-sh/uv:")
    assert CATALOG.uv_images.get("99.0") is None
    assert CATALOG.uv_images.versions("mambaorg/micromamba")


def test_the_hash_of_a_wheel() -> None:
    (file,) = CATALOG.torch_files.find("2.1.0+cu121", "cp310", folder="cu121")
    assert file.sha256 == "0d4e8c52a1fcf5ed6cfc256d9a370fcf4360958fc79d0b08a51d55e70914df46"
    (other,) = CATALOG.torch_files.find("2.1.0", "cp310")
    assert other.file == "torch-2.1.0-cp310-cp310-manylinux1_x86_64.whl" and other.size == 670168911
    assert CATALOG.torch_files.find("2.1.0", "cp27") == ()
