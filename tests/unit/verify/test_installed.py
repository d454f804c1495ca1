"""The level *installed*: what the probe found in the image against the record and the plan."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from tests.unit.plans import group
from tests.unit.verify.evidences import RECORD, changed, evidence, finding, inexact, plan_of, with_packages

from reprobuild.plan import BasePython, Fidelity, Placement, Question
from reprobuild.proof import Outcome, Verdict
from reprobuild.snapshot import (
    ArchiveInfo,
    DirectUrl,
    Distribution,
    PythonFacts,
    Snapshot,
    SystemFacts,
    TorchFacts,
    VcsInfo,
)
from reprobuild.verify.installed import check

TORCH, NUMPY = RECORD.distributions


def placed(name: str, fidelity: Fidelity, **fields: Any) -> dict[str, Placement]:
    """One placement that is not exact."""
    whole: dict[str, Any] = {"name": name, "where": "installed", "detail": "the reason", "fidelity": fidelity} | fields
    return {name: Placement(**whole)}


def test_an_image_that_is_as_recorded_has_only_exact_findings() -> None:
    result = check(evidence())
    assert result.outcome is Outcome.PASSED
    assert result.differences == ()
    assert result.next_step is None
    assert {one.subject for one in result.findings} >= {
        "python", "torch", "torch CUDA", "torch cuDNN", "libc", "operating system", "package NumPy", "package torch",
    }  # fmt: skip
    assert result.summary == "Python 3.10.12, 2 of 2 packages exact, torch 2.1.0+cu121, glibc 2.35"


def test_one_package_changed_one_missing_and_another_python_are_three_findings() -> None:
    record = with_packages(RECORD, TORCH, NUMPY, Distribution(name="attrs", version="23.1.0"))
    found = with_packages(
        changed(RECORD, python=PythonFacts(version="3.10.13", implementation="CPython", free_threaded=False)),
        TORCH,
        Distribution(name="numpy", version="1.24.4"),
    )
    result = check(evidence(found, record=record))
    assert result.outcome is Outcome.FAILED
    assert sorted(inexact(result)) == [
        ("package attrs", "missing", False),
        ("package numpy", "wrong", False),
        ("python", "wrong", False),
    ]
    assert result.next_step is not None
    assert "python, attrs, numpy" in result.next_step


def test_another_python_is_no_failure_where_the_plan_announced_that_very_one() -> None:
    found = changed(RECORD, python=PythonFacts(version="3.10.13"))
    plan = plan_of(
        fidelities={Question.PYTHON: Fidelity.SUBSTITUTED}, python=BasePython(version="3.10.13", executable="python3")
    )
    result = check(evidence(found, plan=plan))
    assert result.outcome is Outcome.PASSED
    assert inexact(result) == [("python", "substituted", True)]
    assert finding(result, "python").reason == "Because of the python."
    other = changed(RECORD, python=PythonFacts(version="3.10.14"))
    assert inexact(check(evidence(other, plan=plan))) == [("python", "wrong", False)]


def test_another_build_of_the_recorded_python_is_equivalent_as_planned() -> None:
    result = check(evidence(plan=plan_of(fidelities={Question.PYTHON: Fidelity.EQUIVALENT})))
    assert inexact(result) == [("python", "equivalent", True)]


@pytest.mark.parametrize(
    ("fidelity", "version", "found", "expected"),
    [
        (Fidelity.SUBSTITUTED, "1.24.4", "1.24.4", ("package numpy", "substituted", True)),
        (Fidelity.SUBSTITUTED, "1.24.4", "1.24.5", ("package numpy", "wrong", False)),
        (Fidelity.EXACT, "1.24.3", "1.24.3+local", ("package numpy", "wrong", False)),
        (Fidelity.EQUIVALENT, "1.24.3", "1.24.3", ("package numpy", "equivalent", True)),
    ],
)
def test_a_package_is_held_to_the_record_or_to_what_was_announced(
    fidelity: Fidelity, version: str, found: str, expected: tuple[str, str, bool]
) -> None:
    plan = plan_of(placements=placed("NumPy", fidelity, version=version, line=f"numpy=={version} --hash=sha256:00"))
    image = with_packages(RECORD, TORCH, Distribution(name="numpy", version=found))
    assert inexact(check(evidence(image, plan=plan))) == [expected]


def test_what_the_plan_left_out_is_missing_but_no_failure() -> None:
    plan = plan_of(placements=placed("NumPy", Fidelity.MISSING, where="left out"))
    result = check(evidence(with_packages(RECORD, TORCH), plan=plan))
    assert result.outcome is Outcome.PASSED
    assert inexact(result) == [("package NumPy", "missing", True)]
    assert finding(result, "package NumPy").reason == "the reason"


@pytest.mark.parametrize("fidelity", [Fidelity.EXACT, Fidelity.EQUIVALENT, Fidelity.SUBSTITUTED])
def test_what_the_plan_left_out_for_a_reason_is_as_announced(fidelity: Fidelity) -> None:
    plan = plan_of(placements=placed("NumPy", fidelity, where="left out"))
    result = check(evidence(with_packages(RECORD, TORCH), plan=plan))
    assert result.outcome is Outcome.PASSED
    assert finding(result, "package NumPy").verdict is Verdict(fidelity.value)


@pytest.mark.parametrize(("version", "verdict"), [("1.24.3", "substituted"), ("1.25.0", "missing"), (None, "missing")])
def test_another_project_stands_in_at_the_announced_version(version: str | None, verdict: str) -> None:
    there = [Distribution(name="numpy-cpu", version=version)] if version else []
    plan = plan_of(placements=placed("NumPy", Fidelity.SUBSTITUTED, line="numpy-cpu==1.24.3"))
    result = check(evidence(with_packages(RECORD, TORCH, *there), plan=plan))
    assert finding(result, "package NumPy").verdict is Verdict(verdict)
    assert (result.outcome is Outcome.PASSED) == (verdict == "substituted")


def test_what_the_system_provides_need_not_be_seen_by_the_interpreter() -> None:
    plan = plan_of(placements=placed("NumPy", Fidelity.EQUIVALENT, where="system", detail="apt's python3-numpy"))
    result = check(evidence(with_packages(RECORD, TORCH), plan=plan))
    assert inexact(result) == [("package NumPy", "equivalent", True)]


def test_extras_are_named_but_do_not_fail_and_installers_are_passed_over() -> None:
    image = with_packages(RECORD, TORCH, NUMPY, *(Distribution(name=name, version="1") for name in ("pip", "Evil")))
    result = check(evidence(image))
    assert result.outcome is Outcome.PASSED
    assert inexact(result) == [("package Evil", "extra", False)]
    resolved = check(evidence(image, plan=plan_of(groups=(group(resolve_dependencies=True),))))
    assert inexact(resolved) == [("package Evil", "extra", True)]


def vcs(commit: str) -> DirectUrl:
    """A git origin."""
    return DirectUrl(url="https://example.org/numpy.git", vcs_info=VcsInfo(vcs="git", commit_id=commit))


def archive(digest: str, url: str = "https://example.org/numpy.whl") -> DirectUrl:
    """An archive's origin."""
    return DirectUrl(url=url, archive_info=ArchiveInfo(hashes={"sha256": digest}))


