"""Shared options: what they turn into, what they refuse, and that nothing secret gets out."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from reprobuild.cli import options
from reprobuild.cli.parser import new_parser
from reprobuild.errors import UsageError
from reprobuild.plan import Platform
from reprobuild.planner.options import PlanOptions
from reprobuild.probe.gpu import gpu_facts
from reprobuild.settings import NETWORK_SETTINGS, PLAN_SETTINGS, TEMPLATE_SETTINGS

Parse = Callable[..., argparse.Namespace]


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Parse:
    """Parse arguments with every shared option, in an empty folder, without this machine's settings."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    for setting in PLAN_SETTINGS + TEMPLATE_SETTINGS + NETWORK_SETTINGS:
        monkeypatch.delenv(setting.variable, raising=False)
    parser = new_parser("test", "a test")
    options.add_plan_options(parser)
    options.add_template_option(parser)
    options.add_network_options(parser)
    return lambda *given: parser.parse_args(given)


def test_nothing_given_is_the_planners_own_choice(parse: Parse) -> None:
    assert options.plan_options(parse()) == PlanOptions()
    assert options.network_options(parse(), environment={}) == options.NetworkOptions()
    assert options.template_folder(parse()) is None


def test_every_option_of_the_plan(parse: Parse) -> None:
    digest = "sha256:" + "0" * 64
    given = parse(
        *("--platform", "linux/arm64", "--flavor", "slim", "--base", "ubuntu:22.04", "--base-digest", digest),
        *("--uv-image", "uv:1", "--apt", "ffmpeg", "--apt", "libgl1", "--strict", "--python", "3.10.12"),
    )
    assert options.plan_options(given) == PlanOptions(
        platform=Platform(architecture="arm64"),
        flavor="slim",
        base="ubuntu:22.04",
        base_digest=digest,
        uv_image="uv:1",
        extra_apt=("ffmpeg", "libgl1"),
        strict=True,
        python="3.10.12",
    )


def test_every_setting_of_the_plan_is_an_option_of_the_planner() -> None:
    fields = {"apt": "extra_apt", "package-index": "package_indexes"}
    names = {fields.get(setting.name, setting.attribute) for setting in PLAN_SETTINGS}
    assert names == set(PlanOptions.__struct_fields__)


@pytest.mark.parametrize(
    ("text", "architecture"), [("linux/amd64", "amd64"), ("x86_64", "amd64"), ("aarch64", "arm64"), ("ARM64", "arm64")]
)
def test_platforms(text: str, architecture: str) -> None:
    assert options.parse_platform(text).architecture == architecture


@pytest.mark.parametrize("text", ["windows/amd64", "linux/riscv64", "", "linux/", "linux/arm64/v8"])
def test_platforms_that_no_image_has(text: str) -> None:
    with pytest.raises(UsageError, match="is not linux/amd64 or linux/arm64"):
        options.parse_platform(text)


def test_an_abbreviated_option_is_refused(parse: Parse) -> None:
    with pytest.raises(UsageError, match="unrecognized arguments: --plat"):
        parse("--plat", "linux/arm64")


def test_a_value_the_planner_refuses_names_the_file_it_came_from(parse: Parse, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.reprobuild]\nbase = "a b"\n')
    with pytest.raises(UsageError, match=r"^pyproject\.toml \[tool\.reprobuild\] base: 'a b' is not"):
        options.plan_options(parse())


def test_the_network(parse: Parse, tmp_path: Path) -> None:
    certificate = tmp_path / "company.pem"
    certificate.write_text("-----BEGIN CERTIFICATE-----\n")
    given = parse(
        *("--pytorch-index", "https://mirror.example/whl/", "--index-url", "https://mirror.example/simple"),
        *("--python-downloads", "https://mirror.example/python.json", "--ca-certificate", str(certificate)),
        *("--network", "host", "--build-arg", "A=b=c", "--build-arg", "https_proxy=http://other:1"),
    )
    network = options.network_options(given, environment={"https_proxy": "http://proxy:1", "NO_PROXY": "", "X": "y"})
    assert network.network == "host"
    assert network.ca_certificate == certificate
    assert network.build_arguments == {
        "https_proxy": "http://other:1",
        "PYTORCH_INDEX": "https://mirror.example/whl",
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "PIP_INDEX_URL": "https://mirror.example/simple",
        "UV_PYTHON_DOWNLOADS_JSON_URL": "https://mirror.example/python.json",
        "A": "b=c",
    }


def test_proxies_of_the_environment_keep_their_names(parse: Parse) -> None:
    environment = {"HTTP_PROXY": "http://a", "no_proxy": "localhost", "PROXY": "http://b"}
    assert options.network_options(parse(), environment).build_arguments == {
        "HTTP_PROXY": "http://a",
        "no_proxy": "localhost",
    }


@pytest.mark.parametrize(
    "url", ["mirror.example", "ftp://mirror.example", "https://", "https://a b", "https://a\nRUN x"]
)
def test_what_is_no_url_of_an_index(url: str, parse: Parse) -> None:
    with pytest.raises(UsageError, match="--pytorch-index"):
        options.network_options(parse("--pytorch-index", url), environment={})


def test_a_url_with_a_password_is_refused_where_it_would_be_written(parse: Parse) -> None:
    network = options.network_options(parse("--index-url", "https://me:hush@mirror.example/simple"), environment={})
    with pytest.raises(UsageError) as caught:
        options.refuse_credentials(network)
    assert "hush" not in f"{caught.value}{caught.value.hint}"
    assert "UV_DEFAULT_INDEX" in str(caught.value.hint)


def test_a_url_without_one_is_not(parse: Parse) -> None:
    network = options.network_options(parse("--index-url", "https://mirror.example/simple"), environment={})
    options.refuse_credentials(network)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(None, "No such file"), (b"", "holds no certificate"), (b"\x30\x82", "holds no certificate")],
)
def test_what_is_no_certificate(content: bytes | None, complaint: str, parse: Parse, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "company.pem").write_bytes(content)
    with pytest.raises(UsageError, match=complaint):
        options.network_options(parse("--ca-certificate", "company.pem"), environment={})


def test_templates_must_be_a_folder(parse: Parse, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    assert options.template_folder(parse("--templates", "mine")) == Path("mine")
    with pytest.raises(UsageError, match="--templates: other is not a folder"):
        options.template_folder(parse("--templates", "other"))


def test_a_variable_with_a_typo_is_warned_of_once(
    parse: Parse, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REPROBUILD_PLATFROM", "linux/arm64")
    arguments = parse()
    options.plan_options(arguments)
    options.network_options(arguments, environment={})
    assert capsys.readouterr().err == (
        "warning: REPROBUILD_PLATFROM is not a setting of reprobuild\n   hint: did you mean REPROBUILD_PLATFORM?\n"
    )


def test_the_machine_to_run_on_and_the_rescue(parse: Parse) -> None:
    found = options.plan_options(parse("--gpu", "Tesla T4", "--rescue", "--same-family"))
    assert (found.gpu, found.host, found.rescue, found.same_family) == ("Tesla T4", None, True, True)


def test_the_gpus_of_this_machine_or_a_word_that_it_has_none() -> None:
    facts = gpu_facts()
    if facts is not None:
        assert options.gpus_of_this_machine().driver_version == facts["driver_version"]
        return
    with pytest.raises(UsageError) as refusal:
        options.gpus_of_this_machine("REPROBUILD_HOST")
    assert "REPROBUILD_HOST" in str(refusal.value)
    assert "--gpu" in (refusal.value.hint or "")
