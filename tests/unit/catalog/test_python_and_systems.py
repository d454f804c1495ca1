"""Look-ups over CPython's sources, distributions' releases and system packages."""

from __future__ import annotations

import pytest

from reprobuild.catalog import Catalog
from reprobuild.catalog.cpython import CPython
from reprobuild.catalog.operating_systems import glibc_of_tag
from reprobuild.catalog.tables import Header, Table

CATALOG = Catalog.packaged()
CPYTHON, SYSTEMS, APT = CATALOG.cpython, CATALOG.operating_systems, CATALOG.apt


@pytest.mark.parametrize(
    "version", ["3.8.0", "3.8.1", "3.8.4", "3.9.8", "3.9.9", "3.10.1", "3.10.10", "3.11.0", "3.11.2", "3.7.16", "3.6.9"]
)
def test_uv_lacks_some_versions(version: str) -> None:
    assert not CPYTHON.uv_has(version, "x86_64")
    assert not CPYTHON.uv_has(version, "arm64")


@pytest.mark.parametrize("version", ["3.8.20", "3.9.18", "3.10.12", "3.11.9", "3.12.3", "3.13.1"])
def test_uv_has_the_others_on_both_machines(version: str) -> None:
    assert CPYTHON.uv_has(version, "amd64") and CPYTHON.uv_has(version, "aarch64")


def test_arm_has_fewer() -> None:
    assert CPYTHON.uv_has("3.8.10", "x86_64") and not CPYTHON.uv_has("3.8.10", "aarch64")
    assert not CPYTHON.uv_has("3.10.12", "riscv64")


def test_a_build_is_told_by_its_tag_and_hash() -> None:
    build = CPYTHON.uv_build("3.10.12", "amd64")
    assert build is not None
    assert build.build in build.file and build.sha256 is not None and build.uv == "0.13.9"
    assert CPYTHON.uv_build("3.10.12", "amd64", build=build.build) == build
    assert CPYTHON.uv_build("3.10.12", "amd64", build="19990101") is None


def test_free_threaded_builds_are_builds_of_their_own() -> None:
    build = CPYTHON.uv_build("3.13.1", free_threaded=True)
    assert build is not None and build.free_threaded and "freethreaded" in build.file
    assert not CPYTHON.uv_has("3.12.1", free_threaded=True)


def test_versions_of_a_minor_come_newest_first() -> None:
    versions = CPYTHON.uv_versions("x86_64", minor="3.8")
    assert versions[0] == "3.8.20" and versions[-1] == "3.8.2"
    assert "3.7.16" in CPYTHON.image_versions("3.7")


def test_the_suites_of_an_official_image() -> None:
    assert CPYTHON.image_suites("3.8.1") == ("buster",)
    assert CPYTHON.image_suites("3.7.6") == ("stretch", "buster")
    assert CPYTHON.image_suites("3.8.99") == ()
    image = CPYTHON.image("3.8.1")
    assert image is not None and image.reference("buster") == "python:3.8.1-slim-buster"
    assert image.reference("buster", slim=False) == "python:3.8.1-buster"


def test_a_release_is_found_by_its_ids_and_by_its_code_name() -> None:
    jammy = SYSTEMS.get("ubuntu", "22.04")
    assert jammy is not None and SYSTEMS.by_codename("Jammy") is jammy
    assert (jammy.glibc, jammy.python, jammy.openssl, jammy.package_manager) == ("2.35", "3.10.12", "3", "apt")
    assert SYSTEMS.get("ubuntu", "99.04") is None


@pytest.mark.parametrize("os_id", ["rhel", "rocky", "almalinux", "ubi", "centos", "ol"])
def test_rhels_family_shares_its_rows(os_id: str) -> None:
    system = SYSTEMS.get(os_id, "8.9")
    assert system is not None and (system.glibc, system.package_manager) == ("2.28", "dnf")


def test_glibc_is_upward_compatible_only() -> None:
    assert [each.version for each in SYSTEMS.with_glibc("ubuntu", "2.28")] == ["20.04", "22.04", "24.04", "26.04"]
    bionic = SYSTEMS.get("ubuntu", "18.04")
    assert bionic is not None and not bionic.runs_glibc("2.28")


@pytest.mark.parametrize(
    ("os_id", "version", "managed"),
    [("debian", "12", True), ("debian", "11", False), ("ubuntu", "24.04", True), ("ubuntu", "22.04", False)],
)
def test_externally_managed_pythons(os_id: str, version: str, managed: bool) -> None:
    system = SYSTEMS.get(os_id, version)
    assert system is not None and system.externally_managed is managed


