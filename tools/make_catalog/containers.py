"""The tables of other images: NGC, pytorch/pytorch, ROCm, uv and micromamba, and of digests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from reading import load_csv
from writing import Row, TableSpecification

NGC = TableSpecification(
    name="ngc_pytorch",
    title="NVIDIA's NGC PyTorch containers: torch, CUDA, cuDNN, Python, Ubuntu",
    source="NVIDIA's release notes and framework tables, banners and pins in public files",
    as_of="2026-11-23",
    key=("release",),
    columns=(
        "release", "image", "torch_version", "torch_certainty", "torch_variants", "cuda", "cuda_certainty", "cudnn",
        "cudnn_certainty", "python", "python_certainty", "ubuntu", "ubuntu_certainty", "min_driver", "note",
    ),
    notes=("an empty field was not established; some commits serve two releases: match on the first seven digits",),
)  # fmt: skip

PYTORCH = TableSpecification(
    name="pytorch_images",
    title="tags of pytorch/pytorch",
    source="public files that name them; PyTorch's release matrix where certainty is inferred-pair",
    as_of="2026-11-23",
    key=("tag",),
    columns=("tag", "version", "cuda", "cudnn", "flavor", "python", "certainty"),
    notes=("absence proves nothing",),
)

ROCM = TableSpecification(
    name="rocm_images",
    title="tags of rocm/dev-* and rocm/pytorch",
    source="AMD's push scripts and documents, public files",
    as_of="2026-11-23",
    key=("image", "tag"),
    columns=("image", "tag", "rocm", "os_id", "os_version", "python", "torch", "certainty", "date"),
    notes=("absence proves nothing",),
)

DIGESTS = TableSpecification(
    name="digests",
    title="image digests that public Dockerfiles pin",
    source="public Dockerfiles",
    as_of="2026-11-23",
    key=("image", "tag", "digest"),
    columns=("image", "tag", "digest", "certainty", "date", "note"),
    notes=("tags move: verify a digest before use",),
)

TOOLS = TableSpecification(
    name="tool_images",
    title="published versions of the uv and micromamba images",
    source="the projects' release notes",
    as_of="2026-11-23",
    key=("image", "version"),
    columns=("image", "version", "date", "digest", "certainty"),
    notes=(
        "certainty: empty by the release notes, observed in public Dockerfiles, derived: the release is on PyPI and "
        "its workflow publishes the image, which was not seen",
    ),
)

UV = "ghcr.io/astral-sh/uv"

# What public Dockerfiles pin of the releases that the collected facts end before, and the one whose builds are read.
NEWER_TOOLS: tuple[Row, ...] = (
    {
        "image": UV,
        "version": "0.12.24",
        "digest": "sha256:3af4716e991d6956a41e573eab705d0ee08500cd829ed30293eb8472f372c65a",
        "certainty": "observed",
    },
    {
        "image": UV,
        "version": "0.13.0",
        "digest": "sha256:cdc6093146eb3ff6a40107b38f008b789e050e77ad87865e381d9917da55a168",
        "certainty": "observed",
    },
    {"image": UV, "version": "0.13.9", "certainty": "derived"},
)


def ngc(facts: Path) -> Iterator[Row]:
    """One row a container."""
    for row in load_csv(facts / "ngc_pytorch.csv"):
        variants = row["torch_runtime_variants"].replace(";", " ").replace(",", " ").split()
        yield {**row, "torch_variants": variants}


def pytorch(facts: Path) -> Iterator[Row]:
    """One row a tag."""
    for row in load_csv(facts / "pytorch_images.csv"):
        yield {**row, "tag": row["tag"].removeprefix("pytorch/pytorch:")}


def rocm(facts: Path) -> Iterator[Row]:
    """One row an image and tag."""
    for row in load_csv(facts / "rocm_images.csv"):
        system = row["os"].replace("-", "")
        name = system.rstrip("0123456789._")
        version = system.removeprefix(name)
        if "manylinux" in system:
            name, version = "manylinux", ""
        yield {**row, "os_id": name, "os_version": version}


def digests(facts: Path) -> Iterator[Row]:
    """One row an image, tag and digest; a digest without a tag pins nothing and is left out."""
    seen = set()
    for row in load_csv(facts / "digests.csv"):
        key = (row["image"], row["tag"], row["digest"])
        if row["tag"] and key not in seen:
            seen.add(key)
            yield row


def tools(facts: Path) -> Iterator[Row]:
    """One row an image and version."""
    for row in load_csv(facts / "uv_images.csv"):
        yield {**row, "digest": row["digest_of_plain_version_tag"], "certainty": row["digest_certainty"]}
    yield from NEWER_TOOLS
