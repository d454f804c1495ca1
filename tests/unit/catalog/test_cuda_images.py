"""Look-ups over the tags of nvidia/cuda."""

from __future__ import annotations

import pytest

from reprobuild.catalog import Catalog
from reprobuild.catalog.cuda_images import CudaImage, split_distro

IMAGES = Catalog.packaged().cuda_images


def tags(images: tuple[CudaImage, ...]) -> list[str]:
    return [image.tag for image in images]


@pytest.mark.parametrize("cuda", ["12.2.0", "12.3.0", "12.3.1", "12.4.0", "12.5.0", "13.1.0"])
def test_some_versions_have_no_cudnn_image_at_all(cuda: str) -> None:
    assert IMAGES.find(cuda, "runtime", cudnn_series="any") == ()
    assert IMAGES.find(cuda, "runtime") != ()


def test_some_versions_lack_a_cudnn_image_on_one_release_only() -> None:
    assert IMAGES.find("12.5.1", "runtime", "ubuntu", "24.04", cudnn_series="any") == ()
    assert IMAGES.find("12.5.1", "runtime", "ubuntu", "22.04", cudnn_series="any") != ()
    assert IMAGES.find("12.1.0", "runtime", "ubuntu", "18.04", cudnn_series="any") == ()


@pytest.mark.parametrize(
    ("cuda", "series", "tag"),
    [
        ("11.8.0", "8", "11.8.0-cudnn8-runtime-ubuntu22.04"),
        ("12.1.1", "8", "12.1.1-cudnn8-runtime-ubuntu22.04"),
        ("12.2.2", "8", "12.2.2-cudnn8-runtime-ubuntu22.04"),
        ("12.3.2", "9", "12.3.2-cudnn9-runtime-ubuntu22.04"),
        ("12.4.1", "9", "12.4.1-cudnn-runtime-ubuntu22.04"),
        ("12.6.3", "9", "12.6.3-cudnn-runtime-ubuntu22.04"),
    ],
)
def test_the_names_of_cudnn_tags_changed_twice(cuda: str, series: str, tag: str) -> None:
    assert tags(IMAGES.find(cuda, "runtime", "ubuntu", "22.04", "amd64", series)) == [tag]


def test_a_minor_finds_its_patches_newest_first() -> None:
    found = IMAGES.find("12.1", "runtime", "ubuntu", "22.04", "amd64", "8")
    assert tags(found) == ["12.1.1-cudnn8-runtime-ubuntu22.04", "12.1.0-cudnn8-runtime-ubuntu22.04"]


def test_older_releases_of_the_system_come_first_within_a_version() -> None:
    found = IMAGES.find("11.8.0", "runtime", "ubuntu", cudnn_series="8")
    assert [image.os_version for image in found] == ["18.04", "20.04", "22.04"]


def test_a_removed_patch_is_replaced_by_the_highest_of_its_minor() -> None:
    assert IMAGES.removed("11.2.0") and not IMAGES.removed("11.2")
    assert tags(IMAGES.candidates("11.2.0", "runtime", "ubuntu", "20.04", "amd64", "8"))[:2] == [
        "11.2.2-cudnn8-runtime-ubuntu20.04",
        "11.3.1-cudnn8-runtime-ubuntu20.04",
    ]


def test_the_exact_patch_comes_before_higher_ones() -> None:
    found = IMAGES.candidates("12.1.0", "runtime", "ubuntu", "22.04", "amd64", "8")
    assert tags(found)[:2] == ["12.1.0-cudnn8-runtime-ubuntu22.04", "12.1.1-cudnn8-runtime-ubuntu22.04"]


def test_a_lower_version_never_stands_for_a_higher_one() -> None:
    found = IMAGES.candidates("12.2.0", "runtime", "ubuntu", "22.04", "amd64", "any")
    assert found[0].tag == "12.2.2-cudnn8-runtime-ubuntu22.04"
    assert all(image.cuda_minor >= "12.2" for image in found)


@pytest.mark.parametrize("cuda", ["9.0", "10.0", "10.1", "10.2"])
def test_everything_up_to_10_2_is_gone(cuda: str) -> None:
    assert IMAGES.removed(cuda)
    assert IMAGES.candidates(cuda, "runtime") == ()
    assert IMAGES.find(cuda, "runtime", removed=True) != ()


def test_only_what_is_present_is_offered() -> None:
    for minor in {image.cuda_minor for image in IMAGES.all}:
        for image in IMAGES.find(minor, "base") + IMAGES.candidates(minor, "devel", cudnn_series="any"):
            assert image.presence == "present"


def test_cudnn_is_never_in_a_base_image() -> None:
    assert not any(image.has_cudnn for image in IMAGES.all if image.flavor == "base")


def test_architectures_are_told_apart() -> None:
    assert IMAGES.find("11.8.0", "base", "ubuntu", "22.04", "arm64")
    assert IMAGES.find("12.1.1", "base", "ubuntu", "18.04", "arm64") == ()


def test_a_tag_tells_what_it_holds_and_held() -> None:
    image = IMAGES.by_tag("11.8.0-cudnn8-runtime-ubuntu22.04")
    assert image is not None
    assert (image.cudnn, image.cudnn_series, image.require_cuda) == ("8.9.6.50", "8", "11.8")
    assert image.cudnn_earlier
    assert image.reference == "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04"
    assert IMAGES.by_tag("11.8.0-cudnn8-runtime-ubuntu99.04") is None


def test_tensorrt_tags_are_not_offered_as_plain_ones() -> None:
    found = [image for image in IMAGES.all if image.addon == "tensorrt"]
    assert found
    for image in found:
        assert image not in IMAGES.find(image.cuda, image.flavor, image.os_id, image.os_version, removed=True)


def test_distributions_in_tags_are_split() -> None:
    assert split_distro("ubuntu22.04") == ("ubuntu", "22.04")
    assert split_distro("rockylinux8") == ("rocky", "8")
    assert split_distro("ubi9") == ("ubi", "9")
