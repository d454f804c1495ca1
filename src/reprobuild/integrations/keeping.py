"""Recording the environment of a run that some framework drives: save the files, log them where a run is tracked.

A training is worth more than its record: whatever fails here is logged, and the training goes on, unless it was asked
to stop.
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from typing import Any, Literal

from reprobuild.environment_snapshot import capture_environment, write_record

OnError = Literal["raise", "warn"]

Paths = tuple[str, str, str]
"""requirements.txt, environment.json, REPRODUCE.md"""


class Recording:
    """What the callback of every framework is made of, beside the framework's own class."""

    def __init__(
        self, output_dir: str | os.PathLike[str] | None = None, *, log: bool = True, on_error: OnError = "warn"
    ) -> None:
        super().__init__()
        self._output_dir = output_dir
        self._log = log
        self._on_error: OnError = on_error

    def keep(self, above: str | os.PathLike[str]) -> None:
        """Record into the folder that was given, else into ``environment`` below the framework's own."""
        folder = self._output_dir or os.path.join(above, "environment")  # noqa: PTH118
        keep_environment(folder, log=self._log, on_error=self._on_error)


def made_when_asked(module: str, name: str, make: Callable[[], type]) -> Callable[[str], object]:
    """A module's ``__getattr__`` that makes the class ``name`` when it is first asked for, and keeps it.

    Whatever ``make`` raises, such as ImportError where the framework is not there, is the asker's.
    """

    def get(asked: str) -> object:
        if asked != name:
            raise AttributeError(f"module {module!r} has no attribute {asked!r}")
        made = make()
        made.__module__, made.__qualname__ = module, name
        setattr(sys.modules[module], name, made)
        return made

    return get


def keep_environment(folder: str | os.PathLike[str], *, log: bool = True, on_error: OnError = "warn") -> Paths | None:
    """Record this process, write the three files into ``folder``, and log them to the active runs of W&B and MLflow.

    None when something failed and ``on_error`` is ``"warn"``; what was written stays.
    """
    try:
        facts = capture_environment()
        paths = write_record(facts, os.fspath(folder))
        if log:
            log_to_active_runs(paths, facts)
    except Exception as error:
        if on_error == "raise":
            raise
        logging.getLogger(__name__).warning("The environment of this run is not recorded: %s", error)
        return None
    return paths


def log_to_active_runs(paths: Paths, facts: dict[str, Any]) -> None:
    """Log to each tracking service that the program has imported and begun a run of. Raises RuntimeError."""
    if getattr(sys.modules.get("wandb"), "run", None) is not None:
        from reprobuild.integrations import wandb

        wandb.log_environment(*paths, facts)
        wandb.tag_run(facts)
    if "mlflow" in sys.modules:
        from reprobuild.integrations import mlflow

        if mlflow.has_active_run():
            mlflow.log_environment(*paths, facts)


def told_facts(facts: dict[str, Any]) -> dict[str, str]:
    """The few facts that a run is found by: what is known of them, by short names."""
    source = facts.get("source")
    commit = source.get("commit") if isinstance(source, dict) else None
    told = {
        "python": facts.get("python_version_short"),
        "torch": facts.get("torch_version"),
        "cuda": facts.get("cuda_version"),
        "gpu": facts.get("gpu_name"),
        "platform": facts.get("platform_system"),
        "commit": commit,
    }
    return {name: str(value) for name, value in told.items() if value}
