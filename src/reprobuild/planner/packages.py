"""Where each recorded package comes from, or why it is left out: one treatment for each, none forgotten."""

from __future__ import annotations

import re

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.companions import variant_of_local
from reprobuild.catalog.torch_wheels import local_of, nightly_date
from reprobuild.plan import (
    DefaultIndex,
    Direct,
    Fidelity,
    FindLinks,
    Origin,
    PytorchFolder,
    Requirement,
)
from reprobuild.planner import grammar
from reprobuild.planner.direct import treat_direct
from reprobuild.planner.grouping import is_built_from_url
from reprobuild.planner.leftovers import leave_out
from reprobuild.planner.markers import is_meant, not_meant
from reprobuild.planner.ngc import provided
from reprobuild.planner.origin import Place, page_of, place_of, recorded_index
from reprobuild.planner.released_sources import is_released, with_version_of_path
from reprobuild.planner.rescue import replaced_by_rescue
from reprobuild.planner.source_build import prepared, prepared_from_url
from reprobuild.planner.sources import Sources
from reprobuild.planner.subject import Package
from reprobuild.planner.tensorflow import in_place_of_gpu_build
from reprobuild.planner.torch_question import TorchBuild, origin_words
from reprobuild.planner.treatment import Install, LeaveOut, Resolve, Treatment
from reprobuild.planner.unavailable import deleted, gone_nightly, on_no_index, unpublished, withdrawn

FOLLOWS_TORCH = frozenset({"torchvision", "torchaudio", "torchtext", "xformers"})
"""Projects on PyTorch's index that must be of torch's own variant, or their compiled part does not load."""

HEAVY = re.compile(
    r"torch|nvidia-(?!ml-py\d*$|pyindex$|smi$).*|triton|tensorflow(?:-cpu|-gpu)?|jaxlib|jax-cuda.*|cupy.*|vllm|bitsandbytes|mxnet.*|paddle.*"
)
"""Frameworks and CUDA libraries of the default index: hundreds of megabytes that rarely change.

NVIDIA publishes small tools under such names as well.
"""

_FRAMEWORKS = FOLLOWS_TORCH | {"torch", "jaxlib", "tensorflow-gpu"}
"""Names that the planner itself asks about."""

_CONDA_LABEL = re.compile(r"[0-9a-f]{7,40}|")
_COMMIT_LABEL = re.compile(r"(?:g|git)?[0-9a-f]{7,40}(?:\..*)?|d[0-9]{8}")
"""``+aeaaf25``, ``+g1a2b3c4.d20230101``: what builds from a repository add to the version that stands there."""


_PLAIN_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){0,5}(?:\.post[0-9]+)?")


def treat(package: Package, sources: Sources) -> Treatment:
    """What is done with one package. Raises RecordError where its origin holds text that fits no grammar."""
    if sources.is_plain and is_ordinary(package, sources.catalog):
        return _the_version(package, DefaultIndex(), sources.catalog)
    return treat_with_care(package, sources)


def is_ordinary(package: Package, catalog: Catalog) -> bool:
    """Whether nothing but its name and version is recorded of it, and no table knows anything about its name.

    Nine of ten packages of a record are: this answer spares them every question that would end in the same place.
    """
    each, name = package.distribution, package.canonical
    is_bare = each.marker is None and each.direct_url is None and each.index_url is None and each.conda is None
    return (
        is_bare
        and not package.tags
        and _PLAIN_VERSION.fullmatch(package.version_text or "") is not None
        and name not in _FRAMEWORKS
        and not catalog.companions.speaks_of(name)
        and not catalog.freeze_traps.speaks_of(name)
        and not catalog.sdist_traps.speaks_of(name)
    )


