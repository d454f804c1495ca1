"""The ways to an interpreter that no other test of the laboratory takes, and what builds need, for real.

uv's builds, an official image as the base and a compiled CPython are in ``test_install_paths`` and
``test_january_2022``, on records of their own.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.lab.laboratory import Laboratory
from tests.unit import plans

from reprobuild.build import BuildOptions, build
from reprobuild.engine.docker import DockerEngine
from reprobuild.plan import (
    Accelerator,
    BaseImage,
    BasePython,
    ImagePython,
    Requirement,
    SystemPackage,
)
from reprobuild.render import render

pytestmark = pytest.mark.lab

BASE = "ubuntu:22.04"
VERSION = "3.11.7"
IMAGE = f"python:{VERSION}-slim-bookworm"
SHOW = "import six, sys; print(sys.version.split()[0], six.__version__, sys.prefix)"


@pytest.fixture(scope="module")
def engine(lab: Laboratory) -> Iterator[DockerEngine]:
    """The laboratory's engine with the bases that these recipes start from."""
    lab.provide_base(BASE)
    lab.images.provide_uv("ghcr.io/astral-sh/uv:0.13.9")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", lab.docker_host)
        yield DockerEngine.from_environment()


def shown(engine: DockerEngine, lab: Laboratory, tag: str, command: str = SHOW, **changes: Any) -> str:
    """Build the plan with these changes and give what its Python prints."""
    fields: dict[str, Any] = {
        "accelerator": Accelerator(kind="cpu"),
        "base": plans.PLAIN_BASE,
        "groups": (plans.group(requirements=(Requirement(name="six", line="six==1.16.0"),)),),
        "system_packages": (),
    }
    recipe = render(plans.plan(**(fields | changes)), plans.SNAPSHOT)
    certificates = os.environ.get("SSL_CERT_FILE")
    options = BuildOptions(
        tag=tag,
        network="host",
        build_arguments={
            "UV_PYTHON_DOWNLOADS_JSON_URL": lab.environment().get("UV_PYTHON_DOWNLOADS_JSON_URL", ""),
            **{name: os.environ[name] for name in ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY") if name in os.environ},
        },
        ca_certificate=Path(certificates) if certificates else None,
    )
    build(recipe, engine, options)
    result = engine.run(tag, ("python", "-c", command), environment={}, network="host", timeout_s=120)
    assert result.exit_code == 0, result.stderr.decode()
    return result.stdout.decode()


def test_an_official_image_copied_into_another_base(engine: DockerEngine, lab: Laboratory) -> None:
    """What the interpreter is linked with comes along, for a base that may lack it."""
    lab.provide_base(IMAGE)
    python = ImagePython(version=VERSION, image=IMAGE)
    command = f"import bz2, ctypes, lzma, readline, sqlite3, ssl; {SHOW}"
    text = shown(engine, lab, "sources:image", command, python=python)
    assert text == f"{VERSION} 1.16.0 /opt/venv\n"


def test_the_base_s_own(engine: DockerEngine, lab: Laboratory) -> None:
    """Debian 12 stands in for the base; its interpreter is 3.11.2."""
    python = BasePython(version="3.11.2", executable="/usr/bin/python3")
    runtime = (SystemPackage(name="python3", reason="the recorded interpreter"),)
    text = shown(engine, lab, "sources:base", python=python, system_packages=runtime)
    assert text == "3.11.2 1.16.0 /opt/venv\n"


def test_both_installers_and_a_completed_record(engine: DockerEngine, lab: Laboratory) -> None:
    """What builds need stays out of the environment, with and without isolation, and the last group resolves."""
    lab.provide_base(IMAGE)
    repository, _, tag = IMAGE.partition(":")
    groups = (
        plans.group(
            requirements=(Requirement(name="six", line="six==1.16.0"), Requirement(name="pip", line="pip==23.2.1"))
        ),
        plans.group(
            name="legacy",
            installer="pip",
            installer_version="24.0",
            requirements=(Requirement(name="docopt", line="docopt==0.6.2"),),
            build_constraints=("setuptools<58",),
        ),
        plans.group(
            name="without-isolation",
            build_isolation=False,
            build_environment={"MAX_JOBS": "1"},
            build_constraints=("setuptools<60",),
            requirements=(Requirement(name="termcolor", line="termcolor==1.1.0"),),
        ),
        plans.group(
            name="without-isolation-pip",
            installer="pip",
            installer_version="24.0",
            build_isolation=False,
            build_requires=("setuptools<60",),
            requirements=(Requirement(name="wget", line="wget==3.2"),),
        ),
        plans.group(
            name="completion",
            resolve_dependencies=True,
            exclude_newer="2023-12-01",
            requirements=(Requirement(name="requests", line="requests==2.31.0"),),
        ),
    )
    text = shown(
        engine,
        lab,
        "sources:groups",
        "from importlib.metadata import distributions as d; print(*sorted(f'{x.name}=={x.version}' for x in d()))",
        python=ImagePython(version=VERSION, image=IMAGE, is_base=True),
        base=BaseImage(repository=repository, tag=tag, os_id="debian", os_version="12"),
        groups=groups,
    )
    assert text.split() == [
        "certifi==2023.11.17",
        "charset-normalizer==3.3.2",
        "docopt==0.6.2",
        "idna==3.6",
        "pip==23.2.1",
        "requests==2.31.0",
        "six==1.16.0",
        "termcolor==1.1.0",
        "urllib3==2.1.0",
        "wget==3.2",
    ]
