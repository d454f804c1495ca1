"""What an answer rests on: the paths that were looked at and the programs that were asked.

Written down only where ``begin`` was called, in a process of the probe's own. ``capture.answer_cache`` takes an answer
for valid as long as all of this is as it was; so whatever reads a file or asks a program does it through ``files``, or
calls ``look_at``. What the kernel makes up (``/proc``) has no times that could be compared, and is left out: the cache
keeps answers of this boot of this machine only.
"""

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_OF_THE_KERNEL = ("/proc/", "/sys/", "/dev/")

_paths: "dict[str, None] | None" = None
_asked: "list[tuple[list[str], str | None]]" = []


def begin() -> "None":
    """Write down what is looked at from now on, and what starting this interpreter took."""
    global _paths
    _paths = {}


def look_at(path: "str") -> "None":
    """The answer depends on what is at the path, or on that nothing is."""
    if _paths is not None:
        _paths[path] = None


def look_inside(folder: "str", path: "str") -> "None":
    """The same, where ``path`` is not there: a folder that was looked at shows by its own time when names appear."""
    if _paths is not None and folder not in _paths:
        _paths[path] = None


def asked(command: "list[str]", output: "str | None") -> "None":
    """The answer depends on what a program printed."""
    if _paths is not None:
        _asked.append((command, output))


def found() -> "dict[str, Any]":
    """``paths``, ``asked`` (commands with their output), and ``executable``, the interpreter by its own word."""
    paths = dict(_paths or {})
    paths.update(dict.fromkeys(_of_interpreter()))
    kept = {os.path.abspath(path): None for path in paths if not path.startswith(_OF_THE_KERNEL)}
    return {"paths": list(kept), "asked": _asked, "executable": sys.executable}


def _of_interpreter() -> "list[str]":
    """What Python reads when it starts, the folders that it would take if they appeared, and what is loaded now."""
    program = sys.executable or ""
    paths = [program, os.path.realpath(program), os.path.join(sys.prefix, "pyvenv.cfg")]
    paths += [os.path.join(os.path.dirname(each), "pyvenv.cfg") for each in (program, os.path.dirname(program))]
    paths += sys.path
    site = sys.modules.get("site")
    if site is not None:
        paths += [getattr(site, "USER_SITE", None) or ""]
        paths += site.getsitepackages() if hasattr(site, "getsitepackages") else []
    loaded = [getattr(module, "__file__", None) for module in list(sys.modules.values())]
    return [path for path in paths + loaded + _mapped() if isinstance(path, str) and path]


def _mapped() -> "list[str]":
    """The interpreter's shared libraries: an update of them is one of the interpreter, or of its OpenSSL."""
    try:
        with open("/proc/self/maps", "rb") as stream:
            lines = stream.read().splitlines()
    except OSError:
        return []
    names = {line[line.find(b"/") :] for line in lines if b"/" in line and not line.endswith(b" (deleted)")}
    return [os.fsdecode(name) for name in sorted(names)]
