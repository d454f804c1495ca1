"""Which image a recipe starts from: tags that exist, the recorded release, glibc, cuDNN's series, other systems."""

from __future__ import annotations

from typing import Any

import pytest
from tests.unit.planner.records import (
    DEBIAN_12,
    MACOS,
    SHA256,
    UBUNTU_2004,
    WINDOWS,
    decision,
    listed,
    planned,
    record,
    warning_codes,
)

from reprobuild.catalog import Catalog
from reprobuild.catalog.digests import Digests
from reprobuild.catalog.tables import Table, packaged_folder
from reprobuild.errors import PlanError
from reprobuild.plan import Fidelity, Platform, Question
from reprobuild.planner import plan
from reprobuild.snapshot import CondaOrigin, Distribution, Evidence, Snapshot, SystemFacts, TorchFacts

NO_SYSTEM = SystemFacts()


def linux(os_id: str, os_version: str, glibc: str, machine: str = "x86_64") -> SystemFacts:
    """A Linux machine."""
    return SystemFacts(
        system="Linux", machine=machine, libc="glibc", libc_version=glibc, os_id=os_id, os_version=os_version
    )


UBUNTU_1604 = linux("ubuntu", "16.04", "2.23")
UBUNTU_1804 = linux("ubuntu", "18.04", "2.27")
UBUNTU_2404 = linux("ubuntu", "24.04", "2.39")
CASES = [
    # The recorded release, highest patch of the CUDA minor.
    ("torch==2.1.0+cu118", "3.10.12", UBUNTU_2004, "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu20.04"),
    ("torch==1.10.1+cu113", "3.8.10", UBUNTU_2004, "nvidia/cuda:11.3.1-cudnn8-runtime-ubuntu20.04"),
    ("torch==1.9.1+cu111", "3.8.11", UBUNTU_1604, "nvidia/cuda:11.1.1-cudnn8-runtime-ubuntu16.04"),
    # 11.6.0 and 11.7.0 were deleted; their highest patch is there.
    ("torch==1.13.1+cu116", "3.10.9", UBUNTU_2004, "nvidia/cuda:11.6.2-cudnn8-runtime-ubuntu20.04"),
    ("torch==1.13.1+cu117", "3.10.9", UBUNTU_2004, "nvidia/cuda:11.7.1-cudnn8-runtime-ubuntu20.04"),
    # From 12.4.1 on the tag says cudnn without a number.
    ("torch==2.5.1+cu124", "3.11.9", linux("ubuntu", "22.04", "2.35"), "nvidia/cuda:12.4.1-cudnn-runtime-ubuntu22.04"),
    # cuDNN 9 for CUDA 12.1 was never put into an image, and the wheels bring it.
    ("torch==2.4.0+cu121", "3.11.9", linux("ubuntu", "22.04", "2.35"), "nvidia/cuda:12.1.1-runtime-ubuntu22.04"),
    # No tag of the recorded release: the nearest one.
    ("torch==2.1.0+cu121", "3.11.9", UBUNTU_2404, "nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04"),
    ("torch==2.1.0+cu121", "3.11.9", UBUNTU_1804, "nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu20.04"),
    ("torch==2.1.0+cu121", "3.11.9", DEBIAN_12, "nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04"),
    ("torch==2.1.0+cu118", "3.11.9", linux("centos", "7", "2.17"), "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu18.04"),
    # torch 2.7 needs glibc 2.28: 18.04 is out, wherever it was recorded.
    ("torch==2.7.0+cu118", "3.11.9", UBUNTU_1804, "nvidia/cuda:11.8.0-runtime-ubuntu20.04"),
    # Images of CUDA 10.2 and older are gone: plain Ubuntu, the wheels bring CUDA.
    ("torch==1.11.0+cu102", "3.9.7", UBUNTU_1804, "ubuntu:18.04"),
    ("torch==1.1.0", "3.7.3", UBUNTU_1604, "ubuntu:16.04"),
    # ROCm.
    ("torch==2.5.0+rocm6.2", "3.11.9", linux("ubuntu", "22.04", "2.35"), "rocm/dev-ubuntu-22.04:6.2.1"),
    # ARM.
    (
        "torch==2.7.0+cu128", "3.12.11", linux("ubuntu", "22.04", "2.35", "aarch64"),
        "nvidia/cuda:12.8.1-cudnn-runtime-ubuntu22.04",
    ),
    # CPU runs: the official Python image, of the recorded Debian or one with at least the recorded glibc.
    ("torch==2.1.0+cpu", "3.11.9", DEBIAN_12, "python:3.11.9-slim-bookworm"),
    ("torch==2.1.0+cpu", "3.11.9", linux("debian", "11", "2.31"), "python:3.11.9-slim-bullseye"),
    ("torch==2.1.0+cpu", "3.11.9", UBUNTU_2004, "python:3.11.9-slim-bullseye"),
    ("numpy==1.26.4", "3.11.9", linux("ubuntu", "22.04", "2.35"), "python:3.11.9-slim-bookworm"),
]  # fmt: skip


