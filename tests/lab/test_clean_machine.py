"""What a newcomer's machine does: the tests pass in Dockerfile.test's image, and ``make demo`` runs on a bare Debian.

Nothing of this machine's own environment is there. Debian 12 from debootstrap stands in for both public images.
The first is opt-in: it installs every test's packages anew and runs for ten minutes what runs beside it anyway.
"""

from __future__ import annotations

import os
import re
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


BARE = "debian:bookworm-slim"
BARE_DOCKERFILE = f"""\
FROM {BARE}
RUN apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv make git ca-certificates
COPY authorities /usr/local/share/ca-certificates
RUN update-ca-certificates
WORKDIR /root/reprobuild
COPY checkout .
"""
"""As the Makefile asks for it: make, git, python3 and its venv module. Plus what TLS needs here."""

BARE_COMMANDS = """\
set -e
make demo
.venv/bin/reprobuild capture --python /usr/bin/python3
.venv/bin/reprobuild dockerfile environment -o context
make clean
test ! -e .venv
"""


def test_the_demo_runs_on_a_bare_debian(lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", lab.docker_host)
    lab.provide_base(BARE)
    engine = DockerEngine.from_environment()
    authorities = os.environ.get("SSL_CERT_FILE")
    certificates = split_certificates(Path(authorities).read_text()) if authorities else {}
    files = {f"checkout/{name}": content for name, content in tracked_files().files.items()}
    files |= {"authorities/README": b"", **{f"authorities/{name}": each for name, each in certificates.items()}}
    recipe = Recipe(files=files | {"Dockerfile": BARE_DOCKERFILE.encode()})
    build(recipe, engine, BuildOptions(tag="bare-debian", network="host"))
    command, variables = ("sh", "-c", BARE_COMMANDS), {"PIP_CERT": "/etc/ssl/certs/ca-certificates.crt"}
    result = engine.run("bare-debian", command, environment=variables, network="host", timeout_s=LIMIT_S)
    printed = result.stdout.decode(errors="replace")
    assert result.exit_code == 0, printed[-3000:] + result.stderr.decode(errors="replace")[-3000:]
    assert "base image       nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04" in printed
    assert "None answers, or it was left out." in printed
    assert "PyTorch   not installed" in printed


def split_certificates(bundle: str) -> dict[str, bytes]:
    """One file for each certificate, as update-ca-certificates takes them."""
    certificates = re.findall("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", bundle, re.DOTALL)
    return {f"{number}.crt": certificate.encode() for number, certificate in enumerate(certificates)}


@pytest.mark.large
def test_the_unit_tests_pass_on_a_clean_machine(image: str, lab: Laboratory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", lab.docker_host)
    container = lab.client.containers.run(image, network_mode="host", detach=True)
    try:
        status = container.wait(timeout=LIMIT_S)["StatusCode"]
        printed = container.logs().decode(errors="replace")
    finally:
        container.remove(force=True)
    assert status == 0, printed[-30000:]
    assert " passed" in printed
