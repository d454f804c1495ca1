"""TensorFlow's CUDA comes from the base up to 2.13 and from wheels after."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import (
    MACOS,
    UBUNTU_2004,
    WINDOWS,
    decision,
    lines,
    listed,
    placement,
    planned,
    record,
    warning_codes,
)

from reprobuild.catalog import Catalog
from reprobuild.errors import PlanError
from reprobuild.plan import Fidelity, Question


@pytest.mark.parametrize(
    ("pin", "python", "reference"),
    [
        ("tensorflow==2.8.2", "3.8.10", "nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04"),
        ("tensorflow==2.12.0", "3.10.12", "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu20.04"),
        ("tensorflow-gpu==2.5.0", "3.8.10", "nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04"),
        ("tensorflow-cpu==2.8.2", "3.8.10", "python:3.8.10-slim-buster"),
        ("tensorflow==2.15.0", "3.10.12", "python:3.10.12-slim-bullseye"),
    ],
)
def test_base(pin: str, python: str, reference: str) -> None:
    assert planned(record(*listed(pin), python=python, system=UBUNTU_2004)).base.reference == reference


def test_a_cuda_whose_images_are_gone_is_said() -> None:
    result = planned(record(*listed("tensorflow==2.3.0"), python="3.8.10", system=UBUNTU_2004))
    assert result.accelerator.kind == "cpu"
    assert "cuda-gone" in warning_codes(result)


@pytest.mark.parametrize("version", ["1.4.1", "1.12.0", "1.13.1"])
def test_a_gpu_build_that_needs_its_cuda_to_be_imported_gives_way_to_the_cpus(version: str) -> None:
    result = planned(record(*listed(f"tensorflow-gpu=={version}", "six==1.12.0"), python="3.6.15"))
    assert lines(result)["frameworks"] == (f"tensorflow=={version}",)
    assert placement(result, "tensorflow-gpu").fidelity is Fidelity.SUBSTITUTED
    assert decision(result, Question.ACCELERATOR).fidelity is Fidelity.SUBSTITUTED
    assert "cuda-gone" in warning_codes(result)


def test_a_gpu_build_that_opens_its_cuda_when_used_stays() -> None:
    result = planned(record(*listed("tensorflow-gpu==1.14.0"), python="3.6.15"))
    assert lines(result)["frameworks"] == ("tensorflow-gpu==1.14.0",)


def test_the_gpus_build_counts_beside_the_cpus() -> None:
    result = planned(record(*listed("tensorflow==1.10.0", "tensorflow-gpu==1.10.0"), python="3.6.15"))
    assert "cuda-gone" in warning_codes(result)
    assert lines(result)["frameworks"] == ("tensorflow==1.10.0",)
    assert placement(result, "tensorflow-gpu").where == "left out"
    assert placement(result, "tensorflow-gpu").fidelity is Fidelity.SUBSTITUTED


@pytest.mark.parametrize("base", ["nvidia/cuda:10.0-cudnn7-runtime-ubuntu18.04", "registry.example.org/team/base:1"])
def test_a_base_that_may_have_the_cuda_keeps_the_gpus_build(base: str) -> None:
    result = planned(record(*listed("tensorflow-gpu==1.13.1"), python="3.6.15"), base=base)
    assert (result.accelerator.kind, result.accelerator.version) == ("cuda", "10.0")
    assert lines(result)["frameworks"] == ("tensorflow-gpu==1.13.1",)
    assert "cuda-gone" not in warning_codes(result)


@pytest.mark.parametrize("base", ["ubuntu:20.04", "nvidia/cuda:11.2.2-cudnn8-runtime-ubuntu20.04"])
def test_a_base_that_is_known_to_lack_the_cuda_keeps_it_not(base: str) -> None:
    result = planned(record(*listed("tensorflow-gpu==1.13.1"), python="3.6.15"), base=base)
    assert lines(result)["frameworks"] == ("tensorflow==1.13.1",)
    assert "cuda-gone" in warning_codes(result)


@pytest.mark.parametrize(("pin", "kind"), [("tensorflow-gpu==2.5.0", "cuda"), ("tensorflow==2.12.0", "cpu")])
def test_windows_had_gpus_up_to_2_10(pin: str, kind: str) -> None:
    assert planned(record(*listed(pin), python="3.8.10", system=WINDOWS)).accelerator.kind == kind


def test_a_mac_had_no_cuda() -> None:
    assert planned(record(*listed("tensorflow==2.12.0"), system=MACOS)).accelerator.kind == "cpu"


def test_slim_keeps_what_the_wheels_do_not_bring() -> None:
    result = planned(record(*listed("tensorflow==2.8.2"), python="3.8.10", system=UBUNTU_2004), flavor="slim")
    assert result.base.flavor == "runtime"
    assert result.base.cudnn is not None


@pytest.mark.parametrize(
    ("pin", "python", "published"),
    [
        ("tensorflow==1.14.0", "3.8.9", "cp37"),
        ("tensorflow==2.3.1", "3.9.5", "cp38"),
        ("tensorflow==2.5.0", "3.11.4", "cp39"),
        ("tensorflow-gpu==1.13.1", "3.8.10", "cp37"),
    ],
)
def test_a_tensorflow_without_a_wheel_for_this_python_is_refused(pin: str, python: str, published: str) -> None:
    with pytest.raises(PlanError, match="was never published for CPython") as refusal:
        planned(record(*listed(pin), python=python))
    assert refusal.value.hint is not None and published in refusal.value.hint


def test_every_published_tensorflow_plans() -> None:
    for release in Catalog.packaged().tensorflow.releases:
        for tag in (
            each for each in release.pythons if each.startswith("cp3") and each not in ("cp33", "cp34", "cp35")
        ):
            assert planned(record(*listed(f"tensorflow=={release.version}"), python=f"3.{tag[3:].rstrip('t')}.3"))
