"""Whether a record is a conda run that is rebuilt by conda, and what conda installs then.

A record tells a conda environment when its interpreter is one of conda's packages and the builds are Linux's. Then
each package is asked for by its URL and checksum where the record has them for all, else by name, version and build.
An excerpt of an environment (``collect_env``), builds of another platform and a lone interpreter (MLflow names one for
every model) are no conda run: their packages are mapped to wheels.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec
from packaging.version import Version

from reprobuild.errors import PlanError
from reprobuild.plan import CondaPackage, Fidelity, PlanWarning, Platform
from reprobuild.planner import grammar
from reprobuild.planner.conda_channels import Channels, addresses, channels_of, is_local, warnings_of
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.treatment import CondaInstall, LeaveOut

_SUBDIR = {"amd64": "linux-64", "arm64": "linux-aarch64"}
_FILE = re.compile(r"(?P<name>.+)-(?P<version>[^-/]+)-(?P<build>[^-/]+)\.(?:conda|tar\.bz2)")
_OF_WINDOWS = re.compile(
    r"vc|vc14_runtime|vs20[0-9]{2}_runtime|ucrt|wincertstore|win_inet_pton|pywin32|pywinpty|winpty|icc_rt|m2w?6?4?-.*"
    r"|msys2-.*|console_shortcut|powershell_shortcut|pyreadline"
)
_OF_MACOS = re.compile(r"libcxx|libcxxabi|appnope|pyobjc-.*")
_INTERPRETER = frozenset({"python", "pip", "setuptools", "wheel"})
_NEEDED_BY_PYTHON = frozenset({"openssl"})
"""What every CPython of conda depends on, so that a list without it is not the whole environment."""


class CondaRun(msgspec.Struct, frozen=True, kw_only=True):
    """What conda installs, by the path of each package in the record."""

    treatments: dict[str, CondaInstall | LeaveOut]
    explicit: bool
    """Whether each of them has a URL."""
    is_closed: bool
    """Whether the record lists the whole environment, so that nothing has to be added."""
    channels: Channels
    python: str | None
    """The interpreter's version, as conda's package tells it."""
    has_python_build: bool
    unlisted: tuple[CondaPackage, ...] = ()
    """What is asked for though the record does not list it: the interpreter of an excerpt."""

    @property
    def packages(self) -> tuple[CondaPackage, ...]:
        """In the order of installation: what is for one platform, the interpreter among it, before ``noarch``."""
        wanted = [each for each in self.treatments.values() if isinstance(each, CondaInstall)]
        unique = {each.package.line: each for each in sorted(wanted, key=lambda each: each.is_noarch)}
        return (*self.unlisted, *(each.package for each in unique.values()))

    def installs(self, package: Package) -> bool:
        """Whether conda installs this package of the record."""
        return isinstance(self.treatments.get(package.path), CondaInstall)


class CondaAnswer(NamedTuple):
    """A conda run; or none, with a sentence that says why where the record has conda's packages."""

    run: CondaRun | None
    note: str | None = None


def decide_conda(subject: Subject, platform: Platform, options: PlanOptions) -> CondaAnswer:
    """Whether conda rebuilds the run. Raises PlanError where that was asked for and can't be, RecordError."""
    packages = [package for package in subject.packages if package.distribution.conda is not None]
    if options.via == "conda" and not packages:
        raise PlanError(
            "--via conda was asked for, and the record lists no package of conda's", hint="leave out --via conda"
        )
    if not packages or options.via == "pip":
        return CondaAnswer(None)
    foreign = _other_platform(subject, packages, platform)
    why_not = foreign or _no_environment(packages) or _other_python(packages, options)
    if why_not and options.via == "auto":
        way_out = "" if _other_python(packages, options) else " (--via conda asks its channels for the versions)"
        return CondaAnswer(None, f"{why_not}, so its packages are mapped to wheels{way_out}")
    return CondaAnswer(_run(subject, packages, with_builds=foreign is None))


