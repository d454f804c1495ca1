"""Extensions of torch: from a page of wheels where one is known, else compiled with torch's own CUDA, else left out."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import (
    COMMIT,
    UBUNTU_2004,
    decision,
    from_git,
    group_of,
    listed,
    placement,
    planned,
    record,
)

from reprobuild.plan import DefaultIndex, Direct, Fidelity, FindLinks, Question
from reprobuild.snapshot import Distribution

DETECTRON2 = from_git("detectron2", "https://github.com/facebookresearch/detectron2.git", commit_id=COMMIT)
APEX = from_git("apex", "https://github.com/NVIDIA/apex", commit_id=COMMIT)


@pytest.mark.parametrize("extension", [DETECTRON2, APEX], ids=lambda each: each.name)
def test_a_repository_is_compiled_with_nvcc_beside_torch(extension: Distribution) -> None:
    result = planned(record(*listed("torch==1.10.1+cu113"), extension, python="3.8.10", system=UBUNTU_2004))
    group = group_of(result, extension.name)
    assert group.origin == Direct() and group.needs_nvcc and not group.build_isolation
    assert "setuptools<82" in group.build_constraints
    assert result.build_base is not None and result.build_base.flavor == "devel"


@pytest.mark.parametrize("torch", ["torch==2.0.1+cpu", "torch==1.10.1+cpu"])
def test_beside_a_torch_without_cuda_nothing_asks_for_nvcc(torch: str) -> None:
    result = planned(record(*listed(torch), DETECTRON2, python="3.8.10"))
    group = group_of(result, "detectron2")
    assert group.needs_compiler and not group.needs_nvcc and not group.build_isolation
    assert "FORCE_CUDA" not in group.build_environment
    assert result.build_base is None


def test_without_an_image_that_brings_nvcc_it_is_left_out() -> None:
    snapshot = record(*listed("torch==1.9.0+cu102"), DETECTRON2, python="3.8.10", system=UBUNTU_2004)
    placed = placement(planned(snapshot), "detectron2")
    assert placed.where == "left out" and "CUDA 10.2" in placed.detail
    own = planned(snapshot, base="registry.example/cuda:10.2-devel")
    assert placement(own, "detectron2").where == "installed"


@pytest.mark.parametrize(
    ("torch", "line"),
    [
        ("1.10.0+cu113", "detectron2==0.6+cu113"),
        ("1.8.1+cu101", "detectron2==0.6+cu101"),
        ("1.9.0+cpu", "detectron2==0.6+cpu"),
    ],
)
def test_a_plain_version_of_a_project_whose_page_marks_its_wheels(torch: str, line: str) -> None:
    found = placement(planned(record(*listed(f"torch=={torch}", "detectron2==0.6"), python="3.8.10")), "detectron2")
    assert (found.line, found.fidelity) == (line, Fidelity.EQUIVALENT)


@pytest.mark.parametrize(("torch", "version"), [("1.11.0+cu113", "0.6"), ("1.10.0+cu113", "0.5")])
def test_a_plain_version_that_no_page_is_known_to_have(torch: str, version: str) -> None:
    result = planned(record(*listed(f"torch=={torch}", f"detectron2=={version}"), python="3.8.10"))
    assert placement(result, "detectron2").where == "left out"


@pytest.mark.parametrize(
    ("torch", "pin", "page"),
    [
        ("1.10.1+cu113", "torch-scatter==2.0.9", "https://data.pyg.org/whl/torch-1.10.0+cu113.html"),
        ("1.9.0+cu102", "torch-spline-conv==1.2.1", "https://data.pyg.org/whl/torch-1.9.0+cu102.html"),
        ("1.8.0+cu111", "mmcv-full==1.3.17", "https://download.openmmlab.com/mmcv/dist/cu111/torch1.8/index.html"),
        ("1.9.0+cu111", "detectron2==0.6+cu111", "https://dl.fbaipublicfiles.com/detectron2/wheels/cu111/torch1.9/index.html"),
    ],
)  # fmt: skip
def test_a_page_of_wheels(torch: str, pin: str, page: str) -> None:
    result = planned(record(*listed(f"torch=={torch}", pin), python="3.8.10", system=UBUNTU_2004))
    group = group_of(result, pin.partition("==")[0])
    assert group.origin == FindLinks(url=page) and not group.needs_compiler


@pytest.mark.parametrize(
    ("torch", "pin"),
    [
        ("2.6.0+cu124", "mmcv==2.2.0"),
        ("2.1.0+cu121", "torch-spline-conv==1.2.2"),
        ("2.1.0+cu121", "mamba-ssm==1.2.0"),
        ("2.1.0+cu121", "flash-attn==2.5.8"),
    ],
)
def test_sources_where_no_page_is_known(torch: str, pin: str) -> None:
    result = planned(record(*listed(f"torch=={torch}", pin)))
    group = group_of(result, pin.partition("==")[0])
    assert group.origin == DefaultIndex() and group.needs_nvcc and not group.build_isolation


@pytest.mark.parametrize(
    "pin",
    ["detectron2==0.6", "tinycudann==1.7", "simple-knn==0.0.0", "kaolin==0.12.0+x", "torchvision==0.18.0.dev20240101"],
)
def test_what_no_index_has_is_left_out_with_a_warning(pin: str) -> None:
    result = planned(record(*listed("torch==2.1.0+cpu", pin)))
    name = pin.partition("==")[0]
    assert placement(result, name).fidelity is Fidelity.MISSING
    assert any(name in warning.message for warning in result.warnings)


def test_sources_of_python_alone_need_no_compiler() -> None:
    result = planned(record(*listed("jax==0.4.13", "jaxlib==0.4.13", "numpy==1.24.3", "opt-einsum==3.3.0")))
    assert not group_of(result, "jax").needs_compiler
    assert group_of(result, "jax").name == "built-from-source-pure"
    assert "jax: built with" in decision(result, Question.BUILD_TIME).choice
    assert all(package.name != "build-essential" for package in result.system_packages)


def test_another_cuda_than_the_default_indexs_is_a_substitution() -> None:
    placed = placement(planned(record(*listed("torch==2.1.0+cu118", "autoawq==0.1.5+cu118"))), "autoawq")
    assert placed.fidelity is Fidelity.SUBSTITUTED
    assert "cu118" in placed.detail
