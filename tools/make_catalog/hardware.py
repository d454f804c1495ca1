"""The tables of GPUs, drivers and cuDNN."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from reading import load_csv, load_json
from writing import Row, TableSpecification

GPUS = TableSpecification(
    name="gpus",
    title="GPU names as drivers print them, to compute capability",
    source="lists in NVIDIA's driver packages and open kernel modules (March 2026)",
    as_of="2026-03-31",
    key=("name",),
    columns=("name", "compute_capability", "ambiguous", "last_driver_branch"),
    notes=("names of virtual GPUs and of newer parts are missing",),
)

CAPABILITIES = TableSpecification(
    name="compute_capabilities",
    title="compute capability to architecture and the first and last CUDA that compiles for it",
    source="NVIDIA's CUDA and PTX documents",
    as_of="2026-11-23",
    key=("compute_capability",),
    columns=("compute_capability", "architecture", "first_cuda", "last_cuda", "last_driver_branch", "note"),
)

TOOLKIT_DRIVERS = TableSpecification(
    name="toolkit_drivers",
    title="CUDA toolkits to the Linux driver they were released with",
    source="NVIDIA's release notes of CUDA 7.0 to 13.4",
    as_of="2026-11-23",
    key=("cuda",),
    columns=("cuda", "branch", "minimum", "note"),
    notes=("from 13.3 on only the branch is known",),
)

ADMISSIONS = TableSpecification(
    name="image_driver_branches",
    title="older driver branches that NVIDIA_REQUIRE_CUDA of an image admits",
    source="NVIDIA_REQUIRE_CUDA in NVIDIA's container recipes",
    as_of="2026-11-23",
    key=("cuda", "branch"),
    columns=("cuda", "minimum_cuda", "branch", "brands"),
    notes=("an empty branch: none but drivers of that CUDA; an empty brand means every GPU",),
)

CUDNN = TableSpecification(
    name="cudnn_support",
    title="which CUDA versions each cuDNN supports",
    source="NVIDIA's support matrices; nixpkgs and container recipes where basis says so",
    as_of="2026-11-23",
    key=("first",),
    columns=("first", "last", "cuda", "partial", "basis", "note"),
    notes=("cuDNN versions first to last; partial: the list of CUDA versions may not be complete",),
)

# The last driver branch for an architecture, from drivers.json's driver_drops_gpus.
LAST_BRANCH = {"2": "390", "3": "470", "5": "580", "6": "580", "7.0": "580", "7.2": "580"}


def gpus(facts: Path) -> Iterator[Row]:
    """One row a name."""
    for row in load_csv(facts / "gpus.csv"):
        yield {**row, "ambiguous": row["ambiguous"].split("+") if row["ambiguous"] else ()}


def capabilities(facts: Path) -> Iterator[Row]:
    """One row a compute capability."""
    content = load_json(facts, "compute_capabilities.json")["compute_capability"]
    for capability, entry in content.items():
        yield {
            "compute_capability": capability,
            "architecture": entry["arch"],
            "first_cuda": entry["first_cuda"],
            "last_cuda": entry["last_cuda"],
            "last_driver_branch": LAST_BRANCH.get(capability) or LAST_BRANCH.get(capability.split(".")[0]),
            "note": entry.get("note"),
        }


def toolkit_drivers(facts: Path) -> Iterator[Row]:
    """One row a toolkit."""
    for cuda, entry in load_json(facts, "drivers.json")["toolkit_driver"].items():
        minimum = entry.get("linux_x86_64_min_driver")
        yield {"cuda": cuda, "branch": entry["driver_branch"], "minimum": minimum, "note": entry.get("note")}


def admissions(facts: Path) -> Iterator[Row]:
    """One row an image's CUDA and admitted branch."""
    for cuda, entry in load_json(facts, "drivers.json")["admitted_by_image"].items():
        branches = entry["admitted_older_branches"] or [{"branch": "", "brands": []}]
        for admitted in branches:
            yield {
                "cuda": cuda,
                "minimum_cuda": entry["min_cuda_of_driver"],
                "branch": admitted["branch"],
                "brands": [brand for brand in admitted["brands"] if brand],
            }


def cudnn(facts: Path) -> Iterator[Row]:
    """One row a range of cuDNN versions."""
    for entry in load_json(facts, "cudnn_support.json")["support"]:
        first, _, last = entry["cudnn"].partition(" - ")
        yield {
            "first": first,
            "last": last or first,
            "cuda": [each for cuda in entry["cuda"] for each in _spelled_out(cuda)],
            "partial": entry.get("partial", False),
            "basis": "NVIDIA's matrix" if entry["basis"].startswith("nvidia") else "second-hand",
            "note": entry.get("note"),
        }


def _spelled_out(cuda: str) -> list[str]:
    """``12.0-12.x`` as the versions that nixpkgs states: 12.0 to 12.8."""
    if re.fullmatch(r"\d+\.\d+", cuda):
        return [cuda]
    return [f"12.{minor}" for minor in (0, 1, 2, 3, 4, 5, 6, 8)]
