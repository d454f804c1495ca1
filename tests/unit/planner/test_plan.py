"""The whole plan of whole records: the guide's example, an old run, a CPU run, a plain one; strictness; purity."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.planner.records import (
    COMMIT,
    DEBIAN_12,
    UBUNTU_2004,
    decision,
    from_git,
    group,
    installed,
    lines,
    listed,
    placement,
    planned,
    record,
    warning_codes,
)

from reprobuild import records
from reprobuild.errors import PlanError, RecordError
from reprobuild.plan import (
    DefaultIndex,
    Direct,
    Fidelity,
    ImagePython,
    PytorchFolder,
    Question,
    UvPython,
)
from reprobuild.snapshot import Distribution, Snapshot

GUIDE = b"""{
  "python_version": "3.10.12 (main, Nov 20 2023, 15:14:05) [GCC 11.4.0]",
  "python_version_short": "3.10.12",
  "platform": "Linux-5.15.0-1051-gcp-x86_64-with-glibc2.35",
  "torch_version": "2.1.0+cu121",
  "cuda_version": "12.1",
  "gpu_name": "Tesla T4",
  "packages": {"torch": "2.1.0+cu121", "transformers": "4.36.0", "numpy": "1.24.3", "pandas": "2.0.3"}
}"""


@pytest.fixture(scope="module")
def guide() -> Snapshot:
    """The example record of the original utility's guide."""
    return records.parse(GUIDE, "environment.json")


def test_the_guides_example(guide: Snapshot) -> None:
    result = planned(guide)
    assert result.base.reference == "nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04"
    assert result.python == UvPython(version="3.10.12")
    assert str(result.platform) == "linux/amd64"
    assert (result.accelerator.kind, result.accelerator.version) == ("cuda", "12.1")
    torch = group(result, "pytorch-cu121")
    assert torch.origin == PytorchFolder(folder="cu121")
    assert lines(result)["pytorch-cu121"] == ("torch==2.1.0+cu121",)
    assert group(result, "default").origin == DefaultIndex()
    assert lines(result)["default"] == ("numpy==1.24.3", "pandas==2.0.3", "transformers==4.36.0")
    assert [placement(result, name).fidelity for name in ("torch", "transformers", "numpy", "pandas")] == ["exact"] * 4


def test_the_guides_operating_system_is_inferred_and_said(guide: Snapshot) -> None:
    base = decision(planned(guide), Question.BASE_IMAGE)
    assert "inferred from the recorded glibc" in base.reason
    assert any(fact.certainty == "inferred" for fact in base.facts)


def test_an_open_record_is_completed_around_its_pins(guide: Snapshot) -> None:
    result = planned(guide)
    completion = result.groups[-1]
    assert completion.name == "completion" and completion.resolve_dependencies
    assert "torch==2.1.0+cu121" in lines(result)["completion"]
    assert not any(each.resolve_dependencies for each in result.groups[:-1])
    assert "not-closed" in warning_codes(result)
    assert decision(result, Question.PACKAGES).fidelity is Fidelity.SUBSTITUTED


def test_an_installation_is_closed() -> None:
    result = planned(record(*installed("torch==2.1.0+cu121", "numpy==1.24.3")))
    assert "completion" not in lines(result)
    assert "not-closed" not in warning_codes(result)


def test_january_2022() -> None:
    snapshot = record(
        *listed("torch==1.10.1+cu113", "torchvision==0.11.2+cu113", "numpy==1.21.5", "typing-extensions==4.0.1"),
        *listed("pillow==9.0.0"),
        from_git("mylib", "https://github.com/org/mylib", commit_id=COMMIT),
        python="3.8.10",
        system=UBUNTU_2004,
    )
    result = planned(snapshot)
    assert result.base.reference == "nvidia/cuda:11.3.1-cudnn8-runtime-ubuntu20.04"
    assert result.python == UvPython(version="3.8.10")
    assert lines(result) == {
        "pytorch-cu113": ("torch==1.10.1+cu113", "torchvision==0.11.2+cu113"),
        "default": ("numpy==1.21.5", "pillow==9.0.0", "typing-extensions==4.0.1"),
        "version-control-compiled": (f"mylib @ git+https://github.com/org/mylib@{COMMIT}",),
    }
    assert group(result, "version-control-compiled").origin == Direct()
    assert {each.fidelity for each in result.placements} == {Fidelity.EXACT}


def test_a_cpu_run_starts_from_the_official_python_image() -> None:
    snapshot = record(*installed("torch==2.13.0+cpu", "numpy==2.3.1"), python="3.11.9", system=DEBIAN_12)
    result = planned(snapshot)
    assert result.base.reference == "python:3.11.9-slim-bookworm"
    assert result.python == ImagePython(version="3.11.9", image="python:3.11.9-slim-bookworm", is_base=True)
    assert lines(result) == {"pytorch-cpu": ("torch==2.13.0+cpu",), "default": ("numpy==2.3.1",)}
    assert result.fidelity is Fidelity.EXACT


