"""The original utility's seeds: one call for every random number generator that a training run uses.

torch and numpy are imported inside the functions; without them ``set_random_seed`` seeds what is there.
"""

from __future__ import annotations

import os
import random
from typing import TYPE_CHECKING

from reprobuild.printing import show

if TYPE_CHECKING:
    import torch

__all__ = ["create_seeded_generator", "seed_worker", "set_random_seed"]

SEEDS: dict[str, int] = {}
"""What ``set_random_seed`` was given in this process; a capture records it."""


def set_random_seed(seed: int, deterministic: bool = False) -> None:
    """Seed random, numpy and torch (CPU and every CUDA device).

    ``deterministic`` also makes torch use deterministic algorithms only, which is slower; without it, cuDNN may
    choose the fastest ones. An earlier deterministic mode is not undone.
    """
    random.seed(seed)
    _seed_numpy(seed)
    _seed_torch(seed, deterministic)
    if deterministic:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    SEEDS["set_random_seed"] = seed
    show(f"✅ Random seed set to {seed}")
    if deterministic:
        show("   Fully deterministic mode enabled")
    else:
        show("   Fast mode (may have minor non-determinism from cuDNN)")


def _seed_numpy(seed: int) -> None:
    try:
        import numpy
    except ImportError:
        return
    numpy.random.seed(seed)


def _seed_torch(seed: int, deterministic: bool) -> None:
    try:
        import torch
    except ImportError:
        return
    torch.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed(seed)
        torch.cuda.manual_seed_all(seed)
    torch.backends.cudnn.benchmark = not deterministic
    if deterministic:
        torch.backends.cudnn.deterministic = True
        torch.use_deterministic_algorithms(True)


def seed_worker(worker_id: int) -> None:  # noqa: ARG001 - DataLoader passes it; torch's seed already depends on it
    """Seed numpy and random in a DataLoader worker, from the seed that torch gave it: pass as ``worker_init_fn``."""
    import torch

    seed = torch.initial_seed() % 2**32
    _seed_numpy(seed)
    random.seed(seed)


def create_seeded_generator(seed: int) -> torch.Generator:
    """A torch generator with this seed, for a DataLoader's ``generator``."""
    import torch

    generator = torch.Generator()
    generator.manual_seed(seed)
    return generator
