"""A conda run is rebuilt by conda: the recorded builds, from where the record says, and pip's packages on top."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.planner.records import (
    MACOS,
    UBUNTU_2004,
    WINDOWS,
    decision,
    lines,
    placement,
    planned,
    record,
    warning_codes,
)

from reprobuild.errors import PlanError, RecordError
from reprobuild.plan import CondaPython, Fidelity, FindLinks, Plan, Question
from reprobuild.render.conda import conda_file
from reprobuild.snapshot import CondaOrigin, Distribution, GpuDevice, GpuFacts, Snapshot, TorchFacts

FORGE = "https://conda.anaconda.org/conda-forge"


def conda(name: str, version: str | None = None, build: str | None = None, **origin: Any) -> Distribution:
    """A conda package, as a list tells it."""
    return Distribution(name=name, version=version, installer="conda", conda=CondaOrigin(build=build, **origin))


def at(
    name: str, version: str, build: str, subdir: str = "linux-64", channel: str = FORGE, **origin: Any
) -> Distribution:
    """A conda package with its URL."""
    url = f"{channel}/{subdir}/{name}-{version}-{build}.conda"
    return conda(name, version, build, url=url, subdir=subdir, channel=channel, **origin)


PYTHON = conda("python", "3.8.5", "h7579374_1")
OPENSSL = conda("openssl", "1.1.1h", "h7b6447c_0")
TORCH = conda("torch", "1.7.0", "py3.8_cuda11.0.221_cudnn8.0.3_0", package="pytorch", channel="pytorch")
EINOPS = Distribution(name="einops", version="0.3.0", installer="pip")


def of_lists(*more: Distribution, **facts: Any) -> Snapshot:
    """A closed environment, as ``conda env export`` tells it."""
    facts = {"python": "3.8.5", "conda_channels": ("pytorch", "defaults"), "system": UBUNTU_2004, **facts}
    return record(PYTHON, OPENSSL, *more, **facts)


def specs(result: Plan) -> list[str]:
    """What conda is asked for."""
    assert result.conda is not None
    return [package.line for package in result.conda.packages]


def test_exact_builds_are_asked_for_by_name_version_and_build() -> None:
    result = planned(of_lists(TORCH, EINOPS))
    assert specs(result) == [
        "python==3.8.5=h7579374_1",
        "openssl==1.1.1h=h7b6447c_0",
        "pytorch==1.7.0=py3.8_cuda11.0.221_cudnn8.0.3_0",
    ]
    assert result.conda is not None
    assert result.conda.channels[0] == "https://conda.anaconda.org/pytorch"
    assert (result.conda.explicit, result.conda.resolve_dependencies) == (False, False)
    assert lines(result) == {"default": ("einops==0.3.0",)}
    assert result.python == CondaPython(version="3.8.5")
    assert placement(result, "torch").fidelity is Fidelity.EXACT
    assert placement(result, "torch").detail == "installed by conda as pytorch"
    assert decision(result, Question.PYTHON).fidelity is Fidelity.EXACT


def test_the_accelerator_is_that_of_the_build_and_the_base_carries_it() -> None:
    result = planned(of_lists(TORCH, torch=TorchFacts(version="1.7.0", cuda="11.0.221", read_by="list")))
    assert (result.accelerator.kind, result.accelerator.version, result.accelerator.cudnn) == ("cuda", "11.0", "8.0.3")
    assert result.base.repository == "nvidia/cuda"
    assert result.base.cuda is not None
    assert result.base.cuda.startswith("11.0")
    assert result.conda is not None
    assert result.conda.cuda == "11.0"


def test_a_cpu_build_beside_a_toolkit_is_a_cpu_build() -> None:
    torch = conda("torch", "2.10.0", "cpu_mkl_py310_h6a36110_101", package="pytorch")
    result = planned(of_lists(torch, conda("cuda-version", "12.9", "h4f385c5_3")))
    assert result.accelerator.kind == "cpu"
    assert (result.base.repository, result.base.tag) == ("ubuntu", "20.04")


def test_without_torch_the_toolkit_tells_the_cuda() -> None:
    result = planned(of_lists(conda("cudatoolkit", "11.3.1", "h2bc3f7f_2"), conda("cudnn", "8.2.1", "cuda11.3_0")))
    assert (result.accelerator.version, result.accelerator.cudnn) == ("11.3", "8.2.1")


def test_urls_with_checksums_need_no_channel() -> None:
    python = at("python", "3.10.12", "hd12c33a_0_cpython", sha256="a" * 64, md5="b" * 32)
    six = at("six", "1.16.0", "pyh6c4a22f_0", "noarch", md5="C" * 32)
    openssl = at("openssl", "3.1.1", "hd590300_1")
    result = planned(record(six, python, openssl, python="3.10.12"))
    assert specs(result) == [
        f"{FORGE}/linux-64/python-3.10.12-hd12c33a_0_cpython.conda#sha256:{'a' * 64}",
        f"{FORGE}/linux-64/openssl-3.1.1-hd590300_1.conda",
        f"{FORGE}/noarch/six-1.16.0-pyh6c4a22f_0.conda#{'c' * 32}",
    ]
    assert result.conda is not None
    assert (result.conda.explicit, result.conda.channels) == (True, ())
    assert result.fidelity is Fidelity.EXACT


def test_a_mirrors_url_gives_way_to_the_channels_own() -> None:
    mirror = "https://mirrors.tuna.tsinghua.edu.cn/anaconda/cloud/conda-forge"
    python = at("python", "3.10.12", "hd12c33a_0_cpython", channel=mirror)
    assert specs(planned(record(python, at("openssl", "3.1.1", "h_1"), python="3.10.12")))[0].startswith(FORGE)


def test_a_url_of_another_package_is_refused() -> None:
    python = conda("python", "3.10.12", "h_0", url=f"{FORGE}/linux-64/evil-1.0-0.conda", subdir="linux-64")
    with pytest.raises(RecordError) as refusal:
        planned(record(python, OPENSSL.__class__(name="openssl", conda=python.conda), python="3.10.12"))
    assert refusal.value.path == "distributions[0].conda.url"


def test_without_builds_a_solver_is_needed_and_said() -> None:
    result = planned(of_lists(conda("numpy", "1.19"), conda("tqdm")))
    assert "numpy=1.19" in specs(result)
    assert "tqdm" in specs(result)
    assert result.conda is not None
    assert result.conda.resolve_dependencies
    assert placement(result, "numpy").fidelity is Fidelity.EQUIVALENT
    assert placement(result, "tqdm").fidelity is Fidelity.SUBSTITUTED
    assert "not-closed" in warning_codes(result)
    with pytest.raises(PlanError, match="not-closed"):
        planned(of_lists(conda("numpy", "1.19")), strict=True)


@pytest.mark.parametrize(
    ("build", "cuda", "fidelity"),
    [
        ("cuda112*", "11.2", Fidelity.EXACT),
        ("cuda120py38h1234567_0", "12.0", Fidelity.EXACT),
        ("*cuda*", "11.8", Fidelity.EQUIVALENT),
    ],
)
def test_a_jaxlib_for_gpus_tells_the_cuda(build: str, cuda: str, fidelity: Fidelity) -> None:
    result = planned(of_lists(conda("jaxlib", "0.4.10", build)))
    assert (result.accelerator.kind, result.accelerator.version) == ("cuda", cuda)
    assert decision(result, Question.ACCELERATOR).fidelity is fidelity
    assert planned(of_lists(conda("jaxlib", "0.4.10", "cpu_py38h1234567_0"))).accelerator.kind == "cpu"


def test_condas_cuda_without_a_version_means_a_torch_for_gpus() -> None:
    result = planned(of_lists(conda("torch", "1.6", package="pytorch"), conda("cudatoolkit")))
    assert (result.accelerator.kind, result.accelerator.version) == ("cuda", "10.2")
    decided = decision(result, Question.ACCELERATOR)
    assert (decided.fidelity, decided.reason) == (
        Fidelity.EQUIVALENT,
        "conda's CUDA stands beside it without a version; the release's own wheel is for CUDA 10.2, and a solver "
        "chooses conda's",
    )
    cpu = conda("torch", "1.6.0", "py3.8_cpu_0", package="pytorch")
    assert planned(of_lists(cpu, conda("cudatoolkit"))).accelerator.kind == "cpu"


def test_a_pattern_of_a_build_is_asked_for_and_leaves_the_choice_to_a_solver() -> None:
    snapshot = of_lists(conda("jaxlib", "0.4.6", "cuda112*"))
    result = planned(snapshot)
    assert specs(result)[-1] == "jaxlib==0.4.6=cuda112*"
    assert result.conda is not None and result.conda.resolve_dependencies
    assert placement(result, "jaxlib").fidelity is Fidelity.EQUIVALENT
    assert placement(result, "jaxlib").detail == (
        "installed by conda: the record tells only cuda112* of its build, so the solver chooses one that fits"
    )
    assert b"\njaxlib==0.4.6=cuda112*\n" in conda_file(result.conda)


def test_a_python_without_patch_is_pinned_to_the_planned_one() -> None:
    result = planned(record(conda("python", "3.8"), conda("numpy", "1.19"), python="3.8"))
    assert specs(result)[0] == f"python={result.python.version}"
    assert decision(result, Question.PYTHON).fidelity is Fidelity.SUBSTITUTED


@pytest.mark.parametrize("system", [WINDOWS, MACOS])
def test_builds_of_another_platform_are_mapped_to_wheels(system: Any) -> None:
    result = planned(
        of_lists(conda("numpy", "1.19.2", "py38h54aff64_0"), conda("vc", "14.1", "h0510ff6_4"), system=system)
    )
    assert result.conda is None
    assert "Linux does not run" in result.notes[-1]
    assert placement(result, "numpy").line == "numpy==1.19.2"


def test_builds_of_another_platform_by_conda_lose_their_builds() -> None:
    facts = of_lists(conda("numpy", "1.19.2", "py38h54aff64_0"), conda("vc", "14.1", "h0510ff6_4"), system=WINDOWS)
    result = planned(facts, via="conda")
    assert "numpy=1.19.2" in specs(result)
    assert placement(result, "numpy").fidelity is Fidelity.SUBSTITUTED
    assert placement(result, "vc").where == "left out"


def test_an_excerpt_is_mapped_to_wheels_unless_conda_is_asked_for() -> None:
    excerpt = record(TORCH, conda("numpy", "1.19.2", "py38h54aff64_0"), python="3.8", system=UBUNTU_2004)
    assert planned(excerpt).conda is None
    assert "excerpt" in planned(excerpt).notes[-1]
    result = planned(excerpt, via="conda")
    assert specs(result)[0] == f"python={result.python.version}"
    assert result.conda is not None
    assert result.conda.resolve_dependencies


def test_via_pip_maps_everything() -> None:
    result = planned(of_lists(TORCH, EINOPS), via="pip")
    assert result.conda is None
    assert placement(result, "torch").fidelity is Fidelity.EQUIVALENT


def test_via_conda_without_conda_is_refused() -> None:
    with pytest.raises(PlanError, match="no package of conda's"):
        planned(record(EINOPS), via="conda")


def test_a_lone_interpreter_is_no_conda_run() -> None:
    assert planned(record(conda("python", "3.8.8"), conda("pip", "21.0"), EINOPS, python="3.8.8")).conda is None


def test_pips_newer_version_goes_on_top_of_condas() -> None:
    numpy = Distribution(name="numpy", version="1.21.0", installer="pip")
    result = planned(of_lists(conda("numpy", "1.19.2", "py38h54aff64_0"), numpy))
    assert "numpy==1.19.2=py38h54aff64_0" in specs(result)
    assert lines(result) == {"default": ("numpy==1.21.0",)}


def test_condas_own_name_and_version_are_asked_for() -> None:
    audio = conda("torchaudio", "0.7.0a0+ac17b64", "py38")
    audio = msgspec.structs.replace(audio, conda=CondaOrigin(build="py38", version="0.7.0"))
    yaml = msgspec.structs.replace(
        conda("PyYAML", "5.3.1", "py38_1"), conda=CondaOrigin(build="py38_1", package="pyyaml")
    )
    asked = specs(planned(of_lists(audio, yaml)))
    assert "torchaudio==0.7.0=py38" in asked
    assert "pyyaml==5.3.1=py38_1" in asked


def test_a_package_of_the_recorded_machine_is_missing_and_said() -> None:
    result = planned(of_lists(conda("mine", "0.1", "0", channel="local")))
    assert placement(result, "mine").fidelity is Fidelity.MISSING
    assert "local-conda-package" in warning_codes(result)


def test_a_nightly_build_is_refused() -> None:
    nightly = conda("torch", "1.13.0.dev20220901", "py3.8_cuda11.6_cudnn8.3.2_0", package="pytorch")
    with pytest.raises(PlanError, match="nightly") as refusal:
        planned(of_lists(nightly))
    assert refusal.value.hint


def test_a_gpu_that_the_build_has_no_code_for_is_said() -> None:
    torch = conda("torch", "1.7.0", "py3.8_cuda10.2.89_cudnn7.6.5_0", package="pytorch")
    facts = of_lists(
        torch,
        torch=TorchFacts(version="1.7.0", cuda="10.2.89", read_by="list"),
        gpu=GpuFacts(devices=(GpuDevice(name="NVIDIA GeForce RTX 3090"),)),
    )
    result = planned(facts)
    (warning,) = [each for each in result.warnings if each.code == "no-gpu-code"]
    assert warning.hint is not None
    assert "--via pip --rescue" in warning.hint


def test_the_micromamba_is_the_catalogs_or_the_users() -> None:
    result = planned(of_lists(EINOPS))
    assert result.conda is not None
    assert result.conda.micromamba_image.startswith("mambaorg/micromamba:2.")
    mine = planned(of_lists(EINOPS), micromamba_image="registry.example/micromamba:2.5.0").conda
    assert mine is not None
    assert mine.micromamba_image == "registry.example/micromamba:2.5.0"


def test_another_python_asked_for_is_not_condas() -> None:
    result = planned(of_lists(EINOPS), python="3.9.13")
    assert result.conda is None
    assert "3.9.13 was asked for" in result.notes[-1]


def test_what_is_compiled_against_torch_comes_from_the_page_for_condas_build() -> None:
    scatter = Distribution(name="torch-scatter", version="2.0.5", installer="pip")
    result = planned(of_lists(TORCH, scatter, torch=TorchFacts(version="1.7.0", cuda="11.0.221", read_by="list")))
    (found,) = [each for each in result.groups if any(one.name == "torch-scatter" for one in each.requirements)]
    assert found.origin == FindLinks(url="https://data.pyg.org/whl/torch-1.7.0+cu110.html")


def test_pips_torchvision_beside_condas_torch_is_the_default_indexs() -> None:
    vision = Distribution(name="torchvision", version="0.8.1", installer="pip")
    result = planned(of_lists(TORCH, vision, torch=TorchFacts(version="1.7.0", cuda="11.0.221", read_by="list")))
    assert "torchvision==0.8.1" in {line for each in lines(result).values() for line in each}
    assert not any(name.startswith("pytorch-") for name in lines(result))


def test_an_open_pip_section_is_completed_and_both_halves_are_explained() -> None:
    record_of_few = of_lists(conda("numpy", "1.19"), Distribution(name="wandb", version="0.12.0", installer="pip"))
    reason = decision(planned(record_of_few), Question.PACKAGES).reason
    assert reason.startswith("conda's packages are found by what the record tells of them, and a solver adds")
    assert "pip's are installed exactly" in reason


def test_an_interpreter_with_its_url_is_a_conda_run() -> None:
    assert planned(record(at("python", "3.10.12", "h_0"), EINOPS, python="3.10.12")).conda is not None
