"""Which files of an environment differ from their own RECORD, and what of it can be imported, as one line of JSON.

Runs inside an image as ``python -c TEXT REQUEST``; it imports nothing of ours. REQUEST is a JSON object:
``files`` (whether to hash every installed file), ``imports`` (normalized names of the distributions whose modules
are to be imported), ``standard`` (modules of Python itself to import) and ``timeout_s`` (seconds for all imports
together).

Printed: ``files`` (name to ``checked``, ``changed``, ``absent``), ``imports`` (name to a list of ``module``,
``error``, ``missing_module``), ``standard`` (such a list for Python's own modules), ``torch`` (``version``, ``cuda``,
``cudnn``, ``arch_list`` as torch tells them).
"""

import base64
import csv
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, Dict, Iterator, List, Optional, Tuple

# Directories and files that are no part of what a distribution offers for import, wherever they were left.
PASSED_OVER = frozenset(
    "test tests testing conftest setup noxfile fabfile tasks examples example docs doc benchmarks benchmark scripts "
    "bin __pycache__".split()
)
MODULE_FILE = re.compile(r"^([A-Za-z]\w*)(\.py|(\.[\w.-]+)?\.so)$")
PACKAGE_FILE = re.compile(r"^((?:[A-Za-z]\w*/)+)__init__(\.py|(\.[\w.-]+)?\.so)$")

# One process imports one module after another and says before and after each how it went, so that a crash can be
# laid at the door of the module that was being imported. Whatever modules print goes to stderr.
WORKER = r"""
import json, os, sys
channel = os.fdopen(os.dup(1), "w", 1)
os.dup2(2, 1)
def tell(**what):
    channel.write(json.dumps(what) + "\n")
    channel.flush()
def torch_facts(torch):
    facts = {"version": str(torch.__version__), "cuda": torch.version.cuda, "cudnn": None, "arch_list": []}
    try:
        facts["cudnn"] = torch.backends.cudnn.version()
        # The public function tells nothing without a GPU.
        flags = torch._C._cuda_getArchFlags() if hasattr(torch._C, "_cuda_getArchFlags") else None
        facts["arch_list"] = list(torch.cuda.get_arch_list()) or (flags or "").split()
    except Exception as problem:
        facts["problem"] = str(problem)[:300]
    return facts
for module in json.loads(sys.argv[1]):
    tell(begin=module)
    try:
        __import__(module)
        tell(module=module, error=None)
        if module == "torch":
            tell(torch=torch_facts(sys.modules["torch"]))
    except BaseException as problem:
        text = " ".join(str(problem).split())
        missing = problem.name if isinstance(problem, ModuleNotFoundError) else None
        tell(module=module, error=(type(problem).__name__ + ": " + text)[:500], missing_module=missing)
os._exit(0)
"""


