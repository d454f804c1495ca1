"""What goes with torch, and where packages live that have an index or page of their own.

Sources: wheels' metadata and projects' installation documents. ``{variant}`` in an address is torch's variant (cu121),
``{torch}`` its release (2.1.0), ``{torch_minor}`` 2.1, ``{torch_digits}`` 210, ``{python_digits}`` 310, ``{version}``
the package's own version, ``{public}`` the same without its local part.
"""

from __future__ import annotations

import fnmatch
import re
from typing import Literal
from urllib.parse import urlsplit

from packaging.version import Version

from reprobuild.catalog.tables import Fields, Table, canonical, items, known, specifier, version_of

OriginKind = Literal["pytorch", "find-links", "index", "source", "default", "none"]


class Companion(Fields, frozen=True, kw_only=True):
    """The release of one package that belongs to one torch."""

    torch: str
    package: str
    pick: str
    """A version, or a range such as 0.5.x."""
    pins: tuple[str, ...] = ()
    """Every release that requires exactly this torch."""
    basis: str
    """metadata, matrix, date or LTS page: how it is known."""


class CompanionRelease(Fields, frozen=True, kw_only=True):
    """One release of torchvision, torchaudio, torchtext, torchdata, xformers or vllm."""

    package: str
    version: str
    released: str | None = None
    torch: str | None = None
    """The specifier of torch in its metadata."""
    requires_python: str | None = None
    pythons: tuple[str, ...] = ()
    """Tags of its Linux x86-64 wheels on PyPI."""
    aarch64: bool = False
    sdist: bool = False
    yanked: bool = False

    def goes_with(self, torch: str) -> bool:
        """Whether its metadata allow this release of torch; true where they say nothing of it."""
        release, allowed = version_of(torch), self.torch or ""
        return allowed[:1] not in "=<>!~" or release is None or specifier(allowed).contains(release, prereleases=True)


class PackageOrigin(Fields, frozen=True, kw_only=True):
    """Where a package of this name, version and local part comes from."""

    name: str
    versions: str
    local: str
    torch: str = ""
    """A specifier of the torch beside it; empty for any, and for none."""
    variants: tuple[str, ...] = ()
    """Globs of torch's variant; empty for any, and for none."""
    kind: OriginKind
    url: str | None = None
    """An address with the placeholders that the module's documentation names."""
    needs_nvcc: bool = False
    """Whether building it from source needs nvcc."""
    imports_torch: bool = False
    """Whether its build imports torch, so that it can't be isolated."""
    certainty: str
    note: str | None = None

    def concerns(self, version: str | None, torch: str | None = None, variant: str | None = None) -> bool:
        """Whether the row speaks of a version with this local part beside this torch."""
        return self._stands_beside(torch, variant) and self._speaks_of(version)

    def _stands_beside(self, torch: str | None, variant: str | None) -> bool:
        """What is not known fits no row that asks for it: a page that may not exist is no origin."""
        release = version_of(torch) if torch else None
        if self.torch and (release is None or not specifier(self.torch).contains(release, prereleases=True)):
            return False
        return not self.variants or any(fnmatch.fnmatchcase(variant or "", glob) for glob in self.variants)

    def _speaks_of(self, version: str | None) -> bool:
        parsed = version_of(version) if version else None
        if self.versions and (parsed is None or not specifier(self.versions).contains(parsed, prereleases=True)):
            return False
        if self.local == "":
            return True
        local = parsed.local if parsed else None
        if "post" in self.local:
            return parsed is not None and parsed.post is not None
        return local is not None and fnmatch.fnmatchcase(local, self.local)

    def address(self, *, torch: str | None, variant: str | None, python: str | None, version: str | None) -> str | None:
        """The address with its placeholders filled; None when there is none or one of them is not known."""
        if self.url is None:
            return None
        values = _placeholders(torch, variant, python, version)
        if set(re.findall(r"\{(\w+)\}", self.url)) - set(values):
            return None
        return self.url.format_map(values)


class OnnxRuntime(Fields, frozen=True, kw_only=True):
    """The CUDA and cuDNN series that one onnxruntime-gpu wheel on the default index takes from the system."""

    version: str
    released: str
    cuda: str
    cudnn: str
    pythons: tuple[str, ...]
    yanked: bool