@pytest.mark.parametrize(("pin", "python", "system", "reference"), CASES)
def test_base(pin: str, python: str, system: SystemFacts, reference: str) -> None:
    assert planned(record(*listed(pin), python=python, system=system)).base.reference == reference


@pytest.mark.parametrize(
    ("pin", "python", "reference"),
    [
        ("torch==1.12.0+cu113", "3.9.13", "nvidia/cuda:11.3.1-cudnn8-runtime-ubuntu20.04"),
        ("torch==2.1.0+cu121", "3.10.12", "nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04"),
    ],
)
def test_without_an_operating_system_the_age_of_torch_decides(pin: str, python: str, reference: str) -> None:
    result = planned(record(*listed(pin), python=python, system=NO_SYSTEM))
    assert result.base.reference == reference
    assert decision(result, Question.BASE_IMAGE).fidelity is Fidelity.EQUIVALENT


DAY = Evidence(fact="recorded_at", value="2018-06-01T00:00:00Z", certainty="inferred", source="the list of packages")


@pytest.mark.parametrize(
    ("pin", "python", "facts", "reference"),
    [
        # 22.04 came a month after torch 1.11.0.
        ("torch==1.11.0+cu102", "3.8", {}, "ubuntu:20.04"),
        # A patch of Python that came later than the framework.
        ("torch==1.11.0+cu102", "3.8.16", {}, "ubuntu:22.04"),
        ("torch==1.11.0+cu102", "3.8.12", {}, "ubuntu:20.04"),
        # An inferred day is a lower bound, a told one the day itself.
        ("torch==1.11.0+cu102", "3.8", {"recorded_at": DAY.value, "evidence": (DAY,)}, "ubuntu:20.04"),
        ("torch==1.11.0+cu102", "3.8.16", {"recorded_at": "2022-06-01T00:00:00Z"}, "ubuntu:22.04"),
        ("torch==1.11.0+cu102", "3.8.16", {"recorded_at": "2022-02-01T00:00:00Z"}, "ubuntu:20.04"),
        ("tensorflow==2.5.0", "3.8", {}, "nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04"),
        ("jaxlib==0.4.13+cuda12.cudnn89", "3.10", {}, "nvidia/cuda:12.2.2-cudnn8-runtime-ubuntu22.04"),
    ],
)
def test_without_an_operating_system_what_the_run_holds_tells_its_age(
    pin: str, python: str, facts: dict[str, Any], reference: str
) -> None:
    assert planned(record(*listed(pin), python=python, system=NO_SYSTEM, **facts)).base.reference == reference


def test_condas_frameworks_tell_the_age_too() -> None:
    python = Distribution(name="python", version="3.6.2", conda=CondaOrigin())
    tensorflow = Distribution(name="tensorflow-gpu", version="1.12", conda=CondaOrigin())
    assert planned(record(python, tensorflow, system=NO_SYSTEM)).base.reference == "ubuntu:18.04"


def test_another_release_is_substituted_and_named() -> None:
    answer = decision(planned(record(*listed("torch==2.1.0+cu121"), system=DEBIAN_12)), Question.BASE_IMAGE)
    assert answer.fidelity is Fidelity.SUBSTITUTED
    assert "debian 12; Ubuntu 22.04 is the nearest" in answer.reason


