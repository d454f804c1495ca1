"""The tables of what goes with torch and where other projects keep their wheels."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reading import canonical, curated, load_json
from writing import Row, TableSpecification

PICKS = TableSpecification(
    name="companion_picks",
    title="the releases of torchvision, torchaudio ... that belong to each torch",
    source="requirements in the wheels' metadata; projects' matrices and release dates where basis says so",
    as_of="2026-11-23",
    key=("torch", "package"),
    columns=("torch", "package", "pick", "pins", "basis"),
)

RELEASES = TableSpecification(
    name="companion_releases",
    title="releases of torchvision, torchaudio, torchtext, torchdata, xformers, vllm: which torch they require",
    source="metadata of the wheels on PyPI",
    as_of="2026-11-23",
    key=("package", "version"),
    columns=("package", "version", "released", "torch", "requires_python", "pythons", "aarch64", "sdist", "yanked"),
    notes=("pythons: tags of the Linux x86-64 wheels",),
)

ORIGINS = TableSpecification(
    name="package_origins",
    title="packages that live on an index or page of their own, by name and local version",
    source="projects' installation documents",
    as_of="2026-11-23",
    key=("name", "versions", "local", "torch"),
    columns=(
        "name",
        "versions",
        "local",
        "torch",
        "variants",
        "kind",
        "url",
        "needs_nvcc",
        "imports_torch",
        "certainty",
        "note",
    ),
    notes=(
        "name and local are globs; an empty local means a version without one",
        "torch and variants: the releases and builds of torch that the row holds for, any when empty",
        "kind: pytorch (its index, else the default one), find-links, index, source, default, none",
        "the hosts' liveness could not be probed",
    ),
)

ONNXRUNTIME = TableSpecification(
    name="onnxruntime_gpu",
    title="CUDA and cuDNN of onnxruntime-gpu's wheels on the default index",
    source="the project's release notes; approximate before 1.15",
    as_of="2026-11-23",
    key=("version",),
    columns=("version", "released", "cuda", "cudnn", "pythons", "yanked"),
)

CERTAINTIES = {
    "verified": "verified",
    "from project docs, one source": "documented",
    "general knowledge, unverified": "unverified",
    "general knowledge": "unverified",
}


def picks(facts: Path) -> Iterator[Row]:
    """One row a torch release and companion."""
    for torch, found in load_json(facts, "companions.json")["by_torch_version"].items():
        for package, entry in found.items():
            yield {
                "torch": torch,
                "package": package,
                "pick": entry["pick"],
                "pins": entry.get("all_exact_pins", ()),
                "basis": _basis(entry["basis"]),
            }


def _basis(text: str) -> str:
    if "METADATA" in text:
        return "metadata"
    if "matrix" in text:
        return "matrix"
    return "LTS page" if text == "LTS page" else "date"


def releases(facts: Path) -> Iterator[Row]:
    """One row a release of a companion."""
    content = load_json(facts, "companions.json")
    for package, table in content["tables"].items():
        for version, entry in table.items():
            yield {
                "package": package,
                "version": version,
                "released": entry["released"],
                "torch": entry["torch"],
                "requires_python": entry["requires_python"],
                "pythons": entry["linux_x86_64_python_tags_pypi"],
                "aarch64": entry["aarch64_on_pypi"],
                "sdist": entry["sdist_on_pypi"],
                "yanked": entry.get("yanked", False),
            }
    for version, entry in content["sources"]["vllm"]["table"].items():
        yield {
            "package": "vllm",
            "version": version,
            "released": entry["released"],
            "torch": entry["torch"],
            "pythons": (entry["file_tag"].split("-")[0],),
        }


def origins(facts: Path) -> Iterator[Row]:
    """One row a name, range of versions and local part."""
    content = load_json(facts, "companions.json")
    words = {source: CERTAINTIES[word] for word, found in content["general"]["certainty"].items() for source in found}
    builds = {canonical(name.split(" (")[0]) for name in content["general"]["builds_that_import_torch"]}
    for row in curated("package_origins"):
        if row["source"] not in content["sources"] and row["source"] not in CERTAINTIES:
            raise ValueError(f"no such source in the facts: {row['source']!r}")
        yield {
            **row,
            "imports_torch": row["name"] in builds or (row["needs_nvcc"] == "yes" and row["name"] != "cupy"),
            "variants": row["variants"].split(";") if row["variants"] else (),
            "certainty": CERTAINTIES.get(row["source"], words.get(row["source"], "verified")),
        }


def onnxruntime(facts: Path) -> Iterator[Row]:
    """One row a version."""
    table: dict[str, Any] = load_json(facts, "companions.json")["sources"]["onnxruntime-gpu"]["table"]
    for version, entry in table.items():
        yield {
            "version": version,
            "released": entry["released"],
            "cuda": entry["cuda"].removesuffix(".x"),
            "cudnn": entry["cudnn"].removesuffix(".x"),
            "pythons": entry["linux_x86_64_python_tags"],
            "yanked": entry["yanked"],
        }
