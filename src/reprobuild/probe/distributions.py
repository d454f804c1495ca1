"""Which distributions an import would see: found by their metadata on disk, in the order of the search path."""

import os
import sys

from .files import names_in, read_bytes, read_text, tidy_home
from .inputs import look_at
from .spelling import canonical_name, is_valid_name, version_order

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator

    from .findings import Findings

    Fields = dict[str, Any]

_HEAD = 1024
"""Bytes at the top of METADATA that hold name and version in all but a few files."""


class Installed:
    """One distribution's metadata on disk: where it lies and what its files say."""

    def __init__(self, folder: "str", entry: "str", form: "str") -> "None":
        self.folder = folder
        """The directory on ``sys.path`` that holds it."""
        self.entry = entry
        """Name of the ``.dist-info`` or ``.egg-info`` entry."""
        self.form = form
        self.path = folder + os.sep + entry
        self.name = ""
        self.is_named_by_entry = False
        """Whether the metadata tells no name, so that it is the folder's."""
        self.key = ""
        """The canonical name."""
        self.version: "str | None" = None
        self.direct_url: "Fields | None" = None
        self.project_folder: "str | None" = None
        self.link_folder: "str | None" = None
        """Where the ``.egg-link`` file lies that leads here."""

    def read_headers(self) -> "bool":
        """Fill in name and version; False when the metadata has no name."""
        if self.form == "egg-archive":
            from .eggs import archived_metadata

            headers = _headers(archived_metadata(self.path) or "")
            self.name, self.version = headers.get("name", ""), headers.get("version") or None
            return bool(self.name)
        if self.form == "egg-info-file":
            path = self.path
        else:
            path = self.path + os.sep + ("METADATA" if self.form == "dist-info" else "PKG-INFO")
        self.name, self.version = _name_and_version(path)
        if self.version is None and self.name:
            self.version = os.path.splitext(self.entry)[0].partition("-")[2] or None
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
    rivals: "dict[str, list[Installed]]" = {}
    for folder in paths:
        for item in _in_folder(folder, findings):
            if not item.read_headers() and not _name_from_entry(item, findings):
                continue
            look_at(item.path)
            item.key = canonical_name(item.name)
            first = found.setdefault(item.key, item)
            if first is not item and first.path != item.path:
                if item.folder == first.folder and not (item.link_folder or first.link_folder):
                    rivals.setdefault(item.key, [first]).append(item)
                else:
                    _note_shadowed(first, item, findings)
    if rivals:
        pip = found.get("pip")
        for key, items in rivals.items():
            found[key] = _chosen(items, pip.version if pip else None)
            _note_rivals(found[key], items, findings)
    for item in found.values():
        _read_origin(item)
    return list(found.values())


def _in_folder(folder: "str", findings: "Findings") -> "Iterator[Installed]":
    """In the order in which the system lists them, which decides between two of one name in one folder.

    An egg counts where it stands on the path itself, as easy-install.pth has it: others are not imported.
    """
    links = []
    if folder.endswith(".egg") and os.path.isfile(folder):
        look_at(folder)
        yield Installed(os.path.dirname(folder), os.path.basename(folder), "egg-archive")
    for entry in names_in(folder):
        if entry.startswith("~") and entry.endswith(".dist-info"):
            message = "{} in {} is what an interrupted pip left behind; it is no distribution"
            findings.note("leftover", message.format(entry, tidy_path(folder)), "distributions")
        elif entry.endswith(".dist-info"):
            yield Installed(folder, entry, "dist-info")
        elif entry.endswith(".egg-info"):
            form = "egg-info" if os.path.isdir(os.path.join(folder, entry)) else "egg-info-file"
            yield Installed(folder, entry, form)
        elif entry == "EGG-INFO" and folder.endswith(".egg"):
            yield Installed(folder, entry, "egg-info")
        elif entry.endswith(".egg-link"):
            links.append(entry)
    for entry in sorted(links):
        from .eggs import linked_metadata

        for source, name in linked_metadata(folder, entry):
            item = Installed(source, name, "egg-info")
            item.link_folder = folder
            yield item


def _chosen(rivals: "list[Installed]", pip: "str | None") -> "Installed":
    """Of several of one name in one folder, the one that pip takes for installed.

    That is the first that the system lists. Before 3.11 pip asks its pkg_resources, which took the newest version up to
    pip 23.0, and takes the first name since.
    """
    if sys.version_info >= (3, 11):
        return rivals[0]
    if pip is not None and version_order(pip) < version_order("23.1"):
        return max(rivals, key=lambda item: version_order(item.version or ""))
    return min(rivals, key=lambda item: item.entry)


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
    """The last resort when the metadata tells no name."""
    if item.form == "egg-archive":
        return False
    stem = os.path.splitext(item.entry)[0]
    name, _, version = stem.partition("-")
    findings.note(
        "broken-metadata", "{} in {} holds no name".format(item.entry, tidy_path(item.folder)), "distributions"
    )
    if not is_valid_name(name) or item.form != "dist-info":
        return False
    item.name, item.version, item.is_named_by_entry = name, version or None, True
    return True


def _note_rivals(chosen: "Installed", rivals: "list[Installed]", findings: "Findings") -> "None":
    """All but one are leftovers of other versions; which one's files lie there, the metadata can't tell."""
    versions = ", ".join(sorted({item.version or "?" for item in rivals} - {chosen.version or "?"}))
    if not versions:
        return  # Debian keeps an .egg-info beside a .dist-info of the same version.
    message = "{} lies in {} more than once: {} is taken for installed, beside {}"
    place = tidy_path(chosen.folder)
    findings.note(
        "duplicate-distribution", message.format(chosen.name, place, chosen.version, versions), "distributions"
    )


def _note_shadowed(first: "Installed", later: "Installed", findings: "Findings") -> "None":
    if later.link_folder is not None or first.link_folder is not None:
        return  # An .egg-link and the easy-install.pth entry beside it lead to the same source tree.
    message = "{} {} in {} is shadowed by {} in {}".format(
        later.name, later.version, tidy_path(later.folder), first.version, tidy_path(first.folder)
    )
    findings.note("shadowed-distribution", message, "distributions")


def tidy_path(path: "str") -> "str":
    """A path relative to the prefix where it lies in it, ``~`` for the home folder, with slashes."""
    prefix = sys.prefix.rstrip(os.sep) + os.sep
    path = path[len(prefix) :] if path.startswith(prefix) else tidy_home(path)
    return path if os.sep == "/" else path.replace(os.sep, "/")
