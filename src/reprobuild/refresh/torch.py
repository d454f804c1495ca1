"""The tables of torch's wheels: what PyTorch's index lists today, folder by folder.

What is listed is ``observed``, so it wins over what build matrices made likely (``derived``, ``unverified``). A listed
wheel tells its version, suffix, Pythons and platforms; CUDA and ROCm are what the folder or suffix is named after, and
cuDNN what the wheel's own metadata requires, where the index offers it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from urllib.parse import unquote, urlsplit

import msgspec
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from reprobuild.catalog.tables import Table, items, natural
from reprobuild.catalog.torch_wheels import PLATFORMS
from reprobuild.errors import CatalogError
from reprobuild.refresh.http import Client, without_credentials
from reprobuild.refresh.merging import Missing, Refreshed, Row, check_missing, new_row, renewed, rows_by_key
from reprobuild.refresh.wheel_index import IndexFile, read_page

VARIANTS_KEY = ("version", "folder", "local")
RELEASES_KEY = ("version",)
FILES_KEY = ("origin", "folder", "file")
_FOLDER = re.compile(r"|cpu|cpu-cxx11-abi|xpu|cu\d{2,3}(_full|_pypi_cudnn)?|rocm\d{1,2}(\.\d{1,2}){1,2}")
_LINUX_MACHINES = {"x86_64": "linux_x86_64", "aarch64": "linux_aarch64"}


class TorchWheel(msgspec.Struct, frozen=True, kw_only=True):
    """One wheel of torch in one folder of the index."""

    folder: str
    file: IndexFile
    version: str
    """Without the local part."""
    local: str
    pythons: tuple[str, ...]
    platform: str | None
    """One of the tables' platforms; None for one that they do not know, or a wheel for no CPython."""
    platform_tags: str
    """As the file's name has them, joined by dots."""
    is_prerelease: bool


class Index(msgspec.Struct, frozen=True, kw_only=True):
    """What the index listed."""

    url: str
    wheels: tuple[TorchWheel, ...]
    cudnn: dict[tuple[str, str, str], str] = {}
    """What new variants require, by version, folder and suffix."""


def see_index(client: Client, url: str, variants: Table, say: Callable[[str], None]) -> Index:
    """Ask the root page, and the page of every folder that it or the table names. Raises CatalogError."""
    url = url.rstrip("/")
    root = read_page(client, f"{url}/torch/", "torch") or ()
    wheels = {(wheel.folder, wheel.file.name): wheel for file in root if (wheel := _wheel(file, url, ""))}
    folders = {row["folder"] for row in variants.rows} | {folder for folder, _ in wheels}
    pages = 0
    for folder in sorted(folders - {""}, key=natural):
        files = read_page(client, f"{url}/{folder}/torch/", "torch")
        pages += files is not None
        for file in files or ():
            if (wheel := _wheel(file, url, folder)) is not None:
                # A folder's page tells more (upload times, metadata) than the root's, or the same.
                wheels[(wheel.folder, wheel.file.name)] = wheel
    place = without_credentials(url)
    if not wheels:
        raise CatalogError(
            f"{place}: it lists no wheel of torch, neither at its root nor in a folder",
            hint="name the folder above cpu/ and cu121/, such as https://download.pytorch.org/whl",
        )
    say(f"{place}: {len(wheels):,} wheels of torch, {pages} folders with a page")
    listed = tuple(wheels.values())
    return Index(url=place, wheels=listed, cudnn=_required_cudnn(client, listed, variants))


