"""The whole record, and the probe's own command line."""

import os
import sys
import time

from . import inputs
from .accelerators import gpu_where_there_is_one, keys_of_gpu
from .description import describe_distribution, record_digest
from .distributions import installed_distributions
from .files import find_program
from .findings import Findings
from .freezing import Frozen
from .machine import python_facts, system_facts
from .search_path import search_path_facts
from .torch_files import torch_facts
from .variables import VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    Fields = dict[str, Any]

PARTS = ("gpu", "toolkit", "records")
"""What ``--without`` can leave out."""

EXTRAS = ("libraries", "files", "inputs")
"""What ``--with`` adds: the scan of system libraries, the comparison of installed files with their RECORD, and what
the answer rests on."""


def probe(
    without: "frozenset[str]" = frozenset(),
    extras: "frozenset[str]" = frozenset(),
    paths: "list[str] | None" = None,
    own_process: "bool" = False,
) -> "Fields":
    """Everything, as the object that environment.json holds; ``paths`` stands for ``sys.path``.

    ``own_process`` says that this process was started for the probe alone, so that it may be forked.
    """
    findings = Findings()
    toolkit = None if "toolkit" in without else _toolkit()
    folders = _search_path(sys.path if paths is None else paths)
    items = installed_distributions(folders, findings)
    items.sort(key=lambda item: item.key)
    digests = _digests(items, own_process) if "records" not in without else None
    frozen = Frozen(items, findings)
    distributions = [describe_distribution(item, findings) for item in items]
    torch = torch_facts(folders, {item.key: item.version for item in items})
    gpu = None if "gpu" in without else gpu_where_there_is_one(findings)
    python, system = dict(python_facts(), **search_path_facts()), system_facts()
    if digests is not None:
        for index, digest in enumerate(digests()):
            if digest:
                distributions[index]["record_digest"] = digest
    libraries = None
    if "libraries" in extras:
        from .libraries import Libraries

        scan = Libraries(folders, items, findings)
        libraries = scan.described()
        system.update(scan.of_system())
    if "files" in extras:
        _add_changed_files(items, distributions)
    if python.get("environment") == "conda":
        from .conda import add_conda_packages

        add_conda_packages(items, distributions, findings)
    deeper = {
        "recorded_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": python,
        "system": system,
        "distributions": distributions,
        "torch": torch,
        "gpu": gpu,
        "cuda_toolkit": toolkit.version() if toolkit else None,
        "rocm_toolkit": None if "toolkit" in without else _rocm(),
        "system_libraries": libraries,
        "environment_variables": {name: os.environ[name] for name in VARIABLES if name in os.environ},
        "redactions": findings.redactions,
        "notes": findings.notes,
    }
    flat = _flat_facts(python, system, frozen, torch or {}, gpu or {})
    return dict(flat, schema_version=1, **{key: value for key, value in deeper.items() if value})


def _digests(items: "list[Any]", own_process: "bool") -> "Callable[[], list[str | None]]":
    """A function that gives the digests of RECORD, which other processes may be working on by now."""
    if own_process:
        from .digests import Digests

        return Digests(items).take
    return lambda: [record_digest(item.folder, item.entry) if item.form == "dist-info" else None for item in items]


def _add_changed_files(items: "list[Any]", distributions: "list[Fields]") -> "None":
    from .changed_files import changed_files

    for index, item in enumerate(items):
        changed = changed_files(item) if item.form == "dist-info" else None
        if changed is not None:
            distributions[index]["changed_files"] = changed


def _search_path(paths: "list[str]") -> "list[str]":
    seen: "dict[str, None]" = {}
    for path in paths:
        seen.setdefault(os.path.normpath(path or os.curdir))
    return list(seen)


def _toolkit() -> "Any":
    """nvcc, at work already where it has to be asked; None where there is none."""
    homes = [os.environ.get(key) for key in ("CUDA_HOME", "CUDA_PATH")] + ["/usr/local/cuda"]
    candidates = [os.path.join(home, "bin", "nvcc") for home in homes if home]
    for path in candidates:
        inputs.look_at(path)
    compiler = find_program("nvcc") or next((path for path in candidates if os.path.isfile(path)), None)
    if compiler is None:
        return None
    from .toolkit import Toolkit

    return Toolkit(compiler)


def _rocm() -> "str | None":
    """The version of ROCm, where it is installed."""
    inputs.look_at("/opt/rocm")
    if not (os.environ.get("ROCM_PATH") or os.environ.get("ROCM_HOME") or os.path.isdir("/opt/rocm")):
        return None
    from .amd import rocm_version

    return rocm_version()


def _flat_facts(python: "Fields", system: "Fields", frozen: "Frozen", torch: "Fields", gpu: "Fields") -> "Fields":
    """The thirteen keys of the original utility, in its order, with its meaning."""
    first = {
        "python_version": python["build"],
        "python_version_short": "{}.{}.{}".format(*sys.version_info[:3]),
        "platform": system.get("platform"),
        "platform_system": system.get("system"),
        "platform_release": system.get("kernel"),
        "pip_freeze": frozen.text,
        "packages": frozen.packages,
        "torch_version": torch.get("version"),
    }
    return dict(first, **keys_of_gpu(torch, gpu))


def main(arguments: "list[str]") -> "int":
    """Print the object on one line. Exit code 2 for an unknown option."""
    chosen: "dict[str, frozenset[str]]" = {"--without": frozenset(), "--with": frozenset()}
    options, values = arguments[::2], arguments[1::2]
    if len(options) == len(values) and chosen.keys() >= set(options):
        chosen.update((option, frozenset(values[index].split(","))) for index, option in enumerate(options))
        if chosen["--without"].issubset(PARTS) and chosen["--with"].issubset(EXTRAS):
            if "inputs" in chosen["--with"]:
                inputs.begin()
            facts = probe(chosen["--without"], chosen["--with"], own_process=True)
            if "inputs" in chosen["--with"]:
                facts["inputs"] = inputs.found()
            sys.stdout.write(_encoded(facts) + "\n")
            sys.stdout.flush()
            return 0
    sys.stderr.write("usage: probe [--without {}] [--with {}]\n".format(",".join(PARTS), ",".join(EXTRAS)))
    return 2


def _encoded(facts: "Fields") -> "str":
    """JSON in ASCII, by the encoder in C that json itself uses: loading json takes as long as reading 100 packages."""
    try:
        from _json import encode_basestring_ascii, make_encoder

        encode = make_encoder(None, str, encode_basestring_ascii, None, ":", ",", False, False, True)
        return "".join(encode(facts, 0))
    except (ImportError, TypeError):
        import json

        return json.dumps(facts, separators=(",", ":"))
