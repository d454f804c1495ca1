"""Old source archives build with what was there on the record's day, and fail with what is there today.

All real: the archives, what they are built with, the interpreters (patch releases that this machine has). Debian 12
stands in for the official Python images' own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.lab.laboratory import Laboratory, interpreters
from tests.lab.proofs import unexplained

from reprobuild.build import BuildFailed, BuildOptions, build
from reprobuild.catalog import Catalog
from reprobuild.engine.docker import DockerEngine
from reprobuild.plan import Plan
from reprobuild.planner import plan
from reprobuild.render import render
from reprobuild.snapshot import Distribution, PythonFacts, Snapshot, SystemFacts
from reprobuild.verify import verify

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

CASES = [
    # No wheel for 3.10. Cython 3 came in July 2023 and breaks it.
    pytest.param("3.10.13", "PyYAML", "5.4.1", "2022-03-01T12:00:00Z", "cython_sources", id="PyYAML 5.4.1"),
    # Never had a wheel. setuptools 58 came in September 2021 and dropped use_2to3.
    pytest.param("3.9.18", "demjson", "2.2.4", "2021-06-01T12:00:00Z", "use_2to3", id="demjson 2.2.4"),
]


@pytest.fixture(scope="module")
def engine(lab: Laboratory) -> Iterator[DockerEngine]:
    """The laboratory's engine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", lab.docker_host)
        yield DockerEngine.from_environment()


def record(python: str, name: str, version: str, day: str) -> Snapshot:
    """A run with one package on a Debian 12 of that day."""
    return Snapshot(
        recorded_at=day,
        python=PythonFacts(version=python, implementation="CPython"),
        system=SystemFacts(system="Linux", machine="x86_64", os_id="debian", os_version="12"),
        distributions=(Distribution(name=name, version=version),),
    )


def without(made: Plan, *fields: str) -> Plan:
    """The plan whose builds are not told the day, or not what the catalog knows of this package."""
    nothing = {"exclude_newer": None, "build_constraints": ()}
    changes = {field: nothing[field] for field in fields}
    return msgspec.structs.replace(
        made, groups=tuple(msgspec.structs.replace(group, **changes) for group in made.groups)
    )


@pytest.mark.parametrize(("python", "name", "version", "day", "symptom"), CASES)
def test_it_builds_as_of_its_day_and_fails_today(
    lab: Laboratory, engine: DockerEngine, python: str, name: str, version: str, day: str, symptom: str
) -> None:
    if python not in interpreters.available_versions():
        pytest.skip(f"no CPython {python} under PYENV_ROOT")
    snapshot = record(python, name, version, day)
    made = plan(snapshot, Catalog.packaged())
    (group,) = made.groups
    assert group.needs_compiler
    assert group.exclude_newer == day[:10]
    assert group.build_constraints
    lab.provide_base(f"{made.base.repository}:{made.base.tag}")
    lab.images.provide_uv(made.uv_image)
    authorities = os.environ.get("SSL_CERT_FILE")
    tag = f"source-builds:{name.lower()}"
    options = BuildOptions(tag=tag, network="host", ca_certificate=Path(authorities) if authorities else None)

    build(render(made, snapshot), engine, options)
    proof = verify(snapshot, made, tag, engine)
    assert unexplained(proof, digests=False) == []

    only_the_day = without(made, "build_constraints")
    build(render(only_the_day, snapshot), engine, options)

    today = without(made, "build_constraints", "exclude_newer")
    with pytest.raises(BuildFailed) as caught:
        build(render(today, snapshot), engine, options)
    assert symptom in " ".join(caught.value.output)
