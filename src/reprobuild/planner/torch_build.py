"""Which published build of torch the record means: release, variant, and the origin that has it."""

from __future__ import annotations

import re

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.torch_wheels import PypiWheels, TorchRelease, TorchVariant, local_of, nightly_date
from reprobuild.errors import PlanError
from reprobuild.plan import Fact, Fidelity, PlanWarning
from reprobuild.planner import grammar
from reprobuild.planner.ngc import containers_of, torch_of
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.target import Target
from reprobuild.planner.torch_elsewhere import torch_elsewhere
from reprobuild.planner.torch_question import (
    TorchBuild,
    TorchQuestion,
    by_cuda,
    from_folder,
    no_wheel,
    nvidia_pin,
    others,
    recorded_cudnn,
)

_CONDA_CUDA = re.compile(r"cuda_?([0-9]{1,2})\.?([0-9])")
_CONDA_CPU = re.compile(r"(?:^|_)cpu(?:_|$)")
_PYTORCH_FOLDER = re.compile(r"https://download(?:-r2)?\.pytorch\.org/whl/([a-z0-9_.-]{2,40})(?:/|$)")
_JETSON = re.compile(r"[+.]nv[0-9]{2}\.[0-9]{1,2}")
_FULL_WHEELS_SINCE = Version("2.2")
"""From here on ordinary CUDA wheels need the ``nvidia-*`` wheels; only ``*_full`` ones bring CUDA inside."""


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
    return _decided(told, package, subject, target, catalog) if told else None


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
        release=_release(told, catalog, package),
        told=told,
        default_cuda=_default_cuda(told, target, catalog),
    )
    named = _from_named_folder(question)
    if named is not None:
        return named
    if local_of(told):
        return _with_suffix(question, local_of(told))
    return _without_suffix(question)


def _default_cuda(told: str, target: Target, catalog: Catalog) -> str | None:
    """The CUDA of the default index's wheel of the release, without its ``.postN``."""
    final = grammar.pep440(told)
    wheels = catalog.torch_wheels.pypi(final.base_version, f"linux_{target.machine}") if final else None
    return wheels.cuda if wheels else None


def _release(told: str, catalog: Catalog, package: Package | None) -> TorchRelease:
    path = f"{package.path}.version" if package else "torch.version"
    version = grammar.release(told, path)
    if nightly_date(told):
        raise _gone(
            f"torch {told} is a nightly build, and PyTorch's index keeps those for about two months", catalog, told
        )
    release = catalog.torch_wheels.release(str(version.public))
    if release is not None:
        return release
    if version.pre is not None and version.pre[0] == "rc":
        final = version.base_version
        raise _gone(f"torch {told} names a release candidate, and PyTorch publishes those as {final}", catalog, told)
    if version.is_prerelease and (local_of(told) or _JETSON.search(told)):
        maker = "by NVIDIA for its Jetson boards" if _JETSON.search(told) else "from source or by a vendor"
        raise _gone(f"torch {told} was built {maker}, and no index has it", catalog, told)
    known = catalog.torch_wheels.releases
    nearest = min(known, key=lambda each: (abs(_distance(version, Version(each.version))), each.version))
    raise PlanError(
        f"torch {told} is not a release that the tables know (as of {catalog.date})",
        hint=f"the nearest known release is {nearest.version}; a newer reprobuild may know this one",
    )


def _gone(message: str, catalog: Catalog, told: str) -> PlanError:
    following = catalog.torch_wheels.following(told)
    hint = (
        f"the release that followed is {following.version}: put it into the record to plan with it"
        if following
        else None
    )
    return PlanError(message, hint=hint)


def _distance(one: Version, other: Version) -> int:
    weights = (10_000, 100, 1)
    pairs = zip(weights, (*one.release, 0, 0), (*other.release, 0, 0), strict=False)
    return abs(sum(weight * (left - right) for weight, left, right in pairs))


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


