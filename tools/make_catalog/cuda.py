"""The table of ``nvidia/cuda`` tags."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from writing import Row, TableSpecification

IMAGES = TableSpecification(
    name="cuda_images",
    title="tags of nvidia/cuda: contents, architectures, presence",
    source="NVIDIA's container recipes 2018 to 2026 and its lists of tags; Docker Hub crawls of cudnn-devel tags",
    as_of="2026-11-23",
    key=("tag",),
    columns=(
        "tag", "cuda", "flavor", "addon", "cudnn", "cudnn_basis", "cudnn_earlier", "distro", "architectures",
        "presence", "support", "require_cuda",
    ),
    notes=(
        "presence is present, removed or presumed-removed; base, runtime and non-Ubuntu tags stand on NVIDIA's list",
        "images of CUDA 13.4 exist and were not listed yet",
    ),
)  # fmt: skip


def images(facts: Path) -> Iterator[Row]:
    """One row a tag."""
    with (facts / "cuda_images.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            yield {
                **row,
                "cudnn_earlier": row["cudnn_earlier"].split("+") if row["cudnn_earlier"] else (),
                "architectures": row["arch"].split("+") if row["arch"] else (),
                "presence": row["hub"],
                "support": row["nvidia"],
            }
