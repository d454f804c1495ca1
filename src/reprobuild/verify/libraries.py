"""The shared libraries that the image's packages and its Python need: whether each is found. Pure.

A library that nobody finds may have been absent where the run was recorded as well, where a part of a package that the
run never used needs it. Only a record with a scan of its own (``capture --libraries``) tells that.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reprobuild.proof import Finding, Verdict
from reprobuild.snapshot import Snapshot, SystemLibrary
from reprobuild.verify.evidence import ImportAttempt

DRIVER = re.compile(r"lib(cuda|nvidia-[a-z-]+|nvcuvid|amdhip64)\.so")
"""The driver's libraries come from the host of a GPU, never from an image."""

STANDARD_MODULES = ("bz2", "ctypes", "lzma", "sqlite3", "ssl", "zlib")
"""Modules of Python itself that rest on libraries of the system; packages that use them often do without in silence."""


def library_findings(record: Snapshot, found: Snapshot | None) -> tuple[list[Finding], list[str]]:
    """A finding for each library that the image's packages need, and lines on what can't be judged."""
    findings, untold = [], []
    recorded = {one.soname: one for one in record.system_libraries}
    for library in found.system_libraries if found is not None else ():
        if library.path is not None:
            findings.append(Finding(subject=f"library {library.soname}", verdict=Verdict.EXACT, found=library.path))
        elif DRIVER.match(library.soname):
            untold.append(f"library {library.soname}: the driver of a GPU brings it, which is not here")
        elif not recorded:
            untold.append(
                f"library {library.soname} is not there, which {_owners(library)}: the record does not tell "
                "whether the run had it; `reprobuild capture --libraries` records that"
            )
        else:
            findings.append(_missing(library, recorded.get(library.soname)))
    return findings, untold


def _missing(library: SystemLibrary, recorded: SystemLibrary | None) -> Finding:
    """What nothing needed in the record, or what was found there, has to be found here."""
    subject = f"library {library.soname}"
    if recorded is not None and recorded.path is None:
        reason = "it was missing in the recorded environment as well"
        return Finding(subject=subject, verdict=Verdict.EQUIVALENT, declared=True, reason=reason)
    expected = (recorded.path if recorded is not None else None) or "found"
    return Finding(subject=subject, verdict=Verdict.MISSING, expected=expected, reason=f"{_owners(library)} it")


def _owners(library: SystemLibrary) -> str:
    names = ", ".join(library.needed_by[:3]) + (" and others" if len(library.needed_by) > 3 else "")
    return f"{names or 'something'} {'needs' if len(library.needed_by) < 2 else 'need'}"


def standard_findings(record: Snapshot, attempts: tuple[ImportAttempt, ...]) -> Iterator[Finding | str]:
    """How Python's own modules imported: a finding, or a line where the record does not tell what the run had."""
    for attempt in attempts:
        subject = f"import {attempt.module}"
        told = attempt.module == "ssl" and record.python.openssl is not None
        if attempt.error is None:
            yield Finding(subject=subject, verdict=Verdict.EXACT, found="imported")
        elif told:
            yield Finding(
                subject=subject,
                verdict=Verdict.WRONG,
                expected=record.python.openssl,
                found=attempt.error,
                reason="Python's own module, which the run had",
            )
        else:
            yield f"import {attempt.module} fails ({attempt.error}); the record does not tell whether the run had it"