@pytest.mark.parametrize(
    ("recorded", "found", "verdict"),
    [
        (vcs("a" * 40), vcs("a" * 40), Verdict.EXACT),
        (vcs("a" * 40), vcs("b" * 40), Verdict.WRONG),
        (vcs("a" * 40), None, Verdict.WRONG),
        (archive("1"), archive("1", "https://mirror.example.org/numpy.whl"), Verdict.EXACT),
        (archive("1"), archive("2"), Verdict.EQUIVALENT),
        (archive("1"), None, Verdict.EQUIVALENT),
        (None, archive("1"), Verdict.EXACT),
    ],
)
def test_the_same_version_from_elsewhere_is_told_apart(
    recorded: DirectUrl | None, found: DirectUrl | None, verdict: Verdict
) -> None:
    record = with_packages(RECORD, TORCH, msgspec.structs.replace(NUMPY, direct_url=recorded))
    image = with_packages(RECORD, TORCH, msgspec.structs.replace(NUMPY, direct_url=found))
    assert finding(check(evidence(image, record=record)), "package NumPy").verdict is verdict


@pytest.mark.parametrize(
    ("recorded", "found", "verdict"),
    [("8.9.2.26", "8.9.2", Verdict.EXACT), ("8", "8.9.2.26", Verdict.EXACT), ("8.9.2", "8.9.1", Verdict.WRONG)],
)
def test_cudnn_agrees_as_far_as_both_tell(recorded: str, found: str, verdict: Verdict) -> None:
    record = changed(RECORD, torch=TorchFacts(version="2.1.0+cu121", cuda="12.1", cudnn=recorded))
    image = changed(RECORD, torch=TorchFacts(version="2.1.0+cu121", cuda="12.1", cudnn=found))
    assert finding(check(evidence(image, record=record)), "torch cuDNN").verdict is verdict


