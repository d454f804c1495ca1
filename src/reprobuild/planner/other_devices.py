"""Devices that no image of the tables serves: what the run used, what of it can be rebuilt, and what can't.

Source: the installation documents of the vendors, by the names of their packages.
"""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from reprobuild.catalog.torch_wheels import local_of
from reprobuild.plan import Accelerator, Decision, Fidelity, PlanWarning, weakest
from reprobuild.planner.subject import Package, Subject
from reprobuild.planner.torch_question import TorchBuild, nvidia_pin


class OtherDevice(msgspec.Struct, frozen=True, kw_only=True):
    """One family of devices, and how a record shows that it was used."""

    name: str
    """For a person, with its article."""
    kind: Literal["xpu", "tpu", "other"] = "other"
    packages: str = r"(?!)"
    """Pattern of the canonical names that only its users install."""
    locals: str = r"(?!)"
    """Pattern of the local part of a torch that was built for it."""
    lacks: str
    """What the image does not hold."""


DEVICES = (
    OtherDevice(
        name="a TPU",
        kind="tpu",
        packages=r"libtpu|libtpu-nightly|torch-xla",
        lacks="the TPU's driver and runtime are those of the machine, so that it computes on the CPU anywhere else",
    ),
    OtherDevice(
        name="an Intel GPU",
        kind="xpu",
        packages=r"pytorch-triton-xpu|triton-xpu",
        locals=r"xpu|cxx11\.abi",
        lacks="Intel's driver for GPUs is no part of it and has to be added for more than the CPU",
    ),
    OtherDevice(
        name="an AMD GPU",
        packages=r"tensorflow-rocm|jax-rocm[0-9]+-plugin",
        lacks="ROCm, which it loads from the system, is no part of it: --base names an image that has it",
    ),
    OtherDevice(
        name="an Ascend NPU",
        packages=r"torch-npu|mindietorch|mindspore-ascend",
        lacks="Huawei's CANN toolkit and driver, which no registry of the tables has, are no part of it",
    ),
    OtherDevice(
        name="a Gaudi accelerator",
        packages=r"habana-torch-plugin|habana-torch-dataloader",
        lacks="Intel's Gaudi software, which comes in images of its own, is no part of it",
    ),
    OtherDevice(
        name="an AWS Neuron device",
        packages=r"torch-neuronx?|tensorflow-neuronx?|neuronx-cc|neuron-cc|libneuronxla",
        lacks="AWS's Neuron driver and runtime library are no part of it",
    ),
    OtherDevice(
        name="a Hygon DCU",
        locals=r".*dtk[0-9]*.*|das[0-9.]+.*",
        lacks="Hygon's toolkit and its builds, which its own site has, are no part of it",
    ),
    OtherDevice(
        name="a Cambricon MLU", packages=r"torch-mlu", lacks="Cambricon's toolkit and driver are no part of it"
    ),
    OtherDevice(
        name="a Moore Threads GPU", packages=r"torch-musa", lacks="Moore Threads' toolkit and driver are no part of it"
    ),
    OtherDevice(
        name="a GPU through DirectML",
        packages=r"torch-directml|tensorflow-directml(?:-plugin)?",
        lacks="DirectML exists on Windows only",
    ),
    OtherDevice(name="Apple's GPU", packages=r"tensorflow-metal|jax-metal", lacks="Metal exists on macOS only"),
)


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A device with what in the record shows it."""

    device: OtherDevice
    by: str
    """``torch-npu 2.1.0``"""


def other_device(subject: Subject, torch: TorchBuild | None) -> Seen | None:
    """The device that the record shows; None where it shows an NVIDIA GPU, or none of these."""
    if torch is not None and (torch.container is not None or torch.kind == "rocm" or _shows_nvidia(subject, torch)):
        return None
    local = local_of((_torch_of(subject) or "").lower())
    for device in DEVICES:
        if local and re.fullmatch(device.locals, local):
            return Seen(device=device, by=f"torch {_torch_of(subject)}")
        package = next((each for each in subject.packages if re.fullmatch(device.packages, each.canonical)), None)
        if package is not None:
            return Seen(device=device, by=_pin(package))
    return None


def _torch_of(subject: Subject) -> str | None:
    package = subject.find("torch")
    return (package.version_text if package else None) or subject.torch_version


def _pin(package: Package) -> str:
    return f"{package.name} {package.version_text}" if package.version_text else package.name


def _shows_nvidia(subject: Subject, torch: TorchBuild) -> bool:
    """A build for CUDA that the record itself tells, not one that is inferred from the default index."""
    if torch.kind != "cuda":
        return False
    suffix = local_of(_torch_of(subject) or "")
    return bool(subject.torch_cuda or suffix.startswith("cu") or nvidia_pin(subject) or subject.driver_cuda)


def for_device(accelerator: Accelerator, decision: Decision, seen: Seen) -> tuple[Accelerator, Decision, PlanWarning]:
    """The answer to the first question for such a run: the part that computes on the CPU, and what is lost."""
    device = seen.device
    told = Accelerator(kind=device.kind, variant=accelerator.variant)
    reason = f"{decision.reason}; the run used {device.name} ({seen.by}), of which the image is the CPU part"
    _, _, rest = decision.choice.partition(": ")
    answer = msgspec.structs.replace(
        decision,
        choice=f"the CPU part of {device.name}'s software" + (f": {rest}" if rest else ""),
        reason=reason,
        fidelity=weakest((decision.fidelity, Fidelity.SUBSTITUTED)),
    )
    warning = PlanWarning(code="other-device", message=f"the run used {device.name} ({seen.by}): {device.lacks}")
    return told, answer, warning
