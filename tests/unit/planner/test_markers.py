"""Lists for several platforms: only what its marker admits on the image's platform and Python speaks of the run."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.planner.records import decision, lines, placement, planned, record, warning_codes

from reprobuild import records
from reprobuild.errors import RecordError
from reprobuild.plan import Fidelity, Plan, Platform, Question
from reprobuild.render.view import title_of
from reprobuild.snapshot import Distribution, PythonFacts, SystemFacts

THREE_PLATFORMS = """\
torch==2.7.0.dev20250226+cu128; sys_platform == "win32"
torchvision==0.22.0.dev20250226+cu128; sys_platform == "win32"
torch; sys_platform == "darwin"
torch==2.6.0+cu124; sys_platform == "linux"
torchvision==0.21.0+cu124; sys_platform == "linux"
"""
SYSTEM = SystemFacts(system="Linux", machine="x86_64", os_id="ubuntu", os_version="22.04")


def marked(name: str, version: str | None, marker: str) -> Distribution:
    """A line of a list with a marker."""
    return Distribution(name=name, version=version, marker=marker)


def accelerator(result: Plan) -> tuple[str, str | None]:
    """Its kind and version."""
    return result.accelerator.kind, result.accelerator.version


def test_the_torch_of_the_images_platform_decides() -> None:
    snapshot = records.parse(THREE_PLATFORMS.encode(), "requirements.txt")
    result = planned(snapshot, python="3.11.9")
    assert accelerator(result) == ("cuda", "12.4")
    assert decision(result, Question.ACCELERATOR).fidelity is Fidelity.EXACT
    assert lines(result)["pytorch-cu124"] == ("torch==2.6.0+cu124", "torchvision==0.21.0+cu124")
    assert "torch-differs" not in warning_codes(result)
    left_out = [each for each in result.placements if each.where == "left out"]
    assert [each.detail for each in left_out] == [
        'the record has it only for sys_platform == "win32", which the image is not',
        'the record has it only for sys_platform == "win32", which the image is not',
        'the record has it only for sys_platform == "darwin", which the image is not',
    ]


def test_python_is_concluded_from_the_torch_of_the_images_platform() -> None:
    snapshot = msgspec.structs.replace(records.parse(THREE_PLATFORMS.encode(), "list.txt"), python=PythonFacts())
    assert planned(snapshot).python.version.startswith("3.12.")


@pytest.mark.parametrize(
    ("platform", "python", "wanted"),
    [
        (Platform(architecture="amd64"), "3.8.20", "1.24.4"),
        (Platform(architecture="amd64"), "3.10.12", "1.26.4"),
        (Platform(architecture="arm64"), "3.10.12", "1.25.2"),
    ],
)
def test_the_first_line_that_is_meant_is_installed(platform: Platform, python: str, wanted: str) -> None:
    numpys = (
        marked("numpy", "1.24.4", 'python_version < "3.9"'),
        marked("numpy", "1.25.2", 'python_version >= "3.9" and platform_machine == "aarch64"'),
        marked("numpy", "1.26.4", 'python_version >= "3.9"'),
    )
    result = planned(record(*numpys, python=python, system=SYSTEM), platform=platform)
    assert lines(result)["default"] == (f"numpy=={wanted}",)


def test_a_requirement_of_another_platforms_package_leaves_nothing_open() -> None:
    result = planned(record(marked("seaborn", "0.13.2", 'sys_platform == "darwin"'), python="3.10.12"))
    assert (result.groups, warning_codes(result)) == ((), [])


def test_what_is_left_out_is_not_in_the_title() -> None:
    result = planned(record(marked("tensorflow", "2.12.0", 'sys_platform == "darwin"'), python="3.10.12"))
    assert title_of(result) == "CPython 3.10.12, CPU only"
    assert placement(result, "tensorflow").where == "left out"


def test_a_marker_that_compares_nothing_is_refused() -> None:
    with pytest.raises(RecordError, match=r"distributions\[0\]\.marker"):
        planned(record(marked("numpy", "1.26.4", 'os_name ~= "posix"')))
