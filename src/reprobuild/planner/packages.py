"""Where each recorded package comes from, or why it is left out: one treatment for each, none forgotten."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import assert_never

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.companions import PackageOrigin, torch_of_local, variant_of_local
from reprobuild.catalog.torch_wheels import local_of, nightly_date
from reprobuild.plan import (
    DefaultIndex,
    Direct,
    Fidelity,
    FindLinks,
    NamedIndex,
    Origin,
    PlanWarning,
    PytorchFolder,
    Requirement,
)
from reprobuild.planner import grammar
from reprobuild.planner.direct import treat_direct
from reprobuild.planner.grouping import is_built_from_url
from reprobuild.planner.leftovers import leave_out
from reprobuild.planner.ngc import provided
from reprobuild.planner.rescue import replaced_by_rescue
from reprobuild.planner.source_build import BuildContext, prepared, prepared_from_url
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.target import Target
from reprobuild.planner.torch_question import TorchBuild
from reprobuild.planner.treatment import Install, LeaveOut, Resolve, Treatment
from reprobuild.snapshot import DirectUrl, SourceFacts

FOLLOWS_TORCH = frozenset({"torchvision", "torchaudio", "torchtext", "xformers"})
"""Projects on PyTorch's index that must be of torch's own variant, or their compiled part does not load."""

HEAVY = re.compile(
    r"torch|nvidia-(?!ml-py\d*$|pyindex$|smi$).*|triton|tensorflow(?:-cpu|-gpu)?|jaxlib|jax-cuda.*|cupy.*|vllm|bitsandbytes|mxnet.*|paddle.*"
)
"""Frameworks and CUDA libraries of the default index: hundreds of megabytes that rarely change.

NVIDIA publishes small tools under such names as well.
"""

_PYTORCH_INDEX_URL = re.compile(r"https://download(?:-r2)?\.pytorch\.org/whl/([a-z0-9_.-]{2,40})/?")
_CONDA_LABEL = re.compile(r"[0-9a-f]{7,40}")


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """What the treatment of a package depends on besides itself."""

    subject: Subject
    target: Target
    torch: TorchBuild | None
    catalog: Catalog
    source: SourceFacts | None
    checkouts: Mapping[str, DirectUrl] = {}
    """Repositories of what was installed in place, by canonical name."""
    has_own_base: bool = False
    """Whether the user named the base."""

    @property
    def build(self) -> BuildContext:
        """What a build from source depends on."""
        return BuildContext(target=self.target, catalog=self.catalog, torch=self.torch, may_have_nvcc=self.has_own_base)


def treat(package: Package, sources: Sources) -> Treatment:
    """What is done with one package. Raises RecordError where its origin holds text that fits no grammar."""
    marker = package.distribution.marker
    if marker and not _marker_holds(marker, package, sources.target):
        return LeaveOut(reason="its marker says that it is not for this platform or Python", fidelity=Fidelity.EXACT)
    container = sources.torch.container if sources.torch else None
    if container is not None and (found := provided(package, container)):
        return found
    left_out = leave_out(package, sources.catalog)
    if left_out is not None:
        return left_out
    if sources.torch is not None and (replaced := replaced_by_rescue(package, sources.torch)):
        return replaced
    if package.canonical == "torch" and sources.torch is not None:
        return _torch(package, sources.torch)
    checkout = sources.checkouts.get(package.canonical)
    was_rescued = sources.torch is not None and sources.torch.rescued_from is not None
    if sources.torch is not None and was_rescued and package.canonical in FOLLOWS_TORCH and package.version is not None:
        return _beside(package, package.version, sources.torch)
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
    row, _, _ = _row_of(package, sources)
    if row is not None and row.kind == "none":
        return _on_no_index(package, row)
    has_own_page = row is not None and row.kind in ("find-links", "index")
    if package.version.is_devrelease and not has_own_page:
        return _gone_nightly(package) if nightly_date(package.version_text) else _unpublished(package)
    treatment = _from_index(package, package.version, sources)
    if isinstance(treatment, Install) and not isinstance(treatment.origin, PytorchFolder | FindLinks):
        return prepared(treatment, package, sources.build)
    return treatment


def _marker_holds(text: str, package: Package, target: Target) -> bool:
    marker = grammar.marker(text, f"{package.path}.marker")
    major, minor = target.python_minor
    environment = {
        "implementation_name": "cpython",
        "implementation_version": target.python,
        "os_name": "posix",
        "platform_machine": target.machine,
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "Linux",
        "platform_version": "",
        "python_full_version": target.python,
        "python_version": f"{major}.{minor}",
        "sys_platform": "linux",
        "extra": "",
    }
    return marker.evaluate(environment)


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
    """``--hash`` options of the recorded files, empty where none is recorded."""
    return "".join(f" --hash={value}" for value in package.hashes)


def _from_index(package: Package, version: Version, sources: Sources) -> Treatment:
    local = version.local or ""
    pin = f"{package.name}=={package.version_text}"
    followed = _following_torch(package, version, sources)
    if followed is not None:
        return followed
    if local:
        return _with_local(package, version, local, sources)
    builder = _other_builder(package)
    return Install(
        origin=_recorded_index(package) or _page_of(package, sources) or DefaultIndex(),
        requirement=Requirement(name=package.name, line=pin + hashes_of(package)),
        fidelity=Fidelity.EQUIVALENT if builder else Fidelity.EXACT,
        difference=f"{builder} build of it gives way to the same version from the default index" if builder else None,
        heavy=bool(HEAVY.fullmatch(package.canonical)),
    )


def _other_builder(package: Package) -> str | None:
    """Whose build the recorded one was, where it was no index's: conda's, or the operating system's."""
    installer = (package.distribution.installer or "").lower()
    if package.distribution.conda is not None or installer == "conda":
        return "conda's"
    return "the operating system's" if installer in ("debian", "apt", "dpkg", "rpm", "dnf") else None


