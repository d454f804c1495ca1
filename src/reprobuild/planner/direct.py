"""Packages that came from a URL instead of an index (PEP 610): version control, archives, local folders."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

import msgspec
from packaging.tags import Tag
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from reprobuild.catalog import Catalog
from reprobuild.plan import Direct, Fidelity, PlanWarning, PytorchFolder, Requirement
from reprobuild.planner import grammar
from reprobuild.planner.released_sources import is_conda_build_path, is_released
from reprobuild.planner.subject import Package
from reprobuild.planner.target import Target
from reprobuild.planner.treatment import Install, LeaveOut, Treatment
from reprobuild.snapshot import DirectUrl, SourceFacts

PUBLIC_GIT_HOSTS = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})
"""Hosts whose repositories, when public, are read over HTTPS without a key."""

_PYTORCH_FILE = re.compile(r"https://download(?:-r2)?\.pytorch\.org/whl/([a-z0-9_.-]{2,40})/[^/]+\.whl")
_RENAMED = {"UV_SKIP_WHEEL_FILENAME_CHECK": "1"}
_SCP_LIKE = re.compile(r"git@([A-Za-z0-9.-]{1,250}):(?!//)([A-Za-z0-9._~/-]{1,500})")


def treat_direct(
    package: Package,
    target: Target,
    source: SourceFacts | None,
    catalog: Catalog,
    checkout: DirectUrl | None = None,
) -> Treatment | None:
    """The treatment of a package with a URL of its own; None for a local build that an index may have as well.

    ``checkout`` is the repository that the record's list names for a package that was installed in place.
    A file URL that conda's build machine left behind says nothing of the origin: it is treated as an index package.
    """
    direct = package.distribution.direct_url
    if direct is None:
        return None
    path = f"{package.path}.direct_url"
    if direct.vcs_info is not None:
        return _version_control(package, direct, path)
    if _is_local(direct):
        return _local(package, direct, path, source, catalog, checkout)
    return _archive(package, direct, path, target)


def _version_control(package: Package, direct: DirectUrl, path: str) -> Treatment:
    assert direct.vcs_info is not None
    if direct.vcs_info.vcs != "git":
        kind = grammar.token(direct.vcs_info.vcs, f"{path}.vcs_info.vcs")
        return LeaveOut(reason=f"it came from a {kind} repository, which the recipe can't install from")
    if direct.url.startswith(("file:", "git+file:", "/", ".", "~")):
        return LeaveOut(
            reason="it came from a git repository on the recorded machine",
            warning=_local_warning(package),
        )
    url = _repository(direct.url, f"{path}.url")
    if url is None:
        return LeaveOut(
            reason="its repository needs an SSH key, and a recipe holds no keys",
            warning=PlanWarning(
                code="needs-key",
                message=f"{package.name}: its repository is only reachable with an SSH key",
                hint="install it in an image built on top, or record it from an HTTPS remote",
            ),
        )
    return _at_revision(package, direct, url, path)


def _at_revision(package: Package, direct: DirectUrl, url: str, path: str) -> Install:
    """The recorded commit where there is one, else the recorded branch or tag, else whatever is there."""
    assert direct.vcs_info is not None
    commit, wanted = direct.vcs_info.commit_id, direct.vcs_info.requested_revision
    fidelity, difference, warning = Fidelity.EXACT, None, None
    if commit:
        at = "@" + grammar.commit(commit, f"{path}.vcs_info.commit_id")
    else:
        at = "@" + grammar.revision(wanted, f"{path}.vcs_info.requested_revision") if wanted else ""
        named = f"revision {wanted}" if wanted else "no revision"
        fidelity, difference = Fidelity.SUBSTITUTED, f"the record names {named} and no commit"
        warning = PlanWarning(
            code="unpinned-repository",
            message=f"{package.name}: {difference}, so another build may take other code",
            hint="put the commit into the record",
        )
    return Install(
        origin=Direct(),
        requirement=Requirement(name=package.name, line=f"{package.name} @ {url}{at}{_fragment(direct, path)}"),
        fidelity=fidelity,
        difference=difference,
        needs_git=True,
        needs_compiler=package.is_pure is not True,
        warning=warning,
    )


def _repository(text: str, path: str) -> str | None:
    """``git+https://...`` of a repository; None when only SSH reaches it."""
    scp_like = _SCP_LIKE.fullmatch(text.removeprefix("git+").removeprefix("ssh://"))
    if scp_like:
        text = f"ssh://git@{scp_like.group(1)}/{scp_like.group(2)}"
    bare = text.removeprefix("git+")
    if bare.startswith("git://"):
        bare = "https" + bare.removeprefix("git")
    url = grammar.url(bare, path, frozenset({"http", "https", "ssh"}))
    if not url.startswith("ssh://"):
        return f"git+{url}"
    parts = urlsplit(url)
    return f"git+https://{parts.hostname}{parts.path}" if parts.hostname in PUBLIC_GIT_HOSTS else None


