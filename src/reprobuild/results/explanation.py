"""What could explain that two runs differ: recorded facts that are not the same, and nothing else. Pure.

A cause is named only where both runs tell the fact and it differs; what one of them does not tell is listed as not
recorded, because it can neither be blamed nor cleared.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping

from reprobuild.compare import Change, Difference, Rank, compare
from reprobuild.results.values import Fields
from reprobuild.snapshot import Snapshot

_THREADS = "sums are shared among another number of threads, and so rounded in another order"
_ORDER = "sums may be rounded in another order"

REASONS: tuple[tuple[str, str], ...] = (
    (r"environment_variables\..*NUM_THREADS.*|(torch|blas)\.threads", _THREADS),
    (r"environment_variables\.MKL_CBWR|(blas|system\.blas).*", f"another linear algebra, or other code: {_ORDER}"),
    (r"environment_variables\.PYTHONHASHSEED", "sets of texts are walked through in another order"),
    (r".*(TF32|tf32).*", "TF32 keeps 10 bits of a factor's 23"),
    (r"environment_variables\.(CUBLAS_WORKSPACE_CONFIG|TF_DETERMINISTIC_OPS|XLA_FLAGS)|torch\.(deterministic|cudnn\.).*",
     "operations may have been done by algorithms that are not deterministic, or by others"),
    (r"environment_variables\.CUDA_VISIBLE_DEVICES", "the run may have had another GPU"),
    (r"environment_variables\..*", "the code and its libraries read their settings from variables"),
    (r"seeds.*", "the random numbers are others"),
    (r"command", "the run was started another way"),
    (r"source\..*", "the code is not the recorded one"),
    (r"gpu.*", "another GPU has other kernels, and may use TF32"),
    (r"system\.(cpu_model|machine)|torch\.cpu_capability", f"another processor has other instructions: {_ORDER}"),
    (r"system\.libc", "logarithms and sines come from the C library"),
    (r"torch\.cudnn", "another cuDNN may choose other algorithms for convolutions"),
    (r"torch\.(cuda|hip|nccl)|cuda_toolkit", f"kernels of another release: {_ORDER}"),
    (r"python\..*", "random numbers, hashes and the order of sets belong to Python"),
)  # fmt: skip
"""Pattern of a fact's name, and how it changes numbers. The first that matches counts."""

_BY_RANK = {
    Rank.FRAMEWORK: f"another release or build of the framework may compute an operation another way: {_ORDER}",
    Rank.CUDA: f"kernels of another release: {_ORDER}",
    Rank.CUDNN: "another cuDNN may choose other algorithms for convolutions",
    Rank.NUMERIC: "it computes or draws numbers, perhaps with another BLAS",
}
"""Why a package of these ranks matters; others are named without a reason of their own."""

_OF_INTEREST = (
    "gpu.devices",
    "system.cpu_model",
    "torch.cudnn",
    "source.commit",
    "seeds",
    "environment_variables.OMP_NUM_THREADS",
    "environment_variables.PYTHONHASHSEED",
)
"""Facts that are worth a line when one of the runs does not tell them."""

_OF_GPUS = frozenset({"gpu.devices", "torch.cudnn"})

_PASSED_OVER = frozenset({"environment_variables", "seeds", "system.kernel", "pip", "setuptools", "wheel", "uv"})
"""Told one by one below, or without any part in a run's numbers."""


class Explanation(Fields, frozen=True, kw_only=True):
    """One recorded fact that is not the same in both runs."""

    fact: str
    before: str
    after: str
    reason: str


class Explanations(Fields, frozen=True, kw_only=True):
    """Every fact that differs, the likeliest to change numbers first, and what nobody can tell."""

    causes: tuple[Explanation, ...] = ()
    not_recorded: tuple[str, ...] = ()
    """Facts that would matter but are told by one run at most."""
    unsteady: tuple[str, ...] = ()
    """What the runs told of themselves that lets one environment give other numbers from run to run."""


def explain(
    before: Snapshot, after: Snapshot, told_before: Mapping[str, str], told_after: Mapping[str, str]
) -> Explanations:
    """Compare what is known of two runs: their snapshots, and what each said of itself while it ran."""
    told_before, told_after = {**before.switches, **told_before}, {**after.switches, **told_after}
    causes = {one.fact: one for one in (*_of_snapshots(before, after), *_of_facts(told_before, told_after))}
    first, second = {**_facts(before), **told_before}, {**_facts(after), **told_after}
    asked = [name for name in _OF_INTEREST if name not in _OF_GPUS or _may_use_gpus(before) or _may_use_gpus(after)]
    silent = tuple(name for name in asked if not (_tells(first, name) and _tells(second, name)))
    unsteady = tuple(_unsteady({**first, **second})) if _may_use_gpus(before) else ()
    return Explanations(causes=tuple(sorted(causes.values(), key=_likelihood)), not_recorded=silent, unsteady=unsteady)