def _with_suffix(question: TorchQuestion, local: str) -> TorchBuild:
    """``torch==2.1.0+cu121``: the suffix names the build, and only PyTorch's index has such versions."""
    found = [each for each in question.published if each.local == local]
    if not found:
        return _foreign_suffix(question, local)
    full = [each for each in found if each.is_full]
    ordinary = [each for each in found if not each.is_full]
    variant = full[0] if full and (not ordinary or _brings_cuda_inside(question)) else ordinary[0]
    reason = f"torch {question.told} carries the suffix +{local}, which only PyTorch's {variant.folder} index has"
    if variant.is_full:
        reason += "; no nvidia-* wheel stands beside it, so it is the build that brings CUDA inside"
    return from_folder(question, variant, reason)


def _brings_cuda_inside(question: TorchQuestion) -> bool:
    newer = Version(question.release.version) >= _FULL_WHEELS_SINCE
    return newer and question.subject.is_deep and nvidia_pin(question.subject) is None


def _foreign_suffix(question: TorchQuestion, local: str) -> TorchBuild:
    """A suffix that no wheel of this release, Python and platform has: another builder's, or another platform's."""
    elsewhere = [each for each in question.release.variants if each.local == local]
    if elsewhere and any(each.offers(None, question.platform) for each in elsewhere):
        raise no_wheel(question)
    if question.subject.torch_hip:
        return _by_rocm(question, question.subject.torch_hip)
    told_cuda = question.subject.torch_cuda or question.subject.loose_cuda
    cuda = told_cuda or _cuda_of_folder(elsewhere) or _cuda_of_suffix(local)
    told_cpu = question.subject.torch_read_from_files
    if cuda is None and not elsewhere and not told_cpu and question.pypi is not None:
        return _instead_of_foreign(question, question.pypi)
    variant = by_cuda(question, cuda)
    if variant is None:
        raise no_wheel(question)
    reason = (
        f"torch {question.told} is a build that no public index has for {question.target.platform}; "
        f"{variant.published_version} is the nearest published build of the same release"
    )
    return from_folder(question, variant, reason, Fidelity.SUBSTITUTED)


def _instead_of_foreign(question: TorchQuestion, wheel: PypiWheels) -> TorchBuild:
    """Another builder's torch of which not even the CUDA is known: the release's default build."""
    plain = msgspec.structs.replace(question, told=question.release.version)
    build = _from_default_index(plain, wheel)
    reason = (
        f"torch {question.told} is a build that no public index has; {question.release.version} of the default "
        f"index ({f'CUDA {wheel.cuda}' if wheel.cuda else 'no CUDA'}) is the same release"
    )
    return msgspec.structs.replace(build, reason=reason, fidelity=Fidelity.SUBSTITUTED)


def _cuda_of_suffix(local: str) -> str | None:
    """The CUDA that a suffix speaks of, although no build of this release carries it."""
    found = re.fullmatch(r"cu([0-9]{1,2})([0-9])", local)
    return f"{found.group(1)}.{found.group(2)}" if found else None


def _cuda_of_folder(variants: list[TorchVariant]) -> str | None:
    return next((each.cuda for each in variants if each.cuda), None)


def _without_suffix(question: TorchQuestion) -> TorchBuild:
    """``torch==2.1.0``: the default index's wheel, unless other evidence names another build."""
    conda = _conda_build(question)
    if conda is not None:
        return conda
    if question.subject.system not in (None, "Linux"):
        return _from_another_system(question)
    if question.subject.torch_hip and not question.own_local:
        return _by_rocm(question, question.subject.torch_hip)
    wheel = question.pypi
    own_local, cuda = question.own_local, question.subject.torch_cuda
    if own_local and (wheel is None or local_of(wheel.torch_version or "") != own_local):
        build = _with_suffix(question, own_local)
        reason = f"torch calls itself {question.subject.torch_version}: {build.reason}"
        return msgspec.structs.replace(build, reason=reason)
    if cuda is not None and (wheel is None or wheel.cuda != cuda):
        return _by_told_cuda(question, cuda)
    if cuda is None and _told_cpu(question) and wheel is not None and wheel.cuda:
        return _cpu(question, "the record says that torch was built without CUDA")
    if wheel is None:
        return _without_wheel(question)
    return _from_default_index(question, wheel)