def test_a_run_without_a_framework_gets_a_small_image() -> None:
    snapshot = record(
        *installed("scikit-learn==1.4.2", "numpy==1.26.4", "scipy==1.13.0", "joblib==1.4.0"),
        python="3.12.3",
        system=DEBIAN_12,
    )
    result = planned(snapshot)
    assert result.base.reference == "python:3.12.3-slim-bookworm"
    assert result.accelerator.kind == "cpu"
    assert list(lines(result)) == ["default"]


def test_every_question_is_answered_once() -> None:
    result = planned(record(*installed("numpy==1.26.4")))
    assert [each.question for each in result.decisions] == [each for each in Question if each is not Question.SOURCE]


def test_every_distribution_ends_in_exactly_one_place() -> None:
    snapshot = record(
        *listed("torch==2.1.0", "pkg-resources==0.0.0", "python-apt==2.4.0+ubuntu2", "appnope==0.1.3", "numpy"),
        Distribution(name="numpy", version="1.24.3"),
        Distribution(name="odd", version="0.23ubuntu1"),
    )
    result = planned(snapshot)
    assert [each.name for each in result.placements] == [each.name for each in snapshot.distributions]
    assert all(each.detail for each in result.placements)


def test_of_two_with_one_name_the_first_is_what_python_imports() -> None:
    result = planned(record(*installed("Foo.Bar==1.0", "foo-bar==2.0")))
    assert lines(result)["default"] == ("Foo.Bar==1.0",)
    assert placement(result, "foo-bar").where == "left out"
    assert "distributions[0]" in placement(result, "foo-bar").detail


def test_equal_input_gives_equal_bytes(guide: Snapshot) -> None:
    first, second = planned(guide), planned(guide)
    assert msgspec.json.encode(first) == msgspec.json.encode(second)
    assert first.digest == second.digest


def test_the_order_of_a_list_does_not_change_the_groups() -> None:
    names = ["numpy==1.24.3", "Pillow==9.5.0", "attrs==23.1.0"]
    forward, backward = planned(record(*installed(*names))), planned(record(*installed(*reversed(names))))
    assert lines(forward) == lines(backward)


def test_strict_lists_everything_that_is_not_exact() -> None:
    snapshot = record(*listed("torch==2.1.0+cu121", "python-apt==2.4.0+ubuntu2", "filelock==3.12.0"))
    with pytest.raises(PlanError) as refusal:
        planned(snapshot, strict=True)
    message = str(refusal.value)
    assert message.startswith("--strict: the plan is not exact in 2 parts: ")
    assert "python-apt 2.4.0+ubuntu2 (missing" in message
    assert "not-closed: " in message
    assert "\n" not in message
    assert refusal.value.exit_code == 4


def test_strict_lets_an_exact_plan_pass() -> None:
    snapshot = record(*installed("torch==2.13.0+cpu", "numpy==2.3.1"), python="3.11.9", system=DEBIAN_12)
    assert planned(snapshot, strict=True).fidelity is Fidelity.EXACT


@pytest.mark.parametrize(
    ("distribution", "path"),
    [
        (Distribution(name="numpy\nRUN evil", version="1.0"), "distributions[0].name"),
        (Distribution(name="--index-url", version="1.0"), "distributions[0].name"),
        (Distribution(name="nump\u0443", version="1.0"), "distributions[0].name"),
        (Distribution(name="x" * 10_000_000, version="1.0"), "distributions[0].name"),
        (Distribution(name="numpy", version="1.0; rm -rf /"), "distributions[0].version"),
        (Distribution(name="numpy", version="$(id)"), "distributions[0].version"),
        (Distribution(name="numpy", version="1.0", hashes=("sha256:00",)), "distributions[0].hashes[0]"),
        (Distribution(name="numpy", version="1.0", tags=("py3-none-any\n",)), "distributions[0].tags[0]"),
        (Distribution(name="numpy", version="1.0", marker="a\nb"), "distributions[0].marker"),
        (from_git("x", "https://h/$(id)", commit_id=COMMIT), "distributions[0].direct_url.url"),
        (from_git("x", "https://h/a b", commit_id=COMMIT), "distributions[0].direct_url.url"),
        (from_git("x", "https://h/x", commit_id="HEAD"), "distributions[0].direct_url.vcs_info.commit_id"),
        (
            from_git("x", "https://h/x", requested_revision="v1 --upload-pack=x"),
            "distributions[0].direct_url.vcs_info.requested_revision",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_hostile_text_is_refused_with_its_path(distribution: Distribution, path: str) -> None:
    with pytest.raises(RecordError) as refusal:
        planned(record(distribution))
    assert refusal.value.path == path
    assert len(str(refusal.value)) < 300
    assert str(refusal.value).isprintable()