def _recorded_index(package: Package) -> Origin | None:
    """The index that a lock file names for it, where it is PyTorch's. Others follow the default index."""
    text = package.distribution.index_url
    if not text:
        return None
    url = grammar.url(text, f"{package.path}.index_url", grammar.WEB_SCHEMES)
    found = _PYTORCH_INDEX_URL.fullmatch(url)
    return PytorchFolder(folder=found.group(1)) if found else None


def _following_torch(package: Package, version: Version, sources: Sources) -> Install | None:
    """torchvision and its like are of torch's own variant where torch's had to be found out as well."""
    torch = sources.torch
    if package.canonical not in FOLLOWS_TORCH or torch is None:
        return None
    if _lies_with_torch(package, version, torch, sources.catalog):
        requirement = Requirement(name=package.name, line=f"{package.name}=={package.version_text}")
        return Install(origin=torch.origin, requirement=requirement, fidelity=torch.fidelity, heavy=True)
    if torch.folder is None:
        return None
    recorded = sources.subject.find("torch")
    if recorded is None or version.local:
        return None
    if local_of(recorded.version_text or "") or _is_from_default_index(package):
        return None
    return _beside(package, version, torch)


def _lies_with_torch(package: Package, version: Version, torch: TorchBuild, catalog: Catalog) -> bool:
    """Whether a page of torch's own, as long-term support releases have one, holds this release of it too."""
    belonging = catalog.companions.belonging(torch.release.version).get(package.canonical)
    return isinstance(torch.origin, FindLinks) and belonging is not None and belonging.pick == version.public


def _beside(package: Package, version: Version, torch: TorchBuild) -> Install:
    """The same version of torch's own variant, from torch's folder."""
    local = local_of(torch.version)
    wanted = f"{version.public}+{local}" if local else version.public
    return Install(
        origin=PytorchFolder(folder=torch.folder or ""),
        requirement=Requirement(name=package.name, line=f"{package.name}=={wanted}"),
        fidelity=torch.fidelity,
        difference=f"it has to be of torch's own variant, {torch.variant}",
        heavy=True,
    )


def _is_from_default_index(package: Package) -> bool:
    """A recorded hash names a file; another variant of it has another."""
    return bool(package.hashes)


