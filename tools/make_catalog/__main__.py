"""Make the tables of the catalog from a folder of collected facts.

    python tools/make_catalog FACTS [--output FOLDER]

Running it twice changes nothing. It refuses to write a table with fewer rows than the one in place: delete the old
file by hand when rows have to go, so that the change is seen in review.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import apt
import companions
import containers
import cuda
import frameworks
import hardware
import python
import torch
import traps
from writing import Row, ShrinkingError, TableSpecification, Written, write_table

Maker = Callable[[Path], Iterable[Row]]
PACKAGED = Path(__file__).parents[2] / "src" / "reprobuild" / "catalog" / "data"

TABLES: tuple[tuple[TableSpecification, Maker], ...] = (
    (apt.NEEDS, apt.needs),
    (apt.PACKAGES, apt.packages),
    (companions.ONNXRUNTIME, companions.onnxruntime),
    (companions.ORIGINS, companions.origins),
    (companions.PICKS, companions.picks),
    (companions.RELEASES, companions.releases),
    (containers.DIGESTS, containers.digests),
    (containers.NGC, containers.ngc),
    (containers.PYTORCH, containers.pytorch),
    (containers.ROCM, containers.rocm),
    (containers.TOOLS, containers.tools),
    (cuda.IMAGES, cuda.images),
    (frameworks.JAX, frameworks.jax),
    (frameworks.JAX_WHEELS, frameworks.jax_wheels),
    (frameworks.TENSORFLOW, frameworks.tensorflow),
    (frameworks.TENSORFLOW_CUDA, frameworks.tensorflow_pins),
    (hardware.ADMISSIONS, hardware.admissions),
    (hardware.CAPABILITIES, hardware.capabilities),
    (hardware.CUDNN, hardware.cudnn),
    (hardware.GPUS, hardware.gpus),
    (hardware.TOOLKIT_DRIVERS, hardware.toolkit_drivers),
    (python.BUILDS, python.builds),
    (python.IMAGES, python.images),
    (python.RELEASES, python.releases),
    (python.SYSTEMS, python.systems),
    (torch.ARCHITECTURES, torch.architectures),
    (torch.FILES, torch.files),
    (torch.LTS, torch.lts),
    (torch.PINS, torch.pins),
    (torch.RELEASES, torch.releases),
    (torch.VARIANTS, torch.variants),
    (traps.CONDA_NAMES, traps.conda_names),
    (traps.CONDA_SHARED_NAMES, traps.conda_shared_names),
    (traps.COVERAGE, traps.coverage),
    (traps.NAMES, traps.names),
    (traps.PATTERNS, traps.patterns),
    (traps.SDISTS, traps.sdists),
    (traps.SDIST_ONLY, traps.sdist_only),
)


def index_of(written: Iterable[Written]) -> tuple[TableSpecification, list[Row]]:
    """The table of tables."""
    rows: list[Row] = [
        {
            "name": each.specification.name,
            "rows": each.rows,
            "as_of": each.specification.as_of,
            "title": each.specification.title,
            "key": each.specification.key,
        }
        for each in written
    ]
    specification = TableSpecification(
        name="tables",
        title="the tables of the catalog",
        source="tools/make_catalog",
        as_of=max(str(row["as_of"]) for row in rows),
        key=("name",),
        columns=("name", "rows", "as_of", "title", "key"),
    )
    return specification, rows


def main() -> int:
    """Write every table and say what changed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("facts", type=Path, help="folder of the collected facts")
    parser.add_argument("--output", type=Path, default=PACKAGED, help="folder of the tables (default: the package's)")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    try:
        written = [write_table(arguments.output, table, make(arguments.facts)) for table, make in TABLES]
        write_table(arguments.output, *index_of(written))
    except (ShrinkingError, ValueError, OSError) as error:
        print(f"make_catalog: {error}", file=sys.stderr)
        return 1
    for each in written:
        print(f"{each.specification.name:24} {each.rows:6} rows{'  (changed)' if each.changed else ''}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