def torch_variants(table: Table, index: Index, missing: Missing, day: date) -> Refreshed:
    """The variants' table. What was seen wins over what was derived; what is not listed stays as it is."""
    rows = rows_by_key(table, VARIANTS_KEY)
    listed: dict[tuple[str, ...], list[TorchWheel]] = {}
    for wheel in index.wheels:
        if not wheel.is_prerelease and wheel.platform and Version(wheel.version) >= Version("1.0"):
            listed.setdefault((wheel.version, wheel.folder, wheel.local), []).append(wheel)
    known = [key for key, row in rows.items() if row["evidence"] == "observed"]
    check_missing([key for key in known if key not in listed], len(known), missing, index.url)
    for key, wheels in listed.items():
        row = rows.get(key)
        if row is None:
            row = rows[key] = new_row(table, dict(zip(VARIANTS_KEY, key, strict=True)) | _accelerator(*key[1:]))
        # A part of an index must not hide what a build matrix makes likely: there it only adds.
        derived = row["evidence"] in ("derived", "unverified")
        _describe(row, wheels, replace=derived and missing != "keep")
        if not derived or missing != "keep":
            row["evidence"], row["seen"] = "observed", ""
        if not row["cudnn"] and key in index.cudnn:
            row |= {"cudnn": index.cudnn[(key[0], key[1], key[2])], "cudnn_source": "pin"}
    return Refreshed(table=renewed(table, rows.values(), index.url, day), key=VARIANTS_KEY)


def torch_releases(table: Table, index: Index, missing: Missing, day: date) -> Refreshed:
    """The releases' table with those that only this index has so far: what PyPI holds of them stays unknown."""
    rows = rows_by_key(table, RELEASES_KEY)
    versions = {wheel.version for wheel in index.wheels if not wheel.is_prerelease}
    new = sorted((each for each in versions if Version(each) >= Version("1.0")), key=natural)
    for version in new:
        row = rows.setdefault((version,), new_row(table, {"version": version, "evidence": "observed"}))
        # A part of an index says nothing of the wheels that it lacks.
        row["evidence"] = row["evidence"] if missing == "keep" else "observed"
    return Refreshed(table=renewed(table, rows.values(), index.url, day), key=RELEASES_KEY)


def torch_files(table: Table, index: Index, day: date) -> Refreshed:
    """The files' table. A file whose hash is another one than before keeps the known hash, and a note names it."""
    rows = rows_by_key(table, FILES_KEY)
    differing = []
    for wheel in index.wheels:
        file, version = wheel.file, f"{wheel.version}+{wheel.local}" if wheel.local else wheel.version
        cells = {"origin": "pytorch", "folder": wheel.folder, "version": version, "file": file.name}
        row = rows.setdefault(("pytorch", wheel.folder, file.name), new_row(table, cells))
        if row["sha256"] and file.sha256 and row["sha256"] != file.sha256:
            differing.append(f"{wheel.folder}/{file.name}")
            continue
        row["sha256"] = row["sha256"] or file.sha256 or ""
        row["size"] = row["size"] or (str(file.size) if file.size else "")
        row["uploaded"] = row["uploaded"] or file.uploaded or ""
    notes: tuple[str, ...] = ()
    if differing:
        notes = (
            f"{len(differing):,} files have another hash than the known one, which is kept: {', '.join(differing[:5])}",
        )
    return Refreshed(table=renewed(table, rows.values(), index.url, day), key=FILES_KEY, notes=notes)


def _wheel(file: IndexFile, index: str, asked: str) -> TorchWheel | None:
    """The wheel behind a link, with the folder in which it lies. None for one in a folder of an unknown form."""
    folder = _folder_of(file.url, index, asked)
    if folder is None or _FOLDER.fullmatch(folder) is None:
        return None
    _, version, _, tags = parse_wheel_filename(file.name)
    pythons = {_python_tag(tag.interpreter, tag.abi) for tag in tags if re.fullmatch(r"cp\d{2,3}", tag.interpreter)}
    platforms = file.name.removesuffix(".whl").split("-")[-1]
    return TorchWheel(
        folder=folder,
        file=file,
        version=version.public,
        local=version.local or "",
        pythons=tuple(sorted(pythons, key=natural)),
        platform=_platform(platforms.split(".")[0]) if pythons else None,
        platform_tags=platforms,
        is_prerelease=version.is_prerelease,
    )