def _fragment(direct: DirectUrl, path: str) -> str:
    if not direct.subdirectory:
        return ""
    return "#subdirectory=" + grammar.directory(direct.subdirectory, f"{path}.subdirectory")


def _is_local(direct: DirectUrl) -> bool:
    """A file URL, or the bare path that an editable line of a list holds."""
    return direct.url.startswith(("file:", "/", ".", "~")) or direct.dir_info is not None or direct.url[1:3] == ":\\"


def _local(
    package: Package,
    direct: DirectUrl,
    path: str,
    source: SourceFacts | None,
    catalog: Catalog,
    checkout: DirectUrl | None,
) -> Treatment | None:
    if package.distribution.conda is not None or package.distribution.installer == "conda":
        return None
    if is_conda_build_path(package, direct.url, catalog):
        return None
    if checkout is not None and _is_checkout(direct, checkout):
        return _in_place(package, direct, checkout)
    published = _published_checkout(package, direct, path, source)
    if published is not None:
        return published
    if is_released(package, catalog):
        return None
    kind = "folder" if direct.dir_info is not None else "file"
    editable = direct.dir_info is not None and direct.dir_info.editable
    reason = f"it was installed {'in place ' if editable else ''}from a {kind} of the recorded machine"
    return LeaveOut(reason=reason, warning=_local_warning(package))


def _is_checkout(direct: DirectUrl, checkout: DirectUrl) -> bool:
    """Whether the list and the metadata tell of the same commit, installed in place."""
    folder, repository = direct.dir_info, checkout.vcs_info
    if folder is None or repository is None or not folder.editable:
        return False
    return folder.commit_id in (None, repository.commit_id)


def _in_place(package: Package, direct: DirectUrl, checkout: DirectUrl) -> Treatment:
    """The same commit of the same repository. A clone with changes that no commit holds is told apart."""
    treatment = _version_control(package, checkout, "pip_freeze")
    dirty = direct.dir_info is not None and direct.dir_info.dirty
    if isinstance(treatment, Install) and dirty:
        difference = "the recorded checkout had changes that no commit holds"
        return msgspec.structs.replace(treatment, fidelity=Fidelity.SUBSTITUTED, difference=difference)
    return treatment


def _published_checkout(package: Package, direct: DirectUrl, path: str, source: SourceFacts | None) -> Install | None:
    """A local checkout whose commit and remote are recorded is as good as version control."""
    folder = direct.dir_info
    if folder is None or source is None or not folder.commit_id or not source.remote:
        return None
    if source.commit != folder.commit_id:
        return None
    url = _repository(source.remote, "source.remote")
    if url is None:
        return None
    commit = grammar.commit(folder.commit_id, f"{path}.dir_info.commit_id")
    dirty = folder.dirty is not False
    return Install(
        origin=Direct(),
        requirement=Requirement(name=package.name, line=f"{package.name} @ {url}@{commit}{_fragment(direct, path)}"),
        fidelity=Fidelity.SUBSTITUTED if dirty else Fidelity.EXACT,
        difference="the recorded checkout had changes that no commit holds" if dirty else None,
        needs_git=True,
        needs_compiler=package.is_pure is not True,
    )


def _local_warning(package: Package) -> PlanWarning:
    return PlanWarning(
        code="local-package",
        message=f"{package.pin} exists only on the recorded machine, so the image does not hold it",
        hint="publish it, or copy it into an image built on top of this one",
    )


