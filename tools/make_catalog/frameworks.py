"""The tables of TensorFlow and JAX."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reading import load_json
from writing import Row, TableSpecification

TENSORFLOW = TableSpecification(
    name="tensorflow",
    title="TensorFlow releases: tested CUDA and cuDNN, Pythons, wheels",
    source="TensorFlow's table of tested builds; metadata of the wheels on PyPI",
    as_of="2026-11-23",
    key=("version",),
    columns=(
        "version", "released", "cuda", "cudnn", "documented_python", "x86_64", "aarch64", "tags", "sdist",
        "gpu_package", "requires",
    ),
    notes=("gpu_package: wheels, stub or empty, of the separate project tensorflow-gpu",),
)  # fmt: skip

TENSORFLOW_CUDA = TableSpecification(
    name="tensorflow_pins",
    title="what TensorFlow's and-cuda extra requires",
    source="metadata of the wheels on PyPI",
    as_of="2026-11-23",
    key=("version", "name"),
    columns=("version", "name", "specifier"),
)

JAX = TableSpecification(
    name="jax",
    title="JAX releases: their jaxlib, its GPU builds and the pages that hold them",
    source="JAX's repository by release tag; metadata on PyPI",
    as_of="2026-11-23",
    key=("version",),
    columns=("version", "released", "requires_python", "jaxlib", "jaxlib_minimum", "gpu_jaxlibs", "find_links"),
)

JAX_WHEELS = TableSpecification(
    name="jax_wheels",
    title="wheels of jaxlib and of JAX's CUDA plug-ins on the default index",
    source="metadata of the wheels on PyPI",
    as_of="2026-11-23",
    key=("package", "version"),
    columns=("package", "version", "released", "x86_64", "aarch64", "tags", "cudnn"),
)


def tensorflow(facts: Path) -> Iterator[Row]:
    """One row a release."""
    for version, entry in load_json(facts, "tensorflow.json")["releases"].items():
        wheels = entry["pypi_tensorflow"] or {}
        yield {
            "version": version,
            "released": wheels.get("released"),
            "cuda": entry.get("tested_cuda"),
            "cudnn": entry.get("tested_cudnn"),
            "documented_python": entry.get("documented_python"),
            "x86_64": wheels.get("linux_x86_64_python", ()),
            "aarch64": wheels.get("linux_aarch64_python", ()),
            "tags": wheels.get("linux_x86_64_tags", ()),
            "sdist": wheels.get("sdist"),
            "gpu_package": _gpu_package(entry.get("pypi_tensorflow_gpu")),
            "requires": [
                f"{name}{specifier}"
                for name, specifier in entry.get("core_requires", {}).items()
                if isinstance(specifier, str) and ";" not in specifier and name in ("numpy", "protobuf", "keras")
            ],
        }


def _gpu_package(wheels: dict[str, Any] | None) -> str:
    if not wheels:
        return ""
    return "wheels" if wheels["linux_x86_64_python"] else "stub"


def tensorflow_pins(facts: Path) -> Iterator[Row]:
    """One row a release and requirement."""
    for version, entry in load_json(facts, "tensorflow.json")["releases"].items():
        for name, specifier in (entry.get("and_cuda_extra") or {}).items():
            yield {"version": version, "name": name, "specifier": _first(specifier)}


def _first(specifier: str | list[str]) -> str:
    text = specifier if isinstance(specifier, str) else specifier[0]
    return text.split(";")[0].strip()


def jax(facts: Path) -> Iterator[Row]:
    """One row a release; tags of release candidates in the repository are left out."""
    for version, entry in load_json(facts, "jax.json")["releases"].items():
        if version.endswith("-rc"):
            continue
        yield {
            "version": version,
            "released": entry["released"],
            "requires_python": entry["requires_python"],
            "jaxlib": entry["jaxlib_current"],
            "jaxlib_minimum": entry["jaxlib_minimum"],
            "gpu_jaxlibs": entry["gpu_jaxlib_local_versions"],
            "find_links": entry["find_links"],
        }


def jax_wheels(facts: Path) -> Iterator[Row]:
    """One row a package and version."""
    content = load_json(facts, "jax.json")
    tables = (
        ("jaxlib", "jaxlib_pypi"),
        ("jax-cuda12-plugin", "jax_cuda12_plugin"),
        ("jax-cuda13-plugin", "jax_cuda13_plugin"),
    )
    for package, table in tables:
        for version, entry in content[table].items():
            requires = entry.get("requires") or {}
            cudnn = next((text for name, text in requires.items() if name.startswith("nvidia-cudnn")), None)
            yield {
                "package": package,
                "version": version,
                "released": entry["released"],
                "x86_64": entry["linux_x86_64_python"],
                "aarch64": entry["linux_aarch64_python"],
                "tags": entry["linux_x86_64_tags"],
                "cudnn": cudnn,
            }
