"""Whether the planned torch has code for the recorded GPU, and the rescue where it has not: offered, never taken."""

from __future__ import annotations

from reprobuild.catalog import Catalog
from reprobuild.plan import PlanWarning
from reprobuild.planner import grammar
from reprobuild.planner.target import Target
from reprobuild.planner.torch_question import TorchBuild
from reprobuild.snapshot import GpuDevice, Snapshot


def gpu_warnings(
    snapshot: Snapshot, torch: TorchBuild | None, target: Target, catalog: Catalog
) -> tuple[PlanWarning, ...]:
    """A warning for each recorded GPU that the planned wheel of torch has no code for.

    Empty where the GPU or the wheel's architectures are not known: nothing is guessed.
    """
    if torch is None or torch.kind != "cuda" or torch.variant is None:
        return ()
    platform = f"linux_{target.machine}"
    architectures = catalog.torch_architectures.of(torch.release.version, torch.variant, platform)
    if architectures is None:
        return ()
    found = []
    for name, capability in _devices(snapshot, catalog):
        if not architectures.runs_on(capability):
            found.append(_warning(name, capability, torch, platform, catalog))
    return tuple(dict.fromkeys(found))


def _devices(snapshot: Snapshot, catalog: Catalog) -> list[tuple[str, str]]:
    """Name and compute capability of each recorded GPU whose capability is known without doubt."""
    recorded = snapshot.gpu.devices if snapshot.gpu else ()
    devices = [(f"gpu.devices[{index}].name", device) for index, device in enumerate(recorded)]
    if not devices and snapshot.flat.gpu_name:
        devices = [("gpu_name", GpuDevice(name=snapshot.flat.gpu_name))]
    known = []
    for path, device in devices:
        name = grammar.printable(device.name, path)
        row = catalog.gpus.by_name(name)
        told = device.compute_capability
        if told:
            known.append((name, grammar.dotted(told, path.replace(".name", ".compute_capability"))))
        elif row is not None and row.compute_capability and not row.ambiguous:
            known.append((name, row.compute_capability))
    return known


def _warning(name: str, capability: str, torch: TorchBuild, platform: str, catalog: Catalog) -> PlanWarning:
    rescue = catalog.torch_architectures.variants_for(torch.release.version, capability, platform)
    names = ", ".join(f"{torch.release.version}+{row.variant}" for row in rescue)
    return PlanWarning(
        code="no-gpu-code",
        message=f"torch {torch.version} ({torch.variant}) has no code for the recorded {name} ({capability})",
        hint=f"the same release has it as {names}: put that into the record for a run on such a GPU"
        if rescue
        else "no published build of this release has code for it",
    )
