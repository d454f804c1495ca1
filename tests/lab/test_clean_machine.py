"""Dockerfile.test builds, and the unit tests pass in it: nothing depends on this machine's own environment."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.laboratory import Laboratory, LaboratoryUnavailable
from tests.lab.laboratory.machine import CHECKOUT
from tests.lab.laboratory.wheels import offer_real_torch

from reprobuild.build import BuildOptions, build
from reprobuild.engine.docker import DockerEngine
from reprobuild.render import Recipe

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1800)]

BASE = "python:3.11-slim-bookworm"
LIMIT_S = 1500


@pytest.fixture(scope="module")
def image(lab: Laboratory) -> Iterator[str]:
    """The image of Dockerfile.test, built from what git tracks."""
    if not (CHECKOUT / ".git").exists():
        pytest.skip("no git checkout to take the files from")
    if not offer_real_torch(lab.site):
        pytest.skip("no torch-2.13.0+cpu wheel in the PIP_FIND_LINKS folder")
    authorities = os.environ.get("SSL_CERT_FILE")
    try:
        lab.images.provide_trusting_base(BASE, Path(authorities) if authorities else None)
    except LaboratoryUnavailable as reason:
        pytest.skip(str(reason))
    options = BuildOptions(
        tag="reprobuild-test", network="host", build_arguments={"PYTORCH_INDEX": lab.site.pytorch_index}
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", lab.docker_host)
        build(tracked_files(), DockerEngine.from_environment(), options)
    yield "reprobuild-test"
    lab.images.forget("reprobuild-test")


def tracked_files() -> Recipe:
    """The checkout as git knows it, with Dockerfile.test as the Dockerfile."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=CHECKOUT, check=True, capture_output=True).stdout.decode()
    names = [name for name in listed.split("\0") if name and (CHECKOUT / name).is_file()]
    files = {name: (CHECKOUT / name).read_bytes() for name in names}
    return Recipe(files=files | {"Dockerfile": files["Dockerfile.test"]})


def test_the_unit_tests_pass_on_a_clean_machine(image: str, lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", lab.docker_host)
    container = lab.client.containers.run(image, network_mode="host", detach=True)
    try:
        status = container.wait(timeout=LIMIT_S)["StatusCode"]
        printed = container.logs().decode(errors="replace")
    finally:
        container.remove(force=True)
    assert status == 0, printed[-6000:]
    assert " passed" in printed