class Companions:
    """Look-ups over companions and origins."""

    def __init__(self, picks: Table, releases: Table, origins: Table, onnxruntime: Table) -> None:
        self.header = releases.header
        self._picks: dict[str, dict[str, Companion]] = {}
        for row in picks.rows:
            self._picks.setdefault(row["torch"], {})[row["package"]] = _companion(row)
        self._releases = {(row["package"], row["version"]): row for row in releases.rows}
        self.origins = tuple(_origin(row) for row in origins.rows)
        self._named: dict[str, list[PackageOrigin]] = {}
        self._globs: list[PackageOrigin] = []
        for each in self.origins:
            if "*" in each.name:
                self._globs.append(each)
            else:
                self._named.setdefault(each.name, []).append(each)
        self._glob = re.compile("|".join(fnmatch.translate(each.name) for each in self._globs) or r"(?!)")
        found = (urlsplit(each.url.partition("{")[0]).hostname for each in self.origins if each.url)
        self._hosts = frozenset(host for host in found if host)
        self._onnxruntime = {row["version"]: row for row in onnxruntime.rows}

    def belonging(self, torch: str) -> dict[str, Companion]:
        """Package to the release that belongs to this torch; empty for a torch that the table does not know."""
        return dict(self._picks.get(torch.partition("+")[0], {}))

    def release(self, package: str, version: str) -> CompanionRelease | None:
        """One release, its local part ignored. None when the table does not know it."""
        row = self._releases.get((canonical(package), version.partition("+")[0]))
        return _release(row) if row else None

    def torch_of(self, package: str, version: str) -> str | None:
        """The one release of torch that this release of torchvision or the like requires or belongs to; else None."""
        release = self.release(package, version)
        required = re.fullmatch(r"==([0-9.]+)(?:\+[a-z0-9.]+)?", release.torch or "") if release else None
        if required is not None:
            return required[1]
        public = version.partition("+")[0]
        found = [torch for torch, picks in self._picks.items() if (own := picks.get(package)) and own.pick == public]
        return found[0] if len(found) == 1 else None

    def origin(
        self, name: str, version: str | None = None, *, torch: str | None = None, variant: str | None = None
    ) -> PackageOrigin | None:
        """Where this package comes from beside this torch, when it is not simply the default index.

        Rows that name the local part win, then those that name more of the rest.
        """
        found = [row for row in self._rows(name) if row.concerns(version, torch, variant)]
        return max(found, key=_speciality, default=None)

    def speaks_of(self, name: str) -> bool:
        """Whether any row is about a package of this canonical name, whatever its version."""
        return name in self._named or self._glob.match(name) is not None

    def needs_nvcc(self, name: str) -> bool:
        """Whether building this project from its sources, wherever they come from, takes nvcc."""
        return any(row.needs_nvcc for row in self._rows(name))

    def imports_torch(self, name: str) -> bool:
        """Whether building this project from its sources imports torch."""
        return any(row.imports_torch for row in self._rows(name))

    def _rows(self, name: str) -> list[PackageOrigin]:
        wanted = canonical(name)
        rows = self._named.get(wanted, [])
        if self._glob.match(wanted):
            return [*rows, *(row for row in self._globs if fnmatch.fnmatchcase(wanted, row.name))]
        return rows

    @property
    def hosts(self) -> frozenset[str]:
        """Hosts of the indexes and pages that the table knows."""
        return self._hosts

    def pytorch_packages(self) -> frozenset[str]:
        """The packages that PyTorch's own index holds, apart from torch's requirements."""
        return frozenset(row.name for row in self.origins if row.kind == "pytorch")

    @property
    def onnxruntime_versions(self) -> tuple[str, ...]:
        """The versions of onnxruntime-gpu that the default index still has."""
        return tuple(self._onnxruntime)

    def onnxruntime(self, version: str) -> OnnxRuntime | None:
        """What an onnxruntime-gpu wheel needs of the system. None for versions that are not on the default index."""
        row = self._onnxruntime.get(version)
        if row is None:
            return None
        return OnnxRuntime(
            version=version,
            released=row["released"],
            cuda=row["cuda"],
            cudnn=row["cudnn"],
            pythons=items(row["pythons"]),
            yanked=row["yanked"] == "yes",
        )


def _speciality(row: PackageOrigin) -> tuple[bool, ...]:
    """More of them true for the row that says more."""
    return (row.local != "", "*" not in row.local, row.versions != "", row.torch != "", "*" not in row.name)


def variant_of_local(local: str) -> str | None:
    """The variant that a companion's local part names: ``cu121`` and ``pt21cu121`` to cu121, ``cpu`` to cpu."""
    match = re.fullmatch(r"(?:pt\d+)?(cpu|cu\d+|rocm[\d.]+|xpu)", local)
    return match[1] if match else None


def torch_of_local(local: str) -> str | None:
    """The torch minor that PyG's local parts name: ``pt21cu121`` to 2.1, ``pt113cu117`` to 1.13."""
    match = re.match(r"pt(\d)(\d+)(?=cu|cpu|rocm)", local)
    return f"{match[1]}.{match[2]}" if match else None


def _placeholders(torch: str | None, variant: str | None, python: str | None, version: str | None) -> dict[str, str]:
    values = {"variant": variant, "version": version, "public": version.partition("+")[0] if version else None}
    parsed = version_of(torch) if torch else None
    if parsed is not None:
        release = parsed.release
        values |= {"torch": parsed.base_version, "torch_minor": f"{release[0]}.{release[1]}"}
        values["torch_digits"] = "".join(str(part) for part in release)
    if python is not None:
        values["python_digits"] = "".join(str(part) for part in Version(python).release[:2])
    return {key: value for key, value in values.items() if value is not None}


def _companion(row: dict[str, str]) -> Companion:
    return Companion(
        torch=row["torch"], package=row["package"], pick=row["pick"], pins=items(row["pins"]), basis=row["basis"]
    )


def _release(row: dict[str, str]) -> CompanionRelease:
    return CompanionRelease(
        package=row["package"],
        version=row["version"],
        released=known(row["released"]),
        torch=known(row["torch"]),
        requires_python=known(row["requires_python"]),
        pythons=items(row["pythons"]),
        aarch64=row["aarch64"] == "yes",
        sdist=row["sdist"] == "yes",
        yanked=row["yanked"] == "yes",
    )


def _origin(row: dict[str, str]) -> PackageOrigin:
    return PackageOrigin(
        name=row["name"],
        versions=row["versions"],
        local=row["local"],
        torch=row["torch"],
        variants=items(row["variants"]),
        kind=row["kind"],  # type: ignore[arg-type]  # a test holds the closed set
        url=known(row["url"]),
        needs_nvcc=row["needs_nvcc"] == "yes",
        imports_torch=row["imports_torch"] == "yes",
        certainty=row["certainty"],
        note=known(row["note"]),
    )
