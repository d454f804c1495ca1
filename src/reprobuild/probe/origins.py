"""Where distributions came from that came from no index: PEP 610's direct_url.json and source trees."""

import json
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .distributions import Installed
    from .findings import Findings

    Fields = dict[str, Any]


def direct_url_of(content: "bytes") -> "Fields | None":
    """The object in a direct_url.json; None when it is broken."""
    try:
        found = json.loads(content.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and isinstance(found.get("url"), str) else None


def path_of_url(url: "str") -> "str | None":
    """The path that a ``file:`` URL names; None for other URLs."""
    from urllib.parse import unquote, urlsplit

    parts = urlsplit(url)
    if parts.scheme != "file":
        return None
    if os.name != "nt":
        return unquote(parts.path)
    from urllib.request import url2pathname  # It loads ssl and the whole of http, so only where a drive needs it.

    return url2pathname("\\\\" + parts.netloc + parts.path if parts.netloc not in ("", "localhost") else parts.path)


def _url_of_path(path: "str") -> "str":
    from urllib.parse import quote

    path = os.path.normpath(os.path.abspath(path))
    if os.name != "nt":
        return "file://" + quote(path)
    from urllib.request import pathname2url

    return "file:" + pathname2url(path)


def describe_origin(item: "Installed", findings: "Findings") -> "Fields":
    """PEP 610's object without credentials, with the commit of an editable source tree."""
    content = item.direct_url
    if content is None:
        content = {"url": _url_of_path(item.project_folder or item.folder), "dir_info": {"editable": True}}
    place = "distributions[{}].direct_url.url".format(item.name)
    origin: "Fields" = {"url": findings.without_secrets(content["url"], place)}
    if isinstance(content.get("subdirectory"), str):
        origin["subdirectory"] = content["subdirectory"]
    for key, describe in (("vcs_info", _vcs_info), ("archive_info", _archive_info), ("dir_info", _dir_info)):
        if isinstance(content.get(key), dict):
            origin[key] = describe(content[key])
    if item.editable and item.project_folder:
        from .git import git_tree

        tree = git_tree(item.project_folder, findings.trees)
        if tree:
            origin["dir_info"].update(tree.facts)
    return origin


def _vcs_info(content: "Fields") -> "Fields":
    keys = ("vcs", "commit_id", "requested_revision")
    return dict({"vcs": "unknown"}, **{key: content[key] for key in keys if isinstance(content.get(key), str)})


def _archive_info(content: "Fields") -> "Fields":
    hashes = content.get("hashes")
    found = {key: value for key, value in hashes.items() if isinstance(value, str)} if isinstance(hashes, dict) else {}
    algorithm, equals, value = str(content.get("hash") or "").partition("=")
    if equals:
        found.setdefault(algorithm, value)
    return {"hashes": found} if found else {}


def _dir_info(content: "Fields") -> "Fields":
    return {"editable": True} if content.get("editable") is True else {}
