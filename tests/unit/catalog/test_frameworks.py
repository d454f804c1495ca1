"""Look-ups over companions of torch, TensorFlow and JAX."""

from __future__ import annotations

import pytest

from reprobuild.catalog import Catalog
from reprobuild.catalog.companions import torch_of_local, variant_of_local
from reprobuild.catalog.jax import CPU_FIND_LINKS, CUDA_FIND_LINKS, build_of_local

CATALOG = Catalog.packaged()
COMPANIONS, TENSORFLOW, JAX = CATALOG.companions, CATALOG.tensorflow, CATALOG.jax


def test_what_belongs_to_a_torch() -> None:
    picks = COMPANIONS.belonging("2.1.0+cu121")
    assert {name: picks[name].pick for name in ("torchvision", "torchaudio", "triton")} == {
        "torchvision": "0.16.0",
        "torchaudio": "2.1.0",
        "triton": "2.1.0",
    }
    assert COMPANIONS.belonging("0.3.1") == {}


def test_which_torch_a_companion_requires() -> None:
    release = COMPANIONS.release("torchvision", "0.15.2+cu118")
    assert release is not None and release.torch == "==2.0.1"
    assert COMPANIONS.release("torchvision", "99") is None


@pytest.mark.parametrize(
    ("name", "version", "kind", "address"),
    [
        ("torch", "2.1.0+cu121", "pytorch", None),
        ("torchvision", "0.16.0+cu121", "pytorch", None),
        ("torch_scatter", "2.1.2+pt21cu121", "find-links", "https://data.pyg.org/whl/torch-2.1.0+cu121.html"),
        ("torch-scatter", "2.1.2", "source", None),
        ("dgl", "1.1.2+cu121", "find-links", "https://data.dgl.ai/wheels/cu121/repo.html"),
        ("dgl", "2.4.0+cu121", "find-links", "https://data.dgl.ai/wheels/torch-2.1/cu121/repo.html"),
        ("mmcv", "2.1.0", "find-links", "https://download.openmmlab.com/mmcv/dist/cu121/torch2.1/index.html"),
        ("vllm", "0.6.1+cu121", "index", "https://wheels.vllm.ai/0.6.1/cu121"),
        ("detectron2", "0.6", "none", None),
        ("apex", "0.1", "none", None),
        ("cupy-cuda12x", "13.0.0", "default", None),
    ],
)
def test_where_a_package_lives(name: str, version: str, kind: str, address: str | None) -> None:
    origin = COMPANIONS.origin(name, version, torch="2.1.2", variant="cu121")
    assert origin is not None and origin.kind == kind
    assert origin.address(torch="2.1.2", variant="cu121", python="3.10.4", version=version) == address


@pytest.mark.parametrize(("name", "version"), [("torch", "2.1.0"), ("numpy", "1.26.0"), ("dgl", "1.1.2")])
def test_the_default_index_needs_no_row(name: str, version: str) -> None:
    assert COMPANIONS.origin(name, version) is None


@pytest.mark.parametrize(
    ("name", "version", "torch", "variant", "kind"),
    [
        ("torch-scatter", "2.0.9", "1.10.1", "cu113", "find-links"),
        ("torch-scatter", "2.0.9", "1.13.1", "cu117", "source"),
        ("torch-scatter", "2.0.9", None, None, "source"),
        ("mmcv", "2.2.0", "2.4.1", "cu121", "find-links"),
        ("mmcv", "2.2.0", "2.4.1", "cu124", "source"),
        ("mmcv-full", "1.7.1", "2.0.1", "cu118", "source"),
        ("detectron2", "0.6+cu113", "1.10.1", "cu113", "find-links"),
        ("kaolin", "0.15.0", None, None, "none"),
    ],
)
def test_a_page_is_named_only_beside_a_torch_that_it_serves(
    name: str, version: str, torch: str | None, variant: str | None, kind: str
) -> None:
    origin = COMPANIONS.origin(name, version, torch=torch, variant=variant)
    assert origin is not None and origin.kind == kind