def test_another_cudnn_in_the_tag_is_said() -> None:
    answer = decision(planned(record(*listed("torch==2.1.0+cu121"))), Question.BASE_IMAGE)
    assert "holds cuDNN 8.9.0.131, and the wheels load their own 8.9.2.26" in answer.reason


@pytest.mark.parametrize("system", [MACOS, WINDOWS])
def test_another_system_is_substituted_by_linux(system: SystemFacts) -> None:
    answer = decision(planned(record(*listed("numpy==1.26.4"), system=system)), Question.BASE_IMAGE)
    assert answer.fidelity is Fidelity.SUBSTITUTED
    assert "containers run Linux" in answer.reason
    assert "tells no operating system" not in answer.reason


def test_a_release_that_packages_betray_is_not_said_to_be_the_glibcs() -> None:
    inferred = tuple(
        Evidence(fact=f"system.{fact}", value=value, certainty="inferred", source="the list of packages")
        for fact, value in (("os_id", "ubuntu"), ("os_version", "22.04"))
    )
    system = SystemFacts(system="Linux", os_id="ubuntu", os_version="22.04")
    answer = decision(
        planned(record(*listed("torch==2.1.0+cu121"), system=system, evidence=inferred)), Question.BASE_IMAGE
    )
    assert "inferred from what the record lists" in answer.reason


def test_a_cudnn_that_no_record_tells_is_not_called_recorded() -> None:
    answer = decision(
        planned(record(*listed("torch==1.9.0+cu111"), python="3.8.10", system=UBUNTU_2004)), Question.BASE_IMAGE
    )
    assert "8.0.5.39, the one that the run loads" in answer.reason


def test_a_mac_on_arm_gets_an_arm_image() -> None:
    assert str(planned(record(*listed("numpy==1.26.4"), system=MACOS)).platform) == "linux/arm64"


def test_another_platform_on_request_is_substituted() -> None:
    result = planned(record(*listed("numpy==1.26.4")), platform=Platform(architecture="arm64"))
    assert str(result.platform) == "linux/arm64"
    assert decision(result, Question.BASE_IMAGE).fidelity is Fidelity.SUBSTITUTED


def test_a_machine_without_images_is_refused_with_the_way_out() -> None:
    snapshot = record(*listed("numpy==1.26.4"), system=SystemFacts(system="Linux", machine="riscv64"))
    with pytest.raises(PlanError, match="riscv64") as refusal:
        planned(snapshot)
    assert "--platform linux/amd64" in (refusal.value.hint or "")
    assert str(planned(snapshot, platform=Platform()).platform) == "linux/amd64"


@pytest.mark.parametrize(
    ("flavor", "tag"),
    [
        ("auto", "12.1.1-cudnn8-runtime-ubuntu22.04"),
        ("runtime", "12.1.1-cudnn8-runtime-ubuntu22.04"),
        ("devel", "12.1.1-cudnn8-devel-ubuntu22.04"),
        ("slim", "12.1.1-base-ubuntu22.04"),
    ],
)
def test_flavor(flavor: str, tag: str) -> None:
    result = planned(record(*listed("torch==2.1.0+cu121")), flavor=flavor)
    assert result.base.tag == tag
    assert bool(result.notes) == (flavor != "slim")


def test_the_slim_base_is_offered_and_the_saving_said() -> None:
    result = planned(record(*listed("torch==2.1.0+cu121")))
    choices = [alternative.choice for alternative in decision(result, Question.BASE_IMAGE).alternatives]
    assert "nvidia/cuda:12.1.1-base-ubuntu22.04" in choices
    assert any("2 to 6 GB" in note for note in result.notes)


def test_nvcc_is_in_the_builder_only() -> None:
    result = planned(record(*listed("torch==2.1.0+cu121", "flash-attn==2.3.3")))
    assert result.base.flavor == "runtime"
    assert result.build_base is not None
    assert result.build_base.reference == "nvidia/cuda:12.1.1-cudnn8-devel-ubuntu22.04"
    assert planned(record(*listed("torch==2.1.0+cu121"))).build_base is None