def normalized(name: str) -> str:
    """A distribution's name as PEP 503 normalizes it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def installed() -> Iterator[Tuple[str, str, str]]:
    """Each distribution on the path once: normalized name, its folder of metadata, the directory it is installed in."""
    seen = set()  # type: set[str]
    for directory in sys.path:
        if not directory or not os.path.isdir(directory):
            continue
        for entry in sorted(os.listdir(directory)):
            if not entry.endswith((".dist-info", ".egg-info")):
                continue
            name = name_of(os.path.join(directory, entry)) or entry.rsplit(".", 1)[0].split("-")[0]
            if normalized(name) not in seen:
                seen.add(normalized(name))
                yield normalized(name), os.path.join(directory, entry), directory


def name_of(metadata: str) -> Optional[str]:
    """The name that METADATA or PKG-INFO tells; None where neither can be read."""
    for file in ("METADATA", "PKG-INFO"):
        try:
            with open(os.path.join(metadata, file), encoding="utf-8", errors="replace") as stream:
                for line in stream:
                    if line.startswith("Name:"):
                        return line[5:].strip()
        except (OSError, ValueError):
            continue
    return None


def rows(metadata: str) -> List[List[str]]:
    """The lines of RECORD: path, hash, size. Empty where there is none."""
    try:
        with open(os.path.join(metadata, "RECORD"), encoding="utf-8", errors="surrogateescape", newline="") as stream:
            return [row for row in csv.reader(stream) if row]
    except (OSError, csv.Error):
        return []


def examine_files(metadata: str, directory: str) -> Dict[str, Any]:
    """How many files with a hash there are, and which of them changed or are absent."""
    checked, changed, absent = 0, [], []  # type: int, List[str], List[str]
    for row in rows(metadata):
        if len(row) < 2 or "=" not in row[1]:
            continue
        path = row[0] if os.path.isabs(row[0]) else os.path.join(directory, row[0])
        algorithm, _, expected = row[1].partition("=")
        checked += 1
        try:
            if digest(path, algorithm) != expected.rstrip("="):
                changed.append(row[0])
        except OSError:
            absent.append(row[0])
        except ValueError:
            checked -= 1
    return {"checked": checked, "changed": changed[:100], "absent": absent[:100]}


def conda_packages() -> Iterator[Tuple[str, List[str], List[Dict[str, Any]]]]:
    """What conda installed: normalized name, its folders of metadata, and its files as conda tells them.

    conda writes the path of the environment into files, so that only its own list has the digests of what is there.
    """
    folder = os.path.join(sys.prefix, "conda-meta")
    for entry in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        if not entry.endswith(".json"):
            continue
        try:
            with open(os.path.join(folder, entry), encoding="utf-8", errors="surrogateescape") as stream:
                package = json.load(stream)
            paths = [each for each in package["paths_data"]["paths"] if isinstance(each, dict)]
            names = [str(each["_path"]) for each in paths]
            name = normalized(package["name"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        metadata = {name.rpartition("/")[0] for name in names if name.endswith((".dist-info/METADATA", "/PKG-INFO"))}
        yield name, [os.path.join(sys.prefix, each) for each in sorted(metadata)], paths


def examine_conda_files(paths: List[Dict[str, Any]]) -> Dict[str, Any]:
    """The same for a package of conda's. Links, bytecode and files without a digest tell nothing."""
    checked, changed, absent = 0, [], []  # type: int, List[str], List[str]
    for path in paths:
        expected = path.get("sha256_in_prefix") or path.get("sha256")
        if not expected or path.get("path_type") in ("softlink", "directory") or path["_path"].endswith(".pyc"):
            continue
        checked += 1
        try:
            if hashed(os.path.join(sys.prefix, path["_path"]), "sha256").hexdigest() != expected:
                changed.append(path["_path"])
        except OSError:
            absent.append(path["_path"])
    return {"checked": checked, "changed": changed[:100], "absent": absent[:100]}


def all_files() -> Dict[str, Any]:
    """Every distribution's and every conda package's files. What pip put over a package of conda's is pip's."""
    conda = list(conda_packages())
    owned = {os.path.normpath(folder) for _, metadata, _ in conda for folder in metadata}
    reports = {
        name: examine_files(metadata, directory)
        for name, metadata, directory in installed()
        if os.path.normpath(metadata) not in owned
    }
    for name, metadata, paths in conda:
        if all(os.path.isdir(folder) for folder in metadata):
            reports.setdefault(name, examine_conda_files(paths))
    return reports


def digest(path: str, algorithm: str) -> str:
    """The digest of a file as RECORD writes it. ValueError for an algorithm that this Python does not have."""
    return base64.urlsafe_b64encode(hashed(path, algorithm).digest()).decode("ascii").rstrip("=")


