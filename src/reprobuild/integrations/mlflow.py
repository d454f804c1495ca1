"""MLflow: the files of a run from a tracking server, as an MLflow run's folder has them. The one importer of mlflow."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from reprobuild.errors import RecordError

MODEL_FILES = ("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt")
"""The files of a model that tell its environment."""

_MOST_MODELS = 5
_DEEPEST = 3


def download_run(run_id: str, folder: Path) -> None:
    """Write the tags, parameters and model files of a run below ``folder``. Asks the server that mlflow is set to.

    Raises RecordError without mlflow, or when the server does not answer or has no such run.
    """
    try:
        # mlflow is an extra: where the types are checked, it need not be installed.
        from mlflow.exceptions import MlflowException  # type: ignore[import-not-found,unused-ignore]
        from mlflow.tracking import MlflowClient  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise RecordError(
            "reading a run from MLflow needs mlflow", source=f"mlflow:{run_id}", hint="pip install reprobuild[mlflow]"
        ) from error
    client = MlflowClient()
    try:
        run = client.get_run(run_id)
        _write_facts(run, folder)
        for number, place in enumerate(_models(client, run)):
            _download_model(place, number, folder)
    except (MlflowException, OSError) as error:
        raise RecordError(" ".join(str(error).split())[:300], source=f"mlflow:{run_id}") from error


def _write_facts(run: Any, folder: Path) -> None:
    """Tags and parameters one file each, and the start of the run, as MLflow's own file store has them."""
    for kind, values in (("tags", run.data.tags), ("params", run.data.params)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, value in values.items():
            if name.replace(".", "").replace("_", "").isalnum() and len(name) < 200:
                (folder / kind / name).write_text(str(value), encoding="utf-8")
    facts = {"artifact_uri": str(run.info.artifact_uri), "start_time": str(run.info.start_time)}
    (folder / "meta.yaml").write_text(json.dumps(facts), encoding="utf-8")


def _models(client: Any, run: Any) -> list[str]:
    """Addresses of the folders with an MLmodel: among the run's artifacts, and what MLflow 3 calls its outputs."""
    found = [
        f"runs:/{run.info.run_id}/{place}" if place else f"runs:/{run.info.run_id}"
        for place in _folders_with_model(client, run.info.run_id, "", _DEEPEST)
    ]
    outputs = getattr(getattr(run, "outputs", None), "model_outputs", None) or ()
    found += [str(client.get_logged_model(model.model_id).artifact_location) for model in outputs[:_MOST_MODELS]]
    return found[:_MOST_MODELS]


def _folders_with_model(client: Any, run_id: str, place: str, depth: int) -> list[str]:
    entries = client.list_artifacts(run_id, place or None)
    if any(entry.path.rpartition("/")[2] == "MLmodel" for entry in entries):
        return [place]
    deeper = [entry.path for entry in entries if entry.is_dir and depth > 0]
    return [found for path in deeper for found in _folders_with_model(client, run_id, path, depth - 1)]


def _download_model(place: str, number: int, folder: Path) -> None:
    """The few files that matter: the weights stay where they are."""
    from mlflow.artifacts import download_artifacts  # type: ignore[import-not-found,unused-ignore]  # see above
    from mlflow.exceptions import MlflowException

    target = folder / "artifacts" / f"model-{number}"
    target.mkdir(parents=True, exist_ok=True)
    for name in MODEL_FILES:
        try:
            download_artifacts(artifact_uri=f"{place}/{name}", dst_path=str(target))
        except (MlflowException, OSError):
            continue  # not every model has every file