def _with_local(package: Package, version: Version, local: str, sources: Sources) -> Treatment:
    """A local version is on no default index: the project's own page has it, or its public version stands in."""
    pin = f"{package.name}=={package.version_text}"
    requirement = Requirement(name=package.name, line=pin + hashes_of(package))
    page = _page_of(package, sources)
    if page is not None:
        return Install(origin=page, requirement=requirement, heavy=True)
    public = Requirement(name=package.name, line=f"{package.name}=={version.public}")
    is_label = package.canonical in FOLLOWS_TORCH and _CONDA_LABEL.fullmatch(local) and version.is_prerelease
    if is_label:
        final = f"{package.name}=={version.base_version}"
        return _public_version(package, Requirement(name=package.name, line=final), f"+{local} is conda's label for it")
    if version.is_devrelease or version.is_prerelease:
        return _unpublished(package)
    if variant_of_local(local):
        found = _public_version(package, public, f"no index is known that has its build for {local}")
        return msgspec.structs.replace(found, fidelity=Fidelity.SUBSTITUTED)
    return _public_version(package, public, f"+{local} is another builder's mark")


def _on_no_index(package: Package, row: PackageOrigin) -> LeaveOut:
    return LeaveOut(
        reason=row.note or "no index has it",
        warning=PlanWarning(
            code="not-installable",
            message=f"{package.pin} can't be installed as recorded: {row.note or 'no index has it'}",
            hint="put the repository and commit it was built from into the record (NAME @ git+URL@COMMIT)",
        ),
    )


def _gone_nightly(package: Package) -> LeaveOut:
    return LeaveOut(
        reason=f"{package.version_text} is a nightly build, and indexes keep those for weeks only",
        warning=PlanWarning(
            code="nightly-gone",
            message=f"{package.pin} is a nightly build, which no index keeps, so the image does not hold it",
            hint="put the release that followed into the record",
        ),
    )


def _unpublished(package: Package) -> LeaveOut:
    return LeaveOut(
        reason=f"{package.version_text} was built from source, and no index has it",
        warning=PlanWarning(
            code="unpublished-version",
            message=f"{package.pin} was built from source, so the image does not hold it",
            hint="record the repository and commit it was built from",
        ),
    )


def _public_version(package: Package, requirement: Requirement, why: str) -> Install:
    return Install(
        origin=DefaultIndex(),
        requirement=requirement,
        fidelity=Fidelity.EQUIVALENT,
        difference=f"{why}, and the default index has that version without it",
        heavy=bool(HEAVY.fullmatch(package.canonical)),
    )


def _pytorch_folder(row: PackageOrigin, local: str, sources: Sources) -> PytorchFolder | None:
    """The folder that a suffix names; torch's own for what only PyTorch's index has, with or without suffix."""
    if local:
        return PytorchFolder(folder=local) if local in sources.catalog.torch_wheels.folders else None
    if row.local:
        return None
    if row.name.endswith("-xpu"):
        return PytorchFolder(folder="xpu")
    own = sources.torch.folder if sources.torch and sources.torch.kind != "cpu" else None
    return PytorchFolder(folder=own) if own else None


def _row_of(package: Package, sources: Sources) -> tuple[PackageOrigin | None, str | None, str | None]:
    """The table's row for it, and the torch and the variant that it is looked up beside."""
    local = local_of(package.version_text or "")
    variant = variant_of_local(local) or (sources.torch.variant if sources.torch else None)
    torch = torch_of_local(local) or (sources.torch.release.version if sources.torch else None)
    row = sources.catalog.companions.origin(package.canonical, package.version_text, torch=torch, variant=variant)
    return row, torch, variant


def _page_of(package: Package, sources: Sources) -> Origin | None:
    """Where this project publishes this version beside the default index; None where nobody is known to."""
    local = local_of(package.version_text or "")
    if package.canonical == "jaxlib":
        page = sources.catalog.jax.find_links(package.version_text or "")
        return FindLinks(url=page) if page else None
    row, torch, variant = _row_of(package, sources)
    if row is None:
        return None
    match row.kind:
        case "pytorch":
            return _pytorch_folder(row, local, sources)
        case "find-links" | "index":
            url = row.address(torch=torch, variant=variant, python=sources.target.python, version=package.version_text)
            if url is None:
                return None
            return FindLinks(url=url) if row.kind == "find-links" else NamedIndex(url=url)
        case "source" | "default" | "none":
            return None
        case never:
            assert_never(never)
