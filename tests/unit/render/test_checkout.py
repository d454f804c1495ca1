"""The step that checks the code out: run for real by a shell and git, and what no plan may put into it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.dockerfile_parser import of_keyword
from tests.unit import plans

from reprobuild.errors import PlanError
from reprobuild.plan import Checkout
from reprobuild.render import Recipe, render
from reprobuild.render.checkout import PATCH
from reprobuild.snapshot import SourceFacts

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GIT = ("git", "-c", "user.name=someone", "-c", "user.email=someone@example.com", "-c", "commit.gpgsign=false")


def recipe(checkout: Checkout, diff: str | None = None, **changes: Any) -> Recipe:
    source = SourceFacts(commit=checkout.commit, diff=diff)
    snapshot = msgspec.structs.replace(plans.SNAPSHOT, source=source)
    plan = plans.plan(snapshot_digest=snapshot.digest, checkout=checkout, **changes)
    return render(plan, snapshot)


def test_nothing_unasked() -> None:
    made = render(plans.plan(), plans.SNAPSHOT)
    assert "SOURCE_REPOSITORY" not in made.dockerfile and PATCH not in made.files
    assert b"source" not in made.files[".dockerignore"]
    assert of_keyword(made.dockerfile, "CMD") == ['["python"]']


def test_commit_patch_folder_and_command() -> None:
    checkout = Checkout(repository="https://h.example/x.git", commit=COMMIT, directory="src", changed=True)
    made = recipe(checkout, "diff --git a/x b/x", command=("python", "train.py", "--name", 'a "b" $HOME \\ ü\n'))
    assert made.files[PATCH] == b"diff --git a/x b/x\n"
    assert made.files[".dockerignore"].endswith(b"!source\n")
    assert of_keyword(made.dockerfile, "WORKDIR")[-1] == "/workspace/src"
    (command,) = of_keyword(made.dockerfile, "CMD")
    assert json.loads(command) == ["python", "train.py", "--name", 'a "b" $HOME \\ ü\n'] and command.isascii()
    assert 'ARG SOURCE_REPOSITORY="https://h.example/x.git"' in made.dockerfile


def test_hadolint_finds_nothing(tmp_path: Path) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    if not hadolint.exists():
        pytest.skip("hadolint is not installed beside this interpreter")
    checkout = Checkout(repository="https://h.example/x.git", commit=COMMIT, changed=True)
    (tmp_path / "Dockerfile").write_bytes(recipe(checkout, "diff", command=("python", "x.py")).files["Dockerfile"])
    found = subprocess.run([hadolint, tmp_path / "Dockerfile"], capture_output=True, text=True)
    assert (found.returncode, found.stdout) == (0, "")


def commit_all(folder: Path, message: str) -> str:
    subprocess.run([*GIT, "-C", folder, "add", "."], check=True)
    subprocess.run([*GIT, "-C", folder, "commit", "--quiet", "-m", message], check=True)
    named = subprocess.run([*GIT, "-C", folder, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    return named.stdout.strip()


@pytest.mark.parametrize("branch_is_gone", [False, True])
def test_the_step_as_a_shell_runs_it(tmp_path: Path, branch_is_gone: bool) -> None:
    """The very words of the recipe, with the image's folders in a folder of the test."""
    origin = tmp_path / "origin"
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", origin], check=True)
    (origin / "train.py").write_text("print(1)\n")
    first = commit_all(origin, "First")
    (origin / "train.py").write_text("print(2)\n")
    wanted = commit_all(origin, "Second")
    (origin / "train.py").write_text("print(3)\n")
    diff = subprocess.run(["git", "-C", origin, "diff", "HEAD"], check=True, capture_output=True, text=True).stdout
    commit_all(origin, "Third")
    if branch_is_gone:
        subprocess.run(["git", "-C", origin, "checkout", "--quiet", "--detach", first], check=True)
        subprocess.run(["git", "-C", origin, "branch", "--quiet", "--force", "main", first], check=True)
        subprocess.run(["git", "-C", origin, "config", "uploadpack.allowAnySHA1InWant", "true"], check=True)
    made = recipe(Checkout(repository=origin.as_uri(), commit=wanted, changed=True), diff)
    step = next(rest for rest in of_keyword(made.dockerfile, "RUN") if "git clone" in rest)
    step = step.removeprefix(". /opt/certificates/trust.sh && ").replace("/opt/", f"{tmp_path}/opt/")
    patch = tmp_path / "opt" / "recipe" / PATCH
    patch.parent.mkdir(parents=True)
    patch.write_bytes(made.files[PATCH])
    environment = {**os.environ, "SOURCE_REPOSITORY": origin.as_uri(), "HOME": str(tmp_path)}
    subprocess.run(["sh", "-ec", step], check=True, env=environment)
    assert (tmp_path / "opt" / "source" / "train.py").read_text() == "print(3)\n"
    assert not (tmp_path / "opt" / "source" / ".git").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"repository": "https://h.example/$(x)"},
        {"repository": 'https://h.example/"; x'},
        {"repository": "ext::sh"},
        {"repository": "https://h.example/x\ny"},
        {"commit": "HEAD"},
        {"commit": "0123456; x"},
        {"directory": "../x"},
        {"directory": "a b"},
        {"directory": "a\nRUN x"},
    ],
)
def test_a_plan_from_a_file_can_put_nothing_else_into_it(changes: dict[str, str]) -> None:
    checkout = msgspec.structs.replace(Checkout(repository="https://h.example/x.git", commit=COMMIT), **changes)
    with pytest.raises(PlanError, match="the plan holds"):
        recipe(checkout)


@pytest.mark.parametrize("command", [("python", "a\0b"), ("python", "x" * 70_000)])
def test_a_command_that_no_dockerfile_can_hold(command: tuple[str, ...]) -> None:
    with pytest.raises(PlanError, match="the plan holds a command"):
        recipe(Checkout(repository="https://h.example/x.git", commit=COMMIT), command=command)
