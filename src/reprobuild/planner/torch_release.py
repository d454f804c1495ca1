"""Which release of torch a version names, or why there is none: a nightly, a vendor's build, one that is too new."""

from __future__ import annotations

import re

from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.torch_wheels import TorchRelease, local_of, nightly_date
from reprobuild.errors import PlanError
from reprobuild.planner import grammar
from reprobuild.planner.subject import Package
from reprobuild.planner.target import Target

_JETSON = re.compile(r"[+.]nv[0-9]{2}\.[0-9]{1,2}")


def release_of(told: str, catalog: Catalog, package: Package | None) -> TorchRelease:
    """The release, its suffix ignored. Raises PlanError, which names the nearest one, where no index has any of it."""
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


def default_cuda_of(told: str, target: Target, catalog: Catalog) -> str | None:
    """The CUDA of the default index's wheel of the release, without its ``.postN``."""
    final = grammar.pep440(told)
    wheels = catalog.torch_wheels.pypi(final.base_version, f"linux_{target.machine}") if final else None
    return wheels.cuda if wheels else None
