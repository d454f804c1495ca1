"""``reprobuild capture --image`` and ``--container`` against the real engine."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.lab.laboratory import Laboratory, interpreters

pytestmark = [pytest.mark.lab, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def image(lab: Laboratory) -> str:
    """A Debian with a CPython in /usr/local, and a variable that changes results."""
    versions = interpreters.available_versions()
    if not versions:
        pytest.skip("no CPython under PYENV_ROOT to put into an image")
    base = lab.provide_base(f"python:{versions[-1]}-slim-bookworm")
    lines = f"FROM {base}\nENV OMP_NUM_THREADS=3\n"
    lab.client.images.build(fileobj=io.BytesIO(lines.encode()), tag="recorded:latest", rm=True)
    return "recorded:latest"


@pytest.fixture(scope="module")
def container(lab: Laboratory, image: str) -> Iterator[Any]:
    """A container of it in which something runs."""
    started = lab.client.containers.run(image, ["sleep", "600"], detach=True, network_mode="host")
    yield started
    started.remove(force=True)


def capture(lab: Laboratory, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reprobuild.cli.main", "capture", *arguments]
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **lab.environment()}, capture_output=True, encoding="utf-8"
    )


def record(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((folder / "environment" / "environment.json").read_bytes())
    return content


def test_an_image_is_recorded(lab: Laboratory, image: str, tmp_path: Path) -> None:
    before = {container.id for container in lab.client.containers.list(all=True)}
    done = capture(lab, tmp_path, "--image", image)
    assert done.returncode == 0, done.stderr
    facts = record(tmp_path)
    version = lab.client.containers.run(image, ["python", "-V"], remove=True, network_mode="host").decode().split()[1]
    assert facts["python"]["version"] == version
    assert facts["system"]["os_id"] == "debian"
    assert facts["environment_variables"] == {"OMP_NUM_THREADS": "3"}
    frozen = lab.client.containers.run(image, ["python", "-m", "pip", "freeze"], remove=True, network_mode="host")
    assert facts["pip_freeze"] == frozen.decode()
    assert {container.id for container in lab.client.containers.list(all=True)} == before


def test_a_container_is_recorded_while_it_runs(lab: Laboratory, container: Any, tmp_path: Path) -> None:
    container.exec_run(
        ["sh", "-c", "d=$(python -c 'import site; print(site.getsitepackages()[0])')/added-1.2.dist-info"
         " && mkdir -p $d && printf 'Metadata-Version: 2.1\\nName: added\\nVersion: 1.2\\n' > $d/METADATA"]
    )  # fmt: skip
    done = capture(lab, tmp_path, "--container", container.short_id)
    assert done.returncode == 0, done.stderr
    assert record(tmp_path)["packages"]["added"] == "1.2"
    container.reload()
    assert container.status == "running"


def test_what_is_not_there_is_said(lab: Laboratory, image: str, tmp_path: Path) -> None:
    done = capture(lab, tmp_path, "--image", "no-such-image:1")
    assert done.returncode == 6 and "no such image" in done.stderr
    done = capture(lab, tmp_path, "--container", "no-such-container")
    assert done.returncode == 6 and "No such container: no-such-container" in done.stderr
    done = capture(lab, tmp_path, "--image", image, "--python", "/absent/python")
    assert done.returncode == 9 and "/absent/python: not found" in done.stderr
    stopped = lab.client.containers.create(image, ["true"], network_mode="host")
    done = capture(lab, tmp_path, "--container", str(stopped.id))
    stopped.remove()
    assert done.returncode == 6 and "is not running" in done.stderr
    assert not list(tmp_path.iterdir())