_UNSTEADY = {
    ("torch.deterministic_algorithms", "False"): "operations of a GPU may add in no fixed order",
    ("torch.cudnn.benchmark", "True"): "cuDNN chooses its algorithms by timing them",
    ("torch.cudnn.deterministic", "False"): "cuDNN may choose algorithms that add in no fixed order",
}
"""A switch and the value of it that admits noise, and why."""


def _unsteady(told: Mapping[str, str]) -> Iterator[str]:
    for (name, value), reason in _UNSTEADY.items():
        if told.get(name) == value:
            yield f"{name} is {value}: {reason}"


def _of_snapshots(before: Snapshot, after: Snapshot) -> Iterator[Explanation]:
    old, new = _facts(before), _facts(after)
    for difference in compare(before, after).differences:
        if difference.subject in _PASSED_OVER:
            continue
        yield _explanation(difference)
    # A variable that one run had and the other had not is a difference where the record lists variables at all.
    if before.environment_variables:
        for name in sorted(old.keys() | new.keys()):
            if name.startswith("environment_variables.") and old.get(name) != new.get(name):
                yield _cause(name, old.get(name, "not set"), new.get(name, "not set"))
    for name in sorted(old.keys() & new.keys()):
        if (name.startswith("seeds.") or name == "system.blas") and old[name] != new[name]:
            yield _cause(name, old[name], new[name])


def _of_facts(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Explanation]:
    """What both runs said of themselves. A variable that only one of them had is told by the other's silence."""
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        told = old is not None and new is not None
        if old != new and (told or (before and after and name.startswith("environment_variables."))):
            yield _cause(name, old or "not set", new or "not set")


def _explanation(difference: Difference) -> Explanation:
    absent = "not installed"
    before, after = difference.before or absent, difference.after or absent
    if difference.change is Change.CHANGED and difference.detail:
        after = f"{after} ({difference.detail})"
    known = _reason(difference.subject)
    reason = known or _BY_RANK.get(difference.rank) or "it is not what the run had"
    return Explanation(fact=difference.subject, before=before, after=after, reason=reason)


def _cause(fact: str, before: str, after: str) -> Explanation:
    reason = _reason(fact) or "the runs themselves tell that it differs"
    return Explanation(fact=fact, before=before, after=after, reason=reason)


def _reason(fact: str) -> str | None:
    return next((reason for pattern, reason in REASONS if re.fullmatch(pattern, fact)), None)


def _likelihood(cause: Explanation) -> tuple[int, str]:
    """What was done otherwise comes before what was installed otherwise; packages without a reason come last."""
    done = re.match(r"seeds|command|source|environment_variables", cause.fact)
    known = cause.reason != "it is not what the run had"
    return (0 if done else 1 if known else 2), cause.fact


def _facts(snapshot: Snapshot) -> dict[str, str]:
    """The facts of a snapshot that are told one by one, under the names that a run uses for its own."""
    facts = {f"environment_variables.{name}": text for name, text in snapshot.environment_variables.items()}
    facts |= {f"seeds.{name}": str(seed) for name, seed in snapshot.seeds.items()}
    single = {
        "gpu.devices": ", ".join(device.name for device in snapshot.gpu.devices) if snapshot.gpu else None,
        "system.cpu_model": snapshot.system.cpu_model,
        "torch.cudnn": snapshot.torch.cudnn if snapshot.torch else None,
        "source.commit": snapshot.source.commit if snapshot.source else None,
        "system.blas": ", ".join(sorted({posixpath.basename(path) for path in snapshot.system.blas})),
    }
    return facts | {name: text for name, text in single.items() if text}


def _may_use_gpus(snapshot: Snapshot) -> bool:
    """A torch that is known to be built for the processor alone asks no GPU, whatever the machine has."""
    torch = snapshot.torch
    return torch is None or torch.cuda is not None or torch.hip is not None or torch.read_by in (None, "list")


def _tells(facts: Mapping[str, str], name: str) -> bool:
    return any(one == name or one.startswith(f"{name}.") for one in facts)
