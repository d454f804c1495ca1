"""What becomes of the shared libraries that a scan recorded: packages of the base's release, each with its ground."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import DEBIAN_12, decision, installed, planned, record, warning_codes

from reprobuild.catalog import Catalog
from reprobuild.explain import Page, explain
from reprobuild.plan import BaseImage, Fidelity, Question
from reprobuild.planner.libraries import LibraryPlaces, place_libraries
from reprobuild.planner.subject import examine
from reprobuild.snapshot import SystemFacts, SystemLibrary

CATALOG = Catalog.packaged()
ROCKY_9 = SystemFacts(
    system="Linux", machine="x86_64", libc="glibc", libc_version="2.34", os_id="rocky", os_version="9.3"
)


def base(codename: str | None) -> BaseImage:
    """A plain base of a release of Ubuntu or Debian by its code name; None is Red Hat's 9."""
    if codename is None:
        return BaseImage(
            repository="rockylinux", tag="9", os_id="rocky", os_version="9", glibc="2.34", package_manager="dnf"
        )
    found = CATALOG.operating_systems.by_codename(codename)
    assert found is not None
    return BaseImage(
        repository=found.id,
        tag=found.version,
        os_id=found.id,
        os_version=found.version,
        codename=codename,
        glibc=found.glibc,
    )


def loaded(soname: str, package: str | None = None, *, by: str = "pack", version: str = "1.0-1") -> SystemLibrary:
    """A library that the scan found."""
    path = f"/usr/lib/x86_64-linux-gnu/{soname}"
    return SystemLibrary(
        soname=soname, path=path, package=package, package_version=version if package else None, needed_by=(by,)
    )


def placed(*libraries: SystemLibrary, on: str | None, system: SystemFacts = DEBIAN_12) -> LibraryPlaces:
    """What becomes of libraries that were recorded on ``system`` in an image of the release ``on``."""
    return place_libraries(libraries, examine(record(system=system)), base(on), CATALOG)


def test_on_the_recorded_release_the_recorded_package_is_taken() -> None:
    result = placed(loaded("libodd.so.7", "libodd7", version="2:7.1-1+b1"), on="bookworm")
    (package,) = result.packages
    assert (package.name, package.reason) == ("libodd7", "holds libodd.so.7, which pack loads")
    (fact,) = package.facts
    assert (fact.name, fact.value, fact.source) == ("system_libraries[0].package", "libodd7 2:7.1-1+b1", "record")
    (library,) = result.placements
    assert (library.name, library.where, library.detail, library.fidelity) == (
        *("libodd.so.7", "system", "libodd7"),
        Fidelity.EXACT,
    )


@pytest.mark.parametrize(
    ("soname", "recorded", "codename", "expected"),
    [
        ("libglib-2.0.so.0", "libglib2.0-0", "noble", "libglib2.0-0t64"),
        ("libgthread-2.0.so.0", "libglib2.0-0", "jammy", "libglib2.0-0"),
        ("libGL.so.1", "libgl1", "focal", "libgl1"),
        ("libasound.so.2", "libasound2", "noble", "libasound2t64"),
        ("libpq.so.5", "libpq5", "trixie", "libpq5"),
        ("libcairo.so.2", "libcairo2", "jammy", "libcairo2"),
        ("libsndfile.so.1", "libsndfile1", "noble", "libsndfile1"),
        ("libturbojpeg.so.0", "libturbojpeg0", "noble", "libturbojpeg"),
    ],
)
def test_on_another_release_its_name_there_is_taken(soname: str, recorded: str, codename: str, expected: str) -> None:
    result = placed(loaded(soname, recorded), on=codename)
    (package,) = result.packages
    assert package.name == expected
    assert [fact.source for fact in package.facts] == ["record", "apt_packages"]
    assert result.placements[0].fidelity is Fidelity.EQUIVALENT


def test_a_package_with_a_library_of_another_number_is_no_substitute() -> None:
    result = placed(loaded("libssl.so.3", "libssl3"), on="focal")
    assert result.packages == ()
    (warning,) = result.warnings
    assert warning.message == "pack needs libssl.so.3, and no package of Ubuntu 20.04 is known to hold it"
    assert warning.hint == "on Debian 12 it is in libssl3: try --apt libssl3, or a --base of that release"
    assert result.placements[0].fidelity is Fidelity.MISSING


def test_a_library_of_red_hat_s_family_keeps_its_package_there_and_finds_it_elsewhere() -> None:
    library = loaded("libcairo.so.2", "cairo", version="1.17.4-7.el9")
    assert [package.name for package in placed(library, on=None, system=ROCKY_9).packages] == ["cairo"]
    assert [package.name for package in placed(library, on="jammy", system=ROCKY_9).packages] == ["libcairo2"]


def test_a_library_in_no_package_is_looked_up_by_its_name() -> None:
    known, unknown = loaded("libportaudio.so.2"), loaded("libself-made.so.1")
    result = placed(known, unknown, on="bookworm")
    assert [(package.name, package.facts[0].name) for package in result.packages] == [
        ("libportaudio2", "system_libraries[0].soname")
    ]
    (warning,) = result.warnings
    assert warning.hint is not None and "an image of your own" in warning.hint


