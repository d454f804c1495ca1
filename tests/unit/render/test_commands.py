"""Each kind of group becomes one command with exactly one origin."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.unit import plans

from reprobuild.errors import PlanError
from reprobuild.plan import Direct, FindLinks, NamedIndex, PytorchFolder, Requirement
from reprobuild.render.commands import GroupFiles, build_requires, install_command

FILE = "requirements/01-x.txt"


def command(constraints: str | None = None, **changes: Any) -> str:
    """The command of a group with these fields, on one line."""
    files = GroupFiles(requirements=FILE, constraints=constraints)
    return " ".join(install_command(plans.group(**changes), files)[1])


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (PytorchFolder(folder="cu121"), '--default-index "${PYTORCH_INDEX}/cu121"'),
        (PytorchFolder(folder="nightly/cu121"), '--default-index "${PYTORCH_INDEX}/nightly/cu121"'),
        (NamedIndex(url="https://example.org/simple"), "--default-index https://example.org/simple"),
        (FindLinks(url="https://example.org/a b"), "--no-index --find-links 'https://example.org/a b'"),
        (
            FindLinks(url="https://download.pytorch.org/whl/lts/1.8/torch_lts.html"),
            '--no-index --find-links "${PYTORCH_INDEX}"/lts/1.8/torch_lts.html',
        ),
    ],
)
def test_origins(origin: Any, expected: str) -> None:
    assert command(origin=origin) == (
        f"uv pip install --python /opt/venv/bin/python --no-deps {expected} --requirements /opt/recipe/{FILE}"
    )


def test_the_default_index_and_direct_urls_name_no_index() -> None:
    bare = f"uv pip install --python /opt/venv/bin/python --no-deps --requirements /opt/recipe/{FILE}"
    assert command() == command(origin=Direct()) == bare


def test_all_switches_of_uv() -> None:
    text = command(
        "requirements/01-x.build.txt",
        requirements=(Requirement(name="a", line="a==1 --hash=sha256:aa"),),
        build_isolation=False,
        exclude_newer="2022-01-20",
        build_constraints=("Cython<3",),
    )
    assert text == (
        "uv pip install --python /opt/venv/bin/python --no-deps --require-hashes --no-build-isolation "
        "--build-constraints /opt/recipe/requirements/01-x.build.txt --exclude-newer 2022-01-20T23:59:59Z "
        "--requirements /opt/recipe/requirements/01-x.txt"
    )


def test_an_open_record_s_last_group_resolves() -> None:
    assert "--no-deps" not in command(resolve_dependencies=True)


def test_pip_stands_outside_the_environment() -> None:
    before, words = install_command(
        plans.group(installer="pip", installer_version="24.0", exclude_newer="2022-01-20T00:00:00Z"),
        GroupFiles(requirements=FILE, constraints="c.txt"),
    )
    assert before == ("uv pip install --python /opt/venv/bin/python --no-deps --target /opt/pip-24.0 pip==24.0",)
    assert " ".join(words) == (
        "PYTHONPATH=/opt/pip-24.0 PIP_CONSTRAINT=/opt/recipe/c.txt /opt/venv/bin/python -m pip install "
        f"--ignore-installed --no-deps --use-pep517 --requirement /opt/recipe/{FILE}"
    )


def test_a_new_pip_has_switches_for_what_builds() -> None:
    text = command("c.txt", installer="pip", installer_version="26.0", exclude_newer="2022-01-20T00:00:00Z")
    assert "--build-constraint /opt/recipe/c.txt --uploaded-prior-to 2022-01-20T00:00:00Z" in text
    assert "PIP_CONSTRAINT" not in text


def test_a_build_without_isolation_finds_its_requirements_beside_the_environment() -> None:
    files = GroupFiles(requirements=FILE, number=4, constraints="c.txt", build_requires="r.txt")
    changes = {"build_isolation": False, "build_environment": {"MAX_JOBS": "4", "CFLAGS": "-O1 -g"}}
    before, words = install_command(plans.group(exclude_newer="2022-01-20", **changes), files)
    assert before == (
        "uv pip install --python /opt/venv/bin/python --target /opt/build-04 --constraints /opt/recipe/c.txt "
        "--exclude-newer 2022-01-20T23:59:59Z --requirements /opt/recipe/r.txt",
    )
    assert words[0] == (
        "CFLAGS='-O1 -g' MAX_JOBS=4 PATH=\"/opt/build-04/bin:${PATH}\" PYTHONPATH=/opt/build-04 "
        "uv pip install --python /opt/venv/bin/python"
    )
    pip = install_command(plans.group(installer="pip", installer_version="24.0", **changes), files)
    assert len(pip[0]) == 2
    assert "PYTHONPATH=/opt/build-04:/opt/pip-24.0 " in pip[1][0]


def test_what_is_installed_already_is_no_build_requirement_unless_it_is_bounded() -> None:
    group = plans.group(
        build_isolation=False, build_requires=("numpy", "Cython<3"), build_constraints=("setuptools<60",)
    )
    everything = {"numpy", "cython", "setuptools", "wheel"}
    assert build_requires(group, everything) == ("Cython<3", "setuptools")
    assert build_requires(group, ()) == ("numpy", "Cython<3", "setuptools", "wheel")
    assert build_requires(plans.group(build_requires=("numpy",)), ()) == ()


@pytest.mark.parametrize("name", ["LD_PRELOAD x", "path", "A=B", "$(id)"])
def test_a_variable_s_name_is_a_name(name: str) -> None:
    with pytest.raises(PlanError, match="where the name of a variable belongs"):
        command(build_environment={name: "1"})


def test_pip_without_a_version_is_refused() -> None:
    with pytest.raises(PlanError, match="takes a version of pip"):
        command(installer="pip")


@pytest.mark.parametrize("folder", ["../evil", "cu121 --extra-index-url x", "", 'cu121"', "$(id)"])
def test_a_folder_is_a_plain_path(folder: str) -> None:
    with pytest.raises(PlanError, match="where a file name belongs"):
        command(origin=PytorchFolder(folder=folder))


def test_the_real_uv_takes_the_group_s_index_and_not_the_mirror_of_the_default_one(tmp_path: Path) -> None:
    """``--index-url`` would lose against UV_DEFAULT_INDEX: this is why the recipe says ``--default-index``."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        pytest.skip("no uv beside this interpreter or on the PATH")
    (tmp_path / "r.txt").write_text("torch==2.1.0+cu121\n")
    words = command(origin=PytorchFolder(folder="cu121")).replace("/opt/venv/bin/python", sys.executable)
    words = words.replace(f"/opt/recipe/{FILE}", str(tmp_path / "r.txt")).replace("uv pip install", "pip install")
    nowhere = "http://127.0.0.1:9"
    result = subprocess.run(
        ["sh", "-c", f'{uv} --no-cache {words} --dry-run --target "{tmp_path}/t"'],
        env={
            "PYTORCH_INDEX": f"{nowhere}/torch",
            "UV_DEFAULT_INDEX": f"{nowhere}/mirror",
            "UV_HTTP_RETRIES": "0",
            "PATH": "/usr/bin:/bin",
        },
        capture_output=True,
        text=True,
    )
    assert result.returncode != 0
    assert f"{nowhere}/torch/cu121/torch/" in result.stderr
    assert f"{nowhere}/mirror" not in result.stderr
