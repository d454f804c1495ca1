"""Lightning: a callback that records the environment when a fit begins. The one importer of it.

    from reprobuild.integrations.lightning import EnvironmentCallback
    trainer = Trainer(..., callbacks=[EnvironmentCallback()])

The class is made when it is first asked for, since its base takes seconds to load; of ``lightning`` and
``pytorch_lightning``, which know nothing of each other's classes, it belongs to the one that the program has imported.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from reprobuild.integrations.keeping import Recording, made_when_asked

if TYPE_CHECKING:
    from lightning.pytorch import Callback

    class EnvironmentCallback(Recording, Callback):
        """See ``_make``."""


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
    class EnvironmentCallback(Recording, _base()):  # type: ignore[misc]  # which of the two it is, is known when it runs
        """Record the environment into ``output_dir`` (default: ``environment`` in the logger's folder) once, on rank 0.

        ``log``: also to the active runs of W&B and MLflow. ``on_error="raise"`` stops the training where the
        environment can't be recorded.
        """

        def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
            """The loggers have their folders and runs by now."""
            del pl_module
            above = trainer.log_dir or trainer.default_root_dir  # Every rank takes part in finding the folder.
            if trainer.is_global_zero:
                self.keep(above)

    return EnvironmentCallback


__getattr__ = made_when_asked(__name__, "EnvironmentCallback", _make)
