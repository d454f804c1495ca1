"""Which image the recipe starts from: only a tag that exists, of the recorded release where there is one."""

from __future__ import annotations

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.digests import REGISTRY
from reprobuild.catalog.vendor_images import NgcContainer
from reprobuild.errors import PlanError
from reprobuild.plan import (
    Fact,
    Fidelity,
    PlanWarning,
)
from reprobuild.planner.cuda_base import cuda_base
from reprobuild.planner.named_base import named_base
from reprobuild.planner.ngc import container_base
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.plain_base import cpu_base, plain_ubuntu, rocm_base
from reprobuild.planner.recorded_system import BaseChoice, Needs, recorded_system
from reprobuild.planner.subject import Subject

OLDEST_CUDA_WITH_IMAGES = Version("11.0")
"""Everything older was deleted from Docker Hub in 2023; the wheels of that time bring CUDA inside."""


def decide_base(subject: Subject, needs: Needs, catalog: Catalog, options: PlanOptions) -> BaseChoice:
    """The base image. Raises PlanError when no image of the tables carries what the run needs."""
    wanted = recorded_system(subject, catalog)
    if needs.container is not None:
        return _container(needs.container, subject, catalog, options)
    if options.base is not None:
        named = named_base(options.base, options.base_digest, needs, catalog)
        return BaseChoice(base=named.base, build_base=None, decision=named.decision, warnings=named.warnings)
    if needs.accelerator.kind == "cuda":
        version = Version(needs.accelerator.version or "0")
        choice = (
            plain_ubuntu(wanted, needs, catalog, f"NVIDIA deleted its images for CUDA {needs.accelerator.version}")
            if version < OLDEST_CUDA_WITH_IMAGES
            else cuda_base(wanted, needs, catalog, options)
        )
    elif needs.accelerator.kind == "rocm":
        choice = rocm_base(wanted, needs, catalog)
    else:
        choice = cpu_base(wanted, needs, catalog)
    choice = _pinned(_with_platform(choice, needs.platform_note), options, catalog)
    is_of_family = wanted.system is not None and wanted.system.id == "rhel"
    if options.same_family and is_of_family and choice.base.os_id != "rocky":
        choice = msgspec.structs.replace(choice, warnings=(*choice.warnings, _NO_FAMILY))
    return choice


_NO_FAMILY = PlanWarning(
    code="no-family-image",
    message="--same-family: the tables know images of Red Hat's family with CUDA 11 and later only",
    hint="name one with --base, such as rockylinux/rockylinux:9",
)


def _pinned(choice: BaseChoice, options: PlanOptions, catalog: Catalog) -> BaseChoice:
    """The base with the digest that was asked for, or that its registry told when the tables were refreshed.

    One that only stood in somebody's Dockerfile is named and not taken: tags move, and nobody has looked since.
    """
    seen = catalog.digests.of(choice.base.repository, choice.base.tag)
    facts: tuple[Fact, ...] = ()
    digest = options.base_digest
    if digest is None and seen is not None:
        told = seen.certainty == REGISTRY
        digest = seen.digest if told else None
        name = f"digest of {choice.base.reference}"
        facts = (Fact(name=name, value=seen.digest, source="digests", certainty="present" if told else "observed"),)
    if digest is None:
        return msgspec.structs.replace(choice, decision=choice.decision.with_facts(*facts))
    base = msgspec.structs.replace(choice.base, digest=digest)
    decision = msgspec.structs.replace(choice.decision.with_facts(*facts), choice=base.reference)
    return msgspec.structs.replace(choice, base=base, decision=decision)


def without_requirement(subject: Subject, needs: Needs, catalog: Catalog) -> BaseChoice:
    """Plain Ubuntu in place of NVIDIA's image, whose containers the driver does not admit: a named substitution."""
    cuda = needs.accelerator.version
    why = f"the driver does not admit NVIDIA's images of CUDA {cuda}, which --rescue avoids"
    choice = plain_ubuntu(recorded_system(subject, catalog), needs, catalog, why)
    decision = msgspec.structs.replace(choice.decision, fidelity=Fidelity.SUBSTITUTED)
    return _with_platform(msgspec.structs.replace(choice, decision=decision), needs.platform_note)


def _container(container: NgcContainer, subject: Subject, catalog: Catalog, options: PlanOptions) -> BaseChoice:
    """NVIDIA's container. Raises PlanError where another base was asked for, which can't hold that torch."""
    if options.base is not None and not options.base.startswith(container.image):
        raise PlanError(
            f"the recorded torch exists only inside {container.image}, and {options.base} was asked for",
            hint="leave out --base, or put the release that followed into the record",
        )
    choice = container_base(container, subject, catalog)
    _, _, digest = (options.base or "").partition("@")
    pinned = msgspec.structs.replace(choice.base, digest=options.base_digest or digest or None)
    decision = msgspec.structs.replace(choice.decision, choice=pinned.reference)
    return msgspec.structs.replace(choice, base=pinned, decision=decision)


def _with_platform(choice: BaseChoice, note: str) -> BaseChoice:
    """A record of another system or architecture is substituted by Linux, and the decision says so."""
    if not note:
        return choice
    decision = msgspec.structs.replace(
        choice.decision, reason=f"{choice.decision.reason}; {note}", fidelity=Fidelity.SUBSTITUTED
    )
    return msgspec.structs.replace(choice, decision=decision)
