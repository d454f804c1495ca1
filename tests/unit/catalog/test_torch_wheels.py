"""Look-ups over the published PyTorch wheels."""

from __future__ import annotations

import pytest

from reprobuild.catalog import Catalog
from reprobuild.catalog.torch_wheels import index_url, local_of, nightly_date, nightly_url

WHEELS = Catalog.packaged().torch_wheels


def test_a_version_with_a_suffix_names_its_folder() -> None:
    variant = WHEELS.variant("1.10.1+cu113", "cp38")
    assert variant is not None
    assert (variant.folder, variant.cuda, variant.published_version) == ("cu113", "11.3", "1.10.1+cu113")
    assert variant.evidence == "observed"


@pytest.mark.parametrize(
    ("version", "folder"),
    [
        ("2.1.0+cu121", "cu121"),
        ("2.4.0+cu121", "cu121"),
        ("2.1.0+cu121.with.pypi.cudnn", "cu121_pypi_cudnn"),
        ("2.0.0+cpu", "cpu"),
        ("2.0.0+cpu.cxx11.abi", "cpu-cxx11-abi"),
        ("2.0.0+cpu-cxx11-abi", "cpu-cxx11-abi"),
        ("2.1.0+rocm5.6", "rocm5.6"),
        ("2.6.0+xpu", "xpu"),
    ],
)
def test_suffix_and_folder_are_two_things(version: str, folder: str) -> None:
    variant = WHEELS.variant(version)
    assert variant is not None and variant.folder == folder


def test_the_full_build_is_found_only_by_its_folder() -> None:
    variant = WHEELS.variant("2.5.1+cu121", folder="cu121_full")
    assert variant is not None and variant.is_full and variant.published_version == "2.5.1+cu121"
    ordinary = WHEELS.variant("2.5.1+cu121")
    assert ordinary is not None and not ordinary.is_full


@pytest.mark.parametrize("version", ["2.1.0+cu124", "2.1.0+cu122", "2.15.0+cu133", "9.9.9+cu121", "nonsense"])
def test_what_was_never_published_is_not_found(version: str) -> None:
    assert WHEELS.variant(version) is None


def test_a_python_without_a_wheel_is_told() -> None:
    assert WHEELS.variant("1.10.1+cu113", "cp310") is None
    assert WHEELS.published("1.10.1", "cp310", "linux_x86_64") == ()
    assert WHEELS.published("1.10.1", "cp38", "linux_aarch64") != WHEELS.published("1.10.1", "cp38")


def test_plain_versions_hide_their_folder_in_old_releases() -> None:
    assert WHEELS.variant("1.0.0") is None
    assert {each.folder for each in WHEELS.plain("1.0.0", "cp37")} == {"cpu", "cu80", "cu90", "cu100"}
    assert [(each.folder, each.cuda) for each in WHEELS.plain("1.8.0", "cp38")] == [("cu102", "10.2")]
    chosen = WHEELS.variant("1.0.0", "cp37", folder="cu90")
    assert chosen is not None and chosen.published_version == "1.0.0"


def test_plain_aarch64_wheels_in_a_cuda_folder_are_cuda_builds() -> None:
    found = {each.folder: each.cuda for each in WHEELS.plain("2.5.1", "cp310", "linux_aarch64")}
    assert found == {"cpu": None, "cu124": "12.4"}


def test_pypi_has_one_default_build_a_release() -> None:
    wheels = WHEELS.pypi("2.1.0")
    assert wheels is not None
    assert (wheels.cuda, wheels.variant, wheels.torch_version) == ("12.1", "cu121", "2.1.0+cu121")
    assert (wheels.cudnn, wheels.pins["nvidia-cudnn-cu12"]) == ("8.9.2.26", "==8.9.2.26")
    assert wheels.offers("cp310") and not wheels.offers("cp312")


@pytest.mark.parametrize(
    ("version", "cuda"),
    [
        ("1.4.0", "10.1"),
        ("1.10.1", "10.2"),
        ("1.13.1", "11.7"),
        ("2.4.1", "12.1"),
        ("2.6.0", "12.4"),
        ("2.8.0", "12.8"),
    ],
)
def test_pypis_default_cuda_by_release(version: str, cuda: str) -> None:
    wheels = WHEELS.pypi(version)
    assert wheels is not None and wheels.cuda == cuda


def test_pypis_arm_wheels_were_cpu_builds_until_2_10() -> None:
    older, newer = WHEELS.pypi("2.7.0", "linux_aarch64"), WHEELS.pypi("2.11.0", "linux_aarch64")
    assert older is not None and (older.cuda, older.variant, older.cudnn) == (None, "cpu", None)
    assert newer is not None and newer.cuda == "13.0"


def test_releases_that_are_not_on_pypi() -> None:
    release = WHEELS.release("1.0.1.post2")
    assert release is not None and not release.on_pypi and release.pypi == {}


def test_a_release_is_found_by_every_spelling() -> None:
    exact = WHEELS.release("1.10.0")
    assert exact is not None
    assert WHEELS.release("1.10") is exact
    assert WHEELS.release("1.10.0+cu113") is exact
    assert WHEELS.release("1.14.0a0+44dac51") is None


def test_the_nearest_lower_cuda_is_a_published_one() -> None:
    nearest = WHEELS.nearest_cuda("2.1.0", "12.3", "cp310")
    assert nearest is not None and nearest.folder == "cu121"
    assert WHEELS.nearest_cuda("2.1.0", "11.0", "cp310") is None


def test_a_cuda_finds_its_ordinary_build() -> None:
    variant = WHEELS.by_cuda("2.1.0", "12.1", "cp310")
    assert variant is not None and variant.folder == "cu121"
    assert WHEELS.by_cuda("2.1.0", "12.2", "cp310") is None


def test_what_follows_a_nightly_or_a_containers_build() -> None:
    after = WHEELS.following("2.2.0.dev20231010+cu121")
    assert after is not None and after.version == "2.2.0"
    skipped = WHEELS.following("1.14.0a0+44dac51")
    assert skipped is not None and skipped.version == "2.0.0"


def test_platform_tags_say_what_glibc_is_needed() -> None:
    variant = WHEELS.variant("2.7.0+cu128", "cp312")
    assert variant is not None and variant.platform_tags["linux_x86_64"] == ("manylinux_2_28_x86_64",)


def test_every_variant_has_what_its_folder_says() -> None:
    for release in WHEELS.releases:
        for variant in release.variants:
            assert variant.pythons
            assert (variant.accelerator == "cuda") == variant.folder.startswith("cu") or variant.folder == ""


def test_long_term_support_has_a_page_of_its_own() -> None:
    wheels = WHEELS.lts("1.8.2+cu111")
    assert wheels is not None and wheels.find_links.endswith("/lts/1.8/torch_lts.html") and wheels.note
    assert "cp38" in wheels.pythons and "linux_x86_64" in wheels.platforms
    assert WHEELS.lts("1.8.1+cu111") is None and WHEELS.release("1.8.2") is None


def test_addresses() -> None:
    assert index_url("cu121") == "https://download.pytorch.org/whl/cu121"
    assert index_url("cpu", "https://mirror.example/whl/") == "https://mirror.example/whl/cpu"
    assert index_url("") == "https://download.pytorch.org/whl"
    assert nightly_url("cu121") == "https://download.pytorch.org/whl/nightly/cu121"
    assert nightly_date("2.2.0.dev20231010+cu121") == "20231010"
    assert nightly_date("2.2.0") is None
    assert nightly_date("0.0.0.dev0") is None
    assert local_of("2.1.0+cu121") == "cu121" and local_of("2.1.0") == ""