def test_an_address_that_lacks_a_fact_is_none() -> None:
    origin = COMPANIONS.origin("torch-scatter", "2.1.2+pt21cu121")
    assert origin is not None
    assert origin.address(torch=None, variant="cu121", python="3.10", version="2.1.2") is None


def test_pytorchs_own_packages() -> None:
    assert {"torch", "torchvision", "torchaudio", "xformers", "pytorch-triton"} <= COMPANIONS.pytorch_packages()
    assert "numpy" not in COMPANIONS.pytorch_packages()


@pytest.mark.parametrize(
    ("local", "variant", "torch"),
    [
        ("cu121", "cu121", None),
        ("pt21cu121", "cu121", "2.1"),
        ("pt113cu117", "cu117", "1.13"),
        ("cpu", "cpu", None),
        ("rocm5.6", "rocm5.6", None),
        ("nv23.10", None, None),
    ],
)
def test_what_a_local_part_names(local: str, variant: str | None, torch: str | None) -> None:
    assert variant_of_local(local) == variant
    assert torch_of_local(local) == torch


def test_onnxruntime_takes_cuda_from_the_system() -> None:
    runtime = COMPANIONS.onnxruntime("1.16.3")
    assert runtime is not None and (runtime.cuda, runtime.cudnn) == ("11.8", "8")
    assert COMPANIONS.onnxruntime("1.8.0") is None


@pytest.mark.parametrize(
    ("version", "cuda", "cudnn", "from_system"),
    [
        ("1.15.5", "10.0", "7.4", True),
        ("2.4.0", "11.0", "8.0", True),
        ("2.10.1", "11.2", "8.1", True),
        ("2.13.1", "11.8", "8.6", True),
        ("2.15.0", "12.2", "8.9", False),
        ("2.8.2+zzzcolab20220929150707", "11.2", "8.1", True),
    ],
)
def test_tensorflow_up_to_2_13_needs_cuda_of_the_system(version: str, cuda: str, cudnn: str, from_system: bool) -> None:
    release = TENSORFLOW.release(version)
    assert release is not None
    assert (release.cuda, release.cudnn, release.cuda_from_system) == (cuda, cudnn, from_system)


def test_a_tensorflow_that_is_not_there() -> None:
    assert TENSORFLOW.release("9.9.9") is None and TENSORFLOW.release("not a version") is None


@pytest.mark.parametrize(
    ("name", "version", "gpu"),
    [
        ("tensorflow", "2.0.0", False),
        ("tensorflow", "2.1.0", True),
        ("tensorflow", "1.15.5", True),
        ("tensorflow_gpu", "1.14.0", True),
        ("tensorflow-cpu", "2.9.0", False),
    ],
)
def test_which_distribution_uses_a_gpu(name: str, version: str, gpu: bool) -> None:
    assert TENSORFLOW.is_gpu_build(name, version) is gpu


@pytest.mark.parametrize(
    ("jaxlib", "page"),
    [
        ("0.4.13+cuda12.cudnn89", CUDA_FIND_LINKS),
        ("0.3.24+cuda11.cudnn82", CPU_FIND_LINKS),
        ("0.4.12", CPU_FIND_LINKS),
        ("0.4.13", None),
        ("0.4.30", None),
        ("not a version", None),
    ],
)
def test_the_page_that_holds_a_jaxlib(jaxlib: str, page: str | None) -> None:
    assert JAX.find_links(jaxlib) == page


def test_what_a_jaxlib_says_of_its_cuda() -> None:
    build = build_of_local("0.4.13+cuda12.cudnn89")
    assert build is not None and (build.cuda, build.cudnn) == ("12", "89")
    old = build_of_local("0.1.69+cuda111")
    assert old is not None and (old.cuda, old.cudnn) == ("11.1", None)
    assert build_of_local("0.4.13") is None


def test_jax_and_its_plug_ins() -> None:
    release = JAX.release("0.4.7")
    assert release is not None and "0.4.7+cuda11.cudnn86" in release.gpu_jaxlibs
    plugin = JAX.wheel("jax-cuda12-plugin", "0.6.1")
    assert plugin is not None and plugin.cudnn == "<10.0,>=9.8"
    assert JAX.wheel("jaxlib", "0.4.12") is None