def treat_with_care(package: Package, sources: Sources) -> Treatment:
    """The same for a package of which anything else is known."""
    if not is_meant(package, sources.target):
        return not_meant(package)
    package = with_version_of_path(package, sources.catalog)
    container = sources.torch.container if sources.torch else None
    if container is not None and (found := provided(package, container)):
        return found
    left_out = deleted(package, sources.catalog) or leave_out(package, sources.catalog, sources.target)
    if left_out is not None:
        return left_out
    if stand_in := in_place_of_gpu_build(package, sources.subject, sources.system_cuda, sources.catalog):
        return stand_in
    if sources.torch is not None and (replaced := replaced_by_rescue(package, sources.torch)):
        return replaced
    if package.canonical == "torch" and sources.torch is not None:
        return _torch(package, sources.torch)
    checkout = sources.checkouts.get(package.canonical)
    was_rescued = sources.torch is not None and sources.torch.rescued_from is not None
    if sources.torch is not None and was_rescued and package.canonical in FOLLOWS_TORCH and package.version is not None:
        release = _release_of_label(package, package.version, sources) or package.version
        return _beside(package, release, sources.torch)
    direct = treat_direct(package, sources.target, sources.source, sources.catalog, checkout)
    if isinstance(direct, Install) and isinstance(direct.origin, Direct) and is_built_from_url(direct.requirement):
        return prepared_from_url(direct, package, sources.build)
    if direct is not None:
        return direct
    if package.version_text is None and container is not None:
        return LeaveOut(reason=f"the record tells no version of it, and {container.image} may bring it")
    if package.version_text is None:
        requirement = Requirement(name=package.name, line=package.name)
        return Resolve(requirement=requirement, reason="the record tells no version of it")
    if package.version is None:
        return LeaveOut(reason=f"{package.version_text} is no version that a package index can hold")
    return _on_an_index(package, package.version, sources)


def _on_an_index(package: Package, version: Version, sources: Sources) -> Treatment:
    """What became of a plain pin: the index that has it, or that none does."""
    place = place_of(package, sources)
    is_named = package.canonical in sources.indexes
    if place.row is not None and place.row.kind == "none" and not is_named:
        left_out = on_no_index(package, place.row.note or "no index has it")
        return _marked_wheel(package, version, place, sources) or left_out
    if version.is_devrelease and not (place.is_own or is_named):
        return gone_nightly(package) if nightly_date(str(version)) else unpublished(package)
    treatment = _from_index(package, version, place, sources)
    if isinstance(treatment, Install) and (known := withdrawn(package, sources.catalog)):
        treatment = msgspec.structs.replace(treatment, warning=known)
    if isinstance(treatment, Install) and not isinstance(treatment.origin, PytorchFolder | FindLinks):
        is_source = place.row is not None and place.row.kind == "source"
        return prepared(treatment, package, sources.build, is_source=is_source)
    return treatment


def _marked_wheel(package: Package, version: Version, place: Place, sources: Sources) -> Install | None:
    """The wheel of the project's own page, where the table knows that it has this version, marked with torch's build.

    ``detectron2.__version__`` is 0.6, and the wheel's own is 0.6+cu113.
    """
    if place.local or place.variant is None:
        return None
    marked = msgspec.structs.replace(package, version_text=f"{version}+{place.variant}")
    there = place_of(marked, sources)
    is_sure = there.row is not None and there.row.versions != "" and there.row.local not in ("", "*")
    page = page_of(marked, there, sources) if is_sure else None
    if page is None:
        return None
    return Install(
        origin=page,
        requirement=Requirement(name=package.name, line=marked.pin),
        fidelity=Fidelity.EQUIVALENT,
        difference=f"its project's wheel for torch's {place.variant} build; the record tells none, nor a commit",
        heavy=True,
    )


def _torch(package: Package, build: TorchBuild) -> Install:
    line = f"{package.name}=={build.version}"
    if build.version == package.version_text and package.hashes:
        line += hashes_of(package)
    return Install(
        origin=build.origin,
        requirement=Requirement(name=package.name, line=line),
        fidelity=build.fidelity,
        difference=None if build.fidelity is Fidelity.EXACT else build.reason,
        heavy=True,
    )


def hashes_of(package: Package) -> str:
    """``--hash`` options of the recorded files, empty where none is recorded, or that of a file of conda's."""
    if _of_build_machine(package):
        return ""
    return "".join(f" --hash={value}" for value in package.hashes)


