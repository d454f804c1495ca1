"""Whether the planned torch has code for the GPU and whether the driver runs its CUDA, and the rescue where not.

The GPU and the driver are those of the machine that the image shall run on where the user names it
(``--gpu``, ``--host``), else the recorded ones. A rescue is the same release of torch for another CUDA: offered, and
taken only with ``--rescue``.
"""

from __future__ import annotations

import msgspec
from packaging.version import Version

from reprobuild.catalog import Catalog
from reprobuild.catalog.drivers import brand_of
from reprobuild.catalog.gpus import Gpu
from reprobuild.errors import UsageError
from reprobuild.plan import Fact, PackageGroup, PlanWarning
from reprobuild.planner import grammar
from reprobuild.planner.options import PlanOptions
from reprobuild.planner.target import Target
from reprobuild.planner.torch_question import TorchBuild
from reprobuild.snapshot import GpuDevice, GpuFacts, Snapshot


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """One GPU whose compute capability is known without doubt."""

    name: str
    capability: str
    """``8.6``"""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """GPUs and driver that the image has to run with."""

    devices: tuple[Device, ...] = ()
    unknown: tuple[str, ...] = ()
    """GPUs of which the tables tell no capability, or several."""
    driver: str | None = None
    driver_cuda: str | None = None
    words: str = "the recorded"
    """How a sentence calls its parts."""
    source: str = "record"

    @property
    def brand(self) -> str | None:
        """NVIDIA's word for what its GPUs are sold as; None where none is known."""
        return brand_of(self.devices[0].name) if self.devices else None


def machine_of(snapshot: Snapshot, catalog: Catalog, options: PlanOptions) -> Machine:
    """Where the image shall run. Raises UsageError for a ``--gpu`` that the tables don't know."""
    if options.gpu is not None:
        device = GpuDevice(name=_named(options.gpu, catalog).name)
        return _machine(GpuFacts(devices=(device,)), "the", "--gpu", catalog)
    if options.host is not None:
        return _machine(options.host, "this machine's", "--host", catalog)
    recorded = snapshot.gpu or GpuFacts()
    if not recorded.devices and snapshot.flat.gpu_name:
        recorded = msgspec.structs.replace(recorded, devices=(GpuDevice(name=snapshot.flat.gpu_name),))
    return _machine(recorded, "the recorded", "record", catalog)


def _named(words: str, catalog: Catalog) -> Gpu:
    """The GPU of that name, or of the words that a person knows it by, where all of those compute alike.

    Raises UsageError that names the likely ones.
    """
    exact = catalog.gpus.by_name(words)
    if exact is not None:
        return exact
    found = [each for each in catalog.gpus.called(words) if each.compute_capability]
    if len({each.compute_capability for each in found}) == 1:
        return min(found, key=lambda each: len(each.name))
    names = ", ".join(f"{each.name} ({each.compute_capability})" for each in found[:5])
    raise UsageError(
        f"--gpu: the tables know no GPU that drivers call {words!r}"
        if not found
        else f"--gpu: {words!r} may be several GPUs: {names}",
        hint="nvidia-smi -L prints the names; 'reprobuild catalog search gpus NAME' lists the known ones",
    )


def _machine(facts: GpuFacts, words: str, source: str, catalog: Catalog) -> Machine:
    devices, unknown = [], []
    for index, device in enumerate(facts.devices):
        path = f"gpu.devices[{index}]"
        name = grammar.printable(device.name, f"{path}.name")
        row = catalog.gpus.by_name(name)
        capability = device.compute_capability or (row.compute_capability if row and not row.ambiguous else None)
        if capability is None:
            unknown.append(name)
        else:
            devices.append(Device(name=name, capability=grammar.dotted(capability, f"{path}.compute_capability")))
    driver = grammar.dotted(facts.driver_version, "gpu.driver_version") if facts.driver_version else None
    driver_cuda = grammar.dotted(facts.driver_cuda, "gpu.driver_cuda") if facts.driver_cuda else None
    return Machine(
        devices=tuple(dict.fromkeys(devices)),
        unknown=tuple(dict.fromkeys(unknown)),
        driver=driver,
        driver_cuda=driver_cuda,
        words=words,
        source=source,
    )


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with the planned torch on a machine, and the variants of its release that are right there."""

    problem: str
    code: str
    rescues: tuple[str, ...]
    """Folders of PyTorch's index, the nearest CUDA first."""


