"""Where the exact CPython comes from: the first source that has X.Y.Z and runs on the base."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import Literal

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.vendor_images import NgcContainer
from reprobuild.errors import PlanError
from reprobuild.plan import (
    Alternative,
    BaseImage,
    BasePython,
    Decision,
    Fact,
    Fidelity,
    ImagePython,
    Platform,
    PythonSource,
    Question,
    SourcePython,
    SystemPackage,
    UvPython,
)
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.subject import Subject
from reprobuild.snapshot import PythonFacts

OLDEST = Version("3.6")
"""uv, which installs the packages, serves no older interpreter."""

_CPYTHON_TAG = re.compile(r"(?:^|-)cp3([0-9]{1,2})-cp3")
_OPENSSL_1 = "1.1.1w"
"""The last release of the only series that every CPython from 3.6 on is made for: those before 3.10 don't know 3,
those from 3.10 on refuse 1.0."""

Builder = Literal["distribution", "standalone", "official image", "conda", "another system's"]


class PythonVersion(msgspec.Struct, frozen=True, kw_only=True):
    """Which CPython is wanted, and how sure that is."""

    version: str
    """X.Y.Z"""
    fidelity: Fidelity = Fidelity.EXACT
    note: str = ""
    """What differs from the record, as the end of a sentence."""
    fact: Fact
    free_threaded: bool = False
    builder: Builder | None = None
    """Who built the recorded interpreter, where the record tells it."""


class PythonChoice(msgspec.Struct, frozen=True, kw_only=True):
    """The source, its decision, and what the base has to install for it."""

    source: PythonSource
    decision: Decision
    system_packages: tuple[SystemPackage, ...] = ()
    headers: tuple[SystemPackage, ...] = ()
    """What compiling an extension against it needs besides; every source but a distribution has them inside."""


def decide_version(
    subject: Subject, facts: PythonFacts, platform: Platform, catalog: Catalog, options: PlanOptions
) -> PythonVersion:
    """The recorded X.Y.Z, or the nearest to what the record tells. Raises PlanError when nothing tells it."""
    found = _version(subject, facts, platform, catalog, options)
    return msgspec.structs.replace(found, free_threaded=subject.free_threaded)


def _version(
    subject: Subject, facts: PythonFacts, platform: Platform, catalog: Catalog, options: PlanOptions
) -> PythonVersion:
    builder = recorded_builder(facts, subject)
    if options.python:
        fact = Fact(name="--python", value=options.python, source="option")
        told = subject.python
        differs = told is not None and told != options.python and not options.python.startswith(f"{told}.")
        note = f"the record says {subject.python} and {options.python} was asked for" if differs else ""
        fidelity = Fidelity.SUBSTITUTED if differs else Fidelity.EXACT
        return _checked(PythonVersion(version=options.python, fidelity=fidelity, note=note, fact=fact, builder=builder))
    if facts.implementation not in (None, "CPython", "cpython"):
        raise PlanError("the run used another Python than CPython, which reprobuild can't rebuild")
    if subject.python is None:
        return _checked(_of_tags(subject, platform, catalog) or _of_torch(subject, platform, catalog))
    fact = subject.fact("python.version", subject.python)
    if len(Version(subject.python).release) == 3:
        return _checked(PythonVersion(version=subject.python, fact=fact, builder=builder))
    return _checked(_newest_patch(subject.python, fact, platform, catalog))


def _checked(wanted: PythonVersion) -> PythonVersion:
    if Version(wanted.version) < OLDEST:
        raise PlanError(
            f"the run used CPython {wanted.version}, and reprobuild rebuilds 3.6 and later",
            hint="no maintained installer serves 2.7 and 3.5; the official python: images of that time still run",
        )
    return wanted


def _newest_patch(minor: str, fact: Fact, platform: Platform, catalog: Catalog) -> PythonVersion:
    cpython = catalog.cpython
    of_uv, of_images = cpython.uv_versions(platform.architecture, minor=minor), cpython.image_versions(minor)
    versions = [version for version in of_uv if version in of_images] or of_uv or of_images
    released = [version for version in versions if not Version(version).is_prerelease]
    if not released:
        raise PlanError(f"no source that the tables know has CPython {minor}")
    note = f"the record tells only {minor}, and this is its newest patch release"
    return PythonVersion(version=released[0], fidelity=Fidelity.SUBSTITUTED, note=note, fact=fact)


def _of_tags(subject: Subject, platform: Platform, catalog: Catalog) -> PythonVersion | None:
    """The Python that most recorded wheels were made for, by their tags or the names of their files."""
    told: Counter[str] = Counter()
    for package in subject.packages:
        url = package.distribution.direct_url.url[:2000] if package.distribution.direct_url else ""
        for text in (*package.tags, url):
            told.update({f"3.{minor}" for minor in _CPYTHON_TAG.findall(text)})
    if not told:
        return None
    minor, count = max(told.items(), key=lambda item: (item[1], Version(item[0])))
    fact = Fact(name="python.version", value=minor, source="record", certainty="inferred")
    chosen = _newest_patch(minor, fact, platform, catalog)
    note = f"the record does not tell its Python; {count} of its wheels are for {minor}"
    return msgspec.structs.replace(chosen, note=note)


def _of_torch(subject: Subject, platform: Platform, catalog: Catalog) -> PythonVersion:
    """The second newest Python of the recorded torch: for the newest one, few other projects had wheels yet."""
    torch = subject.find("torch")
    told = (torch.version_text if torch else None) or subject.torch_version
    machine = "aarch64" if platform.architecture == "arm64" else "x86_64"
    published = catalog.torch_wheels.published(told, None, f"linux_{machine}") if told else ()
    tags = {tag for variant in published for tag in variant.pythons.get(f"linux_{machine}", ())}
    minors = sorted(Version(f"{tag[2]}.{tag[3:]}") for tag in tags if tag.startswith("cp3") and tag[3:].isdigit())
    if not minors:
        raise PlanError(
            "the record does not tell its Python version, and nothing in it lets one infer it",
            hint="say it: --python 3.10.12",
        )
    minor = str(minors[-2] if len(minors) > 1 else minors[-1])
    fact = Fact(name="python.version", value=minor, source="torch_wheels", certainty="inferred")
    chosen = _newest_patch(minor, fact, platform, catalog)
    note = f"the record does not tell its Python; torch {told} was published for {minor} (say it with --python)"
    return msgspec.structs.replace(chosen, note=note)


def recorded_builder(facts: PythonFacts, subject: Subject) -> Builder | None:
    """Who built the recorded interpreter, from its compiler, its build text and its prefix."""
    build = facts.build or ""
    prefix = facts.base_prefix or facts.prefix or ""
    if subject.system not in (None, "Linux"):
        return "another system's"
    if facts.environment == "conda" or "conda-forge" in build or "packaged by" in build or "Anaconda" in build:
        return "conda"
    if "Clang" in (facts.compiler or build) and subject.system == "Linux":
        return "standalone"
    if prefix == "/usr" and subject.os_id in ("ubuntu", "debian"):
        return "distribution"
    return "official image" if prefix == "/usr/local" else None


def decide_source(
    wanted: PythonVersion,
    base: BaseImage,
    platform: Platform,
    catalog: Catalog,
    container: NgcContainer | None = None,
) -> PythonChoice:
    """The first source that has the version and runs on ``base``, with the others and why they lost.

    Raises PlanError for a build without the global lock that uv does not have: nobody else publishes any.
    """
    if container is not None:
        return _of_container(wanted, container)
    if wanted.free_threaded:
        return _free_threaded(wanted, platform, catalog)
    lost: list[Alternative] = []
    rungs: tuple[tuple[str, Callable[[], _Found]], ...] = (
        ("the base's own CPython", lambda: _of_base(wanted, base, catalog)),
        ("uv's standalone build", lambda: _of_uv(wanted, platform, catalog)),
        ("the official python image", lambda: _of_image(wanted, base, catalog)),
    )
    for name, rung in rungs:
        found = rung()
        if not isinstance(found, str):
            return _choice(wanted, *found, tuple(lost))
        lost.append(Alternative(choice=name, reason=found))
    return _choice(wanted, *_of_source(wanted, base, catalog), tuple(lost))


_Answer = tuple[PythonSource, str, Builder | None]
_Found = _Answer | str
"""A source with its reason and builder, or why there is none."""


def _of_base(wanted: PythonVersion, base: BaseImage, catalog: Catalog) -> _Found:
    if base.repository == "python":
        if base.tag.split("-")[0] == wanted.version:
            official = ImagePython(version=wanted.version, image=base.reference, is_base=True)
            return official, "the base brings exactly this version", "official image"
        return f"the base brings CPython {base.tag.split('-')[0]}"
    system = catalog.operating_systems.get(base.os_id, base.os_version)
    if system is None or base.os_id not in ("ubuntu", "debian"):
        return "what the base's package manager would install is not known"
    if system.python != wanted.version:
        return f"{base.os_id} {base.os_version} has CPython {system.python}"
    if wanted.builder != "distribution":
        return "the record does not tell that the run used the distribution's own build"
    minor = ".".join(wanted.version.split(".")[:2])
    source = BasePython(version=wanted.version, executable=f"/usr/bin/python{minor}")
    return source, f"{base.os_id} {base.os_version} has exactly this version, and the run used it", "distribution"


def _of_uv(wanted: PythonVersion, platform: Platform, catalog: Catalog) -> _Found:
    build = catalog.cpython.uv_build(wanted.version, platform.architecture)
    if build is None:
        return f"uv has no build of {wanted.version} for {platform}"
    # The pinned uv decides on the build itself; only one that another uv's table names has to be asked for.
    pinned = None if build.uv else build.build
    return UvPython(version=wanted.version, build=pinned), "uv has a standalone build of this version", "standalone"


def _of_container(wanted: PythonVersion, container: NgcContainer) -> PythonChoice:
    """The interpreter that the container's torch was built for: another one could not load it."""
    # The container's patch is its own: one that the plan chose because the record tells none would be made up.
    told = wanted.fact.value
    is_told = len(Version(told).release) == 3
    version = wanted.version if is_told else ".".join(wanted.version.split(".")[:2])
    note = wanted.note if is_told else f"the record tells only {version}, and the patch is the container's"
    source = BasePython(version=version, executable="python3", with_packages=True)
    reason = f"torch inside {container.image} loads into that container's own Python only"
    decision = Decision(
        question=Question.PYTHON,
        choice=f"CPython {version} (the base's own)",
        reason=reason + (f"; {note}" if note else ""),
        fidelity=wanted.fidelity,
        facts=(wanted.fact,),
    )
    return PythonChoice(source=source, decision=decision)


