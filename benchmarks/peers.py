"""Give other tools the record of January 2022 and write down what each makes of it, in docs/peers.md.

    python benchmarks/peers.py [--environments FOLDER] [--output docs/peers.md]

Each tool is installed at a pinned version into a virtual environment of its own under FOLDER (a throw-away one unless
named), and is given the record in the form in which it takes one, first as recorded, then, where it refuses, with the
nearest value that it accepts. Nothing is built: what is read is the Dockerfile and the files beside it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import msgspec

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "jan-2022-cu113"
RECORD = json.loads((EXAMPLE / "environment.json").read_text(encoding="utf-8"))
FREEZE: str = RECORD["pip_freeze"]
LIMIT_S = 300
LONGEST = 300
"""Characters of a refusal."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One try: what was changed against the record, the command, and either the files or the refusal."""

    given: str
    command: str
    files: dict[str, str] = {}
    refusal: str = ""
    left_out: tuple[str, ...] = ()
    """Facts that it was not given, so that nothing is said of them."""


class Peer(msgspec.Struct, frozen=True, kw_only=True):
    """One tool, how it is installed, and how it is tried."""

    name: str
    packages: tuple[str, ...]
    attempts: Callable[[Path, Path], list[Attempt]]
    """From its folder of programs and an empty folder."""


FACTS: dict[str, tuple[str, ...]] = {
    "CPython 3.8.10": ("3.8.10",),
    "torch 1.10.1+cu113 and its index": ("torch==1.10.1+cu113", "/cu113"),
    "git commit": ("b46f5ac7587d2e1862f8b7b1573179d80dcdd620",),
    "CUDA 11.3 and cuDNN 8 base": ("FROM nvidia/cuda:11.3.1-cudnn8",),
    "Ubuntu 20.04": ("ubuntu20.04",),
}
"""What the record asks for, and texts that all have to stand in the Dockerfile or in a list that it installs."""


