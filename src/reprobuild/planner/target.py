"""Where the image shall run: the platform and the Python that every package must fit."""

from __future__ import annotations

import msgspec

from reprobuild.errors import PlanError
from reprobuild.plan import Platform
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.subject import Machine, Subject


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """The platform of the image and the Python in it."""

    platform: Platform
    python: str
    """X.Y.Z"""
    free_threaded: bool = False

    @property
    def machine(self) -> Machine:
        """The platform's architecture in the words of wheel tags."""
        return "x86_64" if self.platform.architecture == "amd64" else "aarch64"

    @property
    def python_minor(self) -> tuple[int, int]:
        """(3, 10) of 3.10.12."""
        major, minor = self.python.split(".")[:2]
        return int(major), int(minor)

    @property
    def python_tag(self) -> str:
        """``cp310``, or ``cp313t`` of an interpreter without the global lock."""
        major, minor = self.python_minor
        return f"cp{major}{minor}{'t' if self.free_threaded else ''}"


def decide_platform(subject: Subject, options: PlanOptions) -> tuple[Platform, str]:
    """The recorded architecture on Linux, or what was asked for, and what differs then: empty where nothing does.

    Raises PlanError for an architecture that no image of the catalog is made for.
    """
    recorded = Platform(architecture="arm64" if subject.machine == "aarch64" else "amd64")
    chosen = options.platform or recorded
    if subject.machine is None and subject.machine_text is not None and options.platform is None:
        raise PlanError(
            f"the run was made on {subject.machine_text}, for which there are no base images or wheels to plan with",
            hint="ask for --platform linux/amd64 or linux/arm64 to get the same versions there",
        )
    reasons = _platform_differences(subject, chosen, recorded)
    return chosen, " and ".join(reasons) + ": the same versions, not the same files" if reasons else ""


def _platform_differences(subject: Subject, chosen: Platform, recorded: Platform) -> list[str]:
    differences = []
    if subject.system not in (None, "Linux"):
        name = {"Darwin": "macOS"}.get(subject.system or "", subject.system)
        differences.append(f"the run was made on {name} and containers run Linux")
    if subject.machine_text is not None or subject.machine is not None:
        if subject.machine is None:
            differences.append(f"the run was made on {subject.machine_text}")
        elif chosen.architecture != recorded.architecture:
            differences.append(f"the run was made on {recorded.architecture} and {chosen} was asked for")
    return differences
