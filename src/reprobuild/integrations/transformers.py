"""Hugging Face's Trainer: a callback that records the environment when training begins. The one importer of it.

    from reprobuild.integrations.transformers import EnvironmentCallback
    trainer = Trainer(..., callbacks=[EnvironmentCallback()])

The class is made when it is first asked for, since its base takes seconds to load.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from reprobuild.integrations.keeping import OnError, keep_environment

if TYPE_CHECKING:
    from transformers import TrainerCallback

    class EnvironmentCallback(TrainerCallback):
        """See ``_make``."""

        def __init__(
            self, output_dir: str | os.PathLike[str] | None = None, *, log: bool = True, on_error: OnError = "warn"
        ) -> None: ...


def __getattr__(name: str) -> object:
    """Make the class when it is first asked for. Raises ImportError without transformers."""
    if name != "EnvironmentCallback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = _make()
    globals()[name] = made
    return made


def _make() -> type:
    from transformers import TrainerCallback

    class EnvironmentCallback(TrainerCallback):
        """Record the environment into ``output_dir`` (default: ``environment`` in the Trainer's own) once, on rank 0.

        ``log``: also to the active runs of W&B and MLflow. ``on_error="raise"`` stops the training where the
        environment can't be recorded.
        """

        def __init__(
            self, output_dir: str | os.PathLike[str] | None = None, *, log: bool = True, on_error: OnError = "warn"
        ) -> None:
            self._output_dir = output_dir
            self._log = log
            self._on_error: OnError = on_error

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            """The Trainer's other callbacks have begun their runs by now."""
            del control
            if state.is_world_process_zero:
                folder = self._output_dir or os.path.join(args.output_dir or os.curdir, "environment")  # noqa: PTH118
                keep_environment(folder, log=self._log, on_error=self._on_error)

    EnvironmentCallback.__module__, EnvironmentCallback.__qualname__ = __name__, "EnvironmentCallback"
    return EnvironmentCallback
