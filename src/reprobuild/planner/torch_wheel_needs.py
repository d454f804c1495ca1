"""What torch's CUDA wheels for Linux need beside them, and whether a record without it can be of such a wheel.

Since 1.13 the default index's wheels load CUDA from the ``nvidia-*`` wheels, and since 2.2 those of PyTorch's index
too, but for the ``_full`` ones. conda's builds, and wheels for Windows, macOS and 64-bit ARM, need none of them.
"""

from __future__ import annotations

import re

from packaging.version import Version

from reprobuild.plan import DefaultIndex
from reprobuild.planner.subject import Machine
from reprobuild.planner.torch_question import TorchBuild, TorchQuestion, nvidia_pin

FULL_WHEELS_SINCE = Version("2.2")
"""From here on ordinary CUDA wheels of PyTorch's index need the ``nvidia-*`` wheels; ``*_full`` ones bring CUDA."""

_MAJOR = re.compile(r"-cu[0-9]{2}$")
_BESIDE_TORCH = frozenset(
    {"filelock", "fsspec", "jinja2", "markupsafe", "mpmath", "networkx", "sympy", "triton", "typing-extensions"}
)
_SUREST = frozenset({"nvidia-cuda-runtime", "nvidia-cudnn"})
_LAST_WITH_SUFFIX = 12
_ENOUGH = 3
"""So many of torch's other requirements in a list that the absence of all ``nvidia-*`` wheels tells something."""


def wheel_needs(torch: TorchBuild, machine: Machine) -> tuple[str, ...]:
    """Names of the ``nvidia-*`` wheels that this build loads; none for what brings CUDA inside, or needs none."""
    if torch.kind != "cuda" or torch.cuda is None or torch.container is not None or machine != "x86_64":
        return ()
    if torch.folder is None and not isinstance(torch.origin, DefaultIndex):
        return ()
    if torch.folder and (torch.folder.endswith("_full") or Version(torch.release.version) < FULL_WHEELS_SINCE):
        return ()
    wheels = torch.release.pypi.get(f"linux_{machine}")
    names = [name for name in (wheels.pins if wheels else {}) if name.startswith("nvidia-")]
    if wheels is not None and wheels.cuda == torch.cuda:
        return tuple(names)
    # Those of another CUDA are called after its major version and differ a little: the surest two stand for all.
    stems = sorted({_MAJOR.sub("", name) for name in names} & _SUREST)
    major = Version(torch.cuda).major
    return tuple(f"{stem}-cu{major}" if major <= _LAST_WITH_SUFFIX else stem for stem in stems)


def lacks_wheel_needs(torch: TorchBuild, question: TorchQuestion) -> bool:
    """Whether a list has so many of torch's requirements that ``nvidia-*`` wheels would be among them, and has none."""
    present = {package.canonical for package in question.subject.packages}
    is_whole = len(_BESIDE_TORCH & present) >= _ENOUGH
    return is_whole and bool(wheel_needs(torch, question.target.machine)) and nvidia_pin(question.subject) is None
