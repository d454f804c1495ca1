"""Records that lie on a server: ``mlflow:RUN_ID`` and ``wandb:ENTITY/PROJECT/RUN``."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reprobuild.records import Choice
    from reprobuild.snapshot import Snapshot

PREFIXES = ("mlflow:", "wandb:")
"""What a name begins with that is no path."""


def is_live(name: str) -> bool:
    """Whether ``name`` is a run on a server. A file of that very name wins."""
    return name.startswith(PREFIXES) and not Path(name).exists()


def read_live(name: str, *, choice: Choice | None = None) -> Snapshot:
    """Fetch the few files of the run that tell its environment, and read them. Raises RecordError."""
    from reprobuild import records
    from reprobuild.errors import RecordError

    kind, _, reference = name.partition(":")
    with tempfile.TemporaryDirectory(prefix="reprobuild-run-") as folder:
        _downloader(kind)(reference, Path(folder))
        try:
            return records.read(folder, choice=choice)
        except RecordError as error:
            raise error.located(name) from error


def _downloader(kind: str) -> Callable[[str, Path], None]:
    if kind == "mlflow":
        from reprobuild.integrations import mlflow

        return mlflow.download_run
    from reprobuild.integrations import wandb

    return wandb.download_run
