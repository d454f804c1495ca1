"""A run as users have them: a virtual environment that pip filled, its record, and the way to a proved image."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
from tests.lab.laboratory import Laboratory

PROGRAM = Path(sys.executable).with_name("reprobuild")
QUIET_PIP = {"PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """What a command of reprobuild printed."""

    status: int
    stdout: str
    stderr: str


class RecordedRun:
    """An environment under ``folder``, its record, and the commands that a user would type about it."""

    def __init__(self, folder: Path, lab: Laboratory) -> None:
        self.folder = folder
        self.python = folder / "venv" / "bin" / "python"
        self.record = folder / "environment" / "environment.json"
        self.code = folder / "code"
        self.losses = self.record.with_name("metrics.jsonl")
        self._lab = lab

    def install(self, interpreter: Path, *requirements: str) -> None:
        """Make the virtual environment and let pip fill it, as a user does."""
        subprocess.run([interpreter, "-m", "venv", self.folder / "venv"], check=True)
        command = [str(self.python), "-m", "pip", "install", "--quiet", *requirements]
        subprocess.run(command, check=True, env={**os.environ, **QUIET_PIP}, cwd=self.folder)

    def program(self, *arguments: str | Path, check: bool = True) -> Finished:
        """Run ``reprobuild`` against the laboratory's engine."""
        environment = {**os.environ, **self._lab.environment(), "REPROBUILD_NETWORK": "host"}
        finished = subprocess.run(
            [PROGRAM, *map(str, arguments)], env=environment, capture_output=True, encoding="utf-8", cwd=self.folder
        )
        if check:
            assert finished.returncode == 0, f"{arguments}: {finished.stderr[-3000:]}{finished.stdout[-1000:]}"
        return Finished(status=finished.returncode, stdout=finished.stdout, stderr=finished.stderr)

    def capture(self) -> None:
        """Record the environment from outside."""
        self.program("capture", "-o", self.record.parent, "--python", self.python)

    def train_and_capture(self, command: tuple[str, ...], variables: dict[str, str]) -> None:
        """Record the training as it is started with these variables; the record becomes the command."""
        capture = [str(PROGRAM), "capture", "-o", str(self.record.parent), "--", str(self.python), *command[1:]]
        environment = {**os.environ, **variables}
        subprocess.run(capture, check=True, cwd=self.code, env=environment, capture_output=True)

    def plan(self) -> dict[str, Any]:
        """The plan, with its base image and uv provided by the laboratory."""
        plan: dict[str, Any] = json.loads(self.program("plan", self.record, "--json").stdout)
        base = plan["base"]
        self._lab.provide_base(f"{base['repository']}:{base['tag']}")
        self._lab.images.provide_uv(plan["uv_image"])
        return plan

    def network(self) -> tuple[str, ...]:
        """The mirrors of the laboratory, and this machine's certificate authorities where it has its own."""
        site = self._lab.site
        options = ["--pytorch-index", site.pytorch_index, "--python-downloads", site.python_downloads]
        if authorities := os.environ.get("SSL_CERT_FILE"):
            options += ["--ca-certificate", authorities]
        return tuple(options)

    def printed_by(self, script: Path) -> str:
        """What a script prints in the recorded environment."""
        return subprocess.run([self.python, script], check=True, capture_output=True, encoding="utf-8").stdout

    def printed_in_image(self, image: str, script: Path) -> str:
        """What the same script prints in the rebuilt image."""
        command = ["python", "-c", script.read_text("utf-8")]
        return self._lab.client.containers.run(image, command, network_mode="none", remove=True).decode()
