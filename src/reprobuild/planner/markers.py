"""Lines of a record that are for some platforms or Pythons only (PEP 508): which of them speak of the image.

A list that people wrote for several platforms names one package more than once. Only what its marker admits on the
image's platform and Python says anything of the run that the image rebuilds.
"""

from __future__ import annotations

import msgspec
from packaging.markers import UndefinedComparison
from packaging.version import InvalidVersion

from reprobuild.marker_environment import marker_environment
from reprobuild.plan import Fidelity, Platform
from reprobuild.planner import grammar
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.target import Target
from reprobuild.planner.treatment import LeaveOut

_PYTHONS = tuple(f"3.{minor}.0" for minor in range(6, 21))
"""Of every Python that an image may have, while it is not decided which."""


def is_meant(package: Package, target: Target) -> bool:
    """Whether its marker admits it on the image's platform and Python. Raises RecordError for text that is none."""
    return _holds(package, (target,))


def for_platform(subject: Subject, platform: Platform) -> Subject:
    """``subject`` without what is for other platforms, while the Python is not decided. Raises RecordError."""
    return _narrowed(subject, tuple(Target(platform=platform, python=python) for python in _PYTHONS))


def for_target(subject: Subject, target: Target) -> Subject:
    """``subject`` without what is for other platforms or Pythons. Raises RecordError."""
    return _narrowed(subject, (target,))


def not_meant(package: Package) -> LeaveOut:
    """Why a package whose marker does not admit it is left out: nothing is missing without it."""
    marker = grammar.marker(package.distribution.marker or "", f"{package.path}.marker")
    return LeaveOut(reason=f"the record has it only for {marker}, which the image is not", fidelity=Fidelity.EXACT)


def _narrowed(subject: Subject, targets: tuple[Target, ...]) -> Subject:
    packages = tuple(package for package in subject.packages if _holds(package, targets))
    if len(packages) == len(subject.packages):
        return subject
    narrowed = msgspec.structs.replace(subject, packages=packages)
    if not subject.torch_of_list or narrowed.find("torch") == subject.find("torch"):
        return narrowed
    # What the reader concluded from the list's first torch is not true of the one that is left.
    return msgspec.structs.replace(narrowed, torch_version=None, torch_cuda=None, torch_hip=None, torch_cudnn=None)


def _holds(package: Package, targets: tuple[Target, ...]) -> bool:
    """Whether its marker admits it on any of the targets."""
    text = package.distribution.marker
    if not text:
        return True
    path = f"{package.path}.marker"
    marker = grammar.marker(text, path)
    try:
        return any(marker.evaluate(marker_environment(target.python, machine=target.machine)) for target in targets)
    except (UndefinedComparison, InvalidVersion):
        raise grammar.refuse(text, path, "an environment marker that can be compared") from None
