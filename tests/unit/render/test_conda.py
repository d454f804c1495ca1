"""The recipe of a conda run: micromamba's command, the file that it reads, and what the image takes over."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.dockerfile_parser import instructions, of_keyword
from tests.property.expected_recipe import assert_harmless
from tests.unit import plans

from reprobuild.errors import PlanError, UsageError
from reprobuild.plan import CondaEnvironment, CondaPackage, CondaPython
from reprobuild.render import Recipe, RecipeDefaults, render, write_recipe

HADOLINT = Path(sys.executable).with_name("hadolint")
URL = f"https://conda.anaconda.org/conda-forge/linux-64/python-3.10.12-hd12c33a_0_cpython.conda#sha256:{'a' * 64}"
EXPLICIT = CondaEnvironment(
    packages=(CondaPackage(name="python", line=URL),), explicit=True, micromamba_image="mambaorg/micromamba:2.6.1"
)
SPECS = CondaEnvironment(
    packages=(CondaPackage(name="python", line="python==3.10.12=hd12c33a_0_cpython"),),
    explicit=False,
    channels=(
        "https://conda.anaconda.org/conda-forge",
        "https://repo.anaconda.com/pkgs/main",
        "https://conda.example/private",
    ),
    micromamba_image="mambaorg/micromamba:2.6.1",
    cuda="12.1",
)
KINDS = {"explicit": EXPLICIT, "specs": SPECS}


def recipe(conda: CondaEnvironment, network: RecipeDefaults | None = None, **changes: Any) -> Recipe:
    """The recipe of the usual plan with that conda environment."""
    changes = {"python": CondaPython(version="3.10.12"), "conda": conda, **changes}
    return render(plans.plan(**changes), plans.SNAPSHOT, network=network or RecipeDefaults())


def step(dockerfile: str, word: str) -> str:
    """The one RUN instruction that holds ``word``."""
    (found,) = [each.rest for each in instructions(dockerfile) if each.keyword == "RUN" and word in each.rest]
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("groups", [(), (plans.group(),)], ids=["alone", "with pip"])
def test_it_is_what_a_recipe_consists_of(kind: str, groups: Any, tmp_path: Path) -> None:
    made = recipe(KINDS[kind], groups=groups)
    assert_harmless(made)
    if not HADOLINT.exists():
        pytest.skip("hadolint is not installed beside this interpreter")
    path = tmp_path / "Dockerfile"
    path.write_bytes(made.files["Dockerfile"])
    result = subprocess.run([HADOLINT, path], capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "")


def test_urls_need_no_channel() -> None:
    made = recipe(EXPLICIT)
    assert made.files["conda/explicit.txt"].decode().splitlines()[1:] == ["@EXPLICIT", URL]
    command = step(made.dockerfile, "micromamba create")
    assert "--channel" not in command
    assert "--file /tmp/explicit.txt" in command


def test_specs_come_from_the_channels_in_their_order() -> None:
    made = recipe(SPECS)
    assert made.files["conda/specs.txt"].decode().splitlines()[1:] == ["python==3.10.12=hd12c33a_0_cpython"]
    command = step(made.dockerfile, "micromamba create")
    assert (
        '--override-channels --channel "${CONDA_CHANNEL_ALIAS}"/conda-forge --channel "${CONDA_DEFAULTS}"/main '
        "--channel https://conda.example/private --no-deps --file /opt/recipe/conda/specs.txt"
    ) in command
    assert "CONDA_OVERRIDE_CUDA=12.1 micromamba" in command


def test_an_open_environment_gets_its_dependencies() -> None:
    made = recipe(msgspec.structs.replace(SPECS, resolve_dependencies=True))
    assert "--no-deps" not in step(made.dockerfile, "micromamba create")


def test_pip_packages_go_into_the_conda_environment() -> None:
    assert "uv pip install --python /opt/conda/bin/python --no-deps" in recipe(SPECS).dockerfile.replace(
        "\\\n        ", ""
    )


def test_without_pip_packages_there_is_no_uv() -> None:
    assert "uv" not in " ".join(of_keyword(recipe(SPECS, groups=()).dockerfile, "FROM"))
    assert "AS uv" in recipe(SPECS).dockerfile


def test_the_image_takes_over_the_environment_and_no_tool() -> None:
    final = recipe(SPECS).dockerfile.split("# The image itself.")[1]
    assert of_keyword(final, "COPY") == ["--from=builder /opt/conda /opt/conda"]
    assert 'PATH="/opt/conda/bin:${PATH}"' in final
    assert 'CONDA_PREFIX="/opt/conda"' in final
    assert "micromamba" not in final


def test_mirrors_are_build_arguments() -> None:
    plain = recipe(EXPLICIT).dockerfile
    assert 'ARG CONDA_CHANNEL_ALIAS="https://conda.anaconda.org"' in plain
    assert 'ARG CONDA_DEFAULTS="https://repo.anaconda.com/pkgs"' in plain
    mirrored = recipe(EXPLICIT, RecipeDefaults(conda_channels="https://mirror.example/conda/")).dockerfile
    assert 'ARG CONDA_CHANNEL_ALIAS="https://mirror.example/conda"' in mirrored
    assert "mirror.example" not in recipe(EXPLICIT, RecipeDefaults()).files["conda/explicit.txt"].decode()
    with pytest.raises(UsageError, match="--conda-defaults"):
        recipe(EXPLICIT, RecipeDefaults(conda_defaults="ftp://mirror.example"))


def test_the_shell_reaches_the_mirror_and_names_the_public_address_in_the_image(tmp_path: Path) -> None:
    """The very words of the recipe, run by a shell, around a micromamba that only notes what it was given."""
    made = recipe(EXPLICIT)
    (tmp_path / "explicit.txt").write_bytes(made.files["conda/explicit.txt"])
    meta = tmp_path / "conda-meta"
    meta.mkdir()
    (meta / "python.json").write_text('{"url": "https://mirror.example/c/conda-forge/linux-64/python.conda"}')
    words = step(made.dockerfile, "micromamba create").split(" && ")
    rewrite, restore = (next(each for each in words if each.startswith(start)) for start in ("sed --exp", "sed --in"))
    rewrite = rewrite.replace("/opt/recipe/conda", str(tmp_path)).replace("/tmp/explicit.txt", f"{tmp_path}/out.txt")
    restore = restore.replace("/opt/conda", str(tmp_path))
    variables = {"CONDA_CHANNEL_ALIAS": "https://mirror.example/c", "CONDA_DEFAULTS": "https://mirror.example/d"}
    subprocess.run(["sh", "-ec", f"{rewrite}\n{restore}"], env={"PATH": "/usr/bin:/bin", **variables}, check=True)
    assert URL.replace("https://conda.anaconda.org", "https://mirror.example/c") in (tmp_path / "out.txt").read_text()
    assert "https://conda.anaconda.org/conda-forge/linux-64/python.conda" in (meta / "python.json").read_text()


@pytest.mark.parametrize(
    ("conda", "line"),
    [
        (EXPLICIT, "file:///home/me/x-1.0-0.conda"),
        (EXPLICIT, "https://conda.anaconda.org/conda-forge/linux-64/x-1.0-0.conda\nhttps://evil.example"),
        (EXPLICIT, "https://conda.anaconda.org/c/linux-64/$(id)-1.0-0.conda"),
        (SPECS, "x==1.0=0\ny"),
        (SPECS, "x[url=https://evil.example]"),
        (SPECS, "x>=1.0"),
        (SPECS, "evil::x==1.0=0"),
    ],
)
def test_a_line_that_is_not_one_package_is_refused(conda: CondaEnvironment, line: str) -> None:
    with pytest.raises(PlanError, match="where a conda package belongs"):
        recipe(msgspec.structs.replace(conda, packages=(CondaPackage(name="x", line=line),)))


def test_half_a_conda_plan_is_refused() -> None:
    with pytest.raises(PlanError, match="without its CPython"):
        render(plans.plan(conda=SPECS), plans.SNAPSHOT)


def test_another_kind_of_recipe_takes_the_old_file_away(tmp_path: Path) -> None:
    write_recipe(recipe(EXPLICIT), tmp_path)
    write_recipe(recipe(SPECS), tmp_path)
    assert [path.name for path in (tmp_path / "conda").iterdir()] == ["specs.txt"]


def test_the_context_holds_what_the_dockerfile_copies() -> None:
    assert "!conda" in recipe(SPECS).files[".dockerignore"].decode()
