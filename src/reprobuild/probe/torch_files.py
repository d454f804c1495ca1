"""PyTorch, read from its files: it is never imported."""

import os

from .files import known, names_in, read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Fields = dict[str, Any]


def torch_facts(paths: "list[str]", versions: "dict[str, str | None]") -> "Fields | None":
    """What ``torch/version.py`` says, and the cuDNN and NCCL that lie beside it; None without torch.

    ``versions`` holds the installed distributions by canonical name.
    """
    folder = next((path for path in (os.path.join(p, "torch") for p in paths) if os.path.isdir(path)), None)
    text = read_text(os.path.join(folder, "version.py")) if folder else None
    if folder is None or text is None:
        return None
    stated = _assigned_texts(text)
    facts: "Fields" = {
        "version": stated.get("__version__"),
        "cuda": stated.get("cuda"),
        "hip": stated.get("hip"),
        "git_version": stated.get("git_version"),
    }
    if facts["cuda"]:
        facts["cudnn"] = _nvidia_version("cudnn", versions) or _bundled_version("cudnn", folder)
        facts["nccl"] = _nvidia_version("nccl", versions) or _bundled_version("nccl", folder)
    facts["read_by"] = "files"
    return known(facts)


def _assigned_texts(source: "str") -> "dict[str, str]":
    """The names that a module's lines give a text to: ``cuda: Optional[str] = '12.1'``."""
    found = {}
    for line in source.splitlines():
        target, equals, value = line.partition("=")
        name, value = target.partition(":")[0].strip(), value.strip()
        if equals and name.isidentifier() and len(value) > 1 and value[0] in "'\"" and value[-1] == value[0]:
            found[name] = value[1:-1]
    return found


def _nvidia_version(library: "str", versions: "dict[str, str | None]") -> "str | None":
    """Of the wheel that brings it: ``nvidia-cudnn-cu12``, and for the newest CUDA ``nvidia-cudnn-cu13``."""
    stem = "nvidia-" + library
    names = [name for name in versions if name == stem or name.rstrip("0123456789") == stem + "-cu"]
    return versions[max(names)] if names else None


def _bundled_version(library: "str", folder: "str") -> "str | None":
    """The longest version in the names of the wheel's own libraries: ``libcudnn.so.8``, ``libcudnn-7a90.so.7``."""
    found = []
    for name in names_in(os.path.join(folder, "lib")):
        stem, so, version = name.partition(".so.")
        if so and stem.partition("-")[0] == "lib" + library and version.replace(".", "").isdigit():
            found.append(version)
    return max(found, key=len) if found else None


def cudnn_integer(version: "str | None") -> "int | None":
    """cuDNN's version as torch tells it: 8.9.2.26 is 8902, 9.19.0.56 is 91900; None when only the major is known."""
    numbers = [int(part) for part in (version or "").split(".")[:3] if part.isdigit()]
    if len(numbers) < 3:
        return None
    major, minor, patch = numbers
    return major * 10000 + minor * 100 + patch if major >= 9 else major * 1000 + minor * 100 + patch
