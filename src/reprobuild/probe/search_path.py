"""What stands on ``sys.path`` beside the interpreter's own folders, and which files run code when it starts."""

import os
import sys

from .distributions import tidy_path
from .files import names_in, read_text
from .inputs import look_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Fields = dict[str, Any]

_OWN_NAMES = ("site-packages", "dist-packages", "lib-dynload")


def search_path_facts() -> "Fields":
    """``extra_paths`` and ``startup_files``: see PythonFacts. What is not there is left out."""
    own, user = _own_folders(), _user_folder()
    named = {_absolute(path) for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path}
    from_files, startup = _path_files([path for path in sys.path if _is_site(path)])
    extra: "list[Fields]" = []
    for index, entry in enumerate(sys.path):
        path = _absolute(entry or os.curdir)
        if path in own or not os.path.exists(path) or (index == 0 and _is_of_program(path)):
            continue
        source = "other"
        if path == user:
            source = "user"
        elif path in named and not sys.flags.ignore_environment:
            source = "PYTHONPATH"
        elif os.path.normcase(path) in from_files:
            source = "pth"
        extra.append({"path": tidy_path(path), "source": source})
    facts: "Fields" = {"extra_paths": extra, "startup_files": startup}
    return {key: value for key, value in facts.items() if value}


def _is_of_program(path: "str") -> "bool":
    """Whether the first entry is the folder of what was started, where Python puts it: no part of the environment."""
    program = sys.argv[0] if getattr(sys, "argv", None) else ""
    try:
        here = os.path.realpath(os.curdir)
        started = os.path.dirname(os.path.realpath(program)) if program not in ("", "-", "-c", "-m") else here
        return os.path.realpath(path) in (started, here)
    except OSError:
        return True  # The working folder is gone, and was all that the entry meant.


def _absolute(path: "str") -> "str":
    """As it is where the working folder is gone."""
    try:
        return os.path.abspath(path)
    except OSError:
        return path


def _own_folders() -> "set[str]":
    """The standard library's folders, and where packages are installed for everyone."""
    library = os.path.dirname(os.path.abspath(os.__file__))
    own = {library, os.path.join(library, "lib-dynload")}
    prefixes = {os.path.abspath(prefix) + os.sep for prefix in (sys.prefix, sys.base_prefix)}
    user = _user_folder()
    for entry in sys.path:
        path = _absolute(entry)
        if path.endswith(_OWN_NAMES) and path != user and path.startswith(tuple(prefixes)):
            own.add(path)
        elif path.endswith(".zip") and os.path.basename(path).startswith("python"):
            own.add(path)
    return own


def _user_folder() -> "str | None":
    """The user's site-packages, where this interpreter looks there."""
    site = sys.modules.get("site")
    if site is None or not getattr(site, "ENABLE_USER_SITE", False):
        return None
    folder = getattr(site, "USER_SITE", None)
    return os.path.abspath(folder) if folder else None


def _is_site(path: "str") -> "bool":
    return os.path.basename(path.rstrip(os.sep)) in ("site-packages", "dist-packages")


def _path_files(folders: "list[str]") -> "tuple[set[str], list[str]]":
    """Of the ``.pth`` files in these folders: the paths that they add, and the files that run code."""
    added: "set[str]" = set()
    startup: "list[str]" = []
    for folder in folders:
        for name in sorted(names_in(folder)):
            if not name.endswith(".pth") or name.startswith("."):
                continue
            lines = [line.rstrip() for line in (read_text(os.path.join(folder, name)) or "").splitlines()]
            if any(line.startswith(("import ", "import\t")) for line in lines):
                startup.append(tidy_path(os.path.join(folder, name)))
            paths = [line for line in lines if line and not line.startswith(("#", "import ", "import\t"))]
            added.update(os.path.normcase(_absolute(os.path.join(folder, path))) for path in paths if "\0" not in path)
    for path in added:
        look_at(path)
    return added, startup
