"""What is done with one recorded package: a closed set of alternatives."""

from __future__ import annotations

import msgspec

from reprobuild.plan import CondaPackage, Fidelity, Origin, PlanWarning, Requirement


class Install(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Installed from one origin, by one requirement line, without its dependencies."""

    origin: Origin
    requirement: Requirement
    fidelity: Fidelity = Fidelity.EXACT
    difference: str | None = None
    """What differs from the record, where something does."""
    heavy: bool = False
    """Belongs to the frameworks' group, which goes first because it is large and changes least."""
    needs_git: bool = False
    from_source: bool = False
    """Whether the index has its sources only, so that it is built, even where nothing is compiled."""
    needs_compiler: bool = False
    needs_nvcc: bool = False
    build_isolation: bool = True
    build_constraints: tuple[str, ...] = ()
    build_requires: tuple[str, ...] = ()
    build_libraries: tuple[str, ...] = ()
    """Names of the table of system packages, for the builder stage."""
    build_environment: dict[str, str] = {}
    needs_pip: str | None = None
    """A version of pip, for what uv can't install."""
    warning: PlanWarning | None = None


class Resolve(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The record does not tell the version: a resolver picks one that fits the recorded pins."""

    requirement: Requirement
    reason: str


class Provided(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The base image brings it."""

    by: str
    """The image."""
    reason: str
    fidelity: Fidelity


class CondaInstall(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Installed by conda into the environment that the package groups go into."""

    package: CondaPackage
    fidelity: Fidelity = Fidelity.EXACT
    difference: str | None = None
    is_noarch: bool = False
    """Whether it may need the interpreter to be there when it is installed."""


class LeaveOut(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Not installed: it can't be, it makes no sense in an image, or something else provides it."""

    reason: str
    fidelity: Fidelity = Fidelity.MISSING
    warning: PlanWarning | None = None


Treatment = Install | Resolve | Provided | CondaInstall | LeaveOut