def _archive(package: Package, direct: DirectUrl, path: str, target: Target) -> Treatment:
    url = grammar.url(direct.url.partition("#")[0], f"{path}.url", grammar.WEB_SCHEMES)
    digest = _digest(direct, path)
    file_name = unquote(urlsplit(url).path.rpartition("/")[2])
    if not file_name.endswith(".whl"):
        line = f"{package.name} @ {url}{_archive_fragment(direct, digest, path)}"
        return Install(
            origin=Direct(),
            requirement=Requirement(name=package.name, line=line),
            needs_compiler=package.is_pure is not True,
        )
    refusal = _wheel_refusal(file_name, package, target)
    if refusal is not None:
        return LeaveOut(reason=refusal)
    if found := _PYTORCH_FILE.fullmatch(url):
        return _pytorch_file(package, file_name, found.group(1), digest)
    line = f"{package.name} @ {url}{_archive_fragment(direct, digest, path)}"
    return Install(
        origin=Direct(),
        requirement=Requirement(name=package.name, line=line),
        build_environment=_RENAMED if _is_renamed(file_name, package) else {},
    )


def _is_renamed(file_name: str, package: Package) -> bool:
    """Whether the file's name tells more than the metadata in it, which uv refuses unless it is told not to look.

    flash-attn and its like write CUDA, torch and ABI into the names of their wheels only.
    """
    _, version, _, _ = parse_wheel_filename(file_name)
    is_told = package.version is not None and package.distribution.metadata_format is not None
    return version.local is not None and not (is_told and package.version == version)


def _pytorch_file(package: Package, file_name: str, folder: str, digest: str | None) -> Install:
    """A wheel of PyTorch's own folders: the folder is named instead of the file, so that a mirror serves it."""
    _, version, _, _ = parse_wheel_filename(file_name)
    hashes = f" --hash={digest}" if digest else ""
    return Install(
        origin=PytorchFolder(folder=folder),
        requirement=Requirement(name=package.name, line=f"{package.name}=={version}{hashes}"),
        heavy=True,
    )


def _wheel_refusal(file_name: str, package: Package, target: Target) -> str | None:
    """Why a wheel can't be installed into the image; None when it can."""
    try:
        name, _, _, tags = parse_wheel_filename(file_name)
    except InvalidWheelFilename:
        return "its URL ends in something that is no wheel's name"
    if canonicalize_name(name) != package.canonical:
        return "its URL leads to a wheel of another name"
    if not any(_fits(tag, target) for tag in tags):
        return f"its wheel is for another Python or platform than CPython {target.python} on {target.platform}"
    return None


def _fits(tag: Tag, target: Target) -> bool:
    """Python and platform only: whether the glibc is new enough is the base image's question."""
    on_linux = tag.platform == "any" or (
        tag.platform.startswith(("linux_", "manylinux")) and tag.platform.endswith(target.machine)
    )
    major, minor = target.python_minor
    digits = re.fullmatch(r"(?:cp|py)(\d)(\d{0,2})", tag.interpreter)
    if digits is None or int(digits.group(1)) != major:
        return False
    told = int(digits.group(2)) if digits.group(2) else None
    if tag.abi.startswith("cp") and tag.abi.endswith("t") != target.free_threaded:
        return False
    exact_only = tag.abi not in ("abi3", "none")
    return on_linux and (told is None or told == minor or (not exact_only and told < minor))


def _digest(direct: DirectUrl, path: str) -> str | None:
    """The strongest recorded SHA-2 digest; weaker ones are no proof and are passed over."""
    hashes = direct.archive_info.hashes if direct.archive_info else {}
    for algorithm in ("sha256", "sha384", "sha512"):
        if algorithm in hashes:
            value = f"{algorithm}:{hashes[algorithm]}"
            return grammar.file_hash(value, f"{path}.archive_info.hashes.{algorithm}")
    return None


def _archive_fragment(direct: DirectUrl, digest: str | None, path: str) -> str:
    parts = [digest.replace(":", "=")] if digest else []
    if direct.subdirectory:
        parts.append("subdirectory=" + grammar.directory(direct.subdirectory, f"{path}.subdirectory"))
    return "#" + "&".join(parts) if parts else ""
