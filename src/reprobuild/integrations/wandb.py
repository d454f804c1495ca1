"""Weights & Biases: the environment as an artifact of the active run. The one importer of wandb."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from reprobuild.errors import RecordError
from reprobuild.integrations.keeping import told_facts

_LONGEST_TAG = 64
"""W&B refuses longer ones."""


def log_environment(requirements_path: str, env_json_path: str, reproduce_path: str, env_info: dict[str, Any]) -> None:
    """Log an artifact of type ``environment`` that holds the three files, and update the run's configuration.

    Raises ImportError without wandb, and RuntimeError when there is no active run or W&B refuses.
    """
    try:
        import wandb
    except ImportError as error:
        raise ImportError("wandb is not installed. Install it with: pip install wandb") from error
    run = wandb.run
    if run is None:
        raise RuntimeError("No active W&B run. Call wandb.init() first.")
    try:
        artifact = wandb.Artifact(
            name=_artifact_name(run.name or run.id), type="environment", metadata=_metadata(env_info)
        )
        for path in (requirements_path, env_json_path, reproduce_path):
            artifact.add_file(path)
        run.log_artifact(artifact)
        # wandb leaves this method unannotated.
        run.config.update(_configuration(env_info), allow_val_change=True)  # type: ignore[no-untyped-call]
    except Exception as error:
        raise RuntimeError(f"W&B artifact logging failed: {error}") from error


def tag_run(env_info: dict[str, Any]) -> None:
    """Add tags to the active run by which it is found: ``python 3.11.7``, ``torch 2.1.0+cu121``.

    Raises RuntimeError when W&B refuses.
    """
    import wandb

    run = wandb.run
    if run is None:
        return
    facts = told_facts(env_info)
    tags = [f"{name} {facts[name]}"[:_LONGEST_TAG] for name in ("python", "torch", "cuda") if name in facts]
    try:
        run.tags = tuple(dict.fromkeys([*(run.tags or ()), *tags]))
    except Exception as error:
        raise RuntimeError(f"W&B takes no tags: {error}") from error


def _artifact_name(run_name: str) -> str:
    """W&B takes letters, digits, hyphens, underscores and dots; run names may hold anything."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", run_name) + "-environment"


def _metadata(env_info: dict[str, Any]) -> dict[str, Any]:
    return {
        "python_version": env_info.get("python_version_short"),
        "torch_version": env_info.get("torch_version"),
        "cuda_version": env_info.get("cuda_version"),
        "gpu_name": env_info.get("gpu_name"),
        "platform": env_info.get("platform_system"),
    }


def _configuration(env_info: dict[str, Any]) -> dict[str, Any]:
    metadata = _metadata(env_info)
    return {key: metadata[key] for key in ("python_version", "torch_version", "cuda_version", "platform")}


def log_metrics(metrics: dict[str, Any], *, step: int | None = None, commit: bool | None = None) -> None:
    """Log numbers to the active run. Raises ImportError without wandb, and W&B's own error without a run."""
    import wandb

    wandb.log(metrics, step=step, commit=commit)


_UPSTREAM_DIFF = re.compile(r"upstream_diff_[0-9a-f]{40,64}\.patch")
RUN_FILES = ("requirements.txt", "wandb-metadata.json", "config.yaml", "conda-environment.yaml", "diff.patch")
"""The files of a run that tell its environment, its code and its command."""


def download_run(path: str, folder: Path) -> None:
    """Write the files of a run on the server (``entity/project/run``) that tell its environment below ``folder``.

    Raises RecordError without wandb, or when the server does not answer or has no such run.
    """
    try:
        import wandb
        from wandb.errors import Error
    except ImportError as error:
        hint = "pip install reprobuild[wandb]"
        raise RecordError("reading a run from W&B needs wandb", source=f"wandb:{path}", hint=hint) from error
    try:
        run = wandb.Api(timeout=30).run(path)
        download_files(run, folder)
    except (Error, ValueError, OSError) as error:
        hint = "WANDB_BASE_URL names the server, 'wandb login' or WANDB_API_KEY the account"
        raise RecordError(" ".join(str(error).split())[:300], source=f"wandb:{path}", hint=hint) from error


def download_files(run: Any, folder: Path) -> None:
    """The files of ``run``, an object of W&B's programming interface, that are in ``RUN_FILES``, and its upstream diff.

    The server lists a file that the run does not have with no bytes.
    """
    for file in [*run.files(names=list(RUN_FILES)), *_upstream_diffs(run)]:
        wanted = file.name in RUN_FILES or _UPSTREAM_DIFF.fullmatch(file.name)
        if wanted and getattr(file, "size", None) != 0:
            file.download(root=str(folder), replace=True)


def _upstream_diffs(run: Any) -> list[Any]:
    """The changes against a published commit, whose name holds the commit. Older wandb can't ask for a pattern."""
    try:
        return list(run.files(pattern="upstream_diff_%"))
    except TypeError:
        return []


def log_proof(run_id: str, proof: Path, summary: dict[str, str]) -> None:
    """Add ``proof`` to a run (``entity/project/run``) as an artifact, and ``summary`` to what the run sums up.

    The run is resumed, so that it works without a server too (``WANDB_MODE=offline``, then ``wandb sync``). Raises
    RecordError without wandb, or when W&B refuses.
    """
    source = f"wandb:{run_id}"
    try:
        import wandb
    except ImportError as error:
        hint = "pip install reprobuild[wandb]"
        raise RecordError("keeping a proof with a W&B run needs wandb", source=source, hint=hint) from error
    entity, project, identifier = run_id.split("/")
    try:
        settings = wandb.Settings(silent=True, console="off", disable_git=True)
        with wandb.init(entity=entity, project=project, id=identifier, resume="allow", settings=settings) as run:
            artifact = wandb.Artifact(name=f"{identifier}-proof", type="proof", metadata=summary)
            artifact.add_file(str(proof), name="proof.json")
            run.log_artifact(artifact)
            run.summary.update(summary)
    except Exception as error:
        # wandb raises errors of many kinds, some of them its transport's.
        raise RecordError(" ".join(str(error).split())[:300], source=source) from error