def _from_index(package: Package, version: Version, place: Place, sources: Sources) -> Treatment:
    local = version.local
    release = _release_of_label(package, version, sources)
    followed = _following_torch(package, release or version, sources)
    if followed is not None:
        return followed
    if release is not None:
        requirement = Requirement(name=package.name, line=f"{package.name}=={release}")
        return _public_version(package, requirement, f"{version} is conda's label for {release}")
    if local and package.canonical not in sources.indexes:
        return _with_local(package, version, local, place, sources)
    origin = recorded_index(package, sources) or page_of(package, place, sources) or DefaultIndex()
    return _the_version(package, origin, sources.catalog)


def _the_version(package: Package, origin: Origin, catalog: Catalog) -> Install:
    """The very version, from the default index or the place that this package has instead."""
    builder = _other_builder(package, catalog)
    what = package.version_text if package.distribution.version is None else "it"
    given_way = f"{builder} build of {what} gives way to the same version from {origin_words(origin)}"
    return Install(
        origin=origin,
        requirement=Requirement(name=package.name, line=f"{package.name}=={package.version_text}{hashes_of(package)}"),
        fidelity=Fidelity.EQUIVALENT if builder else Fidelity.EXACT,
        difference=given_way if builder else None,
        heavy=bool(HEAVY.fullmatch(package.canonical)),
    )


def _other_builder(package: Package, catalog: Catalog) -> str | None:
    """Whose build the recorded one was, where it was no index's: conda's, the machine's, or the operating system's."""
    installer = (package.distribution.installer or "").lower()
    if package.distribution.conda is not None or installer == "conda":
        return "conda's"
    if _of_build_machine(package):
        return "the recorded machine's own" if is_released(package, catalog) else "conda's"
    return "the operating system's" if installer in ("debian", "apt", "dpkg", "rpm", "dnf") else None


def _of_build_machine(package: Package) -> bool:
    """Whether its URL is a path on the machine that it was built on; any other URL has been treated before."""
    return package.distribution.direct_url is not None


def _following_torch(package: Package, version: Version, sources: Sources) -> Install | None:
    """torchvision and its like are of torch's own variant where torch's had to be found out as well."""
    torch = sources.torch
    if package.canonical not in FOLLOWS_TORCH or torch is None or sources.torch_by_conda:
        return None
    if _lies_with_torch(package, version, torch, sources.catalog):
        requirement = Requirement(name=package.name, line=f"{package.name}=={package.version_text}")
        return Install(origin=torch.origin, requirement=requirement, fidelity=torch.fidelity, heavy=True)
    if page := _page_of_another_torch(package, version, sources):
        requirement = Requirement(name=package.name, line=f"{package.name}=={package.version_text}")
        return Install(origin=page, requirement=requirement, heavy=True)
    if torch.folder is None:
        return None
    recorded = sources.subject.find("torch")
    if version.local or (recorded is None and "torch.version" in sources.subject.inferred):
        return None
    # torch's own word carries a suffix whether its list did or not; only the list's tells where it came from.
    if (recorded is not None and local_of(recorded.version_text or "")) or _is_from_default_index(package):
        return None
    return _beside(package, version, torch)


def _lies_with_torch(package: Package, version: Version, torch: TorchBuild, catalog: Catalog) -> bool:
    """Whether a page of torch's own, as long-term support releases have one, holds this release of it too."""
    belonging = catalog.companions.belonging(torch.release.version).get(package.canonical)
    return isinstance(torch.origin, FindLinks) and belonging is not None and belonging.pick == version.public


def _page_of_another_torch(package: Package, version: Version, sources: Sources) -> FindLinks | None:
    """The page of long-term support where only that has this release, whatever torch stands beside it."""
    companions, target = sources.catalog.companions, sources.target
    if companions.release(package.canonical, version.public) is not None:
        return None
    for build in sources.catalog.torch_wheels.all_lts:
        own = companions.belonging(build.version).get(package.canonical)
        is_there = target.python_tag in build.pythons and f"linux_{target.machine}" in build.platforms
        if is_there and own is not None and own.pick == version.public:
            return FindLinks(url=build.find_links)
    return None