def run(command: list[str], folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run one tool's command without its update checks and statistics."""
    quiet = {
        "HOME": str(folder),
        "PATH": "/usr/bin:/bin",
        "DO_NOT_TRACK": "1",
        "PYTHONHASHSEED": "0",
        "BENTOML_DO_NOT_TRACK": "True",
    }
    passed = {name: value for name, value in os_environment().items() if name.endswith(("_CERT", "_CERT_FILE"))}
    return subprocess.run(
        command, cwd=folder, env={**passed, **quiet, **environment}, capture_output=True, text=True, timeout=LIMIT_S
    )


def os_environment() -> dict[str, str]:
    """The process environment: certificate authorities of the network are handed on, nothing else."""
    return dict(os.environ)


def refusal(finished: subprocess.CompletedProcess[str], mark: str) -> str:
    """The part of the output that says why: from the last line that holds ``mark``, on one line."""
    lines = (finished.stdout + finished.stderr).splitlines()
    start = max((number for number, line in enumerate(lines) if mark in line), default=len(lines) - 1)
    text = " ".join(line.strip(" |") for line in lines[start : start + 4] if line.strip(" |+-"))
    text = text.partition(" [type=")[0].replace("`", "'")
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def texts(*paths: Path) -> dict[str, str]:
    """The files of a context that decide what is installed."""
    return {path.name: path.read_text(encoding="utf-8") for path in paths if path.is_file()}


def repo2docker(programs: Path, folder: Path) -> list[Attempt]:
    """A project folder with the list and the Python."""
    attempts = []
    for version in ("3.8.10", "3.8"):
        (folder / "requirements.txt").write_text(FREEZE)
        (folder / "runtime.txt").write_text(f"python-{version}\n")
        done = run([str(programs / "repo2docker"), "--no-build", "--debug", "."], folder)
        attempt = Attempt(given=f"runtime.txt: python-{version}", command="repo2docker --no-build --debug .")
        if done.returncode:
            attempts.append(msgspec.structs.replace(attempt, refusal=refusal(done, "ValueError")))
        else:
            files = {"Dockerfile": done.stdout + done.stderr, "requirements.txt": FREEZE}
            attempts.append(msgspec.structs.replace(attempt, files=files))
    return attempts


MLMODEL = """flavors:
  python_function:
    env:
      virtualenv: python_env.yaml
    loader_module: run
    python_version: 3.8.10
"""


def mlflow(programs: Path, folder: Path) -> list[Attempt]:
    """A logged model with its python_env.yaml."""
    model = folder / "model"
    model.mkdir()
    (model / "MLmodel").write_text(MLMODEL)
    (model / "requirements.txt").write_text(FREEZE)
    environment = "python: 3.8.10\nbuild_dependencies:\n- pip==21.3.1\ndependencies:\n- -r requirements.txt\n"
    (model / "python_env.yaml").write_text(environment)
    command = ["models", "generate-dockerfile", "-m", "model", "-d", "out"]
    done = run([str(programs / "mlflow"), *command], folder)
    attempt = Attempt(given="python_env.yaml: python: 3.8.10", command=f"mlflow {' '.join(command)}")
    if done.returncode:
        return [msgspec.structs.replace(attempt, refusal=refusal(done, "Error"))]
    found = texts(folder / "out" / "Dockerfile", folder / "out" / "model_dir" / "model" / "requirements.txt")
    return [msgspec.structs.replace(attempt, files=found)]


SERVICE = """import bentoml


@bentoml.service
class Run:
    @bentoml.api
    def answer(self, question: int) -> int:
        return question
"""


def bentoml(programs: Path, folder: Path) -> list[Attempt]:
    """A service with a bentofile. ``bentoml build`` clones repositories at once, which not every machine may."""
    attempts = []
    home = folder / "home"
    home.mkdir()
    for options in (
        {"python_version": "3.8.10", "cuda_version": "11.3.1"},
        {"python_version": "3.8.10", "cuda_version": "11.4.3"},
        {"python_version": "3.9", "the git package": "left out"},
    ):
        left_out = options.pop("the git package", None)
        (folder / "service.py").write_text(SERVICE)
        lines = [line for line in FREEZE.splitlines() if not left_out or " @ git+" not in line]
        (folder / "requirements.txt").write_text("\n".join(lines) + "\n")
        docker = "".join(f'  {name}: "{value}"\n' for name, value in options.items())
        python = "python:\n  requirements_txt: requirements.txt\n  lock_packages: false\n"
        (folder / "bentofile.yaml").write_text(f'service: "service:Run"\n{python}docker:\n{docker}')
        done = run([str(programs / "bentoml"), "build"], folder, BENTOML_HOME=str(home))
        given = ", ".join(f"{name}: {value}" for name, value in options.items())
        given += ", without the git package, which it clones at once" if left_out else ""
        attempt = Attempt(given=given, command="bentoml build", left_out=("git commit",) if left_out else ())
        found = sorted(home.rglob("Dockerfile*"))
        if done.returncode or not found:
            mark = "Unsupported cuda" if "Unsupported cuda" in done.stdout + done.stderr else "Error"
            attempts.append(msgspec.structs.replace(attempt, refusal=refusal(done, mark)))
        else:
            lists = sorted(home.rglob("requirements*.txt"))
            attempts.append(msgspec.structs.replace(attempt, files=texts(found[0], *lists)))
    return attempts


def truss(programs: Path, folder: Path) -> list[Attempt]:
    """A packaged model with its config.yaml."""
    attempts = []
    project = folder / "project"
    (project / "model").mkdir(parents=True)
    (project / "model" / "model.py").write_text("class Model:\n    def predict(self, x):\n        return x\n")
    (project / "requirements.txt").write_text(FREEZE)
    for version in ("py38", "py39"):
        config = f"model_name: run\npython_version: {version}\nrequirements_file: requirements.txt\n"
        (project / "config.yaml").write_text(f"{config}resources:\n  use_gpu: true\n")
        command = ["image", "build-context", f"out-{version}", "project"]
        done = run([str(programs / "truss"), *command], folder)
        attempt = Attempt(given=f"config.yaml: python_version: {version}", command=f"truss {' '.join(command)}")
        out = folder / f"out-{version}"
        if done.returncode or not (out / "Dockerfile").exists():
            attempts.append(msgspec.structs.replace(attempt, refusal=refusal(done, "Value error")))
        else:
            found = texts(out / "Dockerfile", out / "user_requirements.txt")
            attempts.append(msgspec.structs.replace(attempt, files=found))
    return attempts


WANDB = """
import json, os, shutil, sys
from wandb.sdk.launch._project_spec import LaunchProject
from wandb.sdk.launch.builder.context_manager import BuildContextManager
project = LaunchProject(
    uri=None, job="january", api=None, launch_spec={"python_version": "3.8.10"}, target_entity="e",
    target_project="p", name=None, docker_config={}, git_info={}, overrides={}, resource="local-container",
    resource_args=json.loads(sys.argv[2]), run_id=None,
)
project.project_dir = sys.argv[1]
project.set_job_entry_point(["python", "train.py"])
manager = BuildContextManager(project)
shutil.copytree(sys.argv[1], os.path.join(manager._directory, "src"))
dockerfile = manager._generate_dockerfile("kaniko")
requirements = open(os.path.join(manager._directory, "src", "requirements.txt")).read()
print(json.dumps({"Dockerfile.wandb": dockerfile, "requirements.txt": requirements}))
"""


def wandb(programs: Path, folder: Path) -> list[Attempt]:
    """The builder of W&B Launch on a job, which has the run's list and Python version; then with a base for GPUs."""
    attempts: list[Attempt] = []
    for given, image in (
        ("a job of the run", None),
        ("a job with an accelerator image named", "nvidia/cuda:11.3.1-cudnn8-runtime-ubuntu20.04"),
    ):
        code = folder / f"code-{len(attempts)}"
        code.mkdir()
        (code / "train.py").write_text("print(1)\n")
        (code / "requirements.txt").write_text(FREEZE)
        resources = {"local-container": {"builder": {"accelerator": {"base_image": image}}}} if image else {}
        command = [str(programs / "python"), "-c", WANDB, str(code), json.dumps(resources)]
        done = run(command, folder, WANDB_SILENT="true")
        attempt = Attempt(given=given, command="wandb launch (its BuildContextManager, called from Python)")
        if done.returncode:
            attempts.append(msgspec.structs.replace(attempt, refusal=refusal(done, "Error")))
        else:
            found: dict[str, str] = json.loads(done.stdout.splitlines()[-1])
            attempts.append(msgspec.structs.replace(attempt, files=found))
    return attempts


def reprobuild(_: Path, folder: Path) -> list[Attempt]:
    """The same record, as it is."""
    program = Path(sys.executable).with_name("reprobuild")
    done = run([str(program), "dockerfile", str(EXAMPLE / "environment.json"), "--json"], folder)
    attempt = Attempt(given="environment.json", command="reprobuild dockerfile environment.json")
    if done.returncode:
        return [msgspec.structs.replace(attempt, refusal=done.stderr.strip())]
    files: dict[str, str] = json.loads(done.stdout)["files"]
    wanted = {name: text for name, text in files.items() if name == "Dockerfile" or name.startswith("requirements/")}
    return [msgspec.structs.replace(attempt, files=wanted)]


PEERS = (
    Peer(name="reprobuild", packages=(), attempts=reprobuild),
    Peer(name="repo2docker", packages=("jupyter-repo2docker==2026.4.0",), attempts=repo2docker),
    Peer(name="MLflow", packages=("mlflow-skinny==3.17.2", "numpy", "pandas"), attempts=mlflow),
    Peer(name="BentoML", packages=("bentoml==1.4.39", "pip", "uv"), attempts=bentoml),
    Peer(name="Truss", packages=("truss==0.18.35",), attempts=truss),
    Peer(name="W&B Launch", packages=("wandb[launch]==0.31.0",), attempts=wandb),
)


def programs_of(peer: Peer, environments: Path) -> Path:
    """The ``bin`` folder of the tool's own virtual environment, made if it is not there."""
    folder = environments / peer.name.replace(" ", "-").replace("&", "")
    if peer.packages and not folder.exists():
        uv = str(Path(sys.executable).with_name("uv"))
        subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, str(folder)], check=True)
        python = str(folder / "bin" / "python")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *peer.packages], check=True)
    return folder / "bin"


