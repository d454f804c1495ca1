"""Folders and files of the recorded machine whose paths tell a release of a public project."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import lines, placement, planned, record, warning_codes

from reprobuild.plan import Fidelity
from reprobuild.snapshot import ArchiveInfo, DirectUrl, DirInfo, Distribution

HASH = "a" * 32


def local(name: str, url: str, version: str | None = None, *, editable: bool = False) -> Distribution:
    """What pip installed from a folder of the machine itself."""
    return Distribution(name=name, version=version, direct_url=DirectUrl(url=url, dir_info=DirInfo(editable=editable)))


def file(name: str, url: str) -> Distribution:
    """What pip installed from a file of the machine itself."""
    return Distribution(name=name, direct_url=DirectUrl(url=url, archive_info=ArchiveInfo()))


@pytest.mark.parametrize(
    ("package", "line"),
    [
        (local("packaging", "file:///scratch/build/packaging/packaging-23.1"), "packaging==23.1"),
        (local("setuptools-scm", "file:///scratch/setuptools_scm/setuptools_scm-7.1.0/"), "setuptools-scm==7.1.0"),
        (local("PuLP", "file:///scratch/PuLP/2.8.0/PuLP-2.8.0", "2.8.0"), "PuLP==2.8.0"),
        (local("tomli", f"file:///tmp/spack-stage-py-tomli-2.0.1-{HASH}/spack-src"), "tomli==2.0.1"),
        (file("tomli", "file:///build/tomli-2.0.1/dist/tomli-2.0.1-py3-none-any.whl"), "tomli==2.0.1"),
        (file("tomli", "file:///wheels/tomli-2.0.1.tar.gz"), "tomli==2.0.1"),
        (file("scipy", "file:///wheels/scipy-1.11.4%2Bsite-cp310-cp310-linux_x86_64.whl"), "scipy==1.11.4"),
    ],
)
def test_the_index_has_that_release(package: Distribution, line: str) -> None:
    result = planned(record(package))
    assert lines(result)["default"] == (line,)
    assert placement(result, package.name).fidelity is Fidelity.EQUIVALENT
    assert "local-package" not in warning_codes(result)


def test_the_release_is_told() -> None:
    result = planned(record(local("packaging", "file:///scratch/packaging-23.1")))
    assert placement(result, "packaging").detail.endswith(
        "the recorded machine's own build of 23.1 gives way to the same version from the default index"
    )


@pytest.mark.parametrize(
    "package",
    [
        local("packaging", "file:///home/me/packaging"),
        local("packaging", "file:///home/me/packaging-23.1", editable=True),
        local("packaging", "file:///home/me/other-23.1"),
        local("packaging", "file:///home/me/packaging-23.1", "23.2"),
        local("packaging", "file:///home/me/packaging-2nd-try"),
        local("lab-tool", "file:///home/me/lab-tool-1.0"),
        file("lab-tool", "file:///home/me/dist/lab_tool-1.0-py3-none-any.whl"),
    ],
)
def test_anything_else_stays_on_the_machine(package: Distribution) -> None:
    result = planned(record(package))
    assert (placement(result, package.name).where, warning_codes(result)) == ("left out", ["local-package"])


def test_a_wheel_of_condas_build_machine_is_condas() -> None:
    path = "file:///croot/numpy_and_numpy_base_1708638617955/work/dist/numpy-1.26.4-cp310-cp310-linux_x86_64.whl"
    result = planned(record(Distribution(name="numpy", version="1.26.4", direct_url=DirectUrl(url=path))))
    assert placement(result, "numpy").detail.startswith("installed in group default: conda's build of it")
