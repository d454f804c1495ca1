"""Which of the recorded environment variables a replay sets, and which belong to the old machine. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

_OF_THE_MACHINE = re.compile(
    r"PATH|LD_.*|DYLD_.*|PYTHON(HOME|PATH|EXECUTABLE|USERBASE|STARTUP)|VIRTUAL_ENV.*|CONDA_.*|CUDA_(HOME|PATH)"
    r"|HOME|USER|LOGNAME|HOSTNAME|SHELL|PWD|OLDPWD|TMPDIR|TEMP|TMP|TERM|SLURM_.*|PBS_.*|OMPI_.*|PMI_.*"
    r"|(LOCAL_|GROUP_|NODE_)?RANK|(LOCAL_)?WORLD_SIZE|MASTER_.*|TORCHELASTIC_.*|.*_PROXY|.*_proxy|.*CACHE.*"
    r"|HF_HOME|TORCH_HOME|XDG_.*|NVIDIA_VISIBLE_DEVICES|CUDA_VISIBLE_DEVICES|.*_(KEY|TOKEN|SECRET|PASSWORD)"
)
"""Paths, cluster and credentials of the machine that recorded: they mean something else here, or nothing."""

_ALWAYS = {"PYTHONUNBUFFERED": "1"}
"""Output as it comes. It changes no number."""


class Variables(msgspec.Struct, frozen=True, kw_only=True):
    """What the command's environment is made of."""

    recorded: dict[str, str] = {}
    """Recorded variables that are set."""
    given: dict[str, str] = {}
    """The user's own, which win. They may hold secrets, so only their names are ever shown."""
    left_out: tuple[str, ...] = ()
    """Recorded variables that belong to the old machine."""

    @property
    def all(self) -> dict[str, str]:
        """As the command sees them."""
        return {**_ALWAYS, **self.recorded, **self.given}

    def seen(self, image: Mapping[str, str]) -> dict[str, str]:
        """Those that count for a comparison with the record: the image's, the recorded, and the user's of these."""
        names = {*image, *self.recorded}
        whole = {**image, **self.recorded, **self.given}
        return {name: text for name, text in whole.items() if name in names}


def variables_of(recorded: Mapping[str, str], given: Mapping[str, str]) -> Variables:
    """Choose among the recorded variables; ``given`` are those of the command line."""
    left_out = tuple(sorted(name for name in recorded if _OF_THE_MACHINE.fullmatch(name) and name not in given))
    kept = {name: text for name, text in recorded.items() if name not in left_out}
    return Variables(recorded=kept, given=dict(given), left_out=left_out)
