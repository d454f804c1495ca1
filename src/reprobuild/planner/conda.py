"""Packages of conda that are no Python distributions: the interpreter, libraries, compilers, markers."""

from __future__ import annotations

import re

import msgspec

from reprobuild.plan import Fidelity
from reprobuild.planner import grammar
from reprobuild.planner.subject import Package
from reprobuild.planner.treatment import LeaveOut

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


_DISTRIBUTIONS = {
    "astropy-base": "astropy",
    "black-jupyter": "black",
    "brotli-python": "brotli",
    "cpython": "python",
    "cython-blis": "blis",
    "dask-core": "dask",
    "docker-py": "docker",
    "fastapi-core": "fastapi",
    "fastai-core": "fastai",
    "h5py-base": "h5py",
    "ipython-base": "ipython",
    "mlflow-ui": "mlflow",
    "msgpack-python": "msgpack",
    "nbconvert-core": "nbconvert",
    "opencv": "opencv-python",
    "py-lightgbm": "lightgbm",
    "py-opencv": "opencv-python",
    "py-xgboost": "xgboost",
    "py-xgboost-cpu": "xgboost",
    "py-xgboost-gpu": "xgboost",
    "pybind11-global": "pybind11",
    "pyqt": "pyqt5",
    "pytables": "tables",
    "python-annoy": "annoy",
    "python-duckdb": "duckdb",
    "python-fastjsonschema": "fastjsonschema",
    "python-flatbuffers": "flatbuffers",
    "python-graphviz": "graphviz",
    "python-kaleido": "kaleido",
    "python-librt": "librt",
    "python-lmdb": "lmdb",
    "python-tzdata": "tzdata",
    "python-xxhash": "xxhash",
    "ray-core": "ray",
    "ray-default": "ray",
    "ray-tune": "ray",
    "redis-py": "redis",
    "tensorflow-base": "tensorflow",
    "uvicorn-standard": "uvicorn",
    "bleach-with-css": "bleach",
    "jsonschema-with-format-nongpl": "jsonschema",
}
"""conda's name of a Python package to the index's, where they differ: recipes of conda-forge and the defaults."""

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
    """A Python package that conda calls otherwise than the index."""

    name: str


Settled = LeaveOut | Named


def settle_conda(packages: tuple[Package, ...]) -> dict[str, Settled]:
    """By its path in the record, what becomes of each conda package that is no plain Python package of its name.

    conda splits packages (``matplotlib-base``), has metapackages beside them (``typing-extensions`` beside
    ``typing_extensions``), and packages much that is not Python.
    """
    if not any(package.distribution.conda for package in packages):
        return {}
    natives = {package.path: native for package in packages if (native := native_of_conda(package))}
    real = {package.canonical for package in packages if package.path not in natives}
    standing = real | {_DISTRIBUTIONS.get(name, "") for name in real} | {_stem(name) for name in real}
    settled: dict[str, Settled] = {}
    for package in packages:
        if package.distribution.conda is not None and _METAPACKAGES.get(package.canonical) in standing:
            settled[package.path] = _METAPACKAGE
        elif package.path in natives:
            is_meta = natives[package.path].fidelity is Fidelity.MISSING and (
                package.canonical in standing or _DISTRIBUTIONS.get(package.canonical) in standing
            )
            settled[package.path] = _METAPACKAGE if is_meta else natives[package.path]
        elif package.distribution.conda is not None and package.distribution.metadata_format is None:
            name = _DISTRIBUTIONS.get(package.canonical) or _stem(package.canonical)
            if name in real and name != package.canonical:
                reason = f"it is conda's part of {name}, which is installed whole"
                settled[package.path] = LeaveOut(reason=reason, fidelity=Fidelity.EQUIVALENT)
            elif package.canonical in _DISTRIBUTIONS or name != package.canonical:
                settled[package.path] = Named(name=name)
    return settled


_METAPACKAGE = LeaveOut(
    reason="it is a metapackage of conda's; the package itself stands beside it", fidelity=Fidelity.EQUIVALENT
)


def _stem(name: str) -> str:
    return next((name.removesuffix(part) for part in _PARTS if name.endswith(part)), name)


def native_of_conda(package: Package) -> LeaveOut | None:
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
    build = grammar.printable(conda.build, f"{package.path}.conda.build") if conda.build else None
    if build is not None and _PYTHON_BUILD.fullmatch(build):
        return None
    if _SHARED_LIBRARIES.fullmatch(package.name):
        reason = "a library of conda's packages, and the wheels in their place bring their own copy"
        return LeaveOut(reason=reason, fidelity=Fidelity.EQUIVALENT)
    if build is None:
        return None
    return LeaveOut(reason="it is a program of conda's, which no Python index has (see --apt)")