def keeps(attempt: Attempt, marks: tuple[str, ...]) -> bool:
    """Whether all of these texts stand in what decides on the installation, comments apart."""
    lines = [line for text in attempt.files.values() for line in text.splitlines()]
    said = "\n".join(line for line in lines if not line.lstrip().startswith("#") and not line.startswith("LABEL"))
    return all(mark in said for mark in marks)


def cell(attempt: Attempt, fact: str) -> str:
    """What became of one fact."""
    if fact in attempt.left_out:
        return "not given"
    return "kept" if keeps(attempt, FACTS[fact]) else "lost"


def bases(attempt: Attempt) -> str:
    """What stands behind FROM."""
    lines = [line for name, text in attempt.files.items() if "ockerfile" in name for line in text.splitlines()]
    images = [line.split()[1] for line in lines if line.startswith("FROM ")]
    return ", ".join(f"`{image}`" for image in dict.fromkeys(images))


def page(results: list[tuple[Peer, list[Attempt]]]) -> str:
    """The text of docs/peers.md."""
    lines = [INTRODUCTION]
    lines.append("| tool | given | " + " | ".join(FACTS) + " |")
    lines.append("|---|---|" + "---|" * len(FACTS))
    for peer, attempts in results:
        for attempt in attempts:
            cells = ["refused"] * len(FACTS)
            if attempt.files:
                cells = [cell(attempt, fact) for fact in FACTS]
            lines.append(f"| {peer.name} | {attempt.given} | {' | '.join(cells)} |")
    for peer, attempts in results:
        lines += ["", f"## {peer.name}", ""]
        if peer.packages:
            lines += [f"Installed: `{' '.join(peer.packages)}`.", ""]
        for attempt in attempts:
            outcome = f"starts from {bases(attempt)}" if attempt.files else f"refused: `{attempt.refusal}`"
            lines.append(f"- `{attempt.command}`, {attempt.given}: {outcome}")
    return "\n".join(lines) + "\n"


