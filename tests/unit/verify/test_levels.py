"""The levels *declared*, *identical* and *loads*."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from tests.unit.verify.evidences import RECORD, changed, evidence, finding, inexact, plan_of, with_packages

from reprobuild.plan import Fidelity, Placement, Question
from reprobuild.proof import LevelResult, Outcome, Verdict
from reprobuild.snapshot import DirectUrl, SystemLibrary, TorchFacts
from reprobuild.verify import declared, identical, loads
from reprobuild.verify.evidence import Evidence, Examination, FileReport, ImportAttempt, LiveTorch

TORCH, NUMPY = RECORD.distributions
LABELS = {"dev.reprobuild.snapshot-digest": RECORD.digest, "dev.reprobuild.plan-digest": plan_of().digest}


def test_labels_of_this_record_and_plan_are_exact() -> None:
    result = declared.check(evidence(labels=LABELS))
    assert (result.outcome, result.differences, result.not_checked) == (Outcome.PASSED, (), ())
    assert result.summary == "the plan announces an exact rebuild"


def test_an_image_of_another_record_fails_one_of_another_plan_does_not() -> None:
    result = declared.check(evidence(labels=LABELS | {"dev.reprobuild.snapshot-digest": "sha256:0"}))
    assert result.outcome is Outcome.FAILED
    assert inexact(result) == [("label dev.reprobuild.snapshot-digest", "wrong", False)]
    result = declared.check(evidence(labels=LABELS | {"dev.reprobuild.plan-digest": "sha256:0"}))
    assert result.outcome is Outcome.PASSED
    assert inexact(result) == [("label dev.reprobuild.plan-digest", "substituted", False)]


def test_an_image_of_another_release_may_have_another_digest_of_the_same_record() -> None:
    labels = LABELS | {"dev.reprobuild.snapshot-digest": "sha256:0", "dev.reprobuild.version": "0.0.1"}
    result = declared.check(evidence(labels=labels))
    assert result.outcome is Outcome.PASSED
    assert inexact(result) == [("label dev.reprobuild.snapshot-digest", "substituted", False)]


def test_an_image_without_labels_is_not_judged_by_them() -> None:
    result = declared.check(evidence())
    assert result.outcome is Outcome.PASSED
    (line,) = result.not_checked
    assert line.startswith("the image has no label dev.reprobuild.snapshot-digest or dev.reprobuild.plan-digest: ")


def test_everything_that_the_plan_announces_is_listed_with_its_reason() -> None:
    left_out = Placement(name="NumPy", where="left out", detail="gone from the index", fidelity=Fidelity.MISSING)
    plan = plan_of(fidelities={Question.BASE_IMAGE: Fidelity.SUBSTITUTED}, placements={"NumPy": left_out})
    result = declared.check(evidence(plan=plan))
    assert inexact(result) == [("package NumPy", "missing", True), ("base image", "substituted", True)]
    assert finding(result, "package NumPy").reason == "gone from the index"
    assert result.summary == "the plan announces 2 differences; its weakest part is missing"


def test_equal_digests_and_untouched_files_are_identical() -> None:
    examination = Examination(files={"torch": FileReport(checked=7), "numpy": FileReport(checked=5)})
    result = identical.check(evidence(examination=examination))
    assert (result.outcome, result.differences) == (Outcome.PASSED, ())
    assert result.summary == "2 of 2 packages byte for byte as recorded, 12 files hashed in the image"


def test_an_edited_file_is_named() -> None:
    examination = Examination(files={"numpy": FileReport(checked=5, changed=("numpy/core.py",), absent=("numpy/a",))})
    result = identical.check(evidence(examination=examination))
    assert result.outcome is Outcome.FAILED
    (difference,) = result.failures
    assert difference.found == "numpy/core.py changed, numpy/a gone"
    assert result.next_step is not None


def test_another_wheel_of_the_same_version_fails_unless_it_was_built_or_announced() -> None:
    other = msgspec.structs.replace(NUMPY, record_digest="sha256:other")
    examination = Examination()
    image = with_packages(RECORD, TORCH, other)
    result = identical.check(evidence(image, examination=examination))
    assert inexact(result) == [("files of NumPy", "wrong", False)]
    assert result.outcome is Outcome.FAILED
    built = msgspec.structs.replace(NUMPY, direct_url=DirectUrl(url="https://example.org/numpy.tar.gz"))
    result = identical.check(evidence(image, record=with_packages(RECORD, TORCH, built), examination=examination))
    assert (result.outcome, inexact(result)) == (Outcome.PASSED, [("files of NumPy", "equivalent", True)])
    announced = Placement(name="NumPy", where="installed", detail="conda's", fidelity=Fidelity.EQUIVALENT)
    plan = plan_of(placements={"NumPy": announced})
    result = identical.check(evidence(image, plan=plan, examination=examination))
    assert (result.outcome, inexact(result)) == (Outcome.PASSED, [("files of NumPy", "equivalent", True)])


def test_a_record_without_digests_can_not_be_proved_identical_but_edits_are_still_caught() -> None:
    bare = with_packages(RECORD, *(msgspec.structs.replace(one, record_digest=None) for one in RECORD.distributions))
    result = identical.check(evidence(record=bare, examination=Examination()))
    assert result.outcome is Outcome.NOT_RUN
    edited = Examination(files={"numpy": FileReport(checked=1, changed=("numpy/core.py",))})
    assert identical.check(evidence(record=bare, examination=edited)).outcome is Outcome.FAILED


def imports(*attempts: ImportAttempt, torch: LiveTorch | None = None) -> Examination:
    """What the examiner says of one distribution's modules."""
    return Examination(imports={"numpy": attempts}, torch=torch)


