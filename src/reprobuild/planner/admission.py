"""Whether containers of the base start with a driver: ``NVIDIA_REQUIRE_CUDA`` of NVIDIA's images decides."""

from __future__ import annotations

import msgspec

from reprobuild.catalog import Catalog
from reprobuild.catalog.cuda_images import REPOSITORY
from reprobuild.plan import BaseImage, PlanWarning
from reprobuild.planner.base_image import decide_base, without_requirement
from reprobuild.planner.gpu import Machine
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.recorded_system import BaseChoice, Needs
from reprobuild.planner.subject import Subject


def admitted_base(
    subject: Subject, needs: Needs, machine: Machine, catalog: Catalog, options: PlanOptions
) -> BaseChoice:
    """The base, with a warning where the driver does not admit it, or the one that ``--rescue`` takes then."""
    choice = decide_base(subject, needs, catalog, options)
    refused = refusal(choice.base, machine, catalog)
    if refused is None:
        return choice
    if options.rescue and options.base is None and needs.wheels_bring_cuda:
        return without_requirement(subject, needs, catalog)
    return msgspec.structs.replace(choice, warnings=(*choice.warnings, refused))


def refusal(base: BaseImage, machine: Machine, catalog: Catalog) -> PlanWarning | None:
    """A warning where the image refuses a driver that would run its CUDA; None where it starts or nothing is known.

    A driver that does not run that CUDA at all is the accelerator's matter.
    """
    if not base.repository.endswith(REPOSITORY) or base.cuda is None or machine.driver is None:
        return None
    if catalog.drivers.starts(base.cuda, machine.driver, machine.driver_cuda, machine.brand) is not False:
        return None
    if catalog.drivers.runs(base.cuda, machine.driver) is False:
        return None
    return PlanWarning(
        code="driver-refused",
        message=f"{base.reference} does not start with {machine.words} driver {machine.driver}, which supports CUDA "
        f"{machine.driver_cuda}: it asks for CUDA {base.cuda}",
        hint="the driver itself runs it by minor-version compatibility: --rescue takes a base that asks for nothing, "
        "or start the container with --env NVIDIA_DISABLE_REQUIRE=1",
    )
