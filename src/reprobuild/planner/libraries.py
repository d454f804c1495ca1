"""Where each recorded shared library comes from in the image: a package of its release, the base, or nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal

import msgspec

from reprobuild.catalog import Catalog
from reprobuild.plan import BaseImage, Fact, Fidelity, Placement, PlanWarning, SystemPackage
from reprobuild.planner.subject import Subject
from reprobuild.snapshot import SystemLibrary

_SONAME = re.compile(r"[A-Za-z0-9_+][A-Za-z0-9_.+-]{0,120}\.so(?:\.[A-Za-z0-9_-]{1,20}){0,6}")
_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,100}")
_PACKAGE_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+~:_^-]{0,80}")
_USER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_USERS_NAMED = 3

_OF_LIBC = re.compile(r"(?:lib(?:c|m|mvec|dl|rt|pthread|util|resolv|nsl|anl|BrokenLocale)|ld-linux[a-z0-9_-]*)\.so.*")
_IN_EVERY_BASE = re.compile(r"(?:lib(?:crypt|gcc_s|stdc\+\+|z)|linux-vdso)\.so.*")
_OF_DRIVER = re.compile(r"lib(?:cuda|nvidia-[a-z0-9-]+|nvcuvid|nvoptix)\.so.*")
_OF_CUDA = re.compile(
    r"lib(?:cudart|cublas|cudnn|cufft|cufile|curand|cusolver|cusparse|nccl|nv|nppi|npps|nppc|cupti).*"
)
_OF_ROCM = re.compile(r"lib(?:amdhip|hip|hsa|MIOpen|miopen|roc|rccl|amd_comgr).*")

Family = Literal["apt", "dnf"]


class LibraryPlaces(msgspec.Struct, frozen=True, kw_only=True):
    """Where every recorded library ends, and what has to be installed for it."""

    scanned: bool = False
    """Whether the record comes from a scan of installed modules: then it speaks for all that they link."""
    placements: tuple[Placement, ...] = ()
    packages: tuple[SystemPackage, ...] = ()
    warnings: tuple[PlanWarning, ...] = ()


class _Provider(msgspec.Struct, frozen=True, kw_only=True):
    """The package of the base's release that holds a library."""

    name: str
    fidelity: Fidelity
    facts: tuple[Fact, ...]


def place_libraries(
    libraries: tuple[SystemLibrary, ...],
    subject: Subject,
    base: BaseImage,
    catalog: Catalog,
    asked_for: tuple[str, ...] = (),
) -> LibraryPlaces:
    """One placement for each library, in the record's order. Nothing of the record enters unless it fits a grammar.

    ``asked_for`` are packages that a person names, and that therefore need no proof.
    """
    placer = _Placer(subject, base, catalog, asked_for)
    placements = tuple(placer.place(index, library) for index, library in enumerate(libraries))
    return LibraryPlaces(
        scanned=any(library.needed_by for library in libraries),
        placements=placements,
        packages=tuple(placer.packages()),
        warnings=tuple(placer.warnings),
    )