def test_modules_that_import_are_counted() -> None:
    live = LiveTorch(version="2.1.0+cu121", cuda="12.1", cudnn=8902)
    result = loads.check(evidence(examination=imports(ImportAttempt(module="numpy"), torch=live)))
    assert (result.outcome, result.differences) == (Outcome.PASSED, ())
    assert result.summary == "1 of 1 modules imported; torch 2.1.0+cu121, CUDA 12.1, cuDNN 8.9.2"


def test_a_missing_library_of_the_system_fails_and_is_named_in_the_next_step() -> None:
    error = "ImportError: libGL.so.1: cannot open shared object file: No such file or directory"
    result = loads.check(evidence(examination=imports(ImportAttempt(module="cv2", error=error))))
    assert result.outcome is Outcome.FAILED
    assert result.next_step is not None
    assert "libGL.so.1" in result.next_step


LIBRARIES = (
    SystemLibrary(soname="libz.so.1", path="/lib/libz.so.1", needed_by=("numpy",)),
    SystemLibrary(soname="libodd.so.3", needed_by=("torch",)),
)


def without(soname: str) -> tuple[SystemLibrary, ...]:
    """The libraries of an image that lacks one."""
    return tuple(msgspec.structs.replace(one, path=None) if one.soname == soname else one for one in LIBRARIES)


def test_libraries_resolve_as_they_did_where_the_run_was_recorded() -> None:
    record = changed(RECORD, system_libraries=LIBRARIES)
    result = loads.check(evidence(record, record=record, examination=imports()))
    assert (result.outcome, inexact(result)) == (Outcome.PASSED, [("library libodd.so.3", "equivalent", True)])
    assert "1 of 2 system libraries found" in result.summary
    image = changed(record, system_libraries=without("libz.so.1"))
    result = loads.check(evidence(image, record=record, examination=imports()))
    missing = finding(result, "library libz.so.1")
    assert (result.outcome, missing.verdict, missing.reason) == (Outcome.FAILED, Verdict.MISSING, "numpy needs it")
    assert "libz.so.1 is a library of the operating system" in str(result.next_step)


def test_a_missing_library_is_not_judged_where_the_record_was_made_without_looking() -> None:
    image = changed(RECORD, system_libraries=without("libz.so.1"))
    result = loads.check(evidence(image, examination=imports()))
    assert result.outcome is Outcome.PASSED
    assert [line.partition(":")[0] for line in result.not_checked] == [
        "library libz.so.1 is not there, which numpy needs",
        "library libodd.so.3 is not there, which torch needs",
    ]


def test_pythons_own_modules_are_held_to_what_the_record_tells() -> None:
    error = "ImportError: libssl.so.3: cannot open shared object file: No such file or directory"
    standard = (ImportAttempt(module="zlib"), ImportAttempt(module="ssl", error=error))
    examination = Examination(standard=standard)
    result = loads.check(evidence(examination=examination))
    assert (result.outcome, len(result.not_checked)) == (Outcome.PASSED, 1)
    told = changed(RECORD, python=msgspec.structs.replace(RECORD.python, openssl="OpenSSL 3.0.2 15 Mar 2022"))
    result = loads.check(evidence(record=told, examination=examination))
    assert [one.subject for one in result.failures] == ["import ssl"]
    assert str(result.next_step).startswith("libssl.so.3 is a library")


