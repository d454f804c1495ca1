"""What verification knows: the record, the plan, and what was seen in the image. Values only."""

from __future__ import annotations

import msgspec

from reprobuild.engine import ImageFacts
from reprobuild.plan import Plan
from reprobuild.snapshot import Snapshot


class Fields(msgspec.Struct, frozen=True):
    """Base of the evidence's values."""


class FileReport(Fields, frozen=True, kw_only=True):
    """The files of one distribution in the image against its own RECORD there."""

    checked: int
    changed: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()


class ImportAttempt(Fields, frozen=True, kw_only=True):
    """How the import of one module in the image went."""

    module: str
    error: str | None = None
    """Class and text of the exception, or how the process ended. None when it was imported."""
    missing_module: str | None = None
    """The module that was looked for in vain, where that was the error."""


class LiveTorch(Fields, frozen=True, kw_only=True):
    """What torch said of itself when it was imported in the image."""

    version: str
    cuda: str | None = None
    cudnn: int | None = None
    """As torch tells it: 8902 for 8.9.2, 91900 for 9.19.0."""
    arch_list: tuple[str, ...] = ()
    problem: str | None = None


class Examination(Fields, frozen=True, kw_only=True):
    """What the examiner's text printed in the image; names are normalized."""

    files: dict[str, FileReport] = {}
    imports: dict[str, tuple[ImportAttempt, ...]] = {}
    standard: tuple[ImportAttempt, ...] = ()
    """Modules of Python itself."""
    torch: LiveTorch | None = None


class DeviceReport(Fields, frozen=True, kw_only=True):
    """What a GPU of a container computed."""

    name: str | None = None
    capability: str | None = None
    checks: dict[str, str | None] = {}
    """Each computation: None where it was right, else the error."""
    switches: dict[str, str] = {}
    """TF32 and determinism, as the image's torch begins."""


class Evidence(Fields, frozen=True, kw_only=True):
    """Everything that a level may judge by."""

    snapshot: Snapshot
    plan: Plan
    image: ImageFacts
    found: Snapshot | None = None
    """What the probe recorded inside the image; None when it did not run."""
    examination: Examination | None = None
    device: DeviceReport | None = None
    """None when nothing was run on a GPU."""
    reason_without_gpu: str | None = None
    """Why containers get no GPU here; None where they can, or where nobody asked."""
    problem: str | None = None
    """Why nothing could be run in the image."""
