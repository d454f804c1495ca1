"""MLflow: the environment as tags and artifacts of the active run, and the files of a run from a tracking server.

The one importer of mlflow.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reprobuild.errors import RecordError
from reprobuild.integrations.keeping import told_facts

MODEL_FILES = ("MLmodel", "conda.yaml", "python_env.yaml", "requirements.txt")
"""The files of a model that tell its environment."""

_VARIABLES = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",
    "MLFLOW_ALLOW_FILE_STORE": "true",
}

ARTIFACT_FOLDER = "environment"
"""Where the record's files lie among the artifacts of a run."""

_MOST_MODELS = 5
_DEEPEST = 3


def has_active_run() -> bool:
    """Whether this process has begun a run that has not ended."""
    import mlflow  # type: ignore[import-not-found,unused-ignore]  # an extra, as below

    return mlflow.active_run() is not None


def log_environment(requirements_path: str, env_json_path: str, reproduce_path: str, env_info: dict[str, Any]) -> None:
    """Log the three files as artifacts of the active run, and tag it ``reprobuild.python``, ``reprobuild.torch``, ...

    Raises ImportError without mlflow, and RuntimeError when there is no active run or MLflow refuses.
    """
    try:
        import mlflow
    except ImportError as error:
        raise ImportError("mlflow is not installed. Install it with: pip install mlflow") from error
    if mlflow.active_run() is None:
        raise RuntimeError("No active MLflow run. Call mlflow.start_run() first.")
    try:
        mlflow.set_tags({f"reprobuild.{name}": value for name, value in told_facts(env_info).items()})
        for path in (requirements_path, env_json_path, reproduce_path):
            mlflow.log_artifact(path, ARTIFACT_FOLDER)
    except Exception as error:
        raise RuntimeError(f"MLflow artifact logging failed: {error}") from error


def download_run(run_id: str, folder: Path) -> None:
    """Write the tags, parameters and model files of a run below ``folder``. Asks the server that mlflow is set to.

    Raises RecordError without mlflow, or when the server does not answer or has no such run.
    """
    try:
        # mlflow is an extra: where the types are checked, it need not be installed.
        from mlflow.exceptions import MlflowException  # type: ignore[import-not-found,unused-ignore]
        from mlflow.tracking import MlflowClient, get_tracking_uri  # type: ignore[import-not-found,unused-ignore]
    except ImportError as error:
        raise RecordError(
            "reading a run from MLflow needs mlflow", source=f"mlflow:{run_id}", hint="pip install reprobuild[mlflow]"
        ) from error
    try:
        with _patience():
            _require_database(get_tracking_uri())
            client = MlflowClient()
            run = client.get_run(run_id)
            _write_facts(run, folder)
            for number, place in enumerate(_models(client, run)):
                _download_model(place, number, folder)
    except (MlflowException, OSError, ValueError) as error:
        hint = "MLFLOW_TRACKING_URI names the server, the folder or the database file that holds the run"
        raise RecordError(" ".join(str(error).split())[:300], source=f"mlflow:{run_id}", hint=hint) from error


def _require_database(uri: str) -> None:
    """mlflow would make an empty database where there is none."""
    path = uri.removeprefix("sqlite:///")
    if path != uri and not Path(path).exists():
        raise OSError(f"there is no database {path}")


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    """Whoever waits for a server that does not answer is told sooner than mlflow would, unless they set more; and
    newer releases read the folders that older ones wrote only when told to."""
    added = {name: value for name, value in _VARIABLES.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            os.environ.pop(name, None)


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


def log_proof(run_id: str, proof: Path, summary: dict[str, str]) -> None:
    """Add ``proof`` to a run's artifacts and ``summary`` to its tags. Asks the server that mlflow is set to.

    Raises RecordError without mlflow, or when the server does not answer or has no such run.
    """
    source = f"mlflow:{run_id}"
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        hint = "pip install reprobuild[mlflow]"
        raise RecordError("keeping a proof with an MLflow run needs mlflow", source=source, hint=hint) from error
    client = MlflowClient()
    try:
        client.log_artifact(run_id, str(proof))
        for name, text in summary.items():
            client.set_tag(run_id, name, text)
    except (MlflowException, OSError) as error:
        raise RecordError(" ".join(str(error).split())[:300], source=source) from error
