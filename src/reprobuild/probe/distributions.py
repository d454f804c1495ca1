"""Which distributions an import would see: found by their metadata on disk, in the order of the search path."""

import os
import sys

from .files import names_in, read_bytes, read_text, tidy_home
from .spelling import canonical_name, is_valid_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

    from .findings import Findings

    Fields = dict[str, Any]

_HEAD = 1024
"""Bytes at the top of METADATA that hold name and version in all but a few files."""


class Installed:
    """One distribution's metadata on disk: where it lies and what its files say."""

    def __init__(self, folder: "str", entry: "str", form: "str", inside: "str" = "") -> "None":
        self.folder = folder
        """The directory on ``sys.path`` that holds it."""
        self.entry = entry
        """Name of the ``.dist-info`` or ``.egg-info`` entry."""
        self.form = form
        self.path = folder + os.sep + (entry + os.sep + inside if inside else entry)
        self.name = ""
        self.key = ""
        """The canonical name."""
        self.version: "str | None" = None
        self.direct_url: "Fields | None" = None
        self.project_folder: "str | None" = None
        self.link_folder: "str | None" = None
        """Where the ``.egg-link`` file lies that leads here."""

    def read_headers(self) -> "bool":
        """Fill in name and version; False when the metadata has no name."""
        if self.form == "egg-info-file":
            path = self.path
        else:
            path = self.path + os.sep + ("METADATA" if self.form == "dist-info" else "PKG-INFO")
        self.name, self.version = _name_and_version(path)
        return bool(self.name)

    @property
    def editable(self) -> "bool":
        """Whether its code lies in a source tree rather than in site-packages."""
        if self.link_folder is not None:
            return True
        info = (self.direct_url or {}).get("dir_info")
        return isinstance(info, dict) and info.get("editable") is True


def _name_and_version(path: "str") -> "tuple[str, str | None]":
    head = read_bytes(path, _HEAD) or b""
    name, version = head.find(b"\nName: "), head.find(b"\nVersion: ")
    end = head.find(b"\n", max(name, version) + 1)
    if name > 0 and version > 0 and end > 0 and b"\r" not in head and b"\n\n" not in head[: max(name, version)]:
        found = head[name + 7 : head.find(b"\n", name + 1)], head[version + 10 : head.find(b"\n", version + 1)]
        return found[0].decode("utf-8", "replace").strip(), found[1].decode("utf-8", "replace").strip() or None
    headers = _headers(read_text(path) or "")
    return headers.get("name", ""), headers.get("version") or None


def _headers(text: "str") -> "dict[str, str]":
    """Name and version, wherever in the header block they stand; the first of each counts."""
    found: "dict[str, str]" = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.lower() in ("name", "version"):
            found.setdefault(key.lower(), value.strip())
        elif not line.strip():
            break
    return found


def installed_distributions(paths: "list[str]", findings: "Findings") -> "list[Installed]":
    """Every distribution that an import would see, in the order of ``paths``; the first of a name wins.

    Later ones of the same name are noted; so is metadata that does not even tell a name.
    """
    found: "dict[str, Installed]" = {}
    for folder in paths:
        for item in _in_folder(folder):
            if not item.read_headers() and not _name_from_entry(item, findings):
                continue
            item.key = canonical_name(item.name)
            first = found.setdefault(item.key, item)
            if first is not item and first.path != item.path:
                _note_second(first, item, findings)
    for item in found.values():
        _read_origin(item)
    return list(found.values())


def _in_folder(folder: "str") -> "Iterator[Installed]":
    eggs = []
    links = []
    for entry in sorted(names_in(folder)):
        if entry.endswith(".dist-info"):
            yield Installed(folder, entry, "dist-info")
        elif entry.endswith(".egg-info"):
            form = "egg-info" if os.path.isdir(os.path.join(folder, entry)) else "egg-info-file"
            yield Installed(folder, entry, form)
        elif entry == "EGG-INFO" and folder.endswith(".egg"):
            yield Installed(folder, entry, "egg-info")
        elif entry.endswith(".egg"):
            eggs.append(entry)
        elif entry.endswith(".egg-link"):
            links.append(entry)
    for entry in eggs:
        if os.path.isdir(os.path.join(folder, entry)):
            yield Installed(folder, entry, "egg-info", "EGG-INFO")
    for entry in links:
        for item in _linked(folder, entry):
            yield item


def _linked(folder: "str", entry: "str") -> "Iterator[Installed]":
    lines = [line.strip() for line in (read_text(os.path.join(folder, entry)) or "").splitlines()]
    target = next((line for line in lines if line), "")
    if not target:
        return
    source = os.path.join(folder, target)
    for name in names_in(source):
        if name.endswith(".egg-info"):
            item = Installed(source, name, "egg-info")
            item.link_folder = folder
            yield item


def _read_origin(item: "Installed") -> "None":
    """Fill in what PEP 610 or an ``.egg-link`` says of its origin."""
    text = read_bytes(item.path + os.sep + "direct_url.json") if item.form == "dist-info" else None
    if text is not None:
        from .origins import direct_url_of, path_of_url

        item.direct_url = direct_url_of(text)
        if item.direct_url is not None and item.editable:
            item.project_folder = path_of_url(item.direct_url["url"])
    elif item.link_folder is not None:
        item.project_folder = item.folder


def _name_from_entry(item: "Installed", findings: "Findings") -> "bool":
    """The last resort when the metadata tells no name; leftovers such as ``~orch`` are no distributions."""
    stem = os.path.splitext(item.entry)[0]
    name, _, version = stem.partition("-")
    findings.note("broken-metadata", "{} in {} holds no name".format(item.entry, item.folder), "distributions")
    if not is_valid_name(name) or item.form != "dist-info":
        return False
    item.name, item.version = name, version or None
    return True


def _note_second(first: "Installed", later: "Installed", findings: "Findings") -> "None":
    """Two of one name: in one folder the second is a leftover of another version, else it is shadowed."""
    if later.link_folder is not None or first.link_folder is not None:
        return  # An .egg-link and the easy-install.pth entry beside it lead to the same source tree.
    if later.folder == first.folder:
        message = "{} lies twice in {}: {} and {}".format(
            first.name, tidy_path(first.folder), first.version, later.version
        )
        findings.note("duplicate-distribution", message, "distributions")
        return
    message = "{} {} in {} is shadowed by {} in {}".format(
        later.name, later.version, tidy_path(later.folder), first.version, tidy_path(first.folder)
    )
    findings.note("shadowed-distribution", message, "distributions")


def tidy_path(path: "str") -> "str":
    """A path relative to the prefix where it lies in it, ``~`` for the home folder, with slashes."""
    prefix = sys.prefix.rstrip(os.sep) + os.sep
    path = path[len(prefix) :] if path.startswith(prefix) else tidy_home(path)
    return path if os.sep == "/" else path.replace(os.sep, "/")
