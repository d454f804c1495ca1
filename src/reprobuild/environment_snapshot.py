"""The original utility's four functions: a notebook that used them changes only its import line.

Names, arguments, return values, files, printed lines and exceptions are the original's. What it lost is recorded
beside its thirteen keys (docs/environment-json.md), and it works without torch. Nothing heavy is imported here.
"""

from __future__ import annotations

import os

from reprobuild.printing import show

TYPE_CHECKING = False
if TYPE_CHECKING:  # both take longer to load than a record takes to write
    from pathlib import Path
    from typing import Any, Literal

    OnError = Literal["raise", "warn"]

__all__ = [
    "capture_environment",
    "compare_environments",
    "log_environment_to_mlflow",
    "log_environment_to_wandb",
    "save_environment_snapshot",
]

FILES = ("requirements.txt", "environment.json", "REPRODUCE.md")
"""What a capture writes."""

_CHANGED_SHOWN = 10
_NAMES_SHOWN = 5


def capture_environment() -> dict[str, Any]:
    """Record this process's environment: the original's 13 keys in their order, then the deeper record.

    torch is not imported: its facts are read from its files, unless the program has imported it already. The record
    holds no secret: docs/privacy.md says what is taken out, and ``redactions`` how much of it and where.
    """
    from reprobuild.capture.configuration import further_variables
    from reprobuild.capture.run_record import RunReading
    from reprobuild.errors import UsageError

    notes = []
    try:
        variables = further_variables()
    except UsageError as error:  # A run must not fail for a mistake in a settings file; the record says it.
        variables = ()
        notes.append({"code": "settings-unreadable", "message": str(error), "path": "environment_variables"})
    reading = RunReading(variables=variables)
    from reprobuild.capture.process import environment_of_this_process

    facts = environment_of_this_process()
    if notes:
        facts["notes"] = [*facts.get("notes", []), *notes]
    return reading.add_to(facts, own_process=True)


def save_environment_snapshot(
    env_info: dict[str, Any], output_dir: str | os.PathLike[str] = "./", *, on_error: OnError = "raise"
) -> tuple[str, str, str]:
    """Write requirements.txt, environment.json and REPRODUCE.md, and return their paths in this order.

    Makes the folder. Many processes may write into one folder at once: one of them leaves its whole set, and a process
    that is killed leaves the old set or the new. OSError, TypeError and ValueError are logged, and raised again unless
    ``on_error`` is ``"warn"``: then the run goes on, and what is there stays as it was.
    """
    folder = os.fspath(output_dir)
    try:
        paths = write_record(env_info, folder)
    except (OSError, TypeError, ValueError) as error:
        import logging

        logging.getLogger(__name__).error("Failed to save environment snapshot: %s", error)
        if on_error == "warn":
            return paths_in(folder)
        raise
    show("✅ Environment snapshot saved:")
    for path in paths:
        show(f"   - {path}")
    return paths


def write_record(env_info: dict[str, Any], output_dir: str) -> tuple[str, str, str]:
    """Write the three files without a word. Everything is composed before the first file is touched."""
    from reprobuild.capture.saving import save_set

    save_set(output_dir, files_of(env_info))
    return paths_in(output_dir)


def files_of(env_info: dict[str, Any]) -> dict[str, bytes]:
    """The three files by their names. Secrets that the caller added to the record are taken out as well."""
    from reprobuild.capture.redaction import redact

    return clean_files_of(redact(env_info))


def write_clean_record(record: dict[str, Any], output_dir: str) -> tuple[str, str, str]:
    """Write the three files of a record that went through ``redact`` already."""
    from reprobuild.capture.saving import save_set

    save_set(output_dir, clean_files_of(record))
    return paths_in(output_dir)


def clean_files_of(record: dict[str, Any]) -> dict[str, bytes]:
    """The three files of a record that went through ``redact`` already."""
    from reprobuild.capture.guide import reproduction_guide
    from reprobuild.capture.json_text import encode

    contents = (str(record.get("pip_freeze") or ""), encode(record), reproduction_guide(record))
    return {name: text.encode("utf-8", "surrogateescape") for name, text in zip(FILES, contents, strict=True)}


