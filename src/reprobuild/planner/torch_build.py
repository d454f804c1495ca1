"""Which published build of torch the record means: release, variant, and the origin that has it."""

from __future__ import annotations

import re

import msgspec

from reprobuild.catalog import Catalog
from reprobuild.catalog.torch_wheels import local_of
from reprobuild.errors import PlanError
from reprobuild.plan import Fidelity, PlanWarning
from reprobuild.planner import grammar
from reprobuild.planner.ngc import containers_of, torch_of
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.target import Target
from reprobuild.planner.torch_elsewhere import torch_elsewhere
from reprobuild.planner.torch_plain import without_suffix
from reprobuild.planner.torch_question import (
    TorchBuild,
    TorchQuestion,
    from_folder,
)
from reprobuild.planner.torch_release import default_cuda_of, release_of
from reprobuild.planner.torch_suffix import with_suffix
from reprobuild.planner.unlisted_torch import unlisted

_PYTORCH_FOLDER = re.compile(r"https://download(?:-r2)?\.pytorch\.org/whl/([a-z0-9_.-]{2,40})(?:/|$)")

_NIGHTLY_INDEX = re.compile(r"https://download(?:-r2)?\.pytorch\.org/whl/nightly(?:/|$)")


def decide_torch(subject: Subject, target: Target, catalog: Catalog) -> TorchBuild | None:
    """The build of torch that the record means; None when the record has no torch.

    Raises PlanError when no build that is published comes near: an unknown release, a nightly, or a Python
    and platform that the release has no wheel for.
    """
    package = subject.find("torch")
    listed = package.version_text if package else None
    ran = _that_ran(listed, subject)
    if ran is not None:
        return _with_warning(_decided(ran, None, subject, target, catalog), listed or "", ran)
    told = listed or subject.torch_version
    if told is None:
        _refuse_any_nightly(package, subject, catalog)
        return None
    build = _decided(told, package, subject, target, catalog)
    return build if package is not None else unlisted(build, subject)


def _refuse_any_nightly(package: Package | None, subject: Subject, catalog: Catalog) -> None:
    """Raise PlanError for a torch without a version that the record takes from the nightly index."""
    own = package.distribution.index_url if package is not None else None
    nightly = next((url for url in (own, *subject.listed_indexes) if url and _NIGHTLY_INDEX.match(url)), None)
    if package is None or nightly is None or package.distribution.conda is not None:
        return
    day = subject.era.isoformat() if subject.era else None
    later = (each.version for each in catalog.torch_wheels.releases if day and each.released and each.released >= day)
    following = next(later, None)
    raise PlanError(
        f"the record takes torch from {grammar.url(nightly, 'package_indexes', grammar.WEB_SCHEMES)}, which keeps its "
        "nightly builds for about two months, and does not tell which one it was",
        hint="put the release that followed into the record" + (f": torch=={following}" if following else ""),
    )


def _that_ran(listed: str | None, subject: Subject) -> str | None:
    """torch's own word where the list of packages tells another release: what was imported is what ran."""
    ran = subject.torch_version
    if listed is None or ran is None:
        return None
    one, other = grammar.pep440(listed), grammar.pep440(ran)
    same = one is None or other is None or one.public == other.public
    return None if same else ran


def _with_warning(build: TorchBuild, listed: str, ran: str) -> TorchBuild:
    note = f"the list of packages tells torch {listed}, and torch itself said {ran}, which is what ran"
    warning = PlanWarning(code="torch-differs", message=note)
    return msgspec.structs.replace(
        build,
        reason=f"{note}; {build.reason}",
        fidelity=max(build.fidelity, Fidelity.SUBSTITUTED, key=lambda each: each.rank),
        warnings=(*build.warnings, warning),
    )


def _decided(told: str, package: Package | None, subject: Subject, target: Target, catalog: Catalog) -> TorchBuild:
    path = f"{package.path}.version" if package else "torch.version"
    containers = containers_of(told, subject, catalog)
    if containers:
        return torch_of(containers, told, path, subject)
    elsewhere = torch_elsewhere(told, path, subject, target, catalog)
    if elsewhere is not None:
        return elsewhere
    question = TorchQuestion(
        subject=subject,
        target=target,
        package=package,
        release=release_of(told, catalog, package),
        told=told,
        default_cuda=default_cuda_of(told, target, catalog),
    )
    named = _from_named_folder(question)
    if named is not None:
        return named
    if local_of(told):
        return with_suffix(question, local_of(told))
    return without_suffix(question)


def _from_named_folder(question: TorchQuestion) -> TorchBuild | None:
    """The build in the folder of PyTorch's index that the record itself names, by a URL, a lock file or its list."""
    distribution = question.package.distribution if question.package else None
    if distribution is None:
        return None
    urls = (distribution.direct_url.url if distribution.direct_url else None, distribution.index_url)
    found = next((match for url in urls if url and (match := _PYTORCH_FOLDER.match(url))), None)
    folder = found.group(1) if found else _listed_folder(question)
    local = local_of(question.told)
    variants = [each for each in question.published if each.folder == folder and local in ("", each.local)]
    if folder is None or not variants:
        return None
    return from_folder(question, variants[0], f"the record names PyTorch's {folder} index for torch")


def _listed_folder(question: TorchQuestion) -> str | None:
    """The one folder that the list's options name, where nothing else tells torch's build.

    pip takes the build with a suffix for a version without one, where an index offers both.
    """
    told = (local_of(question.told), question.own_local, question.subject.torch_cuda)
    listed = (_PYTORCH_FOLDER.match(url) for url in question.subject.listed_indexes)
    folders = {found.group(1) for found in listed if found}
    return folders.pop() if len(folders) == 1 and not any(told) else None
