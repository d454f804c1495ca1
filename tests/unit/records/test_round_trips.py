"""Real tools describe the environment that runs the tests; what each of them tells is read back the same."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

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


WANDB_SCRIPT = """
import wandb
run = wandb.init(project="p", mode="offline", config={"seed": 42, "lr": 0.1})
run.log({"loss": 1.0})
run.finish()
"""


def test_an_offline_wandb_run(tmp_path: Path) -> None:
    pytest.importorskip("wandb", reason="wandb is not installed")
    script = tmp_path / "train.py"
    script.write_text(WANDB_SCRIPT)
    places = {name: str(tmp_path / name) for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "WANDB_DATA_DIR")}
    run(
        sys.executable, str(script), "--epochs", "3", folder=tmp_path, WANDB_SILENT="true", HOME=str(tmp_path), **places
    )
    snapshot = read(tmp_path / "wandb")
    assert snapshot.python.version == platform.python_version()
    assert snapshot.python.executable == sys.executable and snapshot.system.platform == platform.platform()
    assert snapshot.command is not None and snapshot.command.arguments == ("--epochs", "3")
    assert snapshot.seeds == {"seed": 42} and snapshot.recorded_at is not None
    assert versions(snapshot) == installed()


def test_an_mlflow_model(tmp_path: Path) -> None:
    mlflow = pytest.importorskip("mlflow", reason="mlflow is not installed")
    pyfunc = pytest.importorskip("mlflow.pyfunc", reason="this mlflow can't save a model")
    requirements = [f"mlflow=={mlflow.__version__}", "numpy==1.26.4"]
    pyfunc.save_model(str(tmp_path / "model"), python_model=pyfunc.PythonModel(), pip_requirements=requirements)
    snapshot = read(tmp_path / "model")
    assert snapshot.python.version == platform.python_version()
    found = versions(snapshot)
    assert (found["mlflow"], found["numpy"]) == (mlflow.__version__, "1.26.4")
