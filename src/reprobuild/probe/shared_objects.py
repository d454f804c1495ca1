"""The shared objects of an environment: extension modules and the libraries of wheels, with their distributions."""

import os

from .distributions import tidy_path
from .files import blocks_of
from .inputs import look_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

    from .distributions import Installed
    from .findings import Findings

_PASSED_OVER = frozenset({"node_modules", "__pycache__"})
_SITE_FOLDERS = ("site-packages", "dist-packages")
_MOST_FOLDERS = 5000
"""Of a source tree: it may hold the data of a run as well, and then it has no end."""


def shared_objects(folders: "list[str]", items: "list[Installed]", findings: "Findings") -> "dict[str, str]":
    """Each shared object below the folders of distributions, with the distribution that brings it.

    That is the one whose RECORD lists it, else the one whose source tree holds it, else the name of its top folder.
    """
    places = {item.folder for item in items if item.folder in folders}
    trees = {os.path.normpath(item.project_folder): item.name for item in items if item.project_folder}
    owners = _listed(items)
    found: "dict[str, str]" = {}
    for place in sorted(places | set(trees), key=lambda place: (-place.count(os.sep), place)):
        for path in _below(place, findings):
            below = path[len(place) :].strip(os.sep)
            owner = owners.get(path) or trees.get(place) or below.split(os.sep)[0].partition(".")[0]
            found.setdefault(path, owner)
    return found


def _listed(items: "list[Installed]") -> "dict[str, str]":
    """The shared objects that the RECORDs list."""
    owners = {}
    for item in items:
        for line in b"".join(blocks_of(os.path.join(item.path, "RECORD"))).split(b"\n"):
            if b".so" in line:
                name = line.rpartition(b",")[0].rpartition(b",")[0].strip(b'"').decode("utf-8", "surrogateescape")
                owners[os.path.normpath(os.path.join(item.folder, name))] = item.name
    return owners


def _below(place: "str", findings: "Findings") -> "Iterator[str]":
    """The shared objects in a folder and below, other environments apart."""
    left = None if os.path.basename(place) in _SITE_FOLDERS else _MOST_FOLDERS
    for folder, inner, files in os.walk(place):
        look_at(folder)
        inner[:] = [name for name in inner if not (name in _PASSED_OVER or name.startswith("."))]
        if folder != place and ("pyvenv.cfg" in files or "conda-meta" in inner):
            inner[:] = []
            continue
        for name in files:
            if name.endswith(".so") or ".so." in name:
                yield os.path.join(folder, name)
        if left is not None:
            left -= 1
            if left == 0:
                message = "{} holds more than {} folders: libraries were looked for in the first of them only"
                findings.note("scan-cut-short", message.format(tidy_path(place), _MOST_FOLDERS), "system_libraries")
                return