@pytest.mark.parametrize(
    ("library", "where", "detail"),
    [
        (loaded("libc.so.6", "libc6"), "base", "part of glibc 2.36, which the base brings"),
        (loaded("libmvec.so.1", "libc6"), "base", "part of glibc 2.36, which the base brings"),
        (loaded("libstdc++.so.6", "libstdc++6"), "base", "every base brings it, for its package manager"),
        (
            SystemLibrary(soname="libcuda.so.1", needed_by=("torch",)),
            "left out",
            "the GPU's driver brings it, on the machine that runs the image",
        ),
        (
            SystemLibrary(soname="libavutil.so.58", needed_by=("torchaudio", "other")),
            "left out",
            "it was missing where the run was recorded, too: torchaudio and other would load it",
        ),
        (
            SystemLibrary(soname="libcudart.so.11.0", needed_by=("bitsandbytes",)),
            "left out",
            "it was missing where the run was recorded, too: bitsandbytes would load it",
        ),
        (
            SystemLibrary(soname="libcudnn.so.8", package="libcudnn8"),
            "base",
            "part of CUDA, which the base or the recorded wheels bring",
        ),
    ],
)
def test_what_needs_no_package_is_left_out_with_its_reason(library: SystemLibrary, where: str, detail: str) -> None:
    result = placed(library, on="bookworm")
    assert (result.packages, result.warnings) == ((), ())
    (found,) = result.placements
    assert (found.name, found.where, found.detail, found.fidelity) == (library.soname, where, detail, Fidelity.EXACT)


def test_the_system_s_cuda_is_missing_from_a_base_without_cuda() -> None:
    assert [warning.code for warning in placed(loaded("libcudart.so.11.0"), on="jammy").warnings] == ["unknown-library"]


def test_libraries_in_one_package_share_one_reason() -> None:
    (package,) = placed(
        loaded("libglib-2.0.so.0", "libglib2.0-0", by="opencv-python"),
        loaded("libgthread-2.0.so.0", "libglib2.0-0", by="other"),
        on="jammy",
    ).packages
    assert package.reason == "holds libglib-2.0.so.0 and libgthread-2.0.so.0, which opencv-python and other load"


@pytest.mark.parametrize("text", ["x\nRUN touch /pwned", "$(touch /pwned)", "", "a b", "-o=evil", "libx.so\u2028"])
def test_hostile_text_stays_out(text: str) -> None:
    hostile = SystemLibrary(soname=text, path=text, package=text, package_version=text, needed_by=(text,))
    real = SystemLibrary(
        soname="libGL.so.1", path=text, package=text or None, package_version=text, needed_by=(text, "ok")
    )
    result = placed(hostile, real, on="bookworm")
    (package,) = result.packages
    assert (package.name, package.reason) == ("libgl1", "holds libGL.so.1, which ok loads")
    assert result.placements[0].name == "system_libraries[0]"
    assert not text or text not in repr(result)


def test_a_scan_beats_the_table_of_libraries_and_leaves_that_of_programs() -> None:
    pins = installed("torch==2.1.0+cu121", "opencv-python==4.8.1.78", "pydub==0.25.1")
    libraries = (loaded("libSM.so.6", "libsm6", by="opencv-python"), loaded("libc.so.6", "libc6", by="opencv-python"))
    result = planned(record(*pins, system_libraries=libraries))
    assert [package.name for package in result.system_packages] == ["ca-certificates", "ffmpeg", "libsm6"]
    grounds = {fact.source: fact for fact in decision(result, Question.SYSTEM_PACKAGES).facts}
    assert grounds["record"].value == "2 libraries: 1 in packages, 1 from the base"
    assert (grounds["apt_needs"].value, grounds["apt_needs"].certainty) == ("ffmpeg", "presumed")


def test_a_list_of_packages_is_no_scan() -> None:
    """A record of ``apt list`` names cuDNN; what opencv-python loads has to come from the table."""
    libraries = (SystemLibrary(soname="libcudnn.so.8", package="libcudnn8", package_version="8.9"),)
    result = planned(record(*installed("torch==2.1.0+cu121", "opencv-python==4.8.1.78"), system_libraries=libraries))
    assert "libgl1" in [package.name for package in result.system_packages]


def test_an_unknown_library_is_a_warning_until_a_person_names_its_package() -> None:
    libraries = (loaded("libICE.so.6", "libice6"),)
    told = record(*installed("numpy==1.24.3"), system=DEBIAN_12, system_libraries=libraries)
    result = planned(told, base="ubuntu:22.04")
    assert "unknown-library" in warning_codes(result)
    assert decision(result, Question.SYSTEM_PACKAGES).fidelity is Fidelity.SUBSTITUTED
    asked = planned(told, base="ubuntu:22.04", extra_apt=("libice6",))
    assert "unknown-library" not in warning_codes(asked)
    assert decision(asked, Question.SYSTEM_PACKAGES).fidelity is Fidelity.EQUIVALENT


def test_the_explanation_tells_what_becomes_of_each_library() -> None:
    libraries = (loaded("libSM.so.6", "libsm6", by="numpy"), loaded("libc.so.6", "libc6"), loaded("libm.so.6", "libc6"))
    result = planned(record(*installed("numpy==1.24.3"), system=DEBIAN_12, system_libraries=libraries))
    text = explain(result, Page(facts=True))
    assert "    libSM.so.6: in libsm6\n" in text
    assert "    libc.so.6, libm.so.6: part of glibc 2.36, which the base brings\n" in text
    assert "      fact: system_libraries[0].package = libsm6 1.0-1 (record)\n" in text