def _free_threaded(wanted: PythonVersion, platform: Platform, catalog: Catalog) -> PythonChoice:
    build = catalog.cpython.uv_build(wanted.version, platform.architecture, free_threaded=True)
    if build is None:
        raise PlanError(
            f"the run used CPython {wanted.version} without the global lock, and uv has no such build for {platform}",
            hint="name a version that it has with --python, such as 3.13.3 or 3.14.0",
        )
    source = UvPython(version=wanted.version, build=None if build.uv else build.build, free_threaded=True)
    return _choice(wanted, source, "uv has this version without the global interpreter lock", "standalone", ())


def _of_image(wanted: PythonVersion, base: BaseImage, catalog: Catalog) -> _Found:
    """``/usr/local`` of an image whose suite is no newer than the base and speaks the same OpenSSL."""
    image = catalog.cpython.image(wanted.version)
    own = catalog.operating_systems.get(base.os_id, base.os_version)
    if image is None or own is None or base.glibc is None:
        return f"no official image of {wanted.version} is known" if image is None else "the base is not known"
    for suite in reversed(image.slim):
        system = catalog.operating_systems.by_codename(suite)
        if system and own.runs_glibc(system.glibc) and system.openssl == own.openssl:
            source = ImagePython(version=wanted.version, image=image.reference(suite))
            return source, f"the official image of {suite} has it, and it runs on the base's glibc", "official image"
    return f"the images of {wanted.version} ({', '.join(image.slim)}) need another glibc or OpenSSL than the base has"