INTRODUCTION = """# The same record, other tools

A run of January 2022: CPython 3.8.10, torch 1.10.1+cu113, torchvision 0.11.2+cu113, numpy 1.21.5, one package at a git
commit, Ubuntu 20.04, cuDNN 8 (`examples/jan-2022-cu113`). Each tool got it in the form in which it takes an
environment: the list of `pip freeze`, the Python version, and CUDA where it asks for it. Most of them were made for
other ends, such as serving a model of today; the table says what they do with an old run, not what they are worth.

*Kept* means that the Dockerfile, or a list that it installs, says exactly that: for torch the local version together
with the index that has it, without which the installation ends with "no matching distribution". Where a tool refused,
it was tried again with the nearest value that it takes. Nothing was built. `python benchmarks/peers.py` writes this
page anew.
"""


def main() -> int:
    """Try every tool and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--environments", type=Path, help="keep the virtual environments here")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "peers.md")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        environments = arguments.environments or Path(temporary) / "environments"
        results = []
        for peer in PEERS:
            folder = Path(temporary) / "work" / peer.name.replace(" ", "-")
            folder.mkdir(parents=True)
            results.append((peer, peer.attempts(programs_of(peer, environments), folder)))
            print(f"{peer.name}: {len(results[-1][1])} attempts", file=sys.stderr)
    arguments.output.write_text(page(results), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
