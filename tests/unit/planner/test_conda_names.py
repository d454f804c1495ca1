"""conda's packages mapped to wheels: the index's name for them, and what no table knows."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import WINDOWS, installed, lines, placement, planned, record, warning_codes

from reprobuild.plan import Fidelity
from reprobuild.snapshot import CondaOrigin, Distribution


def conda(pin: str, build: str | None = "py39h1234567_0") -> Distribution:
    """A package that only conda's list tells."""
    name, _, version = pin.partition("==")
    return Distribution(name=name, version=version or None, conda=CondaOrigin(build=build))


def test_the_index_has_it_under_another_name() -> None:
    result = planned(record(conda("torch==1.11.0", "py3.9_0"), conda("pytorch-scatter==2.0.9"), python="3.9.12"))
    assert lines(result)["data-pyg-org-torch-1-11-0-cpu"] == ("torch-scatter==2.0.9",)
    found = placement(result, "pytorch-scatter")
    assert found.fidelity is Fidelity.EQUIVALENT
    assert "as torch-scatter, which conda calls pytorch-scatter; conda's build of it gives way to" in found.detail
    assert found.detail.endswith("the same version from https://data.pyg.org/whl/torch-1.11.0+cpu.html")


@pytest.mark.parametrize("name", ["jupyter_core", "hydra-core", "google-api-core", "azure-core"])
def test_a_name_that_ends_like_a_part_is_no_part_of_anything(name: str) -> None:
    result = planned(record(conda(f"{name}==1.2"), conda("jupyter==1.0.0"), python="3.9.12"))
    assert f"{name}==1.2" in lines(result)["default"]


@pytest.mark.parametrize(
    ("package", "fidelity", "reason"),
    [
        (conda("backports==1.1", "pyhd3eb1b0_0"), Fidelity.EQUIVALENT, "namespace"),
        (conda("zope==1.0", "py39_1"), Fidelity.EQUIVALENT, "namespace"),
        (conda("python.app==3", "py39_0"), Fidelity.EQUIVALENT, "macOS"),
        (conda("redis==5.0.3", None), Fidelity.MISSING, "redis-py"),
        (conda("ffmpeg==4.3", None), Fidelity.MISSING, "program of conda's"),
        (conda("sip==4.19.13"), Fidelity.MISSING, "no release of this number"),
    ],
)
def test_what_the_index_has_not_is_left_out(package: Distribution, fidelity: Fidelity, reason: str) -> None:
    result = planned(record(package, python="3.9.12"))
    found = placement(result, package.name)
    assert (found.where, found.fidelity) == ("left out", fidelity)
    assert reason in found.detail


def test_a_name_that_no_table_knows_is_no_equivalent() -> None:
    unknown = [conda(f"lab-tool-{number}==1.0") for number in range(7)]
    result = planned(record(*unknown, conda("numpy==1.21.5"), python="3.9.12", system=WINDOWS))
    assert placement(result, "lab-tool-0").fidelity is Fidelity.SUBSTITUTED
    assert placement(result, "numpy").fidelity is Fidelity.EQUIVALENT
    (warning,) = (each for each in result.warnings if each.code == "conda-name-unknown")
    assert warning.message.startswith("lab-tool-0, lab-tool-1, lab-tool-2, lab-tool-3, lab-tool-4 and 2 more: no table")


def test_a_place_that_the_user_names_leaves_no_doubt() -> None:
    result = planned(
        record(conda("lab-tool==1.0"), python="3.9.12"),
        package_indexes=(("lab-tool", "https://wheels.example/simple"),),
    )
    assert "conda-name-unknown" not in warning_codes(result)


def test_a_name_without_version_is_in_doubt_too() -> None:
    result = planned(record(conda("lab-tool", None), python="3.9.12"))
    assert "conda-name-unknown" in warning_codes(result)
    assert "no table tells" in placement(result, "lab-tool").detail


def test_pythons_own_metadata_tell_the_projects_name() -> None:
    origin = CondaOrigin(build="py39_0")
    package = Distribution(name="lab-tool", version="1.0", conda=origin, installer="conda", metadata_format="dist-info")
    result = planned(record(package, *installed("numpy==1.21.5"), python="3.9.12"), via="pip")
    assert placement(result, "lab-tool").fidelity is Fidelity.EQUIVALENT
    assert "conda-name-unknown" not in warning_codes(result)


@pytest.mark.parametrize(("python", "where"), [("3.6.13", "installed"), ("3.7.16", "left out"), ("3.9.12", "left out")])
def test_a_backport_that_refuses_newer_pythons(python: str, where: str) -> None:
    result = planned(record(*installed("dataclasses==0.8"), python=python))
    assert placement(result, "dataclasses").where == where


def test_a_backport_that_takes_any_python_is_installed() -> None:
    result = planned(record(*installed("dataclasses==0.6"), python="3.9.12"))
    assert placement(result, "dataclasses").where == "installed"


def test_what_no_index_has_is_said_to_be_in_condas_channel() -> None:
    result = planned(record(conda("torch==1.7.1", "py3.8_cpu_0"), conda("pytorch3d==0.4.0"), python="3.8.5"))
    (warning,) = (each for each in result.warnings if each.code == "not-installable")
    assert warning.hint == "--via conda takes conda's package of it from the channel pytorch3d"
