"""Whether a record lists everything that was installed: an installation needs what its packages need.

A freeze is a closed set, so it is installed without dependency resolution. A list of a few packages is not,
and without their dependencies the image would not even import them. The record has no dependency metadata, so
the test is a short table of what common packages need in every version that the row speaks of.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.utils import NormalizedName

from reprobuild.plan import PlanWarning
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.target import Target
from reprobuild.planner.torch_question import TorchBuild, nvidia_pin
from reprobuild.planner.torch_wheel_needs import wheel_needs

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

LINUX_NEEDS: tuple[tuple[str, str, tuple[str, ...], frozenset[str]], ...] = (
    ("ipython", ">=5", ("pexpect", "ptyprocess"), frozenset({"Windows"})),
    ("mlflow", ">=1.0", ("gunicorn",), frozenset({"Windows"})),
    ("terminado", ">=0.8", ("ptyprocess",), frozenset({"Windows"})),
    ("xgboost", ">=2.1", ("nvidia-nccl-cu12",), frozenset({"Darwin", "Windows"})),
)
"""Package, versions, what it requires on Linux by a marker, and the systems on which it does not."""

STANDS_IN = {"pillow": ("pillow-simd",)}
"""Other projects that bring the same modules."""

_NAMED = 3
"""So many names stand in a warning; the decision about packages has them all."""

_ROWS = {
    name: [(SpecifierSet(versions), needed) for other, versions, needed in ALWAYS_NEEDS if other == name]
    for name, _, _ in ALWAYS_NEEDS
}


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """A package of the record without something that it can't do without."""

    package: Package
    absent: tuple[str, ...]
    is_of_linux: bool = False
    """Whether the record may well be whole: what runs on Linux needs more than what ran."""


def gaps(
    subject: Subject, torch: TorchBuild | None, target: Target, among: tuple[Package, ...] | None = None
) -> tuple[Gap, ...]:
    """What the record left out, or what only the image needs.

    A record that was read from an installation itself lists all that ran there. ``among`` are the packages whose needs
    count, where another installer looks after those of the rest.
    """
    counted = subject.packages if among is None else among
    present = {package.canonical for package in subject.packages}
    found = [] if subject.is_deep else list(_absent(((each, _needed_by(each)) for each in counted), present))
    on_linux = list(_absent(((each, _needed_on_linux(each, subject)) for each in counted), present))
    if not found and torch is not None and nvidia_pin(subject) is None:
        needed = wheel_needs(torch, target.machine)
        on_linux += _absent(((each, needed) for each in counted if each.canonical == "torch"), present)
    return (*found, *(msgspec.structs.replace(gap, is_of_linux=True) for gap in on_linux))


def _absent(needs: Iterable[tuple[Package, tuple[str, ...]]], present: set[NormalizedName]) -> Iterator[Gap]:
    for package, needed in needs:
        absent = tuple(name for name in needed if not present & {name, *STANDS_IN.get(name, ())})
        if absent:
            yield Gap(package=package, absent=absent)


def _needed_by(package: Package) -> tuple[str, ...]:
    version = package.version
    return tuple(
        name
        for versions, needed in _ROWS.get(package.canonical, ())
        if version is not None and versions.contains(version, prereleases=True)
        for name in needed
    )


def _needed_on_linux(package: Package, subject: Subject) -> tuple[str, ...]:
    """What a marker adds where the run was made on another system."""
    version = package.version
    return tuple(
        name
        for other, versions, needed, systems in LINUX_NEEDS
        if other == package.canonical and subject.system in systems
        if version is not None and SpecifierSet(versions).contains(version, prereleases=True)
        for name in needed
    )


def warnings_of(found: tuple[Gap, ...], subject: Subject) -> tuple[PlanWarning, ...]:
    """What a person should know of an open record, and of what only the image needs."""
    left_out = [gap for gap in found if not gap.is_of_linux]
    of_linux = [gap for gap in found if gap.is_of_linux]
    return (
        *((_not_closed(left_out[0]),) if left_out else ()),
        *((_on_linux(of_linux, subject),) if of_linux else ()),
    )


def _on_linux(found: list[Gap], subject: Subject) -> PlanWarning:
    needs = "; ".join(f"{gap.package.name} needs {_words(gap.absent)}" for gap in found)
    other = {"Darwin": "macOS", "Windows": "Windows"}.get(subject.system or "")
    because = f", and {other} does not" if other else ", which the record does not list"
    return PlanWarning(
        code="needed-on-linux",
        message=f"on Linux {needs}{because}; a resolver adds that when the image is built",
        hint="pins of it in the record settle the versions",
    )


def _words(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= _NAMED else f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"


def _not_closed(first: Gap) -> PlanWarning:
    listed = "which is not listed" if len(first.absent) == 1 else "which are not listed"
    return PlanWarning(
        code="not-closed",
        message=f"the record does not list all that was installed: {first.package.name} needs "
        f"{', '.join(first.absent)}, {listed}; a resolver chooses versions of what is missing when the image is built",
        hint="record the environment with `reprobuild capture`, or put the whole `pip freeze` into the record",
    )
