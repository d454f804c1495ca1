"""What may keep a rebuilt run from giving the recorded numbers, told from one record's own facts.

Standard library only: it is part of every capture. A line stands there because the record says or leaves open
something; nothing general is repeated. Whoever reads it may hold a record of any shape, so nothing is taken for given.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def known_sources(env_info: dict[str, Any]) -> list[str]:
    """One sentence for each source, in the order in which a person would rule them out."""
    return [*_randomness(env_info), *_code(env_info), *_processor(env_info), *_gpu(env_info)]


def _randomness(env_info: dict[str, Any]) -> list[str]:
    seeds = _table(env_info, "seeds")
    lines = []
    if seeds:
        told = ", ".join(f"{name} {seeds[name]}" for name in sorted(seeds))
        lines.append(
            f"The run was seeded ({told}): seed it with the same numbers, before the first random one is drawn."
        )
    else:
        lines.append("No seeds are recorded: without the run's own seeds other random numbers are drawn.")
    hash_seed = _table(env_info, "environment_variables").get("PYTHONHASHSEED")
    if hash_seed is None:
        lines.append("`PYTHONHASHSEED` is not recorded: the order of sets of texts may differ from run to run.")
    else:
        lines.append(f"Set `PYTHONHASHSEED={hash_seed}`, as recorded.")
    return lines


def _code(env_info: dict[str, Any]) -> list[str]:
    source = _table(env_info, "source")
    commit = source.get("commit")
    if not commit:
        return ["The commit of the run's code is not recorded."]
    if source.get("dirty"):
        return [
            f"The code had uncommitted changes on top of {commit}; environment.json holds what was recorded of them."
        ]
    return [f"Check out commit {commit} of the run's code."]


def _processor(env_info: dict[str, Any]) -> list[str]:
    variables = _table(env_info, "environment_variables")
    threads = [name for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS") if name in variables]
    told = ", ".join(f"`{name}={variables[name]}`" for name in threads)
    lines = [
        f"Set {told}, as recorded: sums are rounded in another order on another number of threads."
        if told
        else "The number of threads is not recorded: sums are rounded in another order on another number of threads."
    ]
    model = _table(env_info, "system").get("cpu_model")
    if model:
        lines.append(f"The processor was {model}; another one has other instructions, and may round otherwise.")
    return lines


def _gpu(env_info: dict[str, Any]) -> list[str]:
    name = env_info.get("gpu_name")
    if not name:
        return []
    return [
        f"The GPU was {name}; another model has other kernels, and Ampere and later ones may compute in TF32.",
        "cuDNN may choose its algorithms by timing them: switch `torch.backends.cudnn.benchmark` off.",
        "Some CUDA operations add in no fixed order: `torch.use_deterministic_algorithms(True)` names them, and needs "
        "`CUBLAS_WORKSPACE_CONFIG=:4096:8`.",
    ]


def _table(env_info: dict[str, Any], key: str) -> dict[str, Any]:
    """A table of the record; empty where there is none."""
    table = env_info.get(key)
    return table if isinstance(table, dict) else {}
