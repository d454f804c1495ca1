"""What has to be built from source, with what, as of which day; and the packages of the operating system."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import (
    UBUNTU_2004,
    decision,
    group,
    installed,
    lines,
    listed,
    planned,
    record,
    warning_codes,
)

from reprobuild.plan import Fidelity, Question
from reprobuild.snapshot import Distribution, Evidence


def compiled(name: str, version: str) -> Distribution:
    """A distribution whose wheel was built where it ran."""
    return Distribution(name=name, version=version, tags=("cp310-cp310-linux_x86_64",), metadata_format="dist-info")


def test_a_locally_built_wheel_is_built_again() -> None:
    result = planned(record(compiled("mylib", "1.0"), *installed("numpy==1.24.3")))
    built = group(result, "built-from-source")
    assert lines(result)["built-from-source"] == ("mylib==1.0",)
    assert built.needs_compiler and not built.needs_nvcc
    assert not group(result, "default").needs_compiler
    (compiler,) = (package for package in result.system_packages if package.name == "build-essential")
    assert compiler.stage == "build"


def test_a_wheel_of_pytorchs_index_is_not_taken_for_a_local_build() -> None:
    result = planned(record(compiled("torch", "2.1.0+cu121")))
    assert not any(each.needs_compiler for each in result.groups)


@pytest.mark.parametrize(
    ("pin", "python", "constraints"),
    [
        ("PyYAML==5.4.1", "3.10.12", ("cython<3",)),
        ("scikit-learn==0.24.2", "3.10.12", ("cython<3", "setuptools<60")),
        ("pycocotools==2.0.4", "3.10.12", ("setuptools<60",)),
    ],
)
def test_no_wheel_for_this_python_means_a_build_as_of_its_time(
    pin: str, python: str, constraints: tuple[str, ...]
) -> None:
    snapshot = record(*listed(pin), python=python, recorded_at="2022-03-01T10:00:00Z")
    built = group(planned(snapshot), "built-from-source")
    assert built.needs_compiler
    assert built.build_constraints == constraints
    assert built.exclude_newer == "2022-03-01"


def test_the_same_version_with_a_wheel_is_installed() -> None:
    assert "default" in lines(planned(record(*listed("PyYAML==5.4.1"), python="3.8.10")))


def test_an_old_pip_installs_what_newer_ones_refuse() -> None:
    result = planned(record(*listed("gym==0.21.0"), python="3.8.10"))
    (built,) = result.groups
    assert (built.installer, built.installer_version) == ("pip", "24.0")
    assert built.build_constraints == ("setuptools<66", "wheel<0.39")


def test_what_uv_repairs_stays_with_uv() -> None:
    (only,) = planned(record(*listed("omegaconf==2.0.6"), python="3.8.10")).groups
    assert only.installer == "uv"


def test_a_cuda_extension_needs_nvcc_and_torch_while_it_builds() -> None:
    result = planned(record(*installed("torch==2.1.0+cu121", "flash-attn==2.3.3")))
    (built,) = (each for each in result.groups if each.needs_nvcc)
    assert not built.build_isolation
    assert "torch" not in built.build_requires and "packaging" in built.build_requires
    assert result.groups.index(built) > 0
    assert built.build_environment["MAX_JOBS"] == "4"


def test_what_is_known_not_to_build_is_said() -> None:
    result = planned(record(*listed("aiohttp==3.7.4"), python="3.11.9"))
    assert "does-not-build" in warning_codes(result)


def test_without_a_day_the_build_is_not_bound_and_that_is_said() -> None:
    result = planned(record(*listed("PyYAML==5.4.1")))
    assert "no-date" in warning_codes(result)
    assert decision(result, Question.BUILD_TIME).fidelity is Fidelity.EQUIVALENT
    assert group(result, "built-from-source").exclude_newer is None


def test_without_a_scan_the_table_tells() -> None:
    result = planned(record(*installed("torch==2.1.0+cu121", "opencv-python==4.8.1.78")))
    names = [package.name for package in result.system_packages]
    assert "libgl1" in names
    assert all(package.reason for package in result.system_packages)


def test_names_follow_the_release() -> None:
    by_release = {}
    for system in (UBUNTU_2004, record().system):
        result = planned(record(*installed("torch==2.1.0+cu118", "opencv-python==4.8.1.78"), system=system))
        by_release[result.base.os_version] = {package.name for package in result.system_packages}
    assert set(by_release) == {"20.04", "22.04"}
    assert all("libglib2.0-0" in names for names in by_release.values())


def test_a_build_from_source_finds_its_headers() -> None:
    result = planned(record(*listed("psycopg2==2.9.9", "pycairo==1.26.0")))
    reasons = {package.name: package.reason for package in result.system_packages if package.stage == "build"}
    assert reasons["libpq-dev"] == "to build psycopg2"
    assert reasons["libcairo2-dev"] == "to build pycairo"
    assert reasons["build-essential"] == "packages built from source"


def test_packages_on_request() -> None:
    result = planned(record(*installed("numpy==1.24.3")), extra_apt=("htop", "vim=2:8.2"))
    assert {"htop", "vim=2:8.2"} <= {package.name for package in result.system_packages}


def test_an_inferred_day_is_told_and_binds_nothing() -> None:
    day = "2022-03-01T00:00:00Z"
    inferred = Evidence(fact="recorded_at", value=day, certainty="inferred", source="the list of packages")
    result = planned(record(*listed("PyYAML==5.4.1"), python="3.11.4", recorded_at=day, evidence=(inferred,)))
    assert "no older than 2022-03-01" in decision(result, Question.BUILD_TIME).reason
    assert not any(each.exclude_newer for each in result.groups)


def test_bindings_build_against_the_systems_library_and_say_so() -> None:
    result = planned(record(*listed("gdal==3.3.3"), python="3.9.7", system=UBUNTU_2004))
    assert group(result, "built-from-source").needs_compiler
    assert {"libgdal-dev", "build-essential", "gdal-bin"} <= {package.name for package in result.system_packages}
    assert "bound-to-system" in warning_codes(result)