def paths_in(output_dir: str) -> tuple[str, str, str]:
    """Where the three files lie."""
    requirements, environment, guide = (os.path.join(output_dir, name) for name in FILES)  # noqa: PTH118 - as it was
    return requirements, environment, guide


def compare_environments(env1_path: str | os.PathLike[str], env2_path: str | os.PathLike[str]) -> dict[str, Any]:
    """Compare two environment.json files and print what differs.

    Returns ``added`` and ``removed`` [(name, version)], ``changed`` [(name, old, new)], ``python_version_changed``
    and ``cuda_version_changed``. Spellings of one name (``Jinja2``, ``jinja2``) are the same package. Raises
    FileNotFoundError, and ValueError for a file that is no record.
    """
    from pathlib import Path

    first, second = _load(Path(env1_path)), _load(Path(env2_path))
    differences = _differences(first, second)
    _show_differences(first, second, differences)
    return differences


def log_environment_to_wandb(
    requirements_path: str, env_json_path: str, reproduce_path: str, env_info: dict[str, Any]
) -> None:
    """Log the three files as an artifact of the active W&B run, and four keys of its configuration.

    Raises ImportError without wandb, and RuntimeError without an active run or when logging fails.
    """
    from reprobuild.integrations.wandb import log_environment

    log_environment(requirements_path, env_json_path, reproduce_path, env_info)
    show("✅ Environment logged to W&B")


def log_environment_to_mlflow(
    requirements_path: str, env_json_path: str, reproduce_path: str, env_info: dict[str, Any]
) -> None:
    """Log the three files as artifacts of the active MLflow run, and tag it with what it is found by.

    Raises ImportError without mlflow, and RuntimeError without an active run or when logging fails.
    """
    from reprobuild.integrations.mlflow import log_environment

    log_environment(requirements_path, env_json_path, reproduce_path, env_info)
    show("✅ Environment logged to MLflow")


def _load(path: Path) -> dict[str, Any]:
    """The object of a record, with a dictionary under ``packages``."""
    import json

    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(content, dict) or not isinstance(content.get("packages"), dict):
        raise ValueError(f"{path}: not an environment.json: it holds no packages")
    return content


def _differences(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    old, new = _by_canonical_name(first["packages"]), _by_canonical_name(second["packages"])
    changed = [(new[key][0], old[key][1], new[key][1]) for key in old.keys() & new.keys() if old[key][1] != new[key][1]]
    return {
        "added": sorted(new[key] for key in new.keys() - old.keys()),
        "removed": sorted(old[key] for key in old.keys() - new.keys()),
        "changed": sorted(changed),
        "python_version_changed": first.get("python_version_short") != second.get("python_version_short"),
        "cuda_version_changed": first.get("cuda_version") != second.get("cuda_version"),
    }


def _by_canonical_name(packages: dict[str, Any]) -> dict[str, tuple[str, str]]:
    from reprobuild.probe.spelling import canonical_name

    return {canonical_name(name): (name, str(version)) for name, version in packages.items()}


def _show_differences(first: dict[str, Any], second: dict[str, Any], differences: dict[str, Any]) -> None:
    show("🔍 Environment Differences:\n")
    if differences["python_version_changed"]:
        show(f"  Python: {first.get('python_version_short')} → {second.get('python_version_short')}")
    if differences["cuda_version_changed"]:
        show(f"  CUDA: {first.get('cuda_version')} → {second.get('cuda_version')}")
    changed = [f"{name}: {old} → {new}" for name, old, new in differences["changed"]]
    _show_group("📦 Changed packages", changed, _CHANGED_SHOWN, colon=":", count="({})")
    for mark, key in (("➕ Added packages", "added"), ("➖ Removed packages", "removed")):
        _show_group(mark, [f"{name}=={version}" for name, version in differences[key]], _NAMES_SHOWN)
    if not any(differences.values()):
        show("  ✅ Environments are identical")


def _show_group(title: str, lines: list[str], shown: int, *, colon: str = "", count: str = "{}") -> None:
    if not lines:
        return
    separator = " " if colon else ": "
    show(f"  {title}{separator}{count.format(len(lines))}{colon}")
    for line in lines[:shown]:
        show(f"    - {line}")
    if len(lines) > shown:
        show(f"    ... and {len(lines) - shown} more")