def judge(torch: TorchBuild | None, machine: Machine, target: Target, catalog: Catalog) -> Verdict | None:
    """The first thing that keeps the planned torch from running there; None where nothing is known to.

    What the tables don't know is no verdict: nothing is guessed.
    """
    if torch is None or torch.kind != "cuda" or torch.variant is None:
        return None
    for device in machine.devices:
        if has_code(torch, device, target, catalog) is False:
            problem = f"torch {torch.version} ({torch.variant}) has no code for {machine.words} {device.name}"
            problem += f" ({device.capability})"
            return Verdict(problem=problem, code="no-gpu-code", rescues=rescues(torch, machine, target, catalog))
    if torch.cuda and machine.driver and catalog.drivers.runs(torch.cuda, machine.driver) is False:
        problem = f"{machine.words} driver {machine.driver} is too old for CUDA {torch.cuda}"
        return Verdict(problem=problem, code="driver-too-old", rescues=rescues(torch, machine, target, catalog))
    return None


def has_code(torch: TorchBuild, device: Device, target: Target, catalog: Catalog) -> bool | None:
    """Whether the wheel has code for the GPU; None where its architectures are not known."""
    platform = f"linux_{target.machine}"
    architectures = catalog.torch_architectures.of(torch.release.version, torch.variant or "", platform)
    return architectures.runs_on(device.capability) if architectures else None


def rescues(torch: TorchBuild, machine: Machine, target: Target, catalog: Catalog) -> tuple[str, ...]:
    """Folders with the same release for another CUDA that has code for every GPU and that the driver runs."""
    platform = f"linux_{target.machine}"
    found = []
    for variant in torch.release.published(target.python_tag, platform):
        if variant.cuda is None or variant.cuda == torch.cuda or variant.is_full or "_" in variant.folder:
            continue
        architectures = catalog.torch_architectures.of(torch.release.version, variant.folder, platform)
        code = architectures is not None and all(architectures.runs_on(each.capability) for each in machine.devices)
        admitted = machine.driver is None or catalog.drivers.runs(variant.cuda, machine.driver) is not False
        if code and admitted:
            found.append((variant.cuda, variant.folder))
    own = Version(torch.cuda or "0")
    # The lowest CUDA above the recorded one has the GPU's code and asks least of the driver; below it, the highest.
    above = sorted((Version(cuda), folder) for cuda, folder in found if Version(cuda) > own)
    below = sorted(((Version(cuda), folder) for cuda, folder in found if Version(cuda) < own), reverse=True)
    return tuple(folder for _, folder in (*above, *below))


def for_architectures(group: PackageGroup, machine: Machine) -> PackageGroup:
    """Builds that need nvcc are for the machine's GPUs: the builder has none to ask, and all would take hours."""
    if not group.needs_nvcc or not machine.devices:
        return group
    wanted = ";".join(sorted({device.capability for device in machine.devices}, key=Version))
    environment = {"TORCH_CUDA_ARCH_LIST": wanted, **group.build_environment}
    return msgspec.structs.replace(group, build_environment=dict(sorted(environment.items())))


def warning_of(verdict: Verdict, torch: TorchBuild) -> PlanWarning:
    """The verdict for a person, with the rescue that ``--rescue`` would take."""
    if not verdict.rescues:
        hint = "no published build of this release runs there"
    else:
        names = ", ".join(f"{torch.release.version}+{folder}" for folder in verdict.rescues)
        hint = f"the same release runs there as {names}: --rescue takes the first, as a named substitution"
    return PlanWarning(code=verdict.code, message=verdict.problem, hint=hint)


def facts_of(machine: Machine, torch: TorchBuild | None, target: Target, catalog: Catalog) -> tuple[Fact, ...]:
    """What is known of the GPUs and the driver beside the planned torch, for the explanation."""
    if torch is None or torch.kind != "cuda":
        return ()
    facts = []
    for device in machine.devices:
        code = has_code(torch, device, target, catalog) if torch.variant else None
        said = {True: "the wheel has code for it", False: "the wheel has no code for it", None: "not known"}[code]
        facts.append(Fact(name=f"{device.name} ({device.capability})", value=said, source=machine.source))
    facts += [
        Fact(name=name, value="its compute capability is not known", source=machine.source) for name in machine.unknown
    ]
    if machine.driver:
        facts.append(Fact(name="driver", value=machine.driver, source=machine.source))
    return tuple(facts)
