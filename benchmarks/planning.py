"""A thousand different records, planned and rendered in one process: the time of each, and whether memory stays flat.

    python benchmarks/planning.py [--records N] [--largest N]

The records are made up from the catalog: every variant of torch with a Python and a system that it was published for,
and up to several hundred packages with versions of their own. Times are processor time, so that a busy machine does
not count. Exit code 1 when nineteen of twenty records take longer than the limit, or memory grows.
"""

from __future__ import annotations

import argparse
import gc
import random
import resource
import statistics
import sys
import time
from collections.abc import Iterator

from reprobuild.catalog import Catalog
from reprobuild.planner import plan
from reprobuild.render import render
from reprobuild.snapshot import Distribution, GpuFacts, PythonFacts, Snapshot, SystemFacts

LIMIT = 10.0
"""Milliseconds of processor time for one record."""
GROWTH = 8.0
"""Mebibytes that the second half may add: what the allocator keeps, not a thousand records."""
SYSTEMS = (
    ("ubuntu", "18.04", "2.27"),
    ("ubuntu", "20.04", "2.31"),
    ("ubuntu", "22.04", "2.35"),
    ("debian", "12", "2.36"),
)
SIZES = ((4, 30), (30, 120), (120, 300), (300, 700))
"""Bounds of the number of packages, and below how often each is drawn: what freezes, exports and notebooks hold."""
SHARES = (25, 40, 27, 8)


def made_up_records(count: int, largest: int, catalog: Catalog) -> Iterator[Snapshot]:
    """Records that differ in everything: the same ones on every call."""
    choose = random.Random(20_260_101)
    builds = [
        (variant.published_version, tag)
        for release in catalog.torch_wheels.releases
        for variant in release.variants
        for tag in variant.pythons.get("linux_x86_64", ())
        if tag.startswith("cp3") and tag[3:].isdigit() and int(tag[3:]) >= 8 and not variant.rocm
    ]
    names = sorted({row.package for row in catalog.sdist_traps.all} | {row.name for row in catalog.companions.origins})
    names = [name for name in names if "*" not in name and name != "torch"]
    names += [f"project-{number}" for number in range(700)]
    for _ in range(count):
        torch, tag = choose.choice(builds)
        low, high = choose.choices(SIZES, SHARES)[0]
        chosen = choose.sample(names, min(choose.randint(low, high), largest))
        packages = [Distribution(name="torch", version=torch, installer="pip", metadata_format="dist-info")]
        for name in chosen:
            version = f"{choose.randint(0, 9)}.{choose.randint(0, 30)}.{choose.randint(0, 9)}"
            packages.append(Distribution(name=name, version=version, installer="pip", metadata_format="dist-info"))
        os_id, os_version, glibc = choose.choice(SYSTEMS)
        yield Snapshot(
            recorded_at=f"20{choose.randint(19, 26)}-03-{choose.randint(10, 28)}T12:00:00Z",
            python=PythonFacts(version=f"3.{tag[3:]}.{choose.randint(3, 9)}"),
            system=SystemFacts(
                system="Linux", machine="x86_64", os_id=os_id, os_version=os_version, libc_version=glibc, libc="glibc"
            ),
            gpu=GpuFacts(driver_cuda="12.7"),
            distributions=tuple(packages),
        )


def resident() -> float:
    """Mebibytes of memory that the process has held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    """Measure, print, and tell by the exit code whether both limits hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--records", type=int, default=1000)
    parser.add_argument("--largest", type=int, default=700, help="packages of the largest record")
    arguments = parser.parse_args()
    catalog = Catalog.packaged()
    times, sizes, digests, halfway = [], [], set(), 0.0
    for number, snapshot in enumerate(made_up_records(arguments.records, arguments.largest, catalog)):
        started = time.process_time()
        result = plan(snapshot, catalog)
        recipe = render(result, snapshot)
        times.append((time.process_time() - started) * 1000)
        sizes.append(len(snapshot.distributions))
        digests.add((result.digest, len(recipe.files)))
        if number == arguments.records // 2:
            gc.collect()
            halfway = resident()
    growth = resident() - halfway
    # The first record also reads the tables and compiles the templates.
    warm = sorted(times[1:])
    most = warm[int(len(warm) * 0.95)]
    print(f"{len(times)} records, {len(digests)} different plans, {min(sizes)} to {max(sizes)} packages each")
    print(f"first record (reads the tables): {times[0]:.0f} ms")
    print(f"mean {statistics.mean(warm):.1f} ms, median {statistics.median(warm):.1f} ms")
    print(f"95 of 100 within {most:.1f} ms, slowest {warm[-1]:.1f} ms")
    print(f"per package: {1000 * sum(warm) / sum(sizes[1:]):.0f} microseconds")
    print(f"memory: {halfway:.0f} MiB after half of them, {growth:+.1f} MiB after all")
    held = most <= LIMIT and growth <= GROWTH
    print(f"limits ({LIMIT:.0f} ms, {GROWTH:.0f} MiB): {'held' if held else 'NOT held'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