class _Placer:
    """Gathers packages and warnings while libraries are placed."""

    def __init__(self, subject: Subject, base: BaseImage, catalog: Catalog, asked_for: tuple[str, ...]) -> None:
        self._asked_for = {name.partition("=")[0] for name in asked_for}
        systems = catalog.operating_systems
        self._base = base
        self._apt = catalog.apt
        self._recorded = systems.get(subject.os_id or "", subject.os_version or "")
        self._is_recorded_release = self._recorded is not None and self._recorded == systems.get(
            base.os_id, base.os_version
        )
        self._chosen: dict[str, tuple[list[tuple[str, SystemLibrary]], list[Fact]]] = {}
        self.warnings: list[PlanWarning] = []

    def packages(self) -> Iterable[SystemPackage]:
        """One for each package, with all the libraries that it is installed for."""
        for name, (held, facts) in self._chosen.items():
            sonames = list(dict.fromkeys(soname for soname, _ in held))
            users = sorted({user for _, library in held for user in _users(library)}, key=str.lower)
            loads = (
                f"which {_listed(users)} {'loads' if len(users) == 1 else 'load'}" if users else "which the run loads"
            )
            yield SystemPackage(name=name, reason=f"holds {_joined(sonames)}, {loads}", facts=tuple(facts))

    def place(self, index: int, library: SystemLibrary) -> Placement:
        soname = library.soname
        if not _SONAME.fullmatch(soname):
            return self._unknown(library, f"system_libraries[{index}]", "its name is not a shared library's")
        told = self._brought(soname, library)
        if told is not None:
            return told
        provider = self._provider(index, library)
        if provider is None:
            return self._unknown(library, soname, f"no package of {self._release()} is known to hold it")
        held, facts = self._chosen.setdefault(provider.name, ([], []))
        held.append((soname, library))
        facts.extend(fact for fact in provider.facts if fact not in facts)
        return Placement(name=soname, where="system", detail=provider.name, fidelity=provider.fidelity)

    def _brought(self, soname: str, library: SystemLibrary) -> Placement | None:
        """What no package has to be installed for."""
        if _OF_DRIVER.fullmatch(soname):
            return _left_out(soname, "the GPU's driver brings it, on the machine that runs the image")
        if library.path is None and library.package is None and library.needed_by:
            users = f": {_listed(_users(library))} would load it" if _users(library) else ""
            return _left_out(soname, f"it was missing where the run was recorded, too{users}")
        if _OF_LIBC.fullmatch(soname):
            libc = f"glibc {self._base.glibc}" if self._base.glibc else "the C library"
            return _of_base(soname, f"part of {libc}, which the base brings")
        if _IN_EVERY_BASE.fullmatch(soname):
            return _of_base(soname, "every base brings it, for its package manager")
        if _OF_CUDA.fullmatch(soname) and (self._base.cuda or library.path is None):
            return _of_base(soname, "part of CUDA, which the base or the recorded wheels bring")
        if _OF_ROCM.fullmatch(soname) and "rocm" in self._base.repository:
            return _of_base(soname, "part of ROCm, which the base brings")
        return None

    def _provider(self, index: int, library: SystemLibrary) -> _Provider | None:
        """The recorded package where the release is the recorded one; else its name in the base's release."""
        package = library.package if library.package and _PACKAGE.fullmatch(library.package) else None
        if package:
            version = library.package_version
            known = f"{package} {version}" if version and _PACKAGE_VERSION.fullmatch(version) else package
            fact = Fact(name=f"system_libraries[{index}].package", value=known, source="record")
            if self._is_recorded_release:
                return _Provider(name=package, fidelity=Fidelity.EXACT, facts=(fact,))
            if package in self._asked_for:
                return _Provider(name=package, fidelity=Fidelity.EQUIVALENT, facts=(fact,))
            codename = self._recorded.codename if self._recorded else None
            name = self._apt.renamed(package, library.soname, codename, self._base.codename or "")
            if name is not None:
                return _Provider(name=name, fidelity=Fidelity.EQUIVALENT, facts=(fact, self._row(package, name)))
        else:
            fact = Fact(name=f"system_libraries[{index}].soname", value=library.soname, source="record")
        name = self._apt.of_soname(library.soname, self._base.codename or "")
        if name is None:
            return None
        return _Provider(
            name=name, fidelity=Fidelity.EQUIVALENT, facts=(fact, self._row(package or library.soname, name))
        )

    def _row(self, recorded: str, name: str) -> Fact:
        return Fact(name=recorded, value=f"{name} in {self._release()}", source="apt_packages", certainty="present")

    def _release(self) -> str:
        return f"{self._base.os_id.capitalize()} {self._base.os_version}"

    def _unknown(self, library: SystemLibrary, name: str, reason: str) -> Placement:
        users = _users(library)
        message = f"{_listed(users) if users else 'the run'} needs {name}, and {reason}"
        package = library.package if library.package and _PACKAGE.fullmatch(library.package) else None
        if package and self._recorded is not None:
            recorded = f"{self._recorded.id.capitalize()} {self._recorded.version}"
            hint = f"on {recorded} it is in {package}: try --apt {package}, or a --base of that release"
        elif library.path and package is None:
            hint = "it was in no package where the run was recorded, either: name an image of your own with --base"
        else:
            hint = "name its package with --apt"
        self.warnings.append(PlanWarning(code="unknown-library", message=message, hint=hint))
        return Placement(name=name, where="left out", detail=reason, fidelity=Fidelity.MISSING)


def _left_out(soname: str, detail: str) -> Placement:
    return Placement(name=soname, where="left out", detail=detail, fidelity=Fidelity.EXACT)


def _of_base(soname: str, detail: str) -> Placement:
    return Placement(name=soname, where="base", detail=detail, fidelity=Fidelity.EXACT)


def _users(library: SystemLibrary) -> list[str]:
    return [name for name in library.needed_by if _USER.fullmatch(name)]


def _listed(names: list[str]) -> str:
    """``a, b and c``, and how many more where there are many."""
    more = len(names) - _USERS_NAMED
    return _joined([*names[:_USERS_NAMED], f"{more} more"] if more > 0 else names)


def _joined(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
