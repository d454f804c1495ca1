"""What a record tells in two ways that exclude each other: one of the two is of another environment."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.utils import canonicalize_name

from reprobuild.records.merged_conda import same_release
from reprobuild.records.python_bounds import bounds_of
from reprobuild.records.text import shortened
from reprobuild.snapshot import Note, Snapshot


def contradictions(snapshot: Snapshot) -> Iterator[Note]:
    """What the record tells in two ways that exclude each other: one of the two is of another environment."""
    yield from _torch_contradicted(snapshot)
    yield from _python_contradicted(snapshot)


def _torch_contradicted(snapshot: Snapshot) -> Iterator[Note]:
    """torch's own word against the list's: another release, or another suffix where both have one."""
    told = snapshot.torch.version if snapshot.torch else None
    listed = next((item.version for item in snapshot.distributions if canonicalize_name(item.name) == "torch"), None)
    if not told or not listed:
        return
    suffixes = {version.partition("+")[2] for version in (told, listed)} - {""}
    if not same_release(told, listed) or len(suffixes) > 1:
        message = f"torch said that it is {shortened(told)}, and the list of packages has {shortened(listed)}"
        yield Note(code="torch-contradicted", message=message, path="torch.version")


def _python_contradicted(snapshot: Snapshot) -> Iterator[Note]:
    """A told Python that the listed packages can't have run on."""
    numbers = (snapshot.python.version or "").split(".")
    inferred = any(item.fact == "python.version" for item in snapshot.evidence if item.certainty == "inferred")
    if inferred or len(numbers) < 2 or not (numbers[0].isdecimal() and numbers[1].isdecimal()):
        return
    minor = (int(numbers[0][:4]), int(numbers[1][:4]))
    bounds = bounds_of(snapshot.distributions, minor)
    by_metadata = bounds.lowest_by if bounds.lowest_by and "needs at least" in bounds.lowest_by else None
    if bounds.lowest is not None and minor < bounds.lowest and by_metadata:
        message = f"the record says Python {snapshot.python.version}, and {by_metadata}: one is of another environment"
        yield Note(code="python-contradicted", message=message, path="python.version")
