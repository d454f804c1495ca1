"""What a running program knows of itself that may change its numbers: threads, switches, seeds, variables.

Nothing is imported for it: a framework that the run has not loaded has nothing to tell. The keys are those under
which a replay compares two runs. Layer: beside ``seeding``.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

from reprobuild.linear_algebra import linear_algebra_facts
from reprobuild.seeding import SEEDS

VARIABLES = (
    "CUBLAS_WORKSPACE_CONFIG",
    "CUDA_LAUNCH_BLOCKING",
    "CUDA_VISIBLE_DEVICES",
    "MKL_CBWR",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "PYTHONHASHSEED",
    "TF_DETERMINISTIC_OPS",
    "TF_ENABLE_ONEDNN_OPTS",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
    "XLA_FLAGS",
)
"""Environment variables that change what numeric libraries compute. None of them holds a secret."""


def run_facts() -> dict[str, str]:
    """Facts of this process, as texts by name; what can't be asked is left out."""
    facts = {f"environment_variables.{name}": os.environ[name] for name in VARIABLES if name in os.environ}
    facts |= {f"seeds.{name}": str(seed) for name, seed in SEEDS.items()}
    facts["python.version"] = ".".join(str(part) for part in sys.version_info[:3])
    for name in ("numpy", "torch", "tensorflow", "jax"):
        version = getattr(sys.modules.get(name), "__version__", None)
        if version is not None:
            facts[f"{name}.version"] = str(version)
    return facts | linear_algebra_facts() | _torch_facts()


def switches() -> dict[str, str]:
    """Those of ``run_facts`` that libraries tell of threads and determinism; empty while none of them is imported."""
    if not {"numpy", "torch", "tensorflow", "jax"}.intersection(sys.modules):
        return {}
    return {name: value for name, value in run_facts().items() if not _is_told_elsewhere(name)}


def _is_told_elsewhere(name: str) -> bool:
    """Whether a record has the fact under a key of its own."""
    return name.startswith(("environment_variables.", "seeds.")) or name in _VERSIONS or name == "gpu"


_VERSIONS = frozenset({"python.version", "numpy.version", "torch.version", "tensorflow.version", "jax.version"})


def _torch_facts() -> dict[str, str]:
    torch: Any = sys.modules.get("torch")
    if torch is None:
        return {}
    questions: dict[str, Callable[[], Any]] = {
        "torch.threads": lambda: torch.get_num_threads(),
        "torch.deterministic_algorithms": lambda: torch.are_deterministic_algorithms_enabled(),
        "torch.cudnn.deterministic": lambda: torch.backends.cudnn.deterministic,
        "torch.cudnn.benchmark": lambda: torch.backends.cudnn.benchmark,
        "torch.cudnn.allow_tf32": lambda: torch.backends.cudnn.allow_tf32,
        "torch.matmul.allow_tf32": lambda: torch.backends.cuda.matmul.allow_tf32,
        "torch.deterministic_warn_only": lambda: torch.is_deterministic_algorithms_warn_only_enabled(),
        "torch.float32_matmul_precision": lambda: torch.get_float32_matmul_precision(),
        "torch.interop_threads": lambda: torch.get_num_interop_threads(),
        "torch.default_dtype": lambda: torch.get_default_dtype(),
        "torch.cpu_capability": lambda: torch.backends.cpu.get_cpu_capability(),
        "torch.cuda": lambda: torch.version.cuda,
        "gpu": lambda: torch.cuda.get_device_name(0) if torch.cuda.is_available() else None,
    }
    facts = {}
    for name, ask in questions.items():
        # Old releases lack some of these; a fact that is not there is none.
        try:
            answer = ask()
        except Exception:  # noqa: S112 - a training run must not fail for a fact about itself
            continue
        if answer is not None:
            facts[name] = str(answer)
    return facts
