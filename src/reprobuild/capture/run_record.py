"""What is known of the run itself beside its packages: its code, its command, its variables, its switches.

``RunReading`` starts what takes time before the packages are read, and adds its facts to theirs. Whatever it adds has
its secrets taken out, together with the rest of the record.
"""

from __future__ import annotations

import os
import sys
import time

from reprobuild.capture.redaction import redact
from reprobuild.capture.source import SourceReading
from reprobuild.probe.files import tidy_home

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded for nothing
    from collections.abc import Iterable, Sequence
    from typing import Any

PREFIXES = ("BLIS_", "CUDNN_", "JAX_", "KMP_", "MKL_", "OMP_", "OPENBLAS_", "TF_", "TORCHINDUCTOR_", "XLA_")
"""Variables of numeric libraries, by the beginning of their names."""

TERRAFORM = (
    "TF_CLI_",
    "TF_DATA_DIR",
    "TF_INPUT",
    "TF_IN_AUTOMATION",
    "TF_LOG",
    "TF_PLUGIN",
    "TF_REGISTRY",
    "TF_TOKEN_",
    "TF_VAR_",
    "TF_WORKSPACE",
)
"""Another program's variables that begin like TensorFlow's, and may hold anything."""

NAMES = frozenset(
    {"GOTO_NUM_THREADS", "LOCAL_RANK", "NCCL_ALGO", "NCCL_PROTO", "NPY_DISABLE_CPU_FEATURES", "NUMEXPR_NUM_THREADS"}
    | {"RANK", "SOURCE_DATE_EPOCH", "TOKENIZERS_PARALLELISM", "VECLIB_MAXIMUM_THREADS", "WORLD_SIZE", "OPT_EINSUM"}
    | {"CUDA_DEVICE_MAX_CONNECTIONS", "CUDA_MODULE_LOADING", "PYTORCH_NO_CUDA_MEMORY_CACHING", "PYTHONOPTIMIZE"}
)
"""Further ones that may change a run's numbers, beside those that the probe records."""


class RunReading:
    """The run's own facts, being gathered."""

    def __init__(self, command: Sequence[str] | None = None, variables: Iterable[str] = ()) -> None:
        """Start git. ``command`` is what is about to run; ``variables`` are further ones to record."""
        self._command = None if command is None else tuple(command)
        self._variables = tuple(variables)
        self._source = SourceReading()

    def add_to(self, facts: dict[str, Any], *, own_process: bool) -> dict[str, Any]:
        """The record with the run's facts, and without secrets. ``own_process``: whether this process is the run."""
        return redact({**facts, **self._added(facts, own_process=own_process)})

    def add_to_clean(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The same for a record that went through ``redact`` already, of another process's environment."""
        earlier = {"redactions": facts["redactions"]} if facts.get("redactions") else {}
        return {**facts, **redact({**earlier, **self._added(facts, own_process=False)})}

    def _added(self, facts: dict[str, Any], *, own_process: bool) -> dict[str, Any]:
        notes: list[dict[str, Any]] = list(facts.get("notes", []))
        source = self._source.facts(notes)
        command = self._command
        if command is None and own_process:
            command = command_of_this_process()
        added = {
            "source": source,
            "command": command_facts(command) if command else None,
            "environment_variables": {**facts.get("environment_variables", {}), **variables(self._variables)},
            "switches": _switches() if own_process else None,
            "notes": notes,
        }
        return {key: value for key, value in added.items() if value}


def command_of_this_process() -> tuple[str, ...] | None:
    """The words this process was started with; None in a notebook, which nobody starts by a command."""
    if "ipykernel" in sys.modules or not sys.argv or sys.argv[0] in ("", "-c"):
        return None
    words = tuple(sys.orig_argv)
    script = words[1] if len(words) > 1 else ""
    # A program that pip installed (torchrun) is started by its own name, wherever its environment lies.
    if os.path.dirname(script) and os.path.realpath(os.path.dirname(script)) == os.path.realpath(_programs()):
        return (os.path.basename(script), *words[2:])
    return words


def _programs() -> str:
    return os.path.join(sys.prefix, "Scripts" if os.name == "nt" else "bin")


def command_facts(command: Sequence[str]) -> dict[str, Any]:
    """``command`` of environment.json. An interpreter is ``python`` wherever it lay; the home folder is ``~``."""
    program = command[0]
    name = os.path.basename(program)
    if is_python(program):
        program = "python"
    elif os.path.dirname(program) and os.path.realpath(os.path.dirname(program)) == os.path.realpath(_programs()):
        program = name
    return {
        "program": _tidy(program),
        "arguments": [_tidy(word) for word in command[1:]],
        "started_at": now(),
    }


def is_python(program: str) -> bool:
    """Whether a program's name is an interpreter's: ``python``, ``python3.11``, ``/opt/venv/bin/python3``."""
    name = os.path.basename(program).removesuffix(".exe")
    return name.startswith("python") and not name[len("python") :].strip("0123456789.t")


def now() -> str:
    """UTC, as environment.json has times."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def variables(further: Iterable[str] = ()) -> dict[str, str]:
    """The variables of this process that change results, and those that ``further`` names."""
    wanted = {name for name in further if not name.endswith("*")}
    beginnings = (*PREFIXES, *(name[:-1] for name in further if name.endswith("*") and len(name) > 1))
    return {
        name: _tidy(value)
        for name, value in sorted(os.environ.items())
        if name in wanted or ((name in NAMES or name.startswith(beginnings)) and not name.startswith(TERRAFORM))
    }


def _switches() -> dict[str, str]:
    """What the libraries that this process has imported say of threads and determinism."""
    if not {"numpy", "torch", "tensorflow", "jax"}.intersection(sys.modules):
        return {}  # Nothing is loaded to find that nothing is there.
    from reprobuild.run_facts import switches

    return switches()


def _tidy(text: str) -> str:
    """Texts that are no UTF-8 come with stand-ins for their bytes, which no JSON file can hold for long."""
    return tidy_home(text).encode("utf-8", "replace").decode("utf-8")
