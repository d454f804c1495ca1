"""Wheels for the site: the real torch where this machine has it, and small made-up ones."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile
from pathlib import Path

from tests.lab.laboratory.site import Site


def real_torch() -> Path | None:
    """The wheel torch-2.13.0+cpu for CPython 3.11 in the PIP_FIND_LINKS folder, or None where there is none."""
    for folder in os.environ.get("PIP_FIND_LINKS", "").split():
        for wheel in sorted(Path(folder).glob("torch-2.13.0+cpu-cp311-*.whl")):
            return wheel
    return None


def offer_real_torch(site: Site) -> bool:
    """Put the real torch into the site's ``cpu`` folder; False where this machine has none."""
    wheel = real_torch()
    if wheel is not None:
        site.add_wheel("cpu", wheel)
    return wheel is not None


def made_up_wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> Path:
    """Write a pure wheel that installs ``files`` (path -> text). Its bytes depend on the arguments alone."""
    stem = f"{name.replace('-', '_')}-{version}"
    contents = dict(files)
    contents[f"{stem}.dist-info/METADATA"] = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    tag = "py3-none-any"
    contents[f"{stem}.dist-info/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: laboratory\nRoot-Is-Purelib: true\nTag: {tag}\n"
    )
    rows = [f"{path},sha256={_digest(text)},{len(text.encode())}" for path, text in contents.items()]
    contents[f"{stem}.dist-info/RECORD"] = "\n".join([*rows, f"{stem}.dist-info/RECORD,,"]) + "\n"
    wheel = folder / f"{stem}-{tag}.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for path, text in contents.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return wheel


def _digest(text: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