@pytest.mark.parametrize(
    ("reference", "codes"),
    [
        ("ubuntu:24.04", ["base-without-cuda"]),
        ("registry.example.org:5000/team/base:1", ["unknown-base", "base-without-cuda"]),
        ("nvidia/cuda:12.2.2-runtime-ubuntu22.04", []),
    ],
)
def test_a_base_of_the_users_own(reference: str, codes: list[str]) -> None:
    result = planned(record(*listed("torch==2.1.0+cu121")), base=reference)
    assert result.base.reference == reference
    assert [code for code in warning_codes(result) if "base" in code] == codes


def test_a_digest_pins_the_base() -> None:
    digest = f"sha256:{SHA256}"
    result = planned(record(*listed("torch==2.1.0+cu121")), base_digest=digest)
    assert result.base.reference == f"nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04@{digest}"
    named = planned(record(*listed("numpy==1.26.4")), base=f"ubuntu:22.04@{digest}")
    assert named.base.reference == f"ubuntu:22.04@{digest}"


def grid() -> list[tuple[str, str, str, str]]:
    """Version, folder, Python and machine of every wheel of torch for a Python that can be planned with."""
    rows = []
    for release in Catalog.packaged().torch_wheels.releases:
        for variant in release.variants:
            for platform, machine in (("linux_x86_64", "x86_64"), ("linux_aarch64", "aarch64")):
                tags = [tag for tag in variant.pythons.get(platform, ()) if tag.startswith("cp3") and tag[3:].isdigit()]
                minors = [int(tag[3:]) for tag in tags if int(tag[3:]) >= 6]
                rows += [(variant.published_version, variant.folder, f"3.{minor}", machine) for minor in minors]
    return rows


def test_the_whole_grid_plans_onto_tags_that_exist() -> None:
    catalog = Catalog.packaged()
    planned_rows = 0
    for version, folder, python, machine in grid():
        torch = TorchFacts(version=version)
        snapshot = record(
            Distribution(name="torch", version=version),
            python=python,
            system=linux("ubuntu", "22.04", "2.35", machine),
            torch=torch,
        )
        result = planned(snapshot)
        planned_rows += 1
        place = (version, folder, python, machine)
        if result.base.repository == "nvidia/cuda":
            image = catalog.cuda_images.by_tag(result.base.tag)
            assert image is not None and image.available, place
            assert result.platform.architecture in image.architectures, place
        for each in result.groups:
            url_folder = getattr(each.origin, "folder", None)
            assert url_folder is None or url_folder in catalog.torch_wheels.folders, place
    assert planned_rows > 1000


def test_no_deleted_tag_is_ever_offered() -> None:
    deleted = ("11.2.0", "11.2.1", "11.3.0", "11.4.0", "11.5.0", "11.6.0", "11.7.0")
    for pin, python in (("torch==1.13.1+cu116", "3.10.9"), ("torch==1.13.1+cu117", "3.10.9")):
        result = planned(record(*listed(pin), python=python, system=UBUNTU_2004))
        answer = decision(result, Question.BASE_IMAGE)
        offered = [result.base.tag, *(alternative.choice for alternative in answer.alternatives)]
        assert not [text for text in offered if any(f"{version}-" in text for version in deleted)]


def snapshot_of(system: SystemFacts) -> Snapshot:
    """A CUDA record on a system."""
    return record(*listed("torch==2.1.0+cu121"), system=system)


def test_a_glibc_of_conda_says_nothing_of_the_system() -> None:
    system = SystemFacts(system="Linux", machine="x86_64", platform="Linux-5.4.0-48-generic-x86_64-with-glibc2.10")
    assert planned(snapshot_of(system)).base.os_version == "22.04"


