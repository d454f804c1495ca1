"""The linear-algebra library that numpy computes with, as this process has loaded it: threads, version, processor.

OpenBLAS and MKL choose their code by the processor that they find, and add in another order on another number of
threads: both change the last bits of a result. numpy tells neither, so the loaded libraries are asked directly. Linux
only, where the process can see what it has loaded; elsewhere threadpoolctl is asked where the run has imported it.
"""

from __future__ import annotations

import ctypes
import os
import sys
from typing import Any

_MAPS = "/proc/self/maps"

_STEMS = ("openblas", "libmkl_rt", "libblis")

_SUFFIXES = ("64_", "", "_64", "64")
_PREFIXES = ("scipy_", "")


def linear_algebra_facts() -> dict[str, str]:
    """``blas.library``, ``blas.threads``, ``blas.version``, ``blas.architecture``; empty where nobody tells them."""
    if "numpy" not in sys.modules and "scipy" not in sys.modules:
        return {}
    for path in sorted(_loaded(), key=lambda path: ("numpy" not in path, path)):
        facts = _facts_of(path)
        if facts:
            return facts
    return _facts_of_threadpoolctl()


def _loaded() -> list[str]:
    """Files of BLAS libraries that are mapped into this process."""
    found = set()
    try:
        with open(_MAPS, encoding="utf-8", errors="surrogateescape") as stream:
            for line in stream:
                path = line[73:].strip()
                if path and any(stem in os.path.basename(path) for stem in _STEMS):
                    found.add(path)
    except OSError:
        return []
    return list(found)


def _facts_of(path: str) -> dict[str, str]:
    try:
        # Only what is loaded already is opened, so nothing of the library runs that has not run.
        library = ctypes.CDLL(path, mode=getattr(os, "RTLD_NOLOAD", 0) | getattr(os, "RTLD_LAZY", 0))
    except OSError:
        return {}
    threads = _called(library, ["{0}openblas_get_num_threads{1}", "MKL_Get_Max_Threads", "bli_thread_get_num_threads"])
    if threads is None:
        return {}
    core = _called(library, ["{0}openblas_get_corename{1}"], ctypes.c_char_p)
    settings = _called(library, ["{0}openblas_get_config{1}"], ctypes.c_char_p)
    facts = {"blas.library": os.path.basename(path), "blas.threads": str(threads)}
    if core:
        facts["blas.architecture"] = core.decode("ascii", "replace")
    words = settings.decode("ascii", "replace").split() if settings else []
    if len(words) > 1 and words[0] == "OpenBLAS":
        facts["blas.version"] = words[1]
    return facts


def _called(library: ctypes.CDLL, names: list[str], kind: Any = ctypes.c_int) -> Any:
    """What the first of the functions that the library has says. Builds differ in how they decorate the names."""
    for name in names:
        for decorated in dict.fromkeys(name.format(prefix, suffix) for prefix in _PREFIXES for suffix in _SUFFIXES):
            function = getattr(library, decorated, None)
            if function is not None:
                function.argtypes, function.restype = [], kind
                return function()
    return None


def _facts_of_threadpoolctl() -> dict[str, str]:
    module: Any = sys.modules.get("threadpoolctl")
    if module is None:
        return {}
    try:
        pools = [pool for pool in module.threadpool_info() if pool.get("user_api") == "blas"]
    except Exception:  # another package's failure is no reason to lose the record
        return {}
    told = {"threads": "num_threads", "version": "version", "architecture": "architecture"}
    facts = {f"blas.{name}": str(pools[0][key]) for name, key in told.items() if pools and pools[0].get(key)}
    if pools and pools[0].get("filepath"):
        facts["blas.library"] = os.path.basename(str(pools[0]["filepath"]))
    return facts