def _told_cpu(question: TorchQuestion) -> bool:
    """A deep record reads torch's version file: no CUDA there means none. A list's silence means nothing."""
    return question.subject.torch_read_from_files and not question.subject.torch_hip and not question.own_local


def _conda_build(question: TorchQuestion) -> TorchBuild | None:
    """conda's own build of torch: its build string tells the CUDA, and the nearest wheel is another build."""
    package = question.package
    conda = package.distribution.conda if package else None
    if package is None or (conda is None and package.distribution.installer != "conda"):
        return None
    build = grammar.printable(conda.build, f"{package.path}.conda.build") if conda and conda.build else ""
    found = _CONDA_CUDA.search(build)
    cuda = question.subject.torch_cuda or (f"{found.group(1)}.{found.group(2)}" if found else None)
    if cuda is None and not _CONDA_CPU.search(build):
        cuda = question.subject.loose_cuda
    variant = by_cuda(question, cuda)
    if variant is None:
        raise no_wheel(question)
    exact_cuda = variant.cuda == cuda
    told = f" for CUDA {cuda}" if cuda else " for the CPU"
    reason = f"conda installed torch {question.told}{told}; {variant.published_version} is the wheel of that release"
    fidelity = Fidelity.EQUIVALENT if exact_cuda else Fidelity.SUBSTITUTED
    return from_folder(question, variant, reason if exact_cuda else f"{reason} for CUDA {variant.cuda}", fidelity)


def _from_another_system(question: TorchQuestion) -> TorchBuild:
    """macOS and Windows wheels say nothing of CUDA; what ran there without CUDA gets the CPU's wheel on Linux."""
    cuda = question.subject.torch_cuda or question.subject.loose_cuda
    if cuda is None:
        return _cpu(question, f"the run was made on {question.subject.system} without CUDA")
    return _by_told_cuda(question, cuda)


def _by_told_cuda(question: TorchQuestion, cuda: str) -> TorchBuild:
    variant = by_cuda(question, cuda)
    if variant is None:
        raise no_wheel(question)
    if variant.cuda == cuda:
        plain = variant.local == ""
        reason = f"torch {question.told} was built for CUDA {cuda}, and PyTorch's {variant.folder} index has that build"
        return from_folder(question, variant, reason, Fidelity.EXACT if plain else Fidelity.EQUIVALENT)
    reason = (
        f"torch {question.told} was built for CUDA {cuda}, for which no wheel was published; "
        f"CUDA {variant.cuda} is the nearest lower one that was"
    )
    return from_folder(question, variant, reason, Fidelity.SUBSTITUTED)


def _by_rocm(question: TorchQuestion, hip: str) -> TorchBuild:
    """A torch that somebody built against ROCm: the published build for that ROCm, or for the next lower one."""
    wanted = Version(".".join(hip.split(".")[:2]))
    built = [each for each in question.published if each.rocm and Version(each.rocm) <= wanted]
    if not built:
        raise no_wheel(question)
    variant = max(built, key=lambda each: (Version(each.rocm or "0"), not each.is_full))
    reason = f"torch {question.told} was built for ROCm {wanted}, and no public index has that build"
    if Version(variant.rocm or "0") == wanted:
        same = f"{reason}; {variant.published_version} is the published one for the same ROCm"
        return from_folder(question, variant, same, Fidelity.EQUIVALENT)
    nearest = f"{reason}; {variant.published_version} is of the nearest lower ROCm that one was published for"
    return from_folder(question, variant, nearest, Fidelity.SUBSTITUTED)


def _cpu(question: TorchQuestion, why: str) -> TorchBuild:
    same_system = question.subject.system in (None, "Linux")
    fidelity = Fidelity.EQUIVALENT if same_system else Fidelity.SUBSTITUTED
    if question.pypi is not None and question.pypi.cuda is None:
        build = _from_default_index(question, question.pypi)
        reason = f"{why}, and the default index's torch {build.version} has none for {question.target.platform}"
        return msgspec.structs.replace(build, reason=reason, fidelity=fidelity)
    variant = by_cuda(question, None)
    if variant is None:
        raise no_wheel(question)
    if same_system and not variant.local and not local_of(question.told):
        fidelity = Fidelity.EXACT
    reason = f"{why}, so torch {variant.published_version} of PyTorch's {variant.folder} index is the one for it"
    return from_folder(question, variant, reason, fidelity)


