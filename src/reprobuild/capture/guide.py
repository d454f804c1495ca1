"""REPRODUCE.md: how a person brings the environment back by hand.

The template is plain text with ``$name`` in it, because jinja2 takes longer to load than a capture takes.
"""

from __future__ import annotations

import os

from reprobuild.capture.non_determinism import known_sources
from reprobuild.probe.spelling import is_valid_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PYTORCH_INDEX = "https://download.pytorch.org/whl"

_TEMPLATE = "REPRODUCE.md.txt"

_WITH_TORCH = """\
import torch
print(f"PyTorch: {torch.__version__}")
print(f"CUDA available: {torch.cuda.is_available()}")"""

_WITHOUT_TORCH = """\
import platform
print(f"Python: {platform.python_version()}")"""


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
        "torch_package": packages.get("torch"),
        "transformers": packages.get("transformers"),
        "numpy": packages.get("numpy"),
    }
    shown = {key: "N/A" if value is None else _one_line(str(value)) for key, value in values.items()}
    shown["expected"] = f"Python: {shown['python']}"
    if values["torch"] is not None:
        shown["expected"] = f"PyTorch: {shown['torch']}\nCUDA available: {bool(env_info.get('cuda_available'))}"
    shown["verification"] = _WITHOUT_TORCH if values["torch"] is None else _WITH_TORCH
    sources = "\n".join(f"- {_plain(line)}" for line in known_sources(env_info))
    return _filled(
        _template_text(),
        {**shown, "install": _install_commands(packages), "sources": sources, "workspace": '"$PWD:/workspace"'},
    )


def _plain(text: str) -> str:
    """One line in which a record's text makes neither markup nor a link of its own."""
    return " ".join(text.split()).replace("<", "&lt;").replace("[", "\\[")


def _filled(template: str, values: dict[str, str]) -> str:
    """The template with each ``$name`` replaced. What is put in is not looked at again."""
    first, *rest = template.split("$")
    filled = [first]
    for part in rest:
        name = next(name for name in sorted(values, key=len, reverse=True) if part.startswith(name))
        filled.append(values[name] + part[len(name) :])
    return "".join(filled)


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("`", "'")


def _install_commands(packages: dict[str, Any]) -> str:
    """pip's commands: one for each folder of PyTorch's index that recorded versions are published in, then the rest.

    A freeze is a closed set, so no resolver may touch it; and no name may be taken from an index that it did not
    come from, so indexes are never merged.
    """
    folders: dict[str, list[str]] = {}
    for name, version in packages.items():
        folder = _index_folder(name, version)
        if folder is not None:
            folders.setdefault(folder, []).append(f"{name}=={version}")
    commands = [
        f"pip install {' '.join(pinned)} --no-deps --index-url {PYTORCH_INDEX}/{folder}"
        for folder, pinned in sorted(folders.items())
    ]
    return "\n".join([*commands, "pip install -r requirements.txt --no-deps"])


def _index_folder(name: object, version: object) -> str | None:
    """The folder of PyTorch's index that stands in the local version. It is copied from there, never computed."""
    if not isinstance(name, str) or not isinstance(version, str) or not is_valid_name(name):
        return None
    public, _, folder = version.partition("+")
    if not public.isascii() or not public.replace(".", "").isalnum() or not public[:1].isdigit():
        return None
    numbers = folder.removeprefix("cu") if folder.startswith("cu") else folder.removeprefix("rocm").replace(".", "0")
    known = folder in ("cpu", "xpu") or (folder != numbers and numbers.isascii() and numbers.isdigit())
    return folder if known else None


def _template_text() -> str:
    """The packaged template if it is there, else the checkout's."""
    package = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    folders = (package, os.path.dirname(os.path.dirname(package)))
    paths = [os.path.join(folder, "templates", _TEMPLATE) for folder in folders]
    path = paths[0] if os.path.isfile(paths[0]) else paths[1]
    with open(path, encoding="utf-8") as stream:
        return stream.read()