def _other_platform(subject: Subject, packages: list[Package], platform: Platform) -> str | None:
    # Names are evidence only where the record does not tell the system itself: some of them exist on Linux too.
    is_told = subject.system is not None and "system.system" not in subject.inferred
    names = [] if is_told else [package.name for package in packages]
    here = _SUBDIR[platform.architecture]
    of_others = sorted(
        {
            conda.subdir
            for package in packages
            if (conda := package.distribution.conda) and conda.subdir not in (None, "noarch", here)
        }
    )
    if subject.system == "Windows" or any(_OF_WINDOWS.fullmatch(name) for name in names):
        return "the builds are Windows', which Linux does not run"
    if subject.system == "Darwin" or any(_OF_MACOS.fullmatch(name) for name in names if "libgcc-ng" not in names):
        return "the builds are macOS', which Linux does not run"
    if of_others:
        return f"the builds are for {grammar.excerpt(of_others[0])}, and the image is {platform}"
    if subject.machine is not None and subject.machine != ("x86_64" if here == "linux-64" else "aarch64"):
        return f"the builds are {subject.machine}'s, and the image is {platform}"
    return None


def _no_environment(packages: list[Package]) -> str | None:
    if not any(package.canonical == "python" and package.version_text for package in packages):
        return "the record holds an excerpt of a conda environment, without its interpreter"
    if all(package.canonical in _INTERPRETER and not _has_url(package) for package in packages):
        return "conda brought nothing but the interpreter"
    return None


def _other_python(packages: list[Package], options: PlanOptions) -> str | None:
    recorded = next((package.version_text for package in packages if package.canonical == "python"), None)
    if options.python is None or recorded is None or recorded == options.python:
        return None
    return f"conda's builds are for Python {recorded}, and {options.python} was asked for"


def _run(subject: Subject, packages: list[Package], *, with_builds: bool) -> CondaRun:
    explicit = with_builds and all(_has_url(package) for package in packages if not _is_of_nowhere(package))
    treatments = {package.path: _treated(package, explicit=explicit, with_builds=with_builds) for package in packages}
    installed = [package for package in packages if isinstance(treatments[package.path], CondaInstall)]
    complete = all(_has_build(package) for package in installed)
    names = {package.canonical for package in installed}
    closed = with_builds and complete and "python" in names and bool(_NEEDED_BY_PYTHON & names)
    python = next((package for package in installed if package.canonical == "python"), None)
    recorded = [(text, f"conda_channels[{index}]") for index, text in enumerate(subject.conda_channels)]
    own = [
        (conda.channel, f"{package.path}.conda.channel")
        for package in installed
        if (conda := package.distribution.conda) and conda.channel and not explicit
    ]
    version = python.version_text if python else None
    if explicit:
        homes = (_home(package) for package in installed)
        channels = Channels(urls=(), warnings=warnings_of(home for home in homes if home))
    else:
        # Where a list of rows names channels for some packages, those without one are of defaults.
        bare = [("defaults", "conda_channels")] if own and not recorded else []
        channels = channels_of(recorded, [*own, *bare], version, sorted(names))
    return CondaRun(
        treatments=treatments,
        explicit=explicit,
        is_closed=closed or (explicit and "python" in names),
        channels=channels,
        python=version,
        has_python_build=with_builds and python is not None and _has_build(python),
    )


def _has_url(package: Package) -> bool:
    conda = package.distribution.conda
    return conda is not None and bool(conda.url) and not is_local(conda.url or "")


def _is_of_nowhere(package: Package) -> bool:
    conda = package.distribution.conda
    return conda is not None and (is_local(conda.url or "") or conda.channel in ("local", "<unknown>", "<develop>"))


def _build_of(package: Package) -> str | None:
    conda = package.distribution.conda
    return grammar.conda_build(conda.build, f"{package.path}.conda.build") if conda and conda.build else None


def _has_build(package: Package) -> bool:
    """Whether the record tells its build. A pattern (``cuda112*``) is what somebody asked a solver for."""
    build = _build_of(package)
    return build is not None and "*" not in build


def _name_of(package: Package) -> str:
    conda = package.distribution.conda
    own = conda.package if conda else None
    return grammar.conda_name(own, f"{package.path}.conda.package") if own else package.name


def _version_of(package: Package) -> str | None:
    conda = package.distribution.conda
    if conda is not None and conda.version:
        return grammar.conda_version(conda.version, f"{package.path}.conda.version")
    return grammar.conda_version(package.version_text, f"{package.path}.version") if package.version_text else None


