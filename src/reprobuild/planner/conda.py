"""conda's packages where wheels take their place: which are Python's, and what the index calls them.

The rest are the interpreter, libraries, compilers and markers.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeGuard

import msgspec
from packaging.utils import canonicalize_name

from reprobuild.catalog import Catalog
from reprobuild.plan import DefaultIndex, Fidelity, PlanWarning, weakest
from reprobuild.planner import grammar
from reprobuild.planner.subject import Package
from reprobuild.planner.treatment import Install, LeaveOut, Resolve, Treatment

_PYTHON_BUILD = re.compile(r"(?:.*_)?py(?:[0-9]|h|_|thon).*|.*(?:cp|py)[23][0-9]{1,2}.*")
_BROUGHT_BY_WHEELS = re.compile(
    r"_.*|.*mutex|lib(?:gcc|gomp|stdcxx|gfortran|blas|cblas|lapack|opencv|openblas|cu[a-z]+|nv[a-z]+|np+)(?:-.*)?"
    r"|mkl|blas|openblas|tbb|intel-openmp|llvm-openmp|cudatoolkit|cudnn|nccl|pytorch-(?:cuda|mutex|gpu)|cuda(?:-.*)?"
    r"|magma-cuda.*|cpuonly|ffmpeg-libs|vc|vs20[0-9]{2}_runtime|ucrt|vc14_runtime|msys2-.*|m2(?:w64)?-.*|icc_rt|winpty"
)
_SHARED_LIBRARIES = re.compile(
    r"lib[a-z0-9._+-]*|xorg-[a-z0-9-]*|xcb-util[a-z-]*|aws-[a-z0-9-]*|azure-[a-z0-9-]*-cpp|font(?:s|-ttf)-[a-z-]*"
    r"|zstd|lame|lz4-c|openh264|gmp|mpfr|mpc|freetype|fontconfig|fribidi|harfbuzz|graphite2|pango|cairo|pixman|lcms2|lerc"
    r"|jpeg|giflib|openjpeg|openjph|jasper|openexr|imath|gnutls|nettle|yaml|icu|c-ares|krb5|cyrus-sasl|openldap|zeromq"
    r"|brotli|pcre2?|glib|gdk-pixbuf|gtk3|atk-1\.0|at-spi2-[a-z]+|gst-plugins-base|gstreamer|dbus|alsa-lib|x26[45]|dav1d"
    r"|rav1e|svt-av1|aom|xxhash|json-c|keyutils|snappy|orc|re2|abseil-cpp|grpc-cpp|arrow-cpp|glog|gflags|geos|proj|hdf5"
    r"|geotiff|freexl|blosc|minizip|lzo|zlib-ng|fmt|spdlog|nlohmann_json|double-conversion|sleef|s2n|pugixml|xerces-c"
    r"|uriparser|qhull|hicolor-icon-theme|adwaita-icon-theme|xkeyboard-config|pthread-stubs|wayland(?:-protocols)?|epoxy"
    r"|qt(?:6?-main|-webengine)?|sdl[23]?|freeglut|mpg123|pulseaudio-client|ocl-icd|opencl-headers|level-zero|shaderc"
    r"|spirv-tools|glslang|blas-devel|mkl-(?:devel|include)|tbb-devel|onemkl-license|pybind11-abi|intel-[a-z-]+"
    r"|prometheus-cpp|kernel-headers_[a-z0-9-]+|[a-z0-9-]+-(?:headers|devel)|python-gil"
)
"""Shared libraries, headers, fonts and license texts: no command and no module of their own."""

_PART_OF_PYTHON = re.compile(
    r"ca-certificates|openssl|zlib|xz|tk|sqlite|libsqlite|readline|ncurses|libffi|bzip2|ld_impl_linux-.*|tzdata"
    r"|libuuid|libzlib|libexpat|expat|liblzma|libnsl|libxcrypt|python_abi|wincertstore"
)


_METAPACKAGES = {
    "keras-gpu": "keras",
    "tensorflow-eigen": "tensorflow",
    "tensorflow-gpu": "tensorflow",
    "tensorflow-mkl": "tensorflow",
}
"""conda's packages that only choose a build of another one."""

_PARTS = ("-base", "-core")
"""How conda calls the part of a split package that holds the code."""


class Named(msgspec.Struct, frozen=True, kw_only=True):
    """A Python package by the index's name for it."""

    name: str
    is_known: bool
    """Whether a table knows that the index's project of this name is what conda packages."""


Settled = LeaveOut | Named


