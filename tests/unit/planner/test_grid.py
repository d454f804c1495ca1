"""The whole grid: every published (torch release, variant, Python) plans, onto tags and folders of the tables."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import pytest
from tests.unit.planner.records import from_archive, listed, planned, record

from reprobuild.catalog import Catalog
from reprobuild.catalog.torch_wheels import TorchRelease, TorchVariant
from reprobuild.errors import PlanError
from reprobuild.plan import DefaultIndex, Plan, PytorchFolder
from reprobuild.snapshot import PythonFacts, Snapshot, SystemFacts

CATALOG = Catalog.packaged()
PLATFORMS = ("linux_x86_64", "linux_aarch64")
TOO_OLD = ("cp27", "cp27mu", "cp35")


class Wheel(msgspec.Struct, frozen=True, kw_only=True):
    """One published wheel: a triple of the grid on one platform."""

    release: TorchRelease
    variant: TorchVariant | None
    """None: the wheel of the default index."""
    tag: str
    platform: str

    @property
    def version(self) -> str:
        """As its metadata spells it."""
        return self.variant.published_version if self.variant else self.release.version

    def __str__(self) -> str:
        return f"{self.version} from {self.variant.folder if self.variant else 'PyPI'}, {self.tag}, {self.platform}"


def wheels() -> Iterator[Wheel]:
    """Every triple of the tables."""
    for release in CATALOG.torch_wheels.releases:
        for platform in PLATFORMS:
            for variant in release.variants:
                for tag in variant.pythons.get(platform, ()):
                    yield Wheel(release=release, variant=variant, tag=tag, platform=platform)
            for tag in release.pypi[platform].pythons if platform in release.pypi else ():
                yield Wheel(release=release, variant=None, tag=tag, platform=platform)


def python_of(wheel: Wheel) -> str:
    """A version of the wheel's Python; without the global lock one that somebody has built."""
    if wheel.tag in TOO_OLD:
        return "2.7.18" if wheel.tag != "cp35" else "3.5.3"
    minor = f"3.{wheel.tag.removeprefix('cp3').rstrip('t')}"
    if not wheel.tag.endswith("t"):
        return f"{minor}.3"
    machine = wheel.platform.removeprefix("linux_")
    built = (
        version
        for version in CATALOG.cpython.uv_versions(machine, minor=minor)
        if CATALOG.cpython.uv_has(version, machine, free_threaded=True)
    )
    return next(built)


def record_of(wheel: Wheel) -> Snapshot:
    """The smallest record that means this wheel: its pin, and the folder where the pin alone does not name it."""
    python = python_of(wheel)
    variant = wheel.variant
    if variant is None or (variant.local and variant.local == variant.folder):
        torch = listed(f"torch=={wheel.version}")[0]
    else:
        escaped = wheel.version.replace("+", "%2B")
        file = f"torch-{escaped}-{wheel.tag}-{wheel.tag}-{wheel.platform}.whl"
        torch = from_archive("torch", f"https://download.pytorch.org/whl/{variant.folder}/{file}", wheel.version)
    return record(
        torch,
        python_facts=PythonFacts(version=python, free_threaded=wheel.tag.endswith("t") or None),
        system=SystemFacts(system="Linux", machine=wheel.platform.removeprefix("linux_")),
    )


def fault(wheel: Wheel, result: Plan) -> str | None:
    """What is wrong with the plan of a wheel; None when nothing is."""
    (group,) = (
        each
        for each in result.groups
        if not each.resolve_dependencies and any(item.name == "torch" for item in each.requirements)
    )
    (line,) = (item.line for item in group.requirements if item.name == "torch")
    if line != f"torch=={wheel.version}":
        return f"pins {line}"
    if isinstance(group.origin, PytorchFolder):
        published = CATALOG.torch_wheels.release(wheel.version)
        folders = {each.folder for each in (published.published(wheel.tag, wheel.platform) if published else ())}
        if group.origin.folder not in folders:
            return f"takes {group.origin.folder}, which has no such wheel"
        if wheel.variant is not None and group.origin.folder != wheel.variant.folder:
            return f"takes {group.origin.folder}"
    elif not isinstance(group.origin, DefaultIndex) or (wheel.variant is not None and wheel.variant.folder):
        return f"takes {group.origin}"
    base = result.base
    if base.repository == "nvidia/cuda":
        row = CATALOG.cuda_images.by_tag(base.tag)
        if row is None or row.presence != "present":
            return f"starts from {base.tag}, which the table does not have as present"
    cuda = wheel.variant.cuda if wheel.variant else wheel.release.pypi[wheel.platform].cuda
    if result.accelerator.version != (cuda or (wheel.variant.rocm if wheel.variant else None)):
        return f"plans for {result.accelerator.kind} {result.accelerator.version}"
    return None


def test_every_triple_plans() -> None:
    faults, count = [], 0
    for wheel in wheels():
        if wheel.tag in TOO_OLD:
            continue
        count += 1
        try:
            found = fault(wheel, planned(record_of(wheel)))
        except PlanError as error:
            found = str(error)
        if found:
            faults.append(f"{wheel}: {found}")
    assert not faults, f"{len(faults)} of {count}: {faults[:20]}"
    assert count > 2400


def test_pythons_that_nothing_installs_are_refused() -> None:
    old = [wheel for wheel in wheels() if wheel.tag in TOO_OLD]
    assert old
    for wheel in old:
        with pytest.raises(PlanError) as refusal:
            planned(record_of(wheel))
        assert "3.6 and later" in str(refusal.value)
        assert refusal.value.hint