def test_an_archived_debian_is_avoided_where_apt_is_needed_and_told_where_it_is_asked_for() -> None:
    """python:3.8.1 was made of buster alone, 3.8.11 of bullseye as well."""
    buster = SystemFacts(system="Linux", machine="x86_64", os_id="debian", os_version="10")
    magic = Distribution(name="python-magic", version="0.4.27")
    avoided = planned(record(magic, python="3.8.1", system=buster), extra_apt=("libmagic1",))
    assert avoided.base.reference == "ubuntu:20.04"
    assert "archived-release" not in warning_codes(avoided)
    named = {"base": "python:3.8.1-slim-buster", "extra_apt": ("libmagic1",)}
    asked = planned(record(magic, python="3.8.1", system=buster), **named)
    assert "archived-release" in warning_codes(asked)
    quiet = planned(record(Distribution(name="six", version="1.16.0"), python="3.8.1", system=buster))
    assert "archived-release" not in warning_codes(quiet)
    assert quiet.base.reference == "python:3.8.1-slim-buster"
    older = SystemFacts(system="Linux", machine="x86_64", libc="glibc", libc_version="2.27")
    assert planned(record(magic, python="3.8.11", system=older)).base.tag == "3.8.11-slim-bullseye"


def test_red_hats_family_is_kept_when_asked_for() -> None:
    rhel = SystemFacts(system="Linux", machine="x86_64", libc_version="2.34", os_id="rhel", os_version="9.5")
    snapshot = record(*listed("torch==2.6.0+cu124"), system=rhel)
    assert planned(snapshot).base.os_id == "ubuntu"
    kept = planned(snapshot, same_family=True)
    assert kept.base.reference == "nvidia/cuda:12.4.1-cudnn-runtime-rockylinux9"
    assert kept.base.package_manager == "dnf"
    assert decision(kept, Question.BASE_IMAGE).fidelity is Fidelity.EQUIVALENT
    assert planned(record(*listed("torch==2.6.0+cu124")), same_family=True).base.os_id == "ubuntu"


@pytest.mark.parametrize(
    ("base", "pin", "code"),
    [
        ("ubuntu:18.04", "torch==2.7.0+cu126", "glibc-too-old"),
        ("nvidia/cuda:11.2.0-cudnn8-runtime-ubuntu20.04", "torch==2.1.0+cu121", "base-removed"),
        ("nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04", "tensorflow==2.11.0", "base-with-other-cuda"),
    ],
)
def test_what_speaks_against_a_named_base_is_said(base: str, pin: str, code: str) -> None:
    assert code in warning_codes(planned(record(*listed(pin)), base=base))


def test_nothing_speaks_against_a_named_base_that_fits() -> None:
    codes = warning_codes(
        planned(record(*listed("torch==2.1.0+cu121")), base="nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04")
    )
    assert not {"glibc-too-old", "base-removed", "base-with-other-cuda", "unknown-base"} & set(codes)


@pytest.mark.parametrize(("certainty", "is_pinned"), [("verified", True), ("observed", False)])
def test_a_digest_that_the_registry_told_pins_the_base(certainty: str, is_pinned: bool) -> None:
    tag, digest = "12.1.1-cudnn8-runtime-ubuntu22.04", "sha256:" + "b" * 64
    columns = ("image", "tag", "digest", "certainty", "date", "note")
    row = dict(zip(columns, ("nvidia/cuda", tag, digest, certainty, "2026-11-24", ""), strict=True))
    catalog = Catalog(packaged_folder())
    header = catalog.digests.header
    catalog.__dict__["digests"] = Digests(Table(name="digests", header=header, columns=columns, rows=(row,)))
    result = plan(record(*listed("torch==2.1.0+cu121")), catalog)
    answer = decision(result, Question.BASE_IMAGE)
    assert (result.base.digest == digest) is is_pinned
    assert (answer.choice.endswith(digest)) is is_pinned
    assert digest in {fact.value for fact in answer.facts}


def test_a_digest_that_was_asked_for_stands_in_the_answer() -> None:
    digest = "sha256:" + "c" * 64
    result = planned(record(*listed("torch==2.1.0+cu121")), base_digest=digest)
    assert decision(result, Question.BASE_IMAGE).choice.endswith(f"@{digest}")


def test_the_family_that_no_image_is_of_is_said() -> None:
    rhel = SystemFacts(system="Linux", machine="x86_64", libc_version="2.34", os_id="rhel", os_version="9.5")
    result = planned(record(*listed("scikit-learn==1.4.2"), system=rhel), same_family=True)
    assert "no-family-image" in warning_codes(result)
