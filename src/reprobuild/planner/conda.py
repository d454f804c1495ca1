"""Packages of conda that are no Python distributions: the interpreter, libraries, compilers, markers."""

from __future__ import annotations

import re

from reprobuild.plan import Fidelity
from reprobuild.planner import grammar
from reprobuild.planner.subject import Package
from reprobuild.planner.treatment import LeaveOut

_PYTHON_BUILD = re.compile(r"(?:.*_)?py(?:[0-9]|h|_|thon).*|.*(?:cp|py)[23][0-9]{1,2}.*")
_BROUGHT_BY_WHEELS = re.compile(
    r"_.*|.*mutex|lib(?:gcc|gomp|stdcxx|gfortran|blas|cblas|lapack|opencv|openblas|cu[a-z]+|nv[a-z]+|np+)(?:-.*)?"
    r"|mkl|blas|openblas|tbb|intel-openmp|llvm-openmp|cudatoolkit|cudnn|nccl|pytorch-(?:cuda|mutex|gpu)|cuda(?:-.*)?"
    r"|magma-cuda.*|cpuonly|ffmpeg-libs|vc|vs20[0-9]{2}_runtime|ucrt|vc14_runtime|msys2-.*|m2w64-.*"
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
