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
    if build is None or _PYTHON_BUILD.fullmatch(build):
        return None
    return LeaveOut(reason="it is a program or library of conda's, which no Python index has (see --apt)")
