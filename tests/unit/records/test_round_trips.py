"""Real tools describe the environment that runs the tests; what each of them tells is read back the same."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import itertools
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from reprobuild.compare import Change, Rank, compare
from reprobuild.records import Choice, parse, read
from reprobuild.snapshot import Snapshot

UV = shutil.which("uv", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
needs_uv = pytest.mark.skipif(UV is None, reason="uv is not installed")


def run(*command: str, folder: Path | None = None, **variables: str) -> bytes:
    """Standard output of a command that must succeed."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONWARNINGS": "ignore", **variables}
    return subprocess.run(command, check=True, capture_output=True, cwd=folder, env=environment, timeout=120).stdout


def versions(snapshot: Snapshot) -> dict[str, str | None]:
    """Version by normalized name, without what is editable: a list does not tell its version."""
    return {canonicalize_name(item.name): item.version for item in snapshot.distributions if not editable(item.name)}


def editable(name: str) -> bool:
    """Whether it is this project, installed from its checkout."""
    return canonicalize_name(name) in ("reprobuild", canonicalize_name(Path(__file__).parents[3].name))


def installed() -> dict[str, str]:
    """What is installed beside this test, by the standard library."""
    found = {canonicalize_name(item.metadata["Name"]): item.version for item in importlib.metadata.distributions()}
    return {name: version for name, version in found.items() if not editable(name)}


@pytest.mark.parametrize("arguments", [("freeze", "--all"), ("list",), ("list", "--format=json"), ("inspect",)])
def test_pip_tells_what_is_installed(arguments: tuple[str, ...]) -> None:
    output = run(sys.executable, "-m", "pip", *arguments)
    assert versions(parse(output, "pip.txt")) == installed()


def test_pip_inspect_tells_the_interpreter_and_the_machine() -> None:
    snapshot = parse(run(sys.executable, "-m", "pip", "inspect"), "inspect.json")
    assert snapshot.python.version == platform.python_version()
    assert (snapshot.system.system, snapshot.system.machine) == (platform.system(), platform.machine())
    assert {item.metadata_format for item in snapshot.distributions} <= {"dist-info", "egg-info", None}


@needs_uv
@pytest.mark.parametrize("arguments", [("freeze",), ("list", "--format=json")])
def test_uv_tells_what_is_installed(arguments: tuple[str, ...]) -> None:
    assert UV is not None
    output = run(UV, "pip", *arguments, "--python", sys.executable)
    assert versions(parse(output, "uv.txt")) == installed()


def test_collect_env_tells_torch_python_and_the_system() -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    snapshot = parse(run(sys.executable, "-m", "torch.utils.collect_env"), "collect_env.txt")
    assert snapshot.torch is not None
    assert (snapshot.torch.version, snapshot.torch.cuda) == (torch.__version__, torch.version.cuda)
    assert snapshot.python.version == platform.python_version()
    assert snapshot.system.machine == platform.machine()
    everything = installed()
    assert all(everything[name] == version for name, version in versions(snapshot).items())


def wheel(folder: Path, name: str, version: str) -> None:
    """The smallest wheel there is."""
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        info = f"{name}-{version}.dist-info"
        archive.writestr(f"{name}.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose dependencies are two wheels in a folder, one of them in a group."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel(wheels, "alpha", "1.0")
    wheel(wheels, "beta", "2.0")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "trainer"\nversion = "0.1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["alpha", "beta ; sys_platform == \'win32\'"]\n'
        '[dependency-groups]\nlab = ["beta"]\n[tool.uv]\nno-index = true\nfind-links = ["wheels"]\n'
    )
    return tmp_path


@needs_uv
def test_uv_lock_and_pylock_of_one_project(project: Path) -> None:
    assert UV is not None
    run(UV, "lock", "--offline", "--python", sys.executable, folder=project)
    lock = project / "uv.lock"
    assert versions(read(lock)) == {"alpha": "1.0"}
    assert versions(read(lock, choice=Choice(groups=("lab",)))) == {"alpha": "1.0", "beta": "2.0"}
    assert versions(read(lock, choice=Choice(platform="win-64"))) == {"alpha": "1.0", "beta": "2.0"}
    exported = run(UV, "export", "--offline", "--format", "pylock.toml", "--no-emit-project", "-q", folder=project)
    assert versions(parse(exported, "pylock.toml")) == {"alpha": "1.0"}
    listed = run(UV, "export", "--offline", "--format", "requirements.txt", "--no-emit-project", "-q", folder=project)
    assert versions(parse(listed, "requirements.txt"))["alpha"] == "1.0"


