"""Settings: who wins, what is refused, and that each error names the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from reprobuild import settings
from reprobuild.errors import UsageError
from reprobuild.settings import Found


def layers(folder: Path, environment: dict[str, str] | None = None) -> tuple[dict[str, Found], ...]:
    """The stored layers of a folder with a pyproject.toml and a user's config.toml, both optional."""
    return settings.stored_layers(environment or {}, folder, folder / "user" / "config.toml")


def test_the_first_place_that_tells_wins(tmp_path: Path) -> None:
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "config.toml").write_text(
        'base = "user"\nuv-image = "user"\npython = "user"\nnetwork = "user"\n'
    )
    (tmp_path / "pyproject.toml").write_text(
        '[tool.reprobuild]\nbase = "project"\nuv-image = "project"\npython = "project"\n'
    )
    environment = {"REPROBUILD_BASE": "variable", "REPROBUILD_UV_IMAGE": "variable"}
    found = settings.resolve(
        {"base": "line", "uv_image": None},
        layers(tmp_path, environment),
        ["base", "uv-image", "python", "network", "platform"],
    )
    assert {name: value.value for name, value in found.items()} == {
        "base": "line",
        "uv-image": "variable",
        "python": "project",
        "network": "user",
    }
    assert found["base"].origin == "--base"
    assert found["uv-image"].origin == "REPROBUILD_UV_IMAGE"
    assert found["python"].origin == f"{tmp_path / 'pyproject.toml'} [tool.reprobuild] python"
    assert found["network"].origin == f"{tmp_path / 'user' / 'config.toml'} network"


def test_every_kind_of_value_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(
        "[tool.reprobuild]\n"
        'apt = ["ffmpeg", "libgl1"]\n'
        "strict = true\n"
        'ca-certificate = "company.pem"\n'
        'build-arg = { NAME = "a=b" }\n'
    )
    found = settings.read_project(tmp_path)
    assert {name: value.value for name, value in found.items()} == {
        "apt": ("ffmpeg", "libgl1"),
        "strict": True,
        "ca-certificate": tmp_path / "company.pem",
        "build-arg": ("NAME=a=b",),
    }


def test_every_kind_of_value_from_the_environment() -> None:
    found = settings.read_environment(
        {
            "REPROBUILD_APT": " ffmpeg  libgl1 ",
            "REPROBUILD_STRICT": "Yes",
            "REPROBUILD_CA_CERTIFICATE": "company.pem",
            "REPROBUILD_BUILD_ARG": "A=1 B=2",
            "REPROBUILD_BASE": "",
            "HOME": "/nowhere",
        }
    )
    assert {name: value.value for name, value in found.items()} == {
        "apt": ("ffmpeg", "libgl1"),
        "strict": True,
        "ca-certificate": Path("company.pem"),
        "build-arg": ("A=1", "B=2"),
    }


def test_the_command_line_can_switch_a_stored_flag_off() -> None:
    stored = settings.read_environment({"REPROBUILD_STRICT": "1"})
    assert settings.resolve({"strict": False}, [stored], ["strict"])["strict"].value is False


def test_no_files_and_no_variables_set_nothing(tmp_path: Path) -> None:
    assert layers(tmp_path) == ({}, {}, {})


@pytest.mark.parametrize("text", ["", "[project]\nname = 'x'\n", "[tool.other]\nx = 1\n"])
def test_a_project_that_says_nothing_of_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    assert settings.read_project(tmp_path) == {}


@pytest.mark.parametrize(
    ("line", "complaint", "hint"),
    [
        ('pytorch_index = "x"', "unknown setting 'pytorch_index'", "did you mean 'pytorch-index'?"),
        ('aptt = ["x"]', "unknown setting 'aptt'", "did you mean 'apt'?"),
        ("zzz = 1", "unknown setting 'zzz'", "known settings: platform, flavor,"),
        ("base = 3", "base: must be a text that is not empty", ""),
        ('base = " "', "base: must be a text that is not empty", ""),
        ('strict = "yes"', "strict: must be true or false", ""),
        ('apt = "ffmpeg"', "apt: must be a list of texts", ""),
        ("apt = [1]", "apt: must be a list of texts", ""),
        ('flavor = "slm"', "flavor: must be one of auto, slim, runtime, devel, not 'slm'", "did you mean 'slim'?"),
        ("build-arg = { A = 1 }", "build-arg: must be a list of texts", ""),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_place(line: str, complaint: str, hint: str, tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(f"[tool.reprobuild]\n{line}\n")
    with pytest.raises(UsageError) as caught:
        settings.read_project(tmp_path)
    assert str(caught.value).startswith(f"{path} [tool.reprobuild]")
    assert complaint in str(caught.value)
    assert (caught.value.hint or "").startswith(hint)


def test_a_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("base = \n")
    with pytest.raises(UsageError, match="not readable as TOML") as caught:
        settings.read_user_file(path)
    assert str(caught.value).startswith(str(path))


def test_a_build_argument_without_a_value_does_not_show_what_may_be_a_password() -> None:
    with pytest.raises(UsageError) as caught:
        settings.read_environment({"REPROBUILD_BUILD_ARG": "1A=hush-hush"})
    assert str(caught.value) == "REPROBUILD_BUILD_ARG: '1A' is not of the form NAME=VALUE"


@pytest.mark.parametrize(("text", "value"), [("0", False), ("off", False), ("TRUE", True)])
def test_flags_of_the_environment(text: str, value: bool) -> None:
    assert settings.read_environment({"REPROBUILD_STRICT": text})["strict"].value is value


def test_a_flag_that_is_neither() -> None:
    with pytest.raises(UsageError, match="REPROBUILD_STRICT: must be true or false, not 'perhaps'"):
        settings.read_environment({"REPROBUILD_STRICT": "perhaps"})


def test_variables_that_come_close_to_a_setting_are_told() -> None:
    assert settings.mistaken_variables(
        {"REPROBUILD_PYTORCH_INDX": "x", "REPROBUILD_LAB_FOLDER": "x", "REPROBUILD_BASE": "x", "PATH": "x"}
    ) == {"REPROBUILD_PYTORCH_INDX": "REPROBUILD_PYTORCH_INDEX"}
