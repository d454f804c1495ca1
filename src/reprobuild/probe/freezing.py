"""The text that ``pip freeze`` prints, composed as the installed pip composes it."""

import os
import sys

from .files import names_in
from .inputs import look_at
from .spelling import canonical_version, is_valid_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .distributions import Installed
    from .findings import Findings

    Fields = dict[str, Any]

_OF_THE_STANDARD_LIBRARY = frozenset({"argparse", "python", "wsgiref"})
"""What pip never prints, although argparse and wsgiref can be installed."""
_NO_PIP = (99, 0)
"""Where pip is not installed, the text is that of the newest pip."""


class Frozen:
    """What ``pip freeze`` of this interpreter prints, credentials apart, and the packages it prints it of."""

    def __init__(self, items: "list[Installed]", findings: "Findings") -> "None":
        pip = next((item.version for item in items if item.key == "pip"), None)
        release = _release(pip) if pip else _NO_PIP
        left_out = _OF_THE_STANDARD_LIBRARY | {"pip"}
        if sys.version_info < (3, 12):
            left_out |= {"setuptools", "wheel", "distribute"}
        named = [(_shown_name(item, release), item) for item in items if item.key not in left_out]
        named = [(name, item) for name, item in named if is_valid_name(name) and _is_listed(item, release)]
        named.sort(key=lambda pair: pair[0].lower())
        lines = [line for name, item in named for line in _freeze_lines(name, item, release, findings)]
        self.text = "".join(line + "\n" for line in lines)
        self.packages = {name: canonical_version(item.version or "") or item.version or "" for name, item in named}


def _is_listed(item: "Installed", pip_release: "tuple[int, int]") -> "bool":
    """Whether pip prints it: of a metadata folder that tells no name, not every pip does."""
    if not item.is_named_by_entry:
        return True
    return pip_release >= (24, 2) if sys.version_info >= (3, 11) else bool(names_in(item.path))


def _release(version: "str") -> "tuple[int, int]":
    """The first two numbers of pip's version."""
    parts = version.split(".")
    numbers = [int(part) if part.isdigit() else 0 for part in parts[:2]]
    return (numbers[0], numbers[1] if len(numbers) > 1 else 0) if numbers[0] else _NO_PIP


def _shown_name(item: "Installed", pip_release: "tuple[int, int]") -> "str":
    """Up to pip 21.1 the name came from the metadata's file name; later it is the one the metadata spells."""
    if pip_release >= (21, 2):
        return item.name
    import re

    stem = os.path.splitext(item.entry)[0].partition("-")[0]
    return re.sub(r"[^A-Za-z0-9.]+", "-", item.name if item.entry == "EGG-INFO" else stem)


def _freeze_lines(name: "str", item: "Installed", pip_release: "tuple[int, int]", findings: "Findings") -> "list[str]":
    if item.editable and item.project_folder is not None:
        if item.link_folder is not None or pip_release >= (21, 3):
            return _editable_lines(name, item, pip_release, findings)
    if item.direct_url is not None and pip_release >= (20, 1):
        reference = _direct_reference(item.direct_url, pip_release, findings)
        if reference is not None:
            return [name + " @ " + reference]
    return [_pinned(name, item.version)]


def _pinned(name: "str", version: "str | None") -> "str":
    canonical = canonical_version(version or "")
    return "{}==={}".format(name, version) if canonical is None else "{}=={}".format(name, canonical)


def _direct_reference(content: "Fields", pip_release: "tuple[int, int]", findings: "Findings") -> "str | None":
    """None for an object that pip does not take for a direct URL."""
    infos = [(key, content[key]) for key in ("vcs_info", "archive_info", "dir_info") if content.get(key) is not None]
    subdirectory = content.get("subdirectory")
    if len(infos) != 1 or not isinstance(infos[0][1], dict) or not isinstance(subdirectory or "", str):
        return None
    ((key, info),) = infos
    url = findings.without_secrets(content["url"], "pip_freeze")
    fragments = []
    if key == "vcs_info":
        if not all(isinstance(info.get(name), str) for name in ("vcs", "commit_id")):
            return None
        url = "{}+{}@{}".format(info["vcs"], url, info["commit_id"])
    elif key == "archive_info" and info.get("hash") is not None:
        if not isinstance(info["hash"], str) or ("=" not in info["hash"] and pip_release >= (23, 0)):
            return None
        fragments.append(info["hash"])
    elif key == "dir_info" and not isinstance(info.get("editable", False), bool):
        return None
    if subdirectory:
        fragments.append("subdirectory=" + subdirectory)
    return url + ("#" + "&".join(fragments) if fragments else "")


def _editable_lines(
    name: "str", item: "Installed", pip_release: "tuple[int, int]", findings: "Findings"
) -> "list[str]":
    location = os.path.normcase(os.path.abspath(item.project_folder or ""))
    pinned = _pinned(name, item.version)
    from .git import git_tree

    tree = git_tree(location, findings.trees)
    if tree is None:
        if pip_release < (19, 0):
            return [pinned]
        return ["# Editable install with no version control ({})".format(pinned), "-e " + location]
    if tree.remote is None and pip_release < (19, 0):
        return ["## !! Could not determine repository location", pinned]
    if tree.remote is None:
        return ["# Editable Git install with no remote ({})".format(pinned), "-e " + location]
    url = _pip_url_of_remote(tree.remote)
    if url is None:
        comment = "# Editable Git install ({}) with either a deleted local remote or invalid URI:".format(pinned)
        return [comment, "# '{}'".format(findings.without_secrets(tree.remote, "pip_freeze")), "-e " + location]
    if tree.commit is None:
        return ["## !! Could not determine repository location", "-e " + location]
    url = findings.without_secrets(url, "pip_freeze")
    line = "-e {}{}@{}#egg={}".format(
        "" if url.startswith("git+") else "git+", url, tree.commit, name.replace("-", "_")
    )
    subfolder = _project_below(location, tree.top)
    return [line + "&subdirectory=" + subfolder if subfolder else line]


def _pip_url_of_remote(remote: "str") -> "str | None":
    import re

    if re.match(r"\w+://", remote):
        return remote
    look_at(remote)
    if os.path.exists(remote):
        from pathlib import PurePath

        return PurePath(remote).as_uri()
    match = re.match(r"^(\w+@)?([^/:]+):(\w[^:]*)$", remote)
    return "ssh://{}{}/{}".format(match.group(1) or "", match.group(2), match.group(3)) if match else None


def _project_below(location: "str", top: "str") -> "str | None":
    """Where in the repository the project lies whose setup.py or pyproject.toml is nearest above ``location``."""
    project = location
    while not any(os.path.isfile(os.path.join(project, name)) for name in ("pyproject.toml", "setup.py")):
        look_at(project)
        parent = os.path.dirname(project)
        if parent == project:
            return None
        project = parent
    if os.path.realpath(project) == os.path.realpath(top):
        return None
    return os.path.relpath(project, top)
