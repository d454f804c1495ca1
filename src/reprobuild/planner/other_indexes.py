"""Indexes of others that a record names: what is taken from them, and what a person has to say."""

from __future__ import annotations

from urllib.parse import urlsplit

from reprobuild.catalog import Catalog
from reprobuild.catalog.torch_wheels import PYTORCH_INDEX
from reprobuild.plan import FindLinks, NamedIndex, PackageGroup, PlanWarning
from reprobuild.planner.subject import Subject

_PYTORCH_HOSTS = frozenset({urlsplit(PYTORCH_INDEX).hostname, "download-r2.pytorch.org"})


def warnings_of_indexes(
    subject: Subject, groups: tuple[PackageGroup, ...], catalog: Catalog
) -> tuple[PlanWarning, ...]:
    """One warning for each index that only the record knows.

    A name on two indexes is two projects, so that no package is looked for on more than one of them.
    """
    public = _PYTORCH_HOSTS | catalog.companions.hosts | {urlsplit(catalog.jax.page).hostname}
    used = {group.origin.url: group for group in groups if isinstance(group.origin, NamedIndex | FindLinks)}
    warnings = [_taken(url, group) for url, group in used.items() if urlsplit(url).hostname not in public]
    for url in subject.listed_indexes:
        if urlsplit(url).hostname not in public and url not in used:
            warnings.append(_passed_over(url))
    return tuple(warnings)


def _taken(url: str, group: PackageGroup) -> PlanWarning:
    names = ", ".join(requirement.name for requirement in group.requirements[:5])
    more = f" and {len(group.requirements) - 5} more" if len(group.requirements) > 5 else ""
    return PlanWarning(
        code="other-index",
        message=f"{names}{more}: taken from {url} and from nowhere else, which the build has to reach",
    )


def _passed_over(url: str) -> PlanWarning:
    return PlanWarning(
        code="index-passed-over",
        message=f"the record's list also takes packages from {url} and does not say which: all of them come from the "
        "default index, where one of the same name may be another project",
        hint=f"name what is there: --package-index NAME={url} (or --index-url {url}, if it mirrors the default index)",
    )
