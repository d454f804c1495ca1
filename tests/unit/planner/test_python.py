"""Which CPython, and which source of it: the ladder of sources and what the record's gaps do."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import (
    DEBIAN_12,
    UBUNTU_2004,
    UBUNTU_2204,
    decision,
    from_archive,
    listed,
    planned,
    record,
)

from reprobuild.catalog import Catalog
from reprobuild.errors import PlanError, UsageError
from reprobuild.plan import BasePython, Fidelity, ImagePython, PythonSource, Question, SourcePython, UvPython
from reprobuild.snapshot import Distribution, PythonFacts, Snapshot, SystemFacts

CUDA_102 = "torch==1.10.1+cu102"
CUDA_113 = "torch==1.10.1+cu113"
UBUNTU_1804 = SystemFacts(
    system="Linux", machine="x86_64", libc="glibc", libc_version="2.27", os_id="ubuntu", os_version="18.04"
)


def interpreter(version: str, **facts: str) -> PythonFacts:
    """Facts of an interpreter."""
    return PythonFacts(version=version, **facts)  # type: ignore[arg-type]  # every field used here is text


UBUNTU_BUILD = interpreter("3.8.10", base_prefix="/usr", compiler="GCC 9.4.0")
CONDA_BUILD = interpreter("3.8.10", environment="conda", build="3.8.10 | packaged by conda-forge | (default)")


@pytest.mark.parametrize(
    ("snapshot", "source", "fidelity"),
    [
        (record(*listed(CUDA_113), python="3.8.10", system=UBUNTU_2004), UvPython(version="3.8.10"), Fidelity.EXACT),
        (
            record(*listed(CUDA_113), python_facts=UBUNTU_BUILD, system=UBUNTU_2004),
            BasePython(version="3.8.10", executable="/usr/bin/python3.8"),
            Fidelity.EXACT,
        ),
        (
            record(*listed(CUDA_113), python_facts=CONDA_BUILD, system=UBUNTU_2004),
            UvPython(version="3.8.10"),
            Fidelity.EQUIVALENT,
        ),
        # uv has no 3.8.1: the official image of a suite with the same OpenSSL and no newer glibc.
        (
            record(*listed(CUDA_113), python="3.8.1", system=UBUNTU_2004),
            ImagePython(version="3.8.1", image="python:3.8.1-slim-buster"),
            Fidelity.EXACT,
        ),
        (
            record(*listed("torch==1.10.1+cu113"), python="3.7.12", system=UBUNTU_2004),
            ImagePython(version="3.7.12", image="python:3.7.12-slim-bullseye"),
            Fidelity.EXACT,
        ),
    ],
)
def test_source(snapshot: Snapshot, source: PythonSource, fidelity: Fidelity) -> None:
    result = planned(snapshot)
    assert result.python == source
    assert decision(result, Question.PYTHON).fidelity is fidelity


def test_a_distributions_own_interpreter_brings_its_base_and_its_headers_where_something_is_compiled() -> None:
    own = interpreter("3.11.2", base_prefix="/usr")
    without = planned(record(*listed("numpy==1.26.4"), python_facts=own, system=DEBIAN_12))
    assert (without.base.reference, without.python) == (
        "debian:12",
        BasePython(version="3.11.2", executable="/usr/bin/python3.11"),
    )
    assert decision(without, Question.BASE_IMAGE).fidelity is Fidelity.EXACT
    assert "python3.11-dev" not in [package.name for package in without.system_packages]
    compiled = planned(record(*listed("PyYAML==5.4.1"), python_facts=own, system=DEBIAN_12))
    assert [package.stage for package in compiled.system_packages if package.name == "python3.11-dev"] == ["build"]
    another = planned(record(*listed("numpy==1.26.4"), python="3.11.2", system=DEBIAN_12))
    assert another.base.repository == "python", "nothing tells that the distribution's own interpreter ran"


def test_the_bases_own_python_is_installed_by_its_package_manager() -> None:
    result = planned(record(*listed(CUDA_113), python_facts=UBUNTU_BUILD, system=UBUNTU_2004))
    stages = {package.name: package.stage for package in result.system_packages}
    assert (stages["python3.8"], stages["python3.8-venv"]) == ("runtime", "build")


def test_the_last_rung_is_the_release_archive() -> None:
    # Ubuntu 22.04 has OpenSSL 3, the images of 3.8.1 have 1.1, and uv never built it.
    result = planned(record(*listed("torch==2.1.0+cu121"), python="3.8.1", system=UBUNTU_2204))
    assert isinstance(result.python, SourcePython)
    assert result.python.url == "https://www.python.org/ftp/python/3.8.1/Python-3.8.1.tgz"
    assert result.python.openssl is not None
    lost = {alternative.choice: alternative.reason for alternative in decision(result, Question.PYTHON).alternatives}
    assert set(lost) == {"the base's own CPython", "uv's standalone build", "the official python image"}
    assert "OpenSSL" in lost["the official python image"]


@pytest.mark.parametrize(
    ("torch", "python", "release", "openssl"),
    [
        # Ubuntu 16.04 has OpenSSL 1.0.2, which CPython takes up to 3.9.
        ("torch==1.10.1+cu102", "3.9.9", "16.04", None),
        ("torch==1.10.1+cu102", "3.6.15", "16.04", None),
        ("torch==1.11.0+cu102", "3.10.1", "16.04", "1.1.1w"),
        ("torch==1.12.1+cu102", "3.10.1", "18.04", None),
        ("torch==2.1.0+cu121", "3.9.9", "22.04", "1.1.1w"),
        ("torch==2.1.0+cu121", "3.10.1", "22.04", None),
    ],
)
def test_a_compiled_cpython_gets_an_openssl_that_it_knows(
    torch: str, python: str, release: str, openssl: str | None
) -> None:
    system = SystemFacts(system="Linux", machine="x86_64", os_id="ubuntu", os_version=release)
    source = planned(record(*listed(torch), python=python, system=system)).python
    assert isinstance(source, SourcePython)
    assert source.openssl == openssl


@pytest.mark.parametrize("version", ["2.7.18", "3.5.10"])
def test_what_no_installer_serves_any_more_is_refused(version: str) -> None:
    with pytest.raises(PlanError, match=r"reprobuild rebuilds 3\.6 and later"):
        planned(record(*listed("numpy==1.16.6"), python=version))


def test_another_implementation_is_refused() -> None:
    with pytest.raises(PlanError, match="another Python than CPython"):
        planned(record(*listed("numpy==1.26.4"), python_facts=PythonFacts(version="3.10.12", implementation="PyPy")))


def test_a_minor_version_becomes_its_newest_patch_and_is_said() -> None:
    result = planned(record(*listed("numpy==1.21.6"), python="3.7"))
    assert result.python.version == "3.7.17"
    answer = decision(result, Question.PYTHON)
    assert answer.fidelity is Fidelity.SUBSTITUTED
    assert "the record tells only 3.7" in answer.reason


def test_wheel_tags_tell_an_unknown_python() -> None:
    snapshot = record(
        Distribution(name="numpy", version="1.24.3", tags=("cp39-cp39-manylinux_2_17_x86_64",)),
        from_archive("x", "https://example.org/x-1.0-cp39-cp39-manylinux2014_x86_64.whl"),
        Distribution(name="y", version="1.0", tags=("cp311-cp311-manylinux_2_17_x86_64",)),
        python=None,
    )
    assert planned(snapshot).python.version.startswith("3.9.")


def test_torchs_wheels_tell_an_unknown_python() -> None:
    result = planned(record(*listed("torch==1.12.0+cu113"), python=None))
    assert result.python.version.startswith("3.9.")
    answer = decision(result, Question.PYTHON)
    assert answer.fidelity is Fidelity.SUBSTITUTED
    assert answer.facts[0].certainty == "inferred"


def test_nothing_tells_the_python() -> None:
    with pytest.raises(PlanError, match="does not tell its Python") as refusal:
        planned(record(*listed("numpy==1.26.4"), python=None))
    assert "--python" in (refusal.value.hint or "")


def test_the_user_may_say_it() -> None:
    told = planned(record(*listed("numpy==1.26.4"), python=None), python="3.10.12")
    assert told.python.version == "3.10.12"
    assert decision(told, Question.PYTHON).fidelity is Fidelity.EXACT
    against = planned(record(*listed("numpy==1.26.4"), python="3.10.11"), python="3.10.12")
    assert decision(against, Question.PYTHON).fidelity is Fidelity.SUBSTITUTED


@pytest.mark.parametrize("value", ["3.10", "latest", "3.10.12\n", "$(id)"])
def test_what_the_user_says_is_checked(value: str) -> None:
    with pytest.raises(UsageError, match="--python"):
        planned(record(*listed("numpy==1.26.4")), python=value)


def test_free_threaded_pythons_come_from_uv_only() -> None:
    facts = PythonFacts(version="3.13.5", free_threaded=True)
    result = planned(record(*listed("torch==2.7.1+cu126"), python_facts=facts))
    assert result.python == UvPython(version="3.13.5", free_threaded=True)
    with pytest.raises(PlanError) as refusal:
        planned(record(*listed("numpy==2.0.0"), python_facts=PythonFacts(version="3.12.0", free_threaded=True)))
    assert "global lock" in str(refusal.value)
    assert refusal.value.hint


def test_a_compiled_cpython_is_checked_against_its_release() -> None:
    chosen = planned(record(Distribution(name="torch", version="2.1.0+cu121"), python="3.11.2")).python
    assert isinstance(chosen, SourcePython)
    assert chosen.sha256 == Catalog.packaged().cpython.release_sha256("3.11.2")
    assert chosen.sha256 is not None


def test_a_patch_release_of_the_recorded_minor_is_no_difference() -> None:
    result = planned(record(*listed("numpy==1.24.3"), python="3.10"), python="3.10.12")
    assert decision(result, Question.PYTHON).fidelity is Fidelity.EXACT
    other = planned(record(*listed("numpy==1.24.3"), python="3.1"), python="3.10.12")
    assert decision(other, Question.PYTHON).fidelity is Fidelity.SUBSTITUTED


@pytest.mark.parametrize(("version", "certainty"), [("3.8.1", "present"), ("3.11.99", "presumed")])
def test_an_archive_that_the_tables_have_no_digest_of_is_presumed(version: str, certainty: str) -> None:
    result = planned(record(*listed("torch==2.1.0+cu121"), python=version, system=UBUNTU_2204))
    facts = {fact.source: fact.certainty for fact in decision(result, Question.PYTHON).facts}
    assert facts["cpython_releases"] == certainty