TRAINING = """
import os, sys
import mlflow, wandb
mlflow.set_tracking_uri(os.environ["RUNS"])
run = wandb.init(project="p", mode="offline", save_code=True, config={"seed": 42, "lr": 0.1})
with mlflow.start_run():
    mlflow.log_param("seed", 42)
    mlflow.pyfunc.log_model(name="model", python_model=mlflow.pyfunc.PythonModel(), pip_requirements=["numpy=={numpy}"])
run.log({"loss": 1.0})
run.finish()
"""
WHOLE = ("pip freeze", "pip inspect", "pip list", "uv pip freeze", "capture", "wandb run")
"""The records that list everything; the others list what their tool asks about."""


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Snapshot]:
    """What each real tool tells of the environment that runs these tests, and of one run in it."""
    for name in ("wandb", "mlflow", "numpy"):
        pytest.importorskip(name, reason=f"{name} is not installed")
    folder = tmp_path_factory.mktemp("environment")
    pip = (sys.executable, "-m", "pip")
    found = {
        "pip freeze": parse(run(*pip, "freeze", "--all"), "freeze.txt"),
        "pip inspect": parse(run(*pip, "inspect"), "inspect.json"),
        "pip list": parse(run(*pip, "list", "--format", "json"), "list.json"),
    }
    run(str(Path(sys.executable).with_name("reprobuild")), "capture", "-o", "capture", folder=folder)
    found["capture"] = read(folder / "capture")
    found |= of_a_run(folder / "run")
    if UV is not None:
        found["uv pip freeze"] = parse(run(UV, "pip", "freeze", "--python", sys.executable), "uv.txt")
        found |= of_locks(folder / "locked", found["uv pip freeze"])
    if importlib.util.find_spec("torch") is not None:
        found["collect_env"] = parse(run(sys.executable, "-m", "torch.utils.collect_env"), "collect_env.txt")
    return found


def of_a_run(folder: Path) -> dict[str, Snapshot]:
    """The records of one script in a repository, as W&B and MLflow leave them."""
    folder.mkdir()
    (folder / "train.py").write_text(TRAINING.replace("{numpy}", importlib.metadata.version("numpy")))
    (folder / ".gitignore").write_text("wandb\nmlruns\n")
    git = ("git", "-c", "user.name=someone", "-c", "user.email=someone@example.com", "-c", "commit.gpgsign=false")
    run("git", "init", "--quiet", folder=folder)
    run("git", "remote", "add", "origin", "https://someone:secret@git.example/team/project.git", folder=folder)
    run(*git, "add", ".", folder=folder)
    run(*git, "commit", "--quiet", "-m", "First", folder=folder)
    with (folder / "train.py").open("a") as script:
        script.write("print('changed')\n")
    places = {name: str(folder / "wandb" / name) for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR")}
    runs = (folder / "mlruns").as_uri()
    quiet = {"WANDB_SILENT": "true", "MLFLOW_ALLOW_FILE_STORE": "true", "HOME": str(folder), "RUNS": runs}
    run(sys.executable, "train.py", "--epochs", "3", folder=folder, **quiet, **places)
    (log,) = (folder / "wandb").glob("offline-run-*/*.wandb")
    (meta,) = (path for path in (folder / "mlruns").glob("*/*/meta.yaml") if (path.parent / "tags").is_dir())
    (model,) = (folder / "mlruns").rglob("MLmodel")
    return {
        "wandb run": read(folder / "wandb"),
        "wandb log": read(log),
        "mlflow run": read(meta.parent),
        "mlflow model": read(model.parent),
    }


def of_locks(folder: Path, freeze: Snapshot) -> dict[str, Snapshot]:
    """uv.lock and pylock.toml of the same versions; nothing where no index answers. torch differs by index."""
    folder.mkdir()
    pins = [
        f"{item.name}=={item.version}" for item in freeze.distributions if not item.direct_url and item.name != "torch"
    ]
    python = ".".join(platform.python_version_tuple()[:2])
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "trainer"\nversion = "0.1"\nrequires-python = "=={python}.*"\ndependencies = {pins}\n'
        # Other packages need torch too, whose default build would bring gigabytes of CUDA.
        "[tool.uv]\noverride-dependencies = [\"torch ; sys_platform == 'none'\"]\n"
    )
    try:
        run(str(UV), "lock", "--quiet", "--python", sys.executable, folder=folder)
    except subprocess.CalledProcessError as error:
        if b"Failed to fetch" in error.stderr or b"error sending request" in error.stderr:
            return {}
        raise
    exported = run(str(UV), "export", "-q", "--frozen", "--format", "pylock.toml", "--no-emit-project", folder=folder)
    return {"uv.lock": read(folder / "uv.lock"), "pylock.toml": parse(exported, "pylock.toml")}