def test_the_list_of_architectures_is_compared_where_both_sides_tell_it() -> None:
    record = changed(RECORD, torch=TorchFacts(version="2.1.0+cu121", arch_list=("sm_80", "sm_90")))
    live = LiveTorch(version="2.1.0+cu121", arch_list=("sm_90", "sm_80"))
    assert loads.check(evidence(record=record, examination=imports(torch=live))).outcome is Outcome.PASSED
    live = LiveTorch(version="2.1.0+cu121", arch_list=("sm_80",))
    result = loads.check(evidence(record=record, examination=imports(torch=live)))
    assert [one.subject for one in result.failures] == ["torch.cuda.get_arch_list()"]


def test_an_import_that_failed_in_the_recorded_environment_as_well_is_no_failure() -> None:
    error = ImportAttempt(module="x", error="ModuleNotFoundError: No module named 'y'", missing_module="y")
    result = loads.check(evidence(examination=imports(error)))
    assert result.outcome is Outcome.PASSED
    assert inexact(result) == [("import x", "equivalent", True)]
    result = loads.check(evidence(with_packages(RECORD, TORCH), examination=imports(error)))
    assert inexact(result) == [("import x", "wrong", False)]


def test_an_error_of_the_code_alone_happened_in_the_recorded_environment_too_if_the_code_is_the_same() -> None:
    error = ImportAttempt(module="x", error="ImportError: cannot import name 'soft_unicode' from 'markupsafe'")
    result = loads.check(evidence(examination=imports(error)))
    assert (result.outcome, inexact(result)) == (Outcome.PASSED, [("import x", "equivalent", True)])
    result = loads.check(evidence(with_packages(RECORD, TORCH), examination=imports(error)))
    assert (result.outcome, inexact(result)) == (Outcome.FAILED, [("import x", "wrong", False)])
    value = ImportAttempt(module="x", error="ValueError: no such locale")
    assert loads.check(evidence(examination=imports(value))).outcome is Outcome.FAILED


def test_an_import_that_needs_a_gpus_driver_is_not_judged() -> None:
    error = "ImportError: libcuda.so.1: cannot open shared object file: No such file or directory"
    result = loads.check(evidence(examination=imports(ImportAttempt(module="x", error=error))))
    assert (result.outcome, result.findings) == (Outcome.PASSED, ())
    assert len(result.not_checked) == 1


def test_torch_is_asked_for_itself() -> None:
    live = LiveTorch(version="2.1.0+cu118", cuda="11.8", cudnn=8700)
    result = loads.check(evidence(examination=imports(torch=live)))
    assert [one.subject for one in result.failures] == [
        "torch.__version__",
        "torch.version.cuda",
        "torch.backends.cudnn.version()",
    ]
    plan = plan_of(fidelities={Question.ACCELERATOR: Fidelity.SUBSTITUTED})
    result = loads.check(evidence(plan=plan, examination=imports(torch=live)))
    assert {one.verdict for one in result.findings} == {Verdict.SUBSTITUTED}


def test_a_torch_of_the_files_alone_is_not_compared_where_the_record_is_silent() -> None:
    record = changed(RECORD, torch=TorchFacts(version="2.1.0+cu121"))
    live = LiveTorch(version="2.1.0+cu121", cuda="12.1", cudnn=8902)
    result = loads.check(evidence(record=record, examination=imports(torch=live)))
    assert [one.subject for one in result.findings] == ["torch.__version__"]


@pytest.mark.parametrize(
    ("number", "text"),
    [(None, None), (7605, "7.6.5"), (8902, "8.9.2"), (90100, "9.1.0"), (91002, "9.10.2"), (91900, "9.19.0")],
)
def test_cudnns_integer_is_read_as_torch_writes_it(number: int | None, text: str | None) -> None:
    assert loads.cudnn_text(number) == text


@pytest.mark.parametrize("check", [identical.check, loads.check])
def test_a_level_without_evidence_did_not_run(check: Callable[[Evidence], LevelResult]) -> None:
    result = check(msgspec.structs.replace(evidence(), problem="no Python"))
    assert (result.outcome, result.summary) == (Outcome.NOT_RUN, "no Python")