def _folder_of(url: str, index: str, asked: str) -> str | None:
    """``cu121`` of ``INDEX/cu121/torch-...whl`` and of ``INDEX/cu121/torch/torch-...whl``.

    Elsewhere the files may lie as on PyTorch's own host, below ``whl``, or anywhere: then it is the page's own folder,
    and None for the root's page, which lists those of every folder.
    """
    path, root = unquote(urlsplit(url).path), unquote(urlsplit(index).path).rstrip("/") + "/"
    if path.startswith(root):
        below = path.removeprefix(root)
    elif "/whl/" in path:
        below = path.rpartition("/whl/")[2]
    else:
        return asked or None
    parts = below.split("/")[:-1]
    return "/".join(parts[:-1] if parts[-1:] == ["torch"] else parts)


def _python_tag(interpreter: str, abi: str) -> str:
    """The tables' word: ``cp310``, ``cp313t`` for the free-threaded build, ``cp27mu`` for its wide Unicode."""
    if interpreter == "cp27" and abi == "cp27mu":
        return abi
    return f"{interpreter}t" if abi == f"{interpreter}t" else interpreter


def _platform(tag: str) -> str | None:
    if tag.startswith(("linux_", "manylinux")):
        return next((name for machine, name in _LINUX_MACHINES.items() if tag.endswith(f"_{machine}")), None)
    if tag.startswith("macosx_"):
        return "macos_arm64" if tag.endswith("_arm64") else "macos_x86_64" if tag.endswith("_x86_64") else None
    return "windows_x86_64" if tag == "win_amd64" else None


def _accelerator(folder: str, local: str) -> Row:
    """What a new variant is named after. Its last digit is the minor version: cu92 is 9.2, cu130 is 13.0."""
    named = local or folder
    cuda = re.match(r"cu(\d{1,2})(\d)(?!\d)", named)
    rocm = re.match(r"rocm(\d+(?:\.\d+)+)", named)
    return {
        "cuda": f"{cuda[1]}.{cuda[2]}" if cuda else "",
        "rocm": rocm[1] if rocm else "",
    }


def _describe(row: Row, wheels: Iterable[TorchWheel], *, replace: bool) -> None:
    pythons: dict[str, set[str]] = {platform: set() for platform in PLATFORMS}
    tags: dict[str, set[str]] = {platform: set() for platform in PLATFORMS[:2]}
    for wheel in wheels:
        platform = str(wheel.platform)
        pythons[platform] |= set(wheel.pythons)
        if platform in tags:
            tags[platform].add(wheel.platform_tags)
    for column, seen in (*pythons.items(), *((f"{platform}_tags", each) for platform, each in tags.items())):
        before = () if replace else items(row[column])
        if not seen <= set(before) or replace:
            row[column] = ";".join(sorted(seen | set(before), key=natural))


def _required_cudnn(client: Client, wheels: Iterable[TorchWheel], variants: Table) -> dict[tuple[str, str, str], str]:
    """The cuDNN that variants without a known one require, by the metadata of one Linux wheel each."""
    asked: dict[tuple[str, str, str], TorchWheel] = {}
    known = {(row["version"], row["folder"], row["local"]): row for row in variants.rows}
    for wheel in wheels:
        key = (wheel.version, wheel.folder, wheel.local)
        is_cuda = (wheel.local or wheel.folder).startswith("cu")
        unknown = not known.get(key, {}).get("cudnn")
        if is_cuda and unknown and wheel.file.has_metadata and wheel.platform == "linux_x86_64":
            asked.setdefault(key, wheel)
    answers = ((key, client.get(f"{wheel.file.url}.metadata")) for key, wheel in asked.items())
    pins = {key: re.search(rb"^Requires-Dist: nvidia-cudnn-cu\d+ ?\(?==([0-9.]+)", answer.content, re.MULTILINE)
            for key, answer in answers if answer.status == 200}  # fmt: skip
    return {key: found[1].decode("ascii") for key, found in pins.items() if found}