def hashed(path: str, algorithm: str) -> Any:
    """A file's content in a hash of that algorithm."""
    state = hashlib.new(algorithm)
    with open(path, "rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            state.update(block)
    return state


def modules_of(metadata: str) -> List[str]:
    """What a distribution offers for import: its topmost packages and modules, private ones left out."""
    found = set()  # type: set[str]
    for row in rows(metadata):
        package, module = PACKAGE_FILE.match(row[0]), MODULE_FILE.match(row[0])
        parts = package.group(1).rstrip("/").split("/") if package else [module.group(1)] if module else []
        if parts and not any(part in PASSED_OVER for part in parts):
            found.add(".".join(parts))
    if not found:
        found = set(listed_modules(metadata))
    return sorted(name for name in found if not any(name.startswith(other + ".") for other in found))


def listed_modules(metadata: str) -> List[str]:
    """What top_level.txt lists, for distributions without a RECORD."""
    try:
        with open(os.path.join(metadata, "top_level.txt"), encoding="utf-8", errors="replace") as stream:
            names = [line.strip() for line in stream]
    except OSError:
        return []
    return [name for name in names if re.match(r"^[A-Za-z]\w*$", name) and name not in PASSED_OVER]


def attempt(modules: List[str], deadline: float) -> Tuple[Dict[str, Dict[str, Any]], Optional[Dict[str, Any]]]:
    """Import modules in one process, in a new one after each crash. The second value is what torch said of itself."""
    results, torch = {}, None  # type: Dict[str, Dict[str, Any]], Optional[Dict[str, Any]]
    waiting = list(modules)
    while waiting and time.time() < deadline:
        begun, code = None, 0  # type: Optional[str], int
        for message in messages(waiting, deadline):
            begun = message.get("begin", begun)
            torch = message.get("torch", torch)
            code = message.get("exit_code", code)
            if "module" in message:
                results[message["module"]] = message
        if begun is not None and begun not in results:
            why = (
                "stopped after the time limit" if time.time() >= deadline else "ended the process with {}".format(code)
            )
            results[begun] = {"module": begun, "error": why, "missing_module": None}
        elif begun is None:
            break
        waiting = [module for module in waiting if module not in results]
    return results, torch


def messages(modules: List[str], deadline: float) -> Iterator[Dict[str, Any]]:
    """What one worker tells while it imports, and last its exit code."""
    # The user of an image may have no home to write to, where some packages keep caches from their import on.
    home = tempfile.mkdtemp()
    settings = {
        "HOME": home,
        "XDG_CACHE_HOME": home,
        "NUMBA_CACHE_DIR": home,
        "MPLCONFIGDIR": home,
        "MPLBACKEND": "Agg",
    }
    settings.update({"PYTHONWARNINGS": "ignore", "PYTHONDONTWRITEBYTECODE": "1", "WANDB_MODE": "disabled"})
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, json.dumps(modules)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(os.environ, **settings),
        cwd="/",
    )
    watch = threading.Timer(max(deadline - time.time(), 0.0), worker.kill)
    watch.start()
    try:
        assert worker.stdout is not None
        for line in worker.stdout:
            yield json.loads(line.decode("utf-8", "replace"))
        yield {"exit_code": worker.wait()}
    finally:
        watch.cancel()
        worker.kill()
        worker.wait()
        shutil.rmtree(home, ignore_errors=True)


def examine_imports(names: List[str], timeout_s: float) -> Tuple[Dict[str, List[Dict[str, Any]]], Any]:
    """Import what the named distributions offer. What failed beside the others is tried once more alone."""
    deadline = time.time() + timeout_s
    offered = {name: modules_of(metadata) for name, metadata, _ in installed() if name in names}
    order = sorted(
        {module for modules in offered.values() for module in modules}, key=lambda name: (name != "torch", name)
    )
    results, torch = attempt(order, deadline)
    for module in [module for module, result in results.items() if result["error"]]:
        alone, _ = attempt([module], deadline)
        results.update(alone)
    unknown = "not tried within the time limit"
    return {
        name: [results.get(module, {"module": module, "error": unknown, "missing_module": None}) for module in modules]
        for name, modules in offered.items()
    }, torch


def examine_standard(modules: List[str], timeout_s: float) -> List[Dict[str, Any]]:
    """Import modules of Python itself."""
    results, _ = attempt(modules, time.time() + timeout_s)
    return [results[module] for module in modules if module in results]


def main() -> None:
    """Answer the request of the command line on standard output."""
    sys.path[:] = [entry for entry in sys.path if entry]
    request = json.loads(sys.argv[1])
    answer = {"files": {}, "imports": {}, "standard": [], "torch": None}  # type: Dict[str, Any]
    if request.get("files"):
        answer["files"] = all_files()
    if request.get("imports"):
        answer["imports"], answer["torch"] = examine_imports(request["imports"], float(request["timeout_s"]))
    answer["standard"] = examine_standard(request.get("standard", []), float(request["timeout_s"]))
    sys.stdout.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