@pytest.mark.parametrize(
    ("tag", "glibc"),
    [
        ("manylinux_2_28_x86_64", "2.28"),
        ("manylinux2014_aarch64", "2.17"),
        ("manylinux_2_17_x86_64.manylinux2014_x86_64", "2.17"),
        ("manylinux_2_5_x86_64.manylinux1_x86_64", "2.5"),
        ("linux_x86_64", None),
        ("musllinux_1_2_x86_64", None),
        ("win_amd64", None),
    ],
)
def test_what_a_platform_tag_asks_for(tag: str, glibc: str | None) -> None:
    assert glibc_of_tag(tag) == glibc


def test_names_of_packages_change_between_releases() -> None:
    assert APT.package("libGL.so.1", "noble") == "libgl1"
    names = [APT.package("libgthread/libglib-2.0", suite) for suite in ("focal", "jammy", "noble")]
    assert names == ["libglib2.0-0", "libglib2.0-0", "libglib2.0-0t64"]
    assert APT.package("libGL.so.1", "warty") is None
    assert APT.package("no such library", "jammy") is None
    assert APT.packages(("libGL.so.1", "libGL.so.1", "no such library", "git"), "jammy") == ("libgl1", "git")


def test_what_a_package_needs() -> None:
    always = [need for need in APT.needs("OpenCV_Python", "4.8.0.74") if need.condition is None]
    assert len(always) == 1 and "libGL.so.1" in always[0].runtime
    assert APT.needs("numpy") == ()


def test_needs_may_depend_on_the_version() -> None:
    assert [need.runtime for need in APT.needs("opencv-python-headless", "4.1.2.30") if need.runtime]
    assert not [need.runtime for need in APT.needs("opencv-python-headless", "4.8.0.74") if need.runtime]
    assert APT.needs("prophet", "1.0") and not APT.needs("prophet", "1.1.5")


@pytest.mark.parametrize(
    ("soname", "suite", "package"),
    [
        ("libGL.so.1", "jammy", "libgl1"),
        ("libSM.so.6", "jammy", "libsm6"),
        ("libX11.so.6", "noble", "libx11-6"),
        ("libgthread-2.0.so.0", "noble", "libglib2.0-0t64"),
        ("libssl.so.1.1", "focal", "libssl1.1"),
        ("libssl.so.1.1", "jammy", None),
        ("libssl.so.3", "jammy", "libssl3"),
        ("libcrypto.so.3", "jammy", "libssl3"),
        ("libffi.so.7", "focal", "libffi7"),
        ("libffi.so.6", "jammy", None),
        ("libz.so.1", "bookworm", "zlib1g"),
        ("libgcc_s.so.1", "bionic", "libgcc1"),
        ("libnothing.so.4", "jammy", None),
        ("libSM", "jammy", "libsm6"),
    ],
)
def test_the_package_of_a_shared_library(soname: str, suite: str, package: str | None) -> None:
    assert APT.of_soname(soname, suite) == package


def test_the_uv_whose_builds_are_read_has_an_image_and_how_that_is_known_is_told() -> None:
    image = CATALOG.uv_images.get(CATALOG.cpython.uv_version)
    assert image is not None and image.certainty == "derived" and image.digest is None


def test_what_the_pinned_uv_chooses_wins_over_a_newer_build_of_another_table() -> None:
    columns = ("version", "machine", "free_threaded", "build", "file", "sha256", "uv")
    rows = [("3.12.1", "x86_64", "no", build, f"{build}.tar", "", uv) for build, uv in (("1", "0.13.9"), ("2", ""))]
    table = Table(
        name="cpython_builds",
        header=Header(source="here", as_of="2026-01-01"),
        columns=columns,
        rows=tuple(dict(zip(columns, row, strict=True)) for row in rows),
    )
    builds = CPython(table, CATALOG.table("python_images"), CATALOG.table("cpython_releases"))
    chosen = builds.uv_build("3.12.1")
    assert chosen is not None and chosen.build == "1"


def test_a_release_archive_s_digest() -> None:
    assert CPYTHON.release_sha256("3.8.1") == "c7cfa39a43b994621b245e029769e9126caa2a93571cee2e743b213cceac35fb"
    assert CPYTHON.release_sha256("3.8.99") is None
