"""Released sources and wheels that lay on the recorded machine: their paths tell name and version.

EasyBuild and Spack unpack a release into ``packaging-23.1`` and let pip install that folder; others build wheels first.
``pip freeze`` then shows the path, which is gone, in place of a version.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec
from packaging.utils import canonicalize_name

from reprobuild.catalog import Catalog
from reprobuild.planner import grammar
from reprobuild.planner.subject import Package

_NAMED = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,99})-(?P<version>[0-9][A-Za-z0-9.!+_]{0,50})")
_OF_SPACK = re.compile(r".*/spack-stage-py-(?P<release>[^/]{3,150})-[a-z0-9]{32}/spack-src")
_WHEEL = re.compile(r"(?P<release>[^-]+-[^-]+)(?:-[0-9][^-]*)?(?:-[^-]+){3}\.whl")
_ARCHIVE = re.compile(r"(?P<release>.+)\.(?:tar\.gz|tar\.bz2|tgz|zip)")


def with_version_of_path(package: Package, catalog: Catalog) -> Package:
    """With the version that the path tells, where it is that of a release of a public project; else as it is.

    A name that no table knows may be anybody's own: nothing of that name is looked for on an index.
    """
    version = _released(package, catalog)
    if version is None or package.version_text is not None:
        return package
    return msgspec.structs.replace(package, version_text=version, version=grammar.pep440(version))


def is_released(package: Package, catalog: Catalog) -> bool:
    """Whether what was installed from the recorded machine is a release of a public project, by its path."""
    return _released(package, catalog) is not None


def is_conda_build_path(package: Package, url: str, catalog: Catalog) -> bool:
    """Whether a file URL is a path on conda's build machines, left in metadata: it says nothing of the origin."""
    found = catalog.freeze_traps.line(f"{package.name} @ {url[:500]}")
    return (found is not None and found.pattern.id == "conda-build-path") or url.startswith("file:///work/")


def _released(package: Package, catalog: Catalog) -> str | None:
    direct = package.distribution.direct_url
    if direct is None or direct.vcs_info is not None or not direct.url.startswith(("file:", "/")):
        return None
    if is_conda_build_path(package, direct.url, catalog):
        return None
    folder = direct.dir_info
    if folder is not None and (folder.editable or folder.commit_id):
        return None
    found = _NAMED.fullmatch(_release_in(unquote(direct.url[:2000]).rstrip("/")))
    if found is None or canonicalize_name(found["name"]) != package.canonical:
        return None
    version = grammar.pep440(found["version"].replace("_", "+", 1))
    if version is None or package.version not in (None, version) or not catalog.knows_project(package.canonical):
        return None
    return str(version)


def _release_in(path: str) -> str:
    """``packaging-23.1`` of the path to a folder, an archive or a wheel."""
    if of_spack := _OF_SPACK.fullmatch(path):
        return of_spack["release"]
    last = path.rpartition("/")[2]
    file = _WHEEL.fullmatch(last) or _ARCHIVE.fullmatch(last)
    return file["release"] if file else last
