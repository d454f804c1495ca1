"""Every format of one file that is understood, in one dict in plain sight: how it is recognized and who reads it.

A format is known by its content. The order counts: the first that recognizes the content reads it, so the most
particular stand first and the plain list of requirement lines last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from reprobuild.errors import RecordError
from reprobuild.records import (
    collect_env,
    conda_environment,
    conda_lists,
    conda_lock,
    environment_json,
    environment_reports,
    foreign_json,
    lock_files,
    mlflow_run,
    nvidia_tools,
    pip_reports,
    requirements,
    system_texts,
    uv_lock,
    wandb_log,
    wandb_run,
)
from reprobuild.records.document import Document
from reprobuild.records.pasted import stranger, wanted_only
from reprobuild.snapshot import Snapshot


class Format(NamedTuple):
    """One kind of record."""

    description: str
    """For a person, in a list of what is understood."""
    recognizes: Callable[[Document], bool]
    """Whether this file is of the format. Raises nothing but RecordError, for a file that is broken JSON."""
    read: Callable[[Document], Snapshot]
    """The file to a snapshot; raises RecordError."""


def _json_that(holds: Callable[[Any], bool]) -> Callable[[Document], bool]:
    """Recognition by the decoded value. JSON that does not decode is an error at once: nothing else starts so."""
    return lambda document: document.looks_like_json and holds(document.json)


def _text_that(holds: Callable[[Document], bool]) -> Callable[[Document], bool]:
    """Recognition of a text format."""
    return lambda document: not document.looks_like_json and holds(document)


class UnknownFormat(RecordError):
    """No format recognizes the file."""


OWN = "reprobuild"
"""Our own layout: nothing is added to what it says."""

LOOSEST = "requirements"
"""What takes nearly any line with a name in it: before it, what only looks so is told by its own marks."""

FORMATS: dict[str, Format] = {
    OWN: Format("environment.json of reprobuild", _json_that(environment_json.is_own), environment_json.read_own),
    "environment-json": Format(
        "flat environment.json of the environment snapshot utility",
        _json_that(environment_json.is_flat),
        environment_json.read_flat,
    ),
    "pip-inspect": Format("pip inspect", _json_that(pip_reports.recognizes_inspect), pip_reports.read_inspect),
    "package-list-json": Format(
        "pip list or conda list as JSON", _json_that(pip_reports.recognizes_list), pip_reports.read_list
    ),
    "conda-environment-json": Format(
        "conda env export --json", _json_that(conda_environment.recognizes_json), conda_environment.read
    ),
    "pipfile-lock": Format("Pipfile.lock", _json_that(lock_files.recognizes_pipfile), lock_files.read_pipfile),
    "wandb-metadata": Format("wandb-metadata.json", _json_that(wandb_run.recognizes_metadata), wandb_run.read_metadata),
    "snapshot-json": Format(
        "JSON of other snapshot utilities: Python, torch and package versions",
        _json_that(foreign_json.recognizes),
        foreign_json.read,
    ),
    "wandb-log": Format(
        "transaction log of an offline W&B run (.wandb)",
        lambda document: wandb_log.recognizes(document.content),
        wandb_run.read_log,
    ),
    "pylock": Format("pylock.toml", _text_that(lock_files.recognizes_pylock), lock_files.read_pylock),
    "uv-lock": Format("uv.lock", _text_that(uv_lock.recognizes), uv_lock.read),
    "poetry-lock": Format("poetry.lock", _text_that(lock_files.recognizes_poetry), lock_files.read_poetry),
    "pdm-lock": Format("pdm.lock", _text_that(lock_files.recognizes_pdm), lock_files.read_pdm),
    "conda-lock": Format("conda-lock.yml", _text_that(conda_lock.recognizes), conda_lock.read),
    "pip-list": Format("the table of pip list", _text_that(pip_reports.recognizes_table), pip_reports.read_table),
    "collect-env": Format(
        "text of python -m torch.utils.collect_env, vLLM's too", _text_that(collect_env.recognizes), collect_env.read
    ),
    "environment-report": Format(
        "transformers-cli env, and the reports of mmcv, Detectron2, SGLang, Lightning",
        _text_that(environment_reports.recognizes),
        environment_reports.read,
    ),
    "conda-explicit": Format(
        "conda's @EXPLICIT list of URLs", _text_that(conda_lists.recognizes_explicit), conda_lists.read_explicit
    ),
    "mlmodel": Format("MLmodel of MLflow", _text_that(mlflow_run.recognizes_model), mlflow_run.read_model),
    "python-env": Format(
        "python_env.yaml of MLflow", _text_that(mlflow_run.recognizes_python_env), mlflow_run.read_python_env
    ),
    "conda-environment": Format(
        "conda's environment.yml", _text_that(conda_environment.recognizes), conda_environment.read
    ),
    "conda-list": Format("the table of conda list", _text_that(conda_lists.recognizes_table), conda_lists.read_table),
    "conda-export": Format("conda list --export", _text_that(conda_lists.recognizes_export), conda_lists.read_export),
    "nvidia-smi": Format("text of nvidia-smi", _text_that(nvidia_tools.recognizes_smi), nvidia_tools.read_smi),
    "nvcc": Format("text of nvcc --version", _text_that(nvidia_tools.recognizes_nvcc), nvidia_tools.read_nvcc),
    "apt-list": Format("apt list --installed", _text_that(system_texts.recognizes_apt), system_texts.read_apt),
    "os-release": Format(
        "/etc/os-release", _text_that(system_texts.recognizes_os_release), system_texts.read_os_release
    ),
    "os-info": Format(
        "system and Python in a few lines, such as Colab's os-info.txt",
        _text_that(system_texts.recognizes_os_info),
        system_texts.read_os_info,
    ),
    LOOSEST: Format(
        "pip freeze, uv pip freeze, requirements.txt", _text_that(requirements.recognizes), requirements.read
    ),
}


def recognized(document: Document, name: str | None = None) -> str:
    """The name of the format that ``document`` is of: ``name`` itself where one is asked for.

    Raises RecordError, which lists what is understood, when it is of none.
    """
    if name is not None:
        if name not in FORMATS:
            raise RecordError(f"there is no format {name!r}", source=document.source, hint=understood())
        return name
    for candidate, format in FORMATS.items():
        if candidate == LOOSEST and (found := wanted_only(document.content)) is not None:
            raise RecordError(found[0], source=document.source, hint=found[1])
        if format.recognizes(document):
            return candidate
    if (found := stranger(document.content)) is not None:
        raise RecordError(found[0], source=document.source, hint=found[1])
    strange = requirements.first_strange_line(document)
    where = f"line {strange[0]} is the first that names no package: {strange[1]}; " if strange else ""
    hint = f"{where}{understood()}"
    raise UnknownFormat("this is no record that reprobuild understands", source=document.source, hint=hint)


def understood() -> str:
    """All formats in one line, for a person."""
    return (
        "understood are pip freeze and requirements files, environment.json, and the records of conda, W&B, MLflow, "
        "collect_env, lock files and more: 'reprobuild import --formats' describes them; --format NAME settles which: "
        + ", ".join(FORMATS)
    )