def _treated(package: Package, *, explicit: bool, with_builds: bool) -> CondaInstall | LeaveOut:
    name = _name_of(package)
    if not with_builds and (_OF_WINDOWS.fullmatch(name) or _OF_MACOS.fullmatch(name)):
        reason = "it is a part of another operating system's runtime, which Linux has itself"
        return LeaveOut(reason=reason, fidelity=Fidelity.EQUIVALENT)
    if _is_of_nowhere(package):
        return _of_one_machine(package)
    if explicit:
        return _by_url(package, name)
    version, build = _version_of(package), _build_of(package) if with_builds else None
    # With a build the version is exact; without one it is as far as the record tells it, which may be 3.8 alone.
    line = f"{name}=={version}={build}" if version and build else f"{name}={version}" if version else name
    fidelity, difference = Fidelity.EXACT, None
    if version is None:
        fidelity, difference = Fidelity.SUBSTITUTED, "the record tells no version of it, so the solver chooses one"
    elif not with_builds:
        fidelity, difference = Fidelity.SUBSTITUTED, "the recorded build is another platform's"
    elif build is None:
        fidelity, difference = Fidelity.EQUIVALENT, "the record tells no build of it, so the solver chooses one"
    elif "*" in build:
        difference = f"the record tells only {build} of its build, so the solver chooses one that fits"
        fidelity = Fidelity.EQUIVALENT
    conda = package.distribution.conda
    return CondaInstall(
        package=CondaPackage(name=name, line=line),
        fidelity=fidelity,
        difference=difference,
        is_noarch=conda is not None and conda.subdir == "noarch",
    )


def _by_url(package: Package, name: str) -> CondaInstall:
    conda = package.distribution.conda
    assert conda is not None
    path = f"{package.path}.conda.url"
    address = grammar.url(conda.url or "", path, grammar.WEB_SCHEMES)
    parent, _, file = address.rpartition("/")
    channel, _, subdir = parent.rpartition("/")
    found = _FILE.fullmatch(file)
    home = next(iter(addresses(channel, path)), None)
    if found is None or found["name"] != name or home is None:
        raise grammar.refuse(conda.url or "", path, f"the URL of the conda package {name}")
    digest = ""
    if conda.sha256:
        digest = f"#sha256:{grammar.conda_digest(conda.sha256, f'{package.path}.conda.sha256', 64)}"
    elif conda.md5:
        digest = f"#{grammar.conda_digest(conda.md5, f'{package.path}.conda.md5', 32)}"
    return CondaInstall(
        package=CondaPackage(name=name, line=f"{home}/{subdir}/{file}{digest}"), is_noarch=subdir == "noarch"
    )


def _home(package: Package) -> str | None:
    """The channel of a package that has a URL."""
    conda = package.distribution.conda
    url = (conda.url if conda else None) or ""
    return next(iter(addresses(url.rpartition("/")[0], f"{package.path}.conda.url")), None)


def _of_one_machine(package: Package) -> LeaveOut:
    return LeaveOut(
        reason="it was built on the recorded machine, and no channel has it",
        warning=PlanWarning(
            code="local-conda-package",
            message=f"{package.name} was installed from a conda package on the recorded machine, so the image does not "
            "hold it",
            hint="install it in an image built on top of this one",
        ),
    )


def refuse_nightlies(run: CondaRun, packages: Iterable[Package]) -> None:
    """Raise PlanError for a nightly build of torch: its channel kept those for a few months."""
    for package in _of_torch(run, packages):
        if package.version is not None and package.version.is_devrelease:
            raise PlanError(
                f"torch {package.version_text} is a nightly build, which its channel no longer has",
                hint="put the release that followed into the record, or take its wheel with --via pip",
            )


def _of_torch(run: CondaRun, packages: Iterable[Package]) -> Iterator[Package]:
    return (package for package in packages if package.canonical in ("torch", "pytorch") and run.installs(package))


def short_version(text: str) -> str:
    """11.0 of 11.0.221."""
    return ".".join(str(part) for part in Version(text).release[:2])