def _without_wheel(question: TorchQuestion) -> TorchBuild:
    """Nothing on the default index and no suffix: the plain wheel of PyTorch's index, in the folder of its CUDA.

    Where the record tells no CUDA, that of the default index's wheel of the same release (a ``.post2`` has none).
    """
    plain = [each for each in question.published if not each.local]
    loose = question.subject.loose_cuda
    fitting = [each for each in plain if loose is None or each.cuda == loose] or plain
    if not fitting:
        raise no_wheel(question)
    usual = question.default_cuda
    variant = max(fitting, key=lambda each: (each.cuda is not None and each.cuda == usual, Version(each.cuda or "0")))
    reason = (
        f"torch {question.told} is not on the default index for this Python; PyTorch's {variant.folder} index has it"
    )
    build = from_folder(question, variant, reason)
    if loose is not None or len({each.cuda for each in fitting}) == 1:
        return build
    warning = PlanWarning(
        code="variant-inferred",
        message=f"the record does not tell which build of torch {question.told} it was; "
        f"that of PyTorch's {variant.folder} index is taken",
        hint="put torch's CUDA (torch.version.cuda) into the record where you know it",
    )
    return msgspec.structs.replace(build, warnings=(*build.warnings, warning))


def _from_default_index(question: TorchQuestion, wheel: PypiWheels) -> TorchBuild:
    subject, version = question.subject, question.release.version
    plain_folder = _plain_folder(question, wheel)
    if plain_folder is not None:
        return plain_folder
    cuda = f"CUDA {wheel.cuda}" if wheel.cuda else "no CUDA"
    reason = f"torch {question.told} without suffix is the wheel of the default index, which was built for {cuda}"
    facts = [
        Fact(name=f"torch {version} on the default index", value=cuda, source="torch_wheels", certainty="observed")
    ]
    warnings: list[PlanWarning] = []
    pin = nvidia_pin(subject)
    if question.own_local or subject.torch_cuda:
        facts.append(subject.fact("torch.version", subject.torch_version or question.told))
    elif pin is not None:
        facts.append(subject.fact(pin.path, pin.pin))
    elif wheel.cuda:
        warnings.append(_inferred_variant(question, wheel))
    return TorchBuild(
        release=question.release,
        version=question.told,
        kind="cuda" if wheel.cuda else "cpu",
        cuda=wheel.cuda,
        cudnn=recorded_cudnn(subject) or wheel.cudnn,
        variant=wheel.variant or ("cpu" if wheel.cuda is None else None),
        reason=reason,
        facts=tuple(facts),
        alternatives=others(question, wheel.variant),
        warnings=tuple(warnings),
        wheel_tags=wheel.platform_tags,
    )


def _plain_folder(question: TorchQuestion, wheel: PypiWheels) -> TorchBuild | None:
    """Up to 1.1 every folder's wheel has the same plain name: a loose CUDA that differs names the folder."""
    loose = question.subject.loose_cuda
    if loose is None or loose == wheel.cuda or question.own_local or question.subject.torch_cuda:
        return None
    variant = next((each for each in question.published if not each.local and each.cuda == loose), None)
    if variant is None:
        return None
    reason = f"the record's CUDA is {loose}, and only PyTorch's {variant.folder} index has torch {question.told} for it"
    return from_folder(question, variant, reason)


def _inferred_variant(question: TorchQuestion, wheel: PypiWheels) -> PlanWarning:
    return PlanWarning(
        code="variant-inferred",
        message=f"the record does not tell which build of torch {question.told} it was; "
        f"the default index's (CUDA {wheel.cuda}) is taken",
        hint="put the suffix into the record (torch==X.Y.Z+cuNNN or +cpu) where you know it",
    )