def _of_source(wanted: PythonVersion, base: BaseImage, catalog: Catalog) -> _Answer:
    final = Version(wanted.version).base_version
    own = catalog.operating_systems.get(base.os_id, base.os_version)
    fitting = ("1.0", "1.1") if Version(wanted.version) < Version("3.10") else ("1.1", "3")
    source = SourcePython(
        version=wanted.version,
        url=f"https://www.python.org/ftp/python/{final}/Python-{wanted.version}.tgz",
        sha256=catalog.cpython.release_sha256(wanted.version),
        openssl=None if own is not None and own.openssl in fitting else _OPENSSL_1,
    )
    return source, "no ready build of this version fits the base, so it is compiled from its release archive", None


def _choice(
    wanted: PythonVersion,
    source: PythonSource,
    reason: str,
    builder: Builder | None,
    lost: tuple[Alternative, ...],
) -> PythonChoice:
    fidelity, difference = wanted.fidelity, wanted.note
    if fidelity is Fidelity.EXACT and wanted.builder not in (None, builder):
        fidelity = Fidelity.EQUIVALENT
        difference = f"the recorded interpreter was another build of it ({wanted.builder})"
    decision = Decision(
        question=Question.PYTHON,
        choice=f"CPython {wanted.version} ({_NAMES[type(source)]})",
        reason=reason + (f"; {difference}" if difference else ""),
        fidelity=fidelity,
        facts=(wanted.fact, *((_archive(source),) if isinstance(source, SourcePython) else ())),
        alternatives=lost,
    )
    return PythonChoice(source=source, decision=decision, system_packages=_packages(source), headers=_headers(source))


def _archive(source: SourcePython) -> Fact:
    """The release archive. One that the tables have no digest of may be newer than they are, or not be there at all."""
    if source.sha256 is None:
        unknown = "a release that the tables don't know"
        return Fact(name=source.url, value=unknown, source="cpython_releases", certainty="presumed")
    return Fact(name=source.url, value=f"sha256:{source.sha256}", source="cpython_releases", certainty="present")


_NAMES: dict[type, str] = {
    UvPython: "uv",
    ImagePython: "official image",
    SourcePython: "source",
    BasePython: "the base's own",
}


def _packages(source: PythonSource) -> tuple[SystemPackage, ...]:
    if not isinstance(source, BasePython):
        return ()
    name = source.executable.rpartition("/")[2]
    return (
        SystemPackage(name=name, reason="the recorded interpreter"),
        SystemPackage(name=f"{name}-venv", reason="virtual environments of it", stage="build"),
    )


def _headers(source: PythonSource) -> tuple[SystemPackage, ...]:
    if not isinstance(source, BasePython):
        return ()
    name = source.executable.rpartition("/")[2]
    return (SystemPackage(name=f"{name}-dev", reason="headers of the interpreter, to build extensions", stage="build"),)
