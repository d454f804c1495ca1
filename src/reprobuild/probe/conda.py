"""What conda installed, as the files of ``conda-meta`` tell it: one JSON file a package.

Source: conda's ``PrefixRecord``, which conda, mamba and micromamba write alike. It names the package's files, so that
a distribution belongs to conda as long as its metadata is the one that conda put there: what pip installed over it
has metadata of its own.
"""

import os
import sys

from .files import names_in, read_bytes
from .spelling import canonical_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .distributions import Installed
    from .findings import Findings

    Fields = dict[str, Any]

_TEXTS = ("channel", "build", "subdir", "url", "md5", "sha256")
_METADATA = (".dist-info/METADATA", ".egg-info/PKG-INFO", ".egg-info", "EGG-INFO/PKG-INFO")


def add_conda_packages(items: "list[Installed]", distributions: "list[Fields]", findings: "Findings") -> "None":
    """Give each distribution that conda installed its origin; add conda's packages that are no distributions.

    ``distributions`` describe ``items``, in the same order; they stay sorted by canonical name.
    """
    folder = os.path.join(sys.prefix, "conda-meta")
    if not os.path.isdir(folder):
        return
    owners = {os.path.normpath(item.path): distributions[index] for index, item in enumerate(items)}
    for name in sorted(names_in(folder)):
        package = _read(os.path.join(folder, name)) if name.endswith(".json") else None
        if package is None:
            continue
        own = [owners[path] for path in _metadata_of(package) if path in owners]
        for fields in own:
            fields["conda"] = _origin(package, fields, findings)
        if not own or package["name"] == "python":  # Some builds of the interpreter hold pip's metadata.
            fields = {"name": package["name"], "version": package.get("version"), "installer": "conda"}
            fields["conda"] = _origin(package, fields, findings)
            distributions.append({key: value for key, value in fields.items() if value is not None})
    distributions.sort(key=lambda fields: canonical_name(fields["name"]))


def _read(path: "str") -> "Fields | None":
    import json

    try:
        package = json.loads((read_bytes(path) or b"").decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return package if isinstance(package, dict) and isinstance(package.get("name"), str) else None


def _metadata_of(package: "Fields") -> "list[str]":
    """The folders (or, for old eggs, files) of metadata that the package brought, as absolute paths."""
    files = package.get("files")
    found = []
    for file in files if isinstance(files, list) else ():
        if isinstance(file, str) and file.endswith(_METADATA):
            entry = file if file.endswith(".egg-info") else file.rpartition("/")[0]
            found.append(os.path.normpath(os.path.join(sys.prefix, entry)))
    return found


def _origin(package: "Fields", fields: "Fields", findings: "Findings") -> "Fields":
    """conda's own name and version where they are not the distribution's, then where the package came from."""
    origin = {key: package[key] for key in _TEXTS if isinstance(package.get(key), str) and package[key]}
    for key in ("channel", "url"):
        if key in origin:
            place = "distributions[{}].conda.{}".format(fields["name"], key)
            origin[key] = _without_token(findings.without_secrets(origin[key], place), place, findings)
    if package["name"] != fields["name"]:
        origin["package"] = package["name"]
    version = package.get("version")
    if isinstance(version, str) and version != fields.get("version"):
        origin["version"] = version
    return origin


def _without_token(url: "str", place: "str", findings: "Findings") -> "str":
    """anaconda.org takes a token as a part of the path: ``/t/<token>/channel``."""
    before, found, rest = url.partition("/t/")
    if not found or "://" not in before:
        return url
    findings.redactions[place] = findings.redactions.get(place, 0) + 1
    return before + "/" + rest.partition("/")[2]
