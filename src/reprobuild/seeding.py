"""The original utility's seeds: one call for every random number generator that a training run uses.

torch and numpy are imported inside the functions; without them ``set_random_seed`` seeds what is there. Importing
TensorFlow takes seconds, and most runs that have it use another: it is seeded at once where the run has imported it,
else when the run does. JAX keeps no global state, its keys are made by hand from the seed; deterministic mode sets the
switch that its compiler reads.
"""

from __future__ import annotations

import os
import random
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from reprobuild.printing import show

if TYPE_CHECKING:
    import torch

__all__ = ["create_seeded_generator", "seed_worker", "set_random_seed"]

SEEDS: dict[str, int] = {}
"""What ``set_random_seed`` was given in this process; a capture records it."""

_will_tell_switches: list[bool] = []
"""Not empty once the end of this process has been asked to tell them."""


def set_random_seed(seed: int, deterministic: bool = False) -> None:
    """Seed random, numpy, torch (CPU and every CUDA device), and TensorFlow, now or when the run imports it.

    ``deterministic`` also makes torch and TensorFlow use deterministic algorithms only, and XLA where JAX has not
    begun to compute, which is slower; without it, cuDNN may choose the fastest ones. An earlier deterministic mode
    is not undone.
    """
    random.seed(seed)
    _seed_numpy(seed)
    _seed_torch(seed, deterministic)
    _seed_tensorflow(seed, deterministic)
    if deterministic:
        os.environ["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
        _let_xla_be_deterministic()
    SEEDS["set_random_seed"] = seed
    _tell_the_capture()
    show(f"✅ Random seed set to {seed}")
    if deterministic:
        show("   Fully deterministic mode enabled")
    else:
        show("   Fast mode (may have minor non-determinism from cuDNN)")


def _tell_the_capture() -> None:
    """Tell the seeds now, and the switches when the run ends, to the ``reprobuild capture`` that started it, if any."""
    from reprobuild import run_notes

    if run_notes.VARIABLE not in os.environ:
        return
    if not _will_tell_switches:
        import atexit

        atexit.register(_tell_switches)
        _will_tell_switches.append(True)
    run_notes.tell("seeds", dict(SEEDS))


def _tell_switches() -> None:
    from reprobuild import run_notes
    from reprobuild.run_facts import switches

    run_notes.tell("switches", switches())


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


def _seed_tensorflow(seed: int, deterministic: bool) -> None:
    if "tensorflow" in sys.modules:
        _tell_tensorflow(seed, deterministic)
        return
    waiting = next((one for one in sys.meta_path if isinstance(one, _AtImport)), None)
    if waiting is None:
        sys.meta_path.insert(0, _AtImport(seed, deterministic))
    else:
        waiting.seed, waiting.deterministic = seed, deterministic or waiting.deterministic


def _tell_tensorflow(seed: int, deterministic: bool) -> None:
    tensorflow: Any = sys.modules["tensorflow"]
    if tensorflow is None:  # The run forbids its import.
        return
    tensorflow.random.set_seed(seed)
    if deterministic:
        # Before 2.9 there is no such function, but an environment variable that is read when a kernel is chosen.
        enable = getattr(tensorflow.config.experimental, "enable_op_determinism", None)
        if enable is not None:
            enable()
        else:
            os.environ["TF_DETERMINISTIC_OPS"] = "1"


class _AtImport(MetaPathFinder):
    """Finds no module itself; it waits for TensorFlow's import, and seeds it when that is done."""

    def __init__(self, seed: int, deterministic: bool) -> None:
        self.seed = seed
        self.deterministic = deterministic

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        """What the other finders find for TensorFlow, with the seeding behind its execution."""
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = find_spec(name)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def execute_and_seed(module: object) -> None:
                execute(module)
                _tell_tensorflow(self.seed, self.deterministic)

            loader.exec_module = execute_and_seed
        return spec


def _let_xla_be_deterministic() -> None:
    """Add XLA's switch to those that the run has set. It is read when JAX or TensorFlow first compiles."""
    switch = "--xla_gpu_deterministic_ops=true"
    flags = os.environ.get("XLA_FLAGS", "")
    if switch not in flags and _is_there("jax"):
        os.environ["XLA_FLAGS"] = f"{flags} {switch}".strip()


def _is_there(name: str) -> bool:
    """Whether a package is imported, or could be."""
    if name in sys.modules:
        return sys.modules[name] is not None
    return find_spec(name) is not None


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