def settle_conda(packages: tuple[Package, ...], catalog: Catalog) -> dict[str, Settled]:
    """By its path in the record, what becomes of each package that only conda told of.

    conda splits packages (``matplotlib-base``), has metapackages beside them (``typing-extensions`` beside
    ``typing_extensions``), calls some otherwise than the index, and packages much that is not Python.
    """
    packages = tuple(package for package in packages if _is_told_by_conda(package))
    if not packages:
        return {}
    natives = {package.path: native for package in packages if (native := native_of_conda(package, catalog))}
    named = {package.path: _project(package, catalog) for package in packages if package.path not in natives}
    real = {package.canonical for package in packages if package.path in named}
    standing = real | {canonicalize_name(each.name) for each in named.values()}
    settled: dict[str, Settled] = {}
    for package in packages:
        chosen = _METAPACKAGES.get(package.canonical)
        if chosen and chosen in {canonicalize_name(each.name) for path, each in named.items() if path != package.path}:
            settled[package.path] = _METAPACKAGE
            continue
        if package.path in natives:
            is_meta = natives[package.path].fidelity is Fidelity.MISSING and (
                package.canonical in standing or canonicalize_name(_project(package, catalog).name) in standing
            )
            settled[package.path] = _METAPACKAGE if is_meta else natives[package.path]
            continue
        found = named[package.path]
        name = canonicalize_name(found.name)
        if name in real and name != package.canonical:
            reason = f"it is conda's part of {found.name}, which is installed whole"
            settled[package.path] = LeaveOut(reason=reason, fidelity=Fidelity.EQUIVALENT)
        else:
            settled[package.path] = found
    return settled


def _is_told_by_conda(package: Package) -> bool:
    """Whether its name is conda's: Python's own metadata carry the project's."""
    return package.distribution.conda is not None and package.distribution.metadata_format is None


def _project(package: Package, catalog: Catalog) -> Named:
    """The index's project, by the tables; the recorded name where none of them speaks of it."""
    names = catalog.conda_names
    row = names.name(package.canonical, package.version_text)
    if row is not None and row.project is not None:
        return Named(name=row.project, is_known=True)
    stem = next((package.canonical.removesuffix(part) for part in _PARTS if package.canonical.endswith(part)), None)
    if stem is not None and not names.is_shared(package.canonical) and names.is_shared(stem):
        return Named(name=stem, is_known=True)
    return Named(name=package.name, is_known=catalog.knows_project(package.canonical))


_DOUBT = "no table tells whether the default index has conda's package under the same name"
_PROGRAM = "it is a program of conda's, which no Python index has (see --apt)"
_METAPACKAGE = LeaveOut(
    reason="it is a metapackage of conda's; the package itself stands beside it", fidelity=Fidelity.EQUIVALENT
)


def native_of_conda(package: Package, catalog: Catalog) -> LeaveOut | None:
    """Why a conda package without Python code is left out; None for a Python distribution."""
    conda = package.distribution.conda
    if conda is None or package.distribution.metadata_format is not None:
        return None
    if package.canonical == "python":
        return LeaveOut(reason="it is the interpreter itself, which the plan takes care of", fidelity=Fidelity.EXACT)
    if _PART_OF_PYTHON.fullmatch(package.name):
        return LeaveOut(reason="the interpreter brings it", fidelity=Fidelity.EQUIVALENT)
    if _BROUGHT_BY_WHEELS.fullmatch(package.name):
        return LeaveOut(reason="the wheels bring their own", fidelity=Fidelity.EQUIVALENT)
    row = catalog.conda_names.name(package.canonical, package.version_text)
    if row is not None and row.kind in ("namespace", "platform-only"):
        return LeaveOut(reason=row.reason or _PROGRAM, fidelity=Fidelity.EQUIVALENT)
    build = grammar.printable(conda.build, f"{package.path}.conda.build") if conda.build else None
    if build is not None and _PYTHON_BUILD.fullmatch(build):
        return None
    if _SHARED_LIBRARIES.fullmatch(package.name):
        reason = "a library of conda's packages, and the wheels in their place bring their own copy"
        return LeaveOut(reason=reason, fidelity=Fidelity.EQUIVALENT)
    if row is not None and row.kind == "program":
        return LeaveOut(reason=row.reason or _PROGRAM)
    return None if build is None else LeaveOut(reason=_PROGRAM)


def by_index_name(treatment: Treatment, package: Package, named: Named) -> Treatment:
    """The same with a word on the name: the index has another one, or no table knows that it has this one."""
    match treatment:
        case Install(origin=DefaultIndex(), fidelity=fidelity) if not named.is_known:
            fidelity = weakest((fidelity, Fidelity.SUBSTITUTED))
            return msgspec.structs.replace(treatment, fidelity=fidelity, difference=_DOUBT)
        case Resolve(reason=reason) if not named.is_known:
            return msgspec.structs.replace(treatment, reason=f"{reason}, and {_DOUBT}")
        case Install(difference=difference) if canonicalize_name(named.name) != package.canonical:
            told = f"as {named.name}, which conda calls {package.name}"
            return msgspec.structs.replace(treatment, difference=f"{told}; {difference}" if difference else told)
        case _:
            return treatment


def warnings_of_doubt(treatments: Iterable[Treatment]) -> tuple[PlanWarning, ...]:
    """What a person should look at before packages are taken from the index by conda's names: one warning, or none."""
    names = [each.requirement.name for each in treatments if _is_in_doubt(each)]
    if not names:
        return ()
    listed = ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
    return (
        PlanWarning(
            code="conda-name-unknown",
            message=f"{listed}: {_DOUBT}; it may be another project there",
            hint="look at it there before you build; --package-index NAME=URL takes it from elsewhere",
        ),
    )


def _is_in_doubt(treatment: Treatment) -> TypeGuard[Install | Resolve]:
    if isinstance(treatment, Install):
        return treatment.difference == _DOUBT
    return isinstance(treatment, Resolve) and treatment.reason.endswith(_DOUBT)
