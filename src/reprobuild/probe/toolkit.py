"""The CUDA toolkit that lies on this machine: what extensions are compiled with."""

import os

from .child import Child, TookTooLong
from .files import COMMAND_TIMEOUT_S, read_text
from .inputs import look_at


class Toolkit:
    """The version of nvcc, which extensions are compiled with: from the toolkit's list of its parts, else from nvcc.

    nvcc is started at once, and runs while the rest is read.
    """

    def __init__(self, compiler: "str") -> "None":
        top = os.path.dirname(os.path.dirname(os.path.realpath(compiler)))
        look_at(compiler)
        self.listed = _listed_nvcc(read_text(os.path.join(top, "version.json")) or "")
        self.child: "Child | None" = None
        if self.listed is None:
            try:
                self.child = Child([compiler, "--version"], dict(os.environ))
            except OSError:
                pass

    def version(self) -> "str | None":
        """Such as ``12.1.105``; None where nvcc does not answer."""
        if self.child is None:
            return self.listed
        try:
            output = self.child.wait(COMMAND_TIMEOUT_S)[1].decode("utf-8", "replace")
        except TookTooLong:
            return None
        return _version_or_none((output.partition(" release ")[2].partition(", V")[2].split() or [""])[0])


def _listed_nvcc(text: "str") -> "str | None":
    """From ``"cuda_nvcc": {"name": ..., "version": "12.1.105"}``, read without json, which is slow to load."""
    words = text.partition('"cuda_nvcc"')[2].partition("}")[0].partition('"version"')[2].split('"')
    return _version_or_none(words[1]) if len(words) > 1 else None


def _version_or_none(text: "str") -> "str | None":
    return text if text.count(".") == 2 and text.replace(".", "").isdigit() else None
