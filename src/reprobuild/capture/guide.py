"""REPRODUCE.md: how a person brings the environment back by hand.

The template is plain ``string.Template`` text, because jinja2 takes longer to import than a capture takes.
"""

from __future__ import annotations

import re
from pathlib import Path
from string import Template
from typing import Any

PYTORCH_INDEX = "https://download.pytorch.org/whl"

# The folder of PyTorch's index stands in the local version. It is copied from there, never computed.
_PINNED_LOCAL = re.compile(
    r"[A-Za-z0-9][A-Za-z0-9._-]*==[0-9][A-Za-z0-9.]*\+(?P<folder>cu[0-9]+|cpu|xpu|rocm[0-9]+(?:\.[0-9]+)+)\Z"
)
_TEMPLATE = "REPRODUCE.md.txt"


def reproduction_guide(env_info: dict[str, Any]) -> str:
    """The text of REPRODUCE.md for a record that has at least the original's keys; unknown ones read N/A."""
    packages = env_info.get("packages")
    packages = packages if isinstance(packages, dict) else {}
    values = {
        "python": env_info.get("python_version_short"),
        "platform": env_info.get("platform"),
        "torch": env_info.get("torch_version"),
        "cuda": env_info.get("cuda_version") or "N/A (CPU only)",
        "gpu": env_info.get("gpu_name"),
        "cuda_available": bool(env_info.get("cuda_available")),
        "torch_package": packages.get("torch"),
        "transformers": packages.get("transformers"),
        "numpy": packages.get("numpy"),
    }
    shown = {key: "N/A" if value is None else _one_line(str(value)) for key, value in values.items()}
    return Template(_template_text()).substitute(shown, install=_install_commands(packages))


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("`", "'")


def _install_commands(packages: dict[str, Any]) -> str:
    """pip's commands: one for each folder of PyTorch's index that recorded versions are published in, then the rest.

    A freeze is a closed set, so no resolver may touch it; and no name may be taken from an index that it did not
    come from, so indexes are never merged.
    """
    folders: dict[str, list[str]] = {}
    for name, version in packages.items():
        match = _PINNED_LOCAL.match(f"{name}=={version}")
        if match:
            folders.setdefault(match["folder"], []).append(match[0])
    commands = [
        f"pip install {' '.join(pinned)} --no-deps --index-url {PYTORCH_INDEX}/{folder}"
        for folder, pinned in sorted(folders.items())
    ]
    return "\n".join([*commands, "pip install -r requirements.txt --no-deps"])


def _template_text() -> str:
    """The packaged template if it is there, else the checkout's."""
    package = Path(__file__).parents[1]
    packaged = package / "templates" / _TEMPLATE
    path = packaged if packaged.is_file() else package.parents[1] / "templates" / _TEMPLATE
    return path.read_text(encoding="utf-8")
