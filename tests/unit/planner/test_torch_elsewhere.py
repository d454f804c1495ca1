"""Builds of torch beside PyTorch's index: long-term support, Intel's, somebody's for ROCm; and names of none."""

from __future__ import annotations

import pytest
from tests.unit.planner.records import UBUNTU_2004, group_of, listed, placement, planned, record

from reprobuild.catalog import Catalog
from reprobuild.errors import PlanError
from reprobuild.plan import Fidelity, FindLinks, NamedIndex, PytorchFolder
from reprobuild.snapshot import PythonFacts, SystemFacts, TorchFacts

PAGE = FindLinks(url="https://download.pytorch.org/whl/lts/1.8/torch_lts.html")
LTS = [
    (build.local, tag)
    for local in ("cpu", "cu102", "cu111")
    if (build := Catalog.packaged().torch_wheels.lts(f"1.8.2+{local}"))
    for tag in build.pythons
]


@pytest.mark.parametrize(("local", "tag"), LTS)
def test_every_long_term_support_wheel_comes_from_its_page(local: str, tag: str) -> None:
    pins = listed(f"torch==1.8.2+{local}", f"torchvision==0.9.2+{local}", "torchaudio==0.8.2")
    result = planned(record(*pins, python=f"3.{tag[3:]}.6", system=UBUNTU_2004))
    group = next(group for group in result.groups if group.origin == PAGE)
    assert [requirement.line for requirement in group.requirements] == [
        f"torch==1.8.2+{local}",
        "torchaudio==0.8.2",
        f"torchvision==0.9.2+{local}",
    ]
    assert result.accelerator.cudnn == {"cpu": None, "cu102": "7.6.5.32", "cu111": "8.0.5.39"}[local]
    assert result.decisions[0].fidelity is Fidelity.EXACT


def test_what_the_page_never_had_is_refused_with_what_it_has() -> None:
    with pytest.raises(PlanError, match=r"never published for CPython 3\.10\.4") as refusal:
        planned(record(*listed("torch==1.8.2+cu111"), python="3.10.4"))
    assert refusal.value.hint is not None and "cp39" in refusal.value.hint


def test_a_plain_long_term_support_version_is_inferred_and_said() -> None:
    result = planned(record(*listed("torch==1.8.2"), python="3.8.5"))
    assert placement(result, "torch").line == "torch==1.8.2+cu102"
    assert "variant-inferred" in {warning.code for warning in result.warnings}
    told = record(*listed("torch==1.8.2"), python="3.8.5", torch=TorchFacts(version="1.8.2", cuda="11.1"))
    assert placement(planned(told), "torch").line == "torch==1.8.2+cu111"


@pytest.mark.parametrize("version", ["2.1.0a0+cxx11.abi", "2.3.1+cxx11.abi", "2.5.1+cxx11.abi"])
def test_intels_torch_comes_from_intels_index_with_its_extension(version: str) -> None:
    result = planned(record(*listed(f"torch=={version}", "intel-extension-for-pytorch==2.3.110+xpu")))
    assert isinstance(group_of(result, "torch").origin, NamedIndex)
    assert group_of(result, "torch") == group_of(result, "intel-extension-for-pytorch")
    assert result.accelerator.kind == "xpu"


@pytest.mark.parametrize(
    ("hip", "line", "fidelity"),
    [
        ("6.1.40091-a8dbc0c19", "torch==2.1.2+rocm5.6", Fidelity.SUBSTITUTED),
        ("5.6.31061", "torch==2.1.2+rocm5.6", Fidelity.EQUIVALENT),
    ],
)
def test_a_torch_that_somebody_built_for_rocm_stays_with_rocm(hip: str, line: str, fidelity: Fidelity) -> None:
    version = "2.1.2+git98a6632"
    result = planned(record(*listed(f"torch=={version}"), torch=TorchFacts(version=version, hip=hip)))
    assert placement(result, "torch").line == line
    assert result.decisions[0].fidelity is fidelity
    assert result.accelerator.kind == "rocm"


@pytest.mark.parametrize(
    ("version", "words"),
    [
        ("2.1.0rc3", "release candidate"),
        ("2.1.0rc3+cu121", "release candidate"),
        ("2.1.0a0+git1234567", "from source or by a vendor"),
        ("2.0.0a0+ec3941ad.nv23.02", "Jetson"),
    ],
)
def test_what_no_index_has_names_the_release_that_followed(version: str, words: str) -> None:
    with pytest.raises(PlanError, match=words) as refusal:
        planned(record(*listed(f"torch=={version}")))
    assert refusal.value.hint is not None and "put it into the record" in refusal.value.hint


def test_the_patch_of_torchs_cuda_does_not_matter() -> None:
    torch = TorchFacts(version="1.1.0", cuda="10.0.130")
    result = planned(record(*listed("torch==1.1.0"), python="3.7.3", torch=torch))
    group = next(group for group in result.groups if group.origin == PytorchFolder(folder="cu100"))
    assert group.requirements[0].line == "torch==1.1.0"
    assert result.decisions[0].fidelity is Fidelity.EXACT


def test_a_post_release_has_the_cuda_of_its_release() -> None:
    result = planned(record(*listed("torch==1.0.1.post2"), python="3.7.3"))
    assert result.accelerator.variant == "cu90"
    assert "variant-inferred" in {warning.code for warning in result.warnings}


def test_a_refusal_names_the_cuda_that_was_asked_for() -> None:
    board = SystemFacts(system="Linux", machine="aarch64")
    snapshot = record(
        *listed("torch==1.10.0"),
        python_facts=PythonFacts(version="3.8.10"),
        system=board,
        torch=TorchFacts(version="1.10.0", cuda="11.3"),
    )
    with pytest.raises(PlanError, match=r"never published for CUDA 11\.3, CPython 3\.8\.10"):
        planned(snapshot)


def test_a_companion_of_long_term_support_comes_from_its_page_beside_any_torch() -> None:
    pins = ("torch==1.9.1", "torchvision==0.9.2+cu111", "torchaudio==0.8.2")
    result = planned(record(*listed(*pins), python="3.7.12"))
    for name, line in (("torchvision", "torchvision==0.9.2+cu111"), ("torchaudio", "torchaudio==0.8.2")):
        found = group_of(result, name)
        assert found.origin == PAGE
        assert line in [item.line for item in found.requirements]


def test_a_companion_of_long_term_support_tells_the_torch_that_is_not_listed() -> None:
    result = planned(record(*listed("torchvision==0.9.2+cu111"), python="3.7.12"))
    assert "torch==1.8.2+cu111" in [item.line for each in result.groups for item in each.requirements]
