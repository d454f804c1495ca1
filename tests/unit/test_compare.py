"""Ranking the differences between two records."""

from __future__ import annotations

import pytest

from reprobuild.compare import Change, Difference, Rank, compare, rank_of_package, same_version
from reprobuild.report import comparison_text
from reprobuild.snapshot import (
    DirectUrl,
    Distribution,
    Evidence,
    GpuDevice,
    GpuFacts,
    PythonFacts,
    Snapshot,
    SystemFacts,
    TorchFacts,
    VcsInfo,
)


def environment(*packages: str, python: str = "3.10.12", torch: TorchFacts | None = None) -> Snapshot:
    """A record of packages that are written ``name==version``."""
    pairs = [package.split("==") for package in packages]
    return Snapshot(
        python=PythonFacts(version=python),
        distributions=tuple(Distribution(name=name, version=version) for name, version in pairs),
        torch=torch,
    )


def summary(differences: tuple[Difference, ...]) -> list[tuple[Rank, str, Change]]:
    """What a test looks at first."""
    return [(one.rank, one.subject, one.change) for one in differences]


def test_equal_records_have_no_difference_whatever_the_spelling_of_names() -> None:
    first = environment("Jinja2==3.1.2", "ruamel.yaml==0.17.0")
    second = environment("ruamel-yaml==0.17", "jinja2==3.1.2")
    comparison = compare(first, second)
    assert comparison.differences == ()
    assert comparison.same_packages == 2
    assert comparison_text(comparison) == "no differences; 2 packages are the same\n"


def test_differences_are_ranked_by_how_likely_they_change_results() -> None:
    first = environment(
        "attrs==23.1.0", "numpy==1.24.3", "torch==2.1.0+cu121", "nvidia-cudnn-cu12==8.9.2.26",
        torch=TorchFacts(version="2.1.0+cu121", cuda="12.1", cudnn="8.9.2.26"),
    )  # fmt: skip
    second = environment(
        "attrs==23.2.0", "numpy==1.26.0", "torch==2.1.0+cu118", "zipp==3.17.0", python="3.10.13",
        torch=TorchFacts(version="2.1.0+cu118", cuda="11.8", cudnn="8.7.0.84"),
    )  # fmt: skip
    assert summary(compare(first, second).differences) == [
        (Rank.FRAMEWORK, "torch", Change.CHANGED),
        (Rank.FRAMEWORK, "torch.version", Change.CHANGED),
        (Rank.CUDA, "torch.cuda", Change.CHANGED),
        (Rank.CUDNN, "nvidia-cudnn-cu12", Change.REMOVED),
        (Rank.CUDNN, "torch.cudnn", Change.CHANGED),
        (Rank.NUMERIC, "numpy", Change.CHANGED),
        (Rank.PYTHON, "python.version", Change.CHANGED),
        (Rank.PACKAGE, "attrs", Change.CHANGED),
        (Rank.PACKAGE, "zipp", Change.ADDED),
    ]


def test_the_same_version_from_another_commit_or_with_other_files_is_a_difference() -> None:
    def at(commit: str, digest: str | None = None) -> Snapshot:
        url = DirectUrl(url="https://example.org/mylib", vcs_info=VcsInfo(vcs="git", commit_id=commit))
        return Snapshot(
            distributions=(Distribution(name="mylib", version="1.0", direct_url=url, record_digest=digest),)
        )

    (difference,) = compare(at("a" * 40), at("b" * 40)).differences
    assert difference.detail is not None
    assert "b" * 40 in difference.detail
    (difference,) = compare(at("a" * 40, "sha256:1"), at("a" * 40, "sha256:2")).differences
    assert difference.detail == "same version, other files"
    assert compare(at("a" * 40, "sha256:1"), at("a" * 40)).differences == ()


def test_what_only_one_record_tells_is_no_difference_but_is_named() -> None:
    told = Snapshot(
        python=PythonFacts(version="3.10.12"),
        gpu=GpuFacts(devices=(GpuDevice(name="Tesla T4"),)),
        system=SystemFacts(libc="glibc", libc_version="2.35"),
    )
    comparison = compare(told, Snapshot(python=PythonFacts(version="3.10.12")))
    assert comparison.differences == ()
    assert comparison.not_compared == ("gpu.devices", "system.libc")
    assert "not compared, because only one record tells it: gpu.devices, system.libc" in comparison_text(comparison)


def test_what_a_reader_inferred_is_no_difference() -> None:
    told = Snapshot(python=PythonFacts(version="3.10.12"))
    inferred = Snapshot(
        python=PythonFacts(version="3.11"),
        evidence=(Evidence(fact="python.version", value="3.11", certainty="inferred", source="versions"),),
    )
    for pair in ((told, inferred), (inferred, told)):
        comparison = compare(*pair)
        assert comparison.differences == ()
        (line,) = comparison.not_compared
        assert line.startswith("python.version (3.1")


def test_the_text_names_what_changed_under_its_rank() -> None:
    text = comparison_text(compare(environment("numpy==1.24.3", "a==1"), environment("numpy==1.26.0", "b==2")))
    assert text == (
        "3 differences; 0 packages are the same\n"
        "\n"
        "Numeric library\n"
        "  ~ numpy  1.24.3 → 1.26.0\n"
        "\n"
        "Package\n"
        "  - a  1 (only in the first)\n"
        "  + b  2 (only in the second)\n"
    )


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("1.0", "1.0.0", True),
        ("2.1.0", "2.1.0+cu121", False),
        ("2.1.0+cu121", "2.1.0+CU121", True),
        ("1.0rc1", "1.0.rc1", True),
        ("not a version", "not a version", True),
        ("not a version", "not  a version", False),
        (None, None, True),
        (None, "1.0", False),
    ],
)
def test_versions_compare_as_pep_440_says(first: str | None, second: str | None, same: bool) -> None:
    assert same_version(first, second) is same


@pytest.mark.parametrize(
    ("name", "rank"),
    [
        ("torch", Rank.FRAMEWORK),
        ("nvidia-cudnn-cu12", Rank.CUDNN),
        ("nvidia-cublas-cu12", Rank.CUDA),
        ("numpy", Rank.NUMERIC),
        ("requests", Rank.PACKAGE),
    ],
)
def test_packages_have_a_rank(name: str, rank: Rank) -> None:
    assert rank_of_package(name) is rank
