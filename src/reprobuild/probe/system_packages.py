"""Which package of the operating system a file belongs to: dpkg's and apk's databases read from disk, rpm asked."""

import os

from .files import find_program, names_in, output_of, read_text, read_unnoticed

_DPKG = "/var/lib/dpkg"
_APK = "/lib/apk/db/installed"


def packages_of(paths: "list[str]") -> "dict[str, tuple[str, str | None]]":
    """Of each path that a package holds, the package's name and version."""
    names = {name: path for path in paths for name in _names_of(path)}
    if os.path.isdir(os.path.join(_DPKG, "info")):
        return _of_dpkg(names, _DPKG)
    if os.path.isfile(_APK):
        return _of_apk(names, read_text(_APK) or "")
    return _of_rpm(paths) if find_program("rpm") else {}


def _names_of(path: "str") -> "set[str]":
    """A path as a package may list it: with or without ``/usr``, which are one folder today, or by its real name."""
    names = set()
    for name in (
        path,
        os.path.realpath(path),
        os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path)),
    ):
        names.add(name)
        names.add(name[4:] if name.startswith("/usr/") else "/usr" + name)
    return names


def _of_dpkg(names: "dict[str, str]", folder: "str") -> "dict[str, tuple[str, str | None]]":
    """From the lists of files, one for each package, and the file ``status``, which dpkg writes after any of them."""
    wanted = {name.encode("utf-8", "surrogateescape"): path for name, path in names.items()}
    owners: "dict[str, str]" = {}
    for entry in names_in(os.path.join(folder, "info")):
        if entry.endswith(".list"):
            content = read_unnoticed(os.path.join(folder, "info", entry)) or b""
            for name in wanted.keys() & set(content.split(b"\n")):
                owners[wanted[name]] = entry[: -len(".list")].partition(":")[0]
    versions = _dpkg_versions(read_text(os.path.join(folder, "status")) or "", set(owners.values()))
    return {path: (package, versions.get(package)) for path, package in owners.items()}


def _dpkg_versions(status: "str", packages: "set[str]") -> "dict[str, str]":
    found = {}
    for paragraph in status.split("\n\n"):
        name = paragraph.partition("Package: ")[2].partition("\n")[0]
        if name in packages:
            found[name] = paragraph.partition("\nVersion: ")[2].partition("\n")[0]
    return found


def _of_apk(names: "dict[str, str]", database: "str") -> "dict[str, tuple[str, str | None]]":
    """Lines of a key and a value: ``P`` and ``V`` of the package, ``F`` a folder, ``R`` a file in it."""
    found: "dict[str, tuple[str, str | None]]" = {}
    package, version, folder = "", "", ""
    for line in database.splitlines():
        key, _, value = line.partition(":")
        if key == "P":
            package = value
        elif key == "V":
            version = value
        elif key == "F":
            folder = value
        elif key == "R":
            path = names.get("/" + folder + "/" + value)
            if path is not None:
                found[path] = (package, version)
    return found


def _of_rpm(paths: "list[str]") -> "dict[str, tuple[str, str | None]]":
    """rpm's database has had three layouts, so rpm itself is asked."""
    found: "dict[str, tuple[str, str | None]]" = {}
    for path in paths:
        form = "%{NAME}\\t%{VERSION}-%{RELEASE}\\n"
        lines = (output_of(["rpm", "-qf", "--queryformat", form, os.path.realpath(path)]) or "").splitlines()
        if lines and lines[0].count("\t") == 1:
            name, version = lines[0].split("\t")
            found[path] = (name, version)
    return found