def test_a_cuda_build_in_place_of_a_cpu_build_is_wrong_unless_announced() -> None:
    record = changed(RECORD, torch=TorchFacts(version="2.1.0", read_by="files"))
    image = changed(RECORD, torch=TorchFacts(version="2.1.0", cuda="12.1", read_by="files"))
    assert inexact(check(evidence(image, record=record))) == [("torch CUDA", "wrong", False)]
    plan = plan_of(record, fidelities={Question.ACCELERATOR: Fidelity.SUBSTITUTED})
    assert inexact(check(evidence(image, record=record, plan=plan))) == [("torch CUDA", "substituted", True)]


def system(**facts: str) -> Snapshot:
    """The record's environment on another system."""
    fields = {"libc": "glibc", "libc_version": "2.35", "os_id": "ubuntu", "os_version": "22.04", "machine": "x86_64"}
    return changed(RECORD, system=msgspec.convert(fields | facts, SystemFacts))


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({"libc_version": "2.39"}, [("libc", "equivalent", False)]),
        ({"libc_version": "2.31"}, [("libc", "wrong", False)]),
        ({"libc": "musl", "libc_version": "1.2.5"}, [("libc", "wrong", False)]),
        ({"os_version": "24.04"}, [("operating system", "substituted", False)]),
        ({"machine": "aarch64"}, [("architecture", "wrong", False)]),
    ],
)
def test_the_system_is_compared(found: dict[str, str], expected: list[tuple[str, str, bool]]) -> None:
    assert inexact(check(evidence(system(**found)))) == expected


def test_what_the_record_does_not_tell_is_named_and_not_judged() -> None:
    result = check(evidence(record=Snapshot()))
    assert result.outcome is Outcome.PASSED
    assert [line.split(":")[0] for line in result.not_checked] == ["Python", "packages", "C library"]


def test_an_image_without_python_fails_with_the_reason() -> None:
    whole = msgspec.structs.replace(evidence(None), problem="there is no Python in it")
    result = check(whole)
    assert result.outcome is Outcome.FAILED
    assert finding(result, "python").reason == "there is no Python in it"


@pytest.mark.parametrize(("found", "verdict"), [("3.8.10", Verdict.SUBSTITUTED), ("3.80.1", Verdict.WRONG)])
def test_a_containers_python_may_have_any_patch_of_the_planned_minor(found: str, verdict: Verdict) -> None:
    python = BasePython(version="3.8", executable="python3", with_packages=True)
    plan = plan_of(python=python, fidelities={Question.PYTHON: Fidelity.SUBSTITUTED})
    recorded = changed(RECORD, python=PythonFacts(version="3.8"))
    image = changed(RECORD, python=PythonFacts(version=found))
    assert finding(check(evidence(image, record=recorded, plan=plan)), "python").verdict is verdict
