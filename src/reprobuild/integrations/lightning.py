"""Lightning: a callback that records the environment when a fit begins. The one importer of it.

    from reprobuild.integrations.lightning import EnvironmentCallback
    trainer = Trainer(..., callbacks=[EnvironmentCallback()])

The class is made when it is first asked for, since its base takes seconds to load; of ``lightning`` and
``pytorch_lightning``, which know nothing of each other's classes, it belongs to the one that the program has imported.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from reprobuild.integrations.keeping import OnError, keep_environment

if TYPE_CHECKING:
    from lightning.pytorch import Callback

    class EnvironmentCallback(Callback):
        """See ``_make``."""

        def __init__(
            self, output_dir: str | os.PathLike[str] | None = None, *, log: bool = True, on_error: OnError = "warn"
        ) -> None: ...


def __getattr__(name: str) -> object:
    """Make the class when it is first asked for. Raises ImportError without Lightning."""
    if name != "EnvironmentCallback":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    made = _make()
    globals()[name] = made
    return made


def _base() -> type[Any]:
    if "pytorch_lightning" in sys.modules and "lightning.pytorch" not in sys.modules:
        from pytorch_lightning import Callback as OldCallback

        return OldCallback
    try:
        from lightning.pytorch import Callback
    except ImportError:
        from pytorch_lightning import Callback as OldCallback

        return OldCallback
    return Callback


def _make() -> type:
    class EnvironmentCallback(_base()):  # type: ignore[misc]  # which of the two it is, is known when it runs
        """Record the environment into ``output_dir`` (default: ``environment`` in the logger's folder) once, on rank 0.

        ``log``: also to the active runs of W&B and MLflow. ``on_error="raise"`` stops the training where the
        environment can't be recorded.
        """

        def __init__(
            self, output_dir: str | os.PathLike[str] | None = None, *, log: bool = True, on_error: OnError = "warn"
        ) -> None:
            super().__init__()
            self._output_dir = output_dir
            self._log = log
            self._on_error: OnError = on_error

        def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
            """The loggers have their folders and runs by now."""
            del pl_module
            above = trainer.log_dir or trainer.default_root_dir  # Every rank takes part in finding the folder.
            if trainer.is_global_zero:
                folder = self._output_dir or os.path.join(above, "environment")  # noqa: PTH118
                keep_environment(folder, log=self._log, on_error=self._on_error)

    EnvironmentCallback.__module__, EnvironmentCallback.__qualname__ = __name__, "EnvironmentCallback"
    return EnvironmentCallback
