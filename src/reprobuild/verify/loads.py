"""Level *loads*: what was recorded can be imported, and torch itself reports the recorded versions. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from reprobuild.compare import same_version
from reprobuild.plan import Fidelity, Plan, Question
from reprobuild.proof import Finding, Level, LevelResult, Outcome, Verdict
from reprobuild.snapshot import Snapshot
from reprobuild.verify.evidence import Evidence, ImportAttempt, LiveTorch
from reprobuild.verify.libraries import DRIVER, library_findings, standard_findings
from reprobuild.verify.packages import package_findings

# Errors that Python code runs into by itself: the same code and the same Python run into them again.
_OF_CODE_ALONE = re.compile(r"(ImportError: cannot import name|AttributeError|TypeError|SyntaxError|NameError)\b")


def check(evidence: Evidence) -> LevelResult:
    """Judge every import, every shared library, and what torch said of itself."""
    if evidence.examination is None:
        return LevelResult(
            level=Level.LOADS,
            outcome=Outcome.NOT_RUN,
            summary=evidence.problem or "nothing could be examined in the image",
        )
    imports, untold = _imports(evidence)
    torch = [*_torch(evidence.snapshot, evidence.plan, evidence.examination.torch)]
    libraries, unjudged = library_findings(evidence.snapshot, evidence.found)
    standard = [*standard_findings(evidence.snapshot, evidence.examination.standard)]
    findings = (*torch, *imports, *libraries, *(one for one in standard if isinstance(one, Finding)))
    failures = [finding for finding in findings if finding.is_failure]
    loaded = sum(finding.verdict is Verdict.EXACT for finding in imports)
    return LevelResult(
        level=Level.LOADS,
        outcome=Outcome.FAILED if failures else Outcome.PASSED,
        summary=f"{loaded} of {len(imports)} modules imported"
        + _of_libraries(libraries)
        + _of_torch(evidence.examination.torch),
        findings=findings,
        not_checked=(*untold, *unjudged, *(one for one in standard if isinstance(one, str))),
        next_step=_next_step(failures) if failures else None,
    )


def _imports(evidence: Evidence) -> tuple[list[Finding], list[str]]:
    assert evidence.examination is not None
    findings, untold = [], []
    complete, unchanged = _code(evidence)
    for name, attempts in sorted(evidence.examination.imports.items()):
        for attempt in attempts:
            if attempt.error is not None and DRIVER.search(attempt.error):
                untold.append(f"import {attempt.module} ({name}): it needs the driver of a GPU, which is not here")
            else:
                findings.append(_import(name, attempt, complete=complete, unchanged=unchanged))
    return findings, untold


def _code(evidence: Evidence) -> tuple[bool, bool]:
    """Whether no recorded distribution is missing, and whether Python and all of them are in the recorded version."""
    if evidence.found is None:
        return False, False
    packages = [*package_findings(evidence.snapshot, evidence.plan, evidence.found)]
    complete = all(one.verdict is not Verdict.MISSING for one in packages)
    same_python = same_version(evidence.snapshot.python.version, evidence.found.python.version)
    same = (Verdict.EXACT, Verdict.EQUIVALENT, Verdict.EXTRA)
    return complete, same_python and all(one.verdict in same for one in packages)


def _import(name: str, attempt: ImportAttempt, *, complete: bool, unchanged: bool) -> Finding:
    subject = f"import {attempt.module}"
    if attempt.error is None:
        return Finding(subject=subject, verdict=Verdict.EXACT, found="imported")
    if attempt.missing_module is not None and complete:
        # What is looked for in vain beside a complete set of packages was not in the recorded environment either.
        reason = f"{name} looks for {attempt.missing_module}, which the record does not have either"
    elif unchanged and _OF_CODE_ALONE.match(attempt.error):
        reason = "Python and all packages are as recorded, so it failed there just so"
    else:
        return Finding(subject=subject, verdict=Verdict.WRONG, expected="imported", found=attempt.error)
    return Finding(subject=subject, verdict=Verdict.EQUIVALENT, found=attempt.error, declared=True, reason=reason)


def _torch(snapshot: Snapshot, plan: Plan, live: LiveTorch | None) -> Iterator[Finding]:
    recorded = snapshot.torch
    if recorded is None or live is None:
        return
    decisions = [one for one in plan.decisions if one.question is Question.ACCELERATOR]
    announced = any(one.fidelity in (Fidelity.SUBSTITUTED, Fidelity.MISSING) for one in decisions)
    pairs = [
        ("torch.__version__", recorded.version, live.version),
        ("torch.version.cuda", recorded.cuda, live.cuda),
        ("torch.backends.cudnn.version()", _three_parts(recorded.cudnn), cudnn_text(live.cudnn)),
        _architectures(recorded.arch_list, live.arch_list),
    ]
    for subject, expected, found in pairs:
        # A lone major number of cuDNN, which is all that a list may tell, is no version to hold torch to.
        if expected is None or (expected.isdecimal() and found is not None):
            continue
        if same_version(expected, found):
            yield Finding(subject=subject, verdict=Verdict.EXACT, expected=expected, found=found)
        else:
            verdict = Verdict.SUBSTITUTED if announced else Verdict.WRONG
            yield Finding(
                subject=subject,
                verdict=verdict,
                expected=expected,
                found=found or "none",
                declared=announced,
                reason=live.problem,
            )


def cudnn_text(number: int | None) -> str | None:
    """cuDNN's version from torch's integer: three digits for each part since 9, two for the last two before."""
    if number is None:
        return None
    scale = 10000 if number >= 90000 else 1000
    return f"{number // scale}.{number % scale // 100}.{number % 100}"


def _architectures(recorded: tuple[str, ...], live: tuple[str, ...]) -> tuple[str, str | None, str | None]:
    """torch's list of GPU architectures, where both sides tell it; their order says nothing."""
    told = bool(recorded and live)
    texts = (" ".join(sorted(recorded)), " ".join(sorted(live))) if told else (None, None)
    return ("torch.cuda.get_arch_list()", *texts)


def _three_parts(version: str | None) -> str | None:
    """torch's integer has no fourth part."""
    return ".".join(version.split(".")[:3]) if version else None


def _of_libraries(libraries: list[Finding]) -> str:
    if not libraries:
        return ""
    found = sum(one.verdict is Verdict.EXACT for one in libraries)
    return f", {found} of {len(libraries)} system libraries found"


def _of_torch(live: LiveTorch | None) -> str:
    if live is None:
        return ""
    parts = [f"torch {live.version}", f"CUDA {live.cuda}" if live.cuda else "no CUDA"]
    if text := cudnn_text(live.cudnn):
        parts.append(f"cuDNN {text}")
    return "; " + ", ".join(parts)


def _next_step(failures: list[Finding]) -> str:
    for finding in failures:
        said = finding.found or finding.subject.removeprefix("library ")
        library = re.search(r"(lib[\w.+-]+\.so[\w.]*)(: cannot open shared object|$)", said)
        if library:
            return (
                f"{library[1]} is a library of the operating system that the image lacks: find its package with "
                "`apt-file search`, and rebuild with `--apt PACKAGE`"
            )
    name = failures[0].subject.removeprefix("import ")
    return f"see the whole error with `docker run --rm IMAGE python -c 'import {name}'`"
