"""The tables of published PyTorch wheels."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from writing import Row, TableSpecification

PLATFORMS = ("linux_x86_64", "linux_aarch64", "windows_x86_64", "macos_arm64", "macos_x86_64")
LINUX = PLATFORMS[:2]
INDEX = "PyTorch's wheel index as of 2025-07-09 (exact up to 2.7.1), PyTorch's build matrices after that"
PYPI = "metadata of the wheels on PyPI"

VARIANTS = TableSpecification(
    name="torch_variants",
    title="torch wheels on PyTorch's index: release, folder, suffix, Pythons, CUDA, cuDNN",
    source=INDEX,
    as_of="2026-11-23",
    key=("version", "folder", "local"),
    columns=(
        "version", "folder", "local", "cuda", "cuda_toolkit", "cudnn", "cudnn_source", "rocm", "evidence", "seen",
        *PLATFORMS, *(f"{platform}_tags" for platform in LINUX),
    ),
    notes=(
        "an empty folder is the index's root, whose wheels every folder lists",
        "evidence: observed on the index, derived from a build matrix, unverified",
    ),
)  # fmt: skip

RELEASES = TableSpecification(
    name="torch_releases",
    title="torch releases and their wheels on PyPI: default CUDA, cuDNN, Pythons",
    source=PYPI,
    as_of="2026-11-23",
    key=("version",),
    columns=(
        "version", "released", "evidence", "on_pypi", "requires_python", "git_commit",
        *(
            f"{platform}_{column}"
            for platform in LINUX
            for column in ("torch_version", "cuda", "variant", "cudnn", "cudnn_source", "cxx11_abi", "pythons", "tags")
        ),
        "trap",
    ),
)  # fmt: skip

PINS = TableSpecification(
    name="torch_pins",
    title="what torch's wheels on PyPI require of nvidia-* and triton",
    source=PYPI,
    as_of="2026-11-23",
    key=("version", "platform", "name"),
    columns=("version", "platform", "name", "specifier"),
)

LTS = TableSpecification(
    name="torch_lts",
    title="wheels of long-term support releases, which only a page of links of PyTorch's holds",
    source="PyTorch's page of long-term support wheels",
    as_of="2026-11-23",
    key=("version", "local"),
    columns=("version", "local", "pythons", "platforms", "find_links", "note"),
    notes=("the page is frozen; whether it still answers was not checked",),
)

FILES = TableSpecification(
    name="torch_files",
    title="file names and sha256 of torch wheels; opened on request only",
    source=f"{INDEX.split(',')[0]}; files on PyPI",
    as_of="2026-11-23",
    key=("origin", "folder", "file"),
    columns=("origin", "folder", "version", "file", "sha256", "size", "uploaded"),
    notes=("origin is pytorch or pypi; size in bytes, where it is known", "local variants from 2.8 on are not known"),
)

ARCHITECTURES = TableSpecification(
    name="torch_architectures",
    title="GPU architectures in torch's CUDA wheels by release and variant",
    source="PyTorch's build scripts; equal to the binaries of all wheels on PyPI from 1.6 to 2.15",
    as_of="2026-11-23",
    key=("version", "variant", "platform"),
    columns=("version", "variant", "platform", "architectures", "source"),
    notes=("X.Y+PTX also carries code that newer GPUs compile at load; ROCm is not covered",),
)


def _load(facts: Path, name: str) -> Any:
    return json.loads((facts / name).read_text(encoding="utf-8"))


def variants(facts: Path) -> Iterator[Row]:
    """One row a release, folder and suffix."""
    for version, release in _load(facts, "torch_wheels.json")["releases"].items():
        for variant in release["variants"].values():
            tags = variant.get("platform_tags", {})
            yield {
                "version": version,
                "folder": variant["dir"],
                "local": variant["local_suffix"].removeprefix("+"),
                "cuda": variant.get("cuda"),
                "cuda_toolkit": variant.get("cuda_toolkit_used_for_build"),
                "cudnn": variant.get("cudnn"),
                "cudnn_source": _short(variant.get("cudnn_source")),
                "rocm": variant.get("rocm"),
                "evidence": _evidence(variant.get("evidence")),
                "seen": variant.get("local_version_seen_in_the_wild"),
                **{platform: variant["python_tags"].get(platform, ()) for platform in PLATFORMS},
                **{f"{platform}_tags": tags.get(platform, ()) for platform in LINUX},
            }


def _evidence(text: str | None) -> str:
    if text is None:
        return "observed"
    return "derived" if text.startswith("derived") else "unverified"


def _short(source: str | None) -> str | None:
    """The word for where a cuDNN version is known from."""
    if source is None:
        return None
    words = {"wheel METADATA pin": "pin", "pytorch/builder history at release time": "build script"}
    return words.get(source, "observed" if "freeze" in source else source)


def releases(facts: Path) -> Iterator[Row]:
    """One row a release: what PyPI holds of it."""
    for version, release in _load(facts, "torch_wheels.json")["releases"].items():
        pypi = release["pypi"]
        row: dict[str, Any] = {
            "version": version,
            "released": release["release_date"],
            "evidence": release["index_evidence"],
            "on_pypi": pypi["on_pypi"],
            "requires_python": pypi.get("requires_python"),
            "git_commit": pypi.get("linux_x86_64", {}).get("git_commit"),
            "trap": release.get("trap", "").replace("; ", ", ") or None,
        }
        for platform in LINUX:
            row |= {f"{platform}_{column}": value for column, value in _pypi(release, platform).items()}
        yield row


def _pypi(release: dict[str, Any], platform: str) -> dict[str, Any]:
    wheel = release["pypi"].get(platform, {})
    cuda = release.get(f"pypi_default_cuda_{platform}")
    variant = release.get(f"pypi_default_variant_{platform}") or (f"cu{cuda.replace('.', '')}" if cuda else "cpu")
    return {
        "torch_version": wheel.get("torch.__version__"),
        "cuda": cuda if wheel else None,
        "variant": variant if wheel else None,
        "cudnn": wheel.get("cudnn") if cuda else None,
        "cudnn_source": _short(wheel.get("cudnn_source")) if cuda else None,
        "cxx11_abi": wheel.get("cxx11_abi"),
        "pythons": release["pypi"].get("python_tags", {}).get(platform, ()),
        "tags": release["pypi"].get("platform_tags", {}).get(platform, ()),
    }


def lts(facts: Path) -> Iterator[Row]:
    """One row a release and suffix that no index holds."""
    content = _load(facts, "torch_wheels.json")["url_rules"]["lts"]
    for version, entry in content["releases"].items():
        if isinstance(entry, dict):
            for local in entry["locals"]:
                suffix = local.removeprefix("+")
                yield {
                    "version": version,
                    "local": suffix,
                    "pythons": entry["python"],
                    "platforms": entry["platforms"],
                    "find_links": content["find_links"],
                    "note": content["defect"].split(" wheel ")[1] if f"+{suffix} " in content["defect"] else None,
                }


def pins(facts: Path) -> Iterator[Row]:
    """One row a requirement of a wheel."""
    for version, release in _load(facts, "torch_wheels.json")["releases"].items():
        for platform in LINUX:
            for name, specifier in release["pypi"].get(platform, {}).get("cuda_pins", {}).items():
                yield {"version": version, "platform": platform, "name": name, "specifier": specifier}


def files(facts: Path) -> Iterator[Row]:
    """One row a file."""
    content = _load(facts, "torch_wheel_files.json")
    for each in content["download_pytorch_org"]["files"]:
        yield {"origin": "pytorch", "folder": each["dir"], "version": each["file"].split("-")[1], **_file(each)}
    for each in content["pypi"]["files"]:
        yield {"origin": "pypi", "folder": "", "version": each["version"], **_file(each)}


def _file(each: dict[str, Any]) -> dict[str, Any]:
    return {key: each.get(key) for key in ("file", "sha256", "size", "uploaded")}


def architectures(facts: Path) -> Iterator[Row]:
    """One row a release, variant and platform."""
    for version, found in _load(facts, "torch_arch.json")["releases"].items():
        for variant, entry in found.items():
            for platform, listed in entry.items():
                if platform in PLATFORMS and listed:
                    source = entry.get("source")
                    yield {
                        "version": version,
                        "variant": variant,
                        "platform": platform,
                        "architectures": listed,
                        "source": source,
                    }