def _beside(package: Package, version: Version, torch: TorchBuild) -> Install:
    """The same version of torch's own variant, from torch's folder."""
    local = local_of(torch.version)
    wanted = f"{version.public}+{local}" if local else version.public
    told = package.version
    label = f"{told} is conda's label for {version}; " if told is not None and told.public != version.public else ""
    return Install(
        origin=PytorchFolder(folder=torch.folder or ""),
        requirement=Requirement(name=package.name, line=f"{package.name}=={wanted}"),
        fidelity=torch.fidelity,
        difference=f"{label}it has to be of torch's own variant, {torch.variant}",
        heavy=True,
    )


def _is_from_default_index(package: Package) -> bool:
    """A recorded hash names a file; another variant of it has another."""
    return bool(package.hashes)


def _is_conda_label(package: Package, version: Version) -> bool:
    """``torchvision==0.6.0a0+35d732a``, or ``0.8.0a0``: what conda's builds of a release call themselves."""
    is_alpha = version.pre is not None and version.pre[0] == "a"
    return package.canonical in FOLLOWS_TORCH and is_alpha and _CONDA_LABEL.fullmatch(version.local or "") is not None


def _release_of_label(package: Package, version: Version, sources: Sources) -> Version | None:
    """The release that a label of conda's names; None for any other version.

    Several releases of one line call themselves alike (0.8.0 to 0.8.2): that of the label's own number where it may
    stand beside this torch, else the one that belongs to torch, as also where there is none of that number.
    """
    if not _is_conda_label(package, version):
        return None
    release, torch, companions = version.base_version, sources.torch, sources.catalog.companions
    row = companions.release(package.canonical, release)
    belonging = companions.belonging(torch.release.version).get(package.canonical) if torch is not None else None
    if torch is None or belonging is None or (row is not None and row.goes_with(torch.release.version)):
        return Version(release)
    theirs = grammar.pep440(belonging.pick)
    is_of_line = theirs is not None and (row is None or theirs.release[:2] == version.release[:2])
    return theirs if is_of_line else Version(release)


def _with_local(package: Package, version: Version, local: str, place: Place, sources: Sources) -> Treatment:
    """A local version is on no default index: the project's own page has it, or its public version stands in."""
    pin = f"{package.name}=={package.version_text}"
    requirement = Requirement(name=package.name, line=pin + hashes_of(package))
    page = recorded_index(package, sources) or page_of(package, place, sources)
    if page is not None:
        return Install(origin=page, requirement=requirement, heavy=True)
    public = Requirement(name=package.name, line=f"{package.name}=={version.public}")
    is_of_commit = _COMMIT_LABEL.fullmatch(local) is not None
    is_known = sources.catalog.knows_project(package.canonical)
    if version.is_devrelease or version.is_prerelease or (is_of_commit and not is_known):
        return unpublished(package)
    why = f"+{local} is another builder's mark"
    if is_of_commit:
        why = f"it was built from a commit (+{local})"
    elif variant_of_local(local):
        why = f"no index is known that has its build for {local}"
    found = _public_version(package, public, why)
    if not is_known:
        doubt = f"{why}, and no table tells whether the default index has that project"
        return msgspec.structs.replace(found, fidelity=Fidelity.SUBSTITUTED, difference=doubt)
    is_another = is_of_commit or variant_of_local(local) is not None
    return msgspec.structs.replace(found, fidelity=Fidelity.SUBSTITUTED) if is_another else found


def _public_version(package: Package, requirement: Requirement, why: str) -> Install:
    return Install(
        origin=DefaultIndex(),
        requirement=requirement,
        fidelity=Fidelity.EQUIVALENT,
        difference=f"{why}, and the default index has that version without it",
        heavy=bool(HEAVY.fullmatch(package.canonical)),
    )
