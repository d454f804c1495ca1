"""Hugging Face's Trainer: a callback that records the environment when training begins. The one importer of it.

    from reprobuild.integrations.transformers import EnvironmentCallback
    trainer = Trainer(..., callbacks=[EnvironmentCallback()])

The class is made when it is first asked for, since its base takes seconds to load.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from reprobuild.integrations.keeping import Recording, made_when_asked

if TYPE_CHECKING:
    from transformers import TrainerCallback

    class EnvironmentCallback(Recording, TrainerCallback):
        """See ``_make``."""


def _make() -> type:
    from transformers import TrainerCallback

    class EnvironmentCallback(Recording, TrainerCallback):
        """Record the environment into ``output_dir`` (default: ``environment`` in the Trainer's own) once, on rank 0.

        ``log``: also to the active runs of W&B and MLflow. ``on_error="raise"`` stops the training where the
        environment can't be recorded.
        """

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            """The Trainer's other callbacks have begun their runs by now."""
            del control
            if state.is_world_process_zero:
                self.keep(args.output_dir or os.curdir)

    return EnvironmentCallback


__getattr__ = made_when_asked(__name__, "EnvironmentCallback", _make)
