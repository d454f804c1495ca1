"""Whether a record lists everything that was installed: an installation needs what its packages need.

A freeze is a closed set, so it is installed without dependency resolution. A list of a few packages is not,
and without their dependencies the image would not even import them. The record has no dependency metadata, so
the test is a short table of what common packages need in every version that the row speaks of.
"""

from __future__ import annotations

import msgspec
from packaging.specifiers import SpecifierSet

from reprobuild.plan import PlanWarning
from reprobuild.planner.subject import Package, Subject

ALWAYS_NEEDS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    ("datasets", ">=1.2", ("pyarrow", "dill", "multiprocess")),
    ("diffusers", ">=0.3", ("huggingface-hub", "importlib-metadata")),
    ("huggingface-hub", ">=0.1", ("filelock", "pyyaml", "tqdm")),
    ("jax", ">=0.2", ("jaxlib", "numpy", "opt-einsum")),
    ("lightgbm", ">=2.3", ("numpy", "scipy")),
    ("matplotlib", ">=2.0", ("cycler", "kiwisolver", "pyparsing", "numpy")),
    ("pandas", ">=0.24", ("numpy", "python-dateutil")),
    ("pytorch-lightning", ">=1.5", ("torchmetrics", "pyyaml", "tqdm")),
    ("requests", ">=2.16", ("urllib3", "idna", "certifi")),
    ("scikit-image", ">=0.16", ("scipy", "networkx", "imageio")),
    ("scikit-learn", ">=0.22", ("joblib", "scipy", "numpy")),
    ("seaborn", ">=0.9", ("matplotlib", "pandas")),
    ("sentence-transformers", ">=0.3", ("transformers", "scikit-learn")),
    ("statsmodels", ">=0.10", ("patsy", "pandas")),
    ("tensorflow", ">=2.0", ("absl-py", "protobuf", "wrapt", "h5py")),
    ("torch", ">=1.7,<2", ("typing-extensions",)),
    ("torch", ">=2.0", ("typing-extensions", "filelock", "sympy", "jinja2")),
    ("torchvision", ">=0.2", ("torch", "numpy", "pillow")),
    ("torchvision", ">=0.2,<0.6", ("six",)),
    ("transformers", ">=4.0", ("tokenizers", "filelock", "regex", "tqdm", "requests")),
    ("wandb", ">=0.10", ("click", "requests", "pyyaml")),
    ("xgboost", ">=1.0", ("numpy", "scipy")),
)
"""Package, the versions that the row speaks of, and what each of those requires without any condition."""

STANDS_IN = {"pillow": ("pillow-simd",)}
"""Other projects that bring the same modules."""

_ROWS = {
    name: [(SpecifierSet(versions), needed) for other, versions, needed in ALWAYS_NEEDS if other == name]
    for name, _, _ in ALWAYS_NEEDS
}


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A package of the record without something that it can't do without."""

    package: Package
    absent: tuple[str, ...]


def gaps(subject: Subject, among: tuple[Package, ...] | None = None) -> tuple[Gap, ...]:
    """What the record must have left out; empty for a record that was read from an installation itself.

    ``among`` are the packages whose needs count, where another installer looks after those of the rest.
    """
    if subject.is_deep:
        return ()
    present = {package.canonical for package in subject.packages}
    found = []
    for package in subject.packages if among is None else among:
        absent = tuple(name for name in _needed_by(package) if not present & {name, *STANDS_IN.get(name, ())})
        if absent:
            found.append(Gap(package=package, absent=absent))
    return tuple(found)


def _needed_by(package: Package) -> tuple[str, ...]:
    version = package.version
    return tuple(
        name
        for versions, needed in _ROWS.get(package.canonical, ())
        if version is not None and versions.contains(version, prereleases=True)
        for name in needed
    )


def warning_of(found: tuple[Gap, ...]) -> PlanWarning:
    """What a person should know of an open record."""
    first = found[0]
    listed = "which is not listed" if len(first.absent) == 1 else "which are not listed"
    return PlanWarning(
        code="not-closed",
        message=f"the record does not list all that was installed: {first.package.name} needs "
        f"{', '.join(first.absent)}, {listed}; a resolver chooses versions of what is missing when the image is built",
        hint="record the environment with `reprobuild capture`, or put the whole `pip freeze` into the record",
    )