def test_all_records_of_one_environment_agree_on_what_each_of_them_tells(records: dict[str, Snapshot]) -> None:
    assert len(records) >= len(WHOLE) + 4
    for (first, one), (second, other) in itertools.combinations(records.items(), 2):
        both_whole = first in WHOLE and second in WHOLE
        differing = [
            each
            for each in compare(one, other).differences
            if (both_whole or each.change is Change.CHANGED)
            and not editable(each.subject)
            and not (each.subject == "command" and "mlflow" in f"{first} {second}")  # which records no arguments
        ]
        assert differing == [], f"{first} against {second}"
        if both_whole:
            assert compare(one, other).same_packages >= len(installed())


def test_the_locks_hold_every_pin(records: dict[str, Snapshot]) -> None:
    if "uv.lock" not in records:
        pytest.skip("uv is not installed, or no package index answers")
    expected = {name for name in versions(records["uv pip freeze"]) if name != "torch"}
    for name in ("uv.lock", "pylock.toml"):
        assert set(versions(records[name])) == expected
        assert all(item.hashes for item in records[name].distributions)


@pytest.mark.parametrize("name", ["wandb run", "wandb log"])
def test_an_offline_wandb_run_tells_interpreter_machine_code_and_command(
    records: dict[str, Snapshot], name: str
) -> None:
    snapshot = records[name]
    assert snapshot.python.version == platform.python_version() and snapshot.python.executable == sys.executable
    assert snapshot.system.platform == platform.platform()
    assert snapshot.command is not None
    assert (snapshot.command.program, snapshot.command.arguments) == ("train.py", ("--epochs", "3"))
    assert snapshot.source is not None and len(snapshot.source.commit or "") == 40
    assert snapshot.source.remote == "https://git.example/team/project.git"
    assert snapshot.seeds == {"seed": 42} and snapshot.recorded_at is not None


def test_the_changes_of_a_wandb_run_are_there(records: dict[str, Snapshot]) -> None:
    source = records["wandb run"].source
    assert source is not None and source.dirty and "+print('changed')" in (source.diff or "")


def test_an_mlflow_run_tells_interpreter_code_and_command(records: dict[str, Snapshot]) -> None:
    snapshot, of_wandb = records["mlflow run"], records["wandb run"]
    assert snapshot.python.version == platform.python_version()
    assert snapshot.source is not None and of_wandb.source is not None
    assert snapshot.source.commit == of_wandb.source.commit
    assert snapshot.command is not None and snapshot.command.program == "train.py"
    assert snapshot.seeds == {"seed": 42}
    assert versions(snapshot)["numpy"] == importlib.metadata.version("numpy")


def test_an_mlflow_model_by_itself(records: dict[str, Snapshot]) -> None:
    snapshot = records["mlflow model"]
    assert snapshot.python.version == platform.python_version()
    assert versions(snapshot)["numpy"] == importlib.metadata.version("numpy")
    assert "mlflow" in {item.name.removesuffix("-skinny") for item in snapshot.distributions}


@needs_uv
def test_freeze_inspect_locks_and_capture_of_a_synchronized_environment(project: Path) -> None:
    """What ``uv sync`` installs from a lock, every tool tells the same."""
    assert UV is not None
    run(
        UV,
        "sync",
        "--quiet",
        "--offline",
        "--no-install-project",
        "--group",
        "lab",
        "--python",
        sys.executable,
        folder=project,
    )
    python = project / ".venv" / "bin" / "python"
    pip = (sys.executable, "-m", "pip", "--python", str(python))
    run(
        str(Path(sys.executable).with_name("reprobuild")),
        "capture",
        "-o",
        "environment",
        "--python",
        str(python),
        folder=project,
    )
    told = {
        "uv.lock": read(project / "uv.lock", choice=Choice(groups=("lab",), python="3.11")),
        "pip freeze": parse(run(*pip, "freeze"), "freeze.txt"),
        "pip inspect": parse(run(*pip, "inspect"), "inspect.json"),
        "uv pip freeze": parse(run(UV, "pip", "freeze", "--python", str(python)), "uv.txt"),
        "capture": read(project / "environment"),
    }
    for (first, one), (second, other) in itertools.combinations(told.items(), 2):
        differing = [each for each in compare(one, other).differences if each.rank is Rank.PACKAGE]
        assert differing == [], f"{first} against {second}"
        assert compare(one, other).same_packages == 2
