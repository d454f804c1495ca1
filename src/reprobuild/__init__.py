"""Rebuild an old machine-learning run in a container, and prove that it is the same environment.

The original utility's functions are importable from here, so that a notebook changes only its import line. They are
loaded when they are first used: importing this package is instant and imports neither torch nor anything else.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module takes longer than this whole import
    from typing import Any

    from reprobuild.environment_snapshot import (
        capture_environment,
        compare_environments,
        log_environment_to_mlflow,
        log_environment_to_wandb,
        save_environment_snapshot,
    )
    from reprobuild.errors import ReprobuildError
    from reprobuild.metrics_tracker import MetricsTracker
    from reprobuild.seeding import create_seeded_generator, seed_worker, set_random_seed
    from reprobuild.snapshot import Snapshot

__version__ = "0.1.0"
"""The release, as in the distribution's metadata."""

__all__ = [
    "MetricsTracker",
    "ReprobuildError",
    "Snapshot",
    "__version__",
    "capture_environment",
    "compare_environments",
    "create_seeded_generator",
    "log_environment_to_mlflow",
    "log_environment_to_wandb",
    "save_environment_snapshot",
    "seed_worker",
    "set_random_seed",
]

_MODULES = {
    "MetricsTracker": "metrics_tracker",
    "ReprobuildError": "errors",
    "Snapshot": "snapshot",
    "capture_environment": "environment_snapshot",
    "compare_environments": "environment_snapshot",
    "create_seeded_generator": "seeding",
    "log_environment_to_mlflow": "environment_snapshot",
    "log_environment_to_wandb": "environment_snapshot",
    "save_environment_snapshot": "environment_snapshot",
    "seed_worker": "seeding",
    "set_random_seed": "seeding",
}
"""Public name: the module that holds it."""


def load_ipython_extension(shell: Any) -> None:
    """What ``%load_ext reprobuild`` calls with IPython's shell: adds the magic ``%reprobuild``."""
    from reprobuild.cli.notebook import add_magic

    add_magic(shell)


def __getattr__(name: str) -> object:
    """Load a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
