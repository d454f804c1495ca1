"""What the Dockerfile says, read by an independent parser and by hadolint."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.dockerfile_parser import instructions, of_keyword
from tests.unit import plans

from reprobuild.errors import PlanError, UsageError
from reprobuild.plan import (
    Accelerator,
    BaseImage,
    BasePython,
    Fidelity,
    ImagePython,
    Placement,
    PythonSource,
    SourcePython,
    SystemPackage,
    UvPython,
)
from reprobuild.render import Recipe, RecipeDefaults, render

HADOLINT = Path(sys.executable).with_name("hadolint")


def recipe(network: RecipeDefaults | None = None, **changes: Any) -> Recipe:
    """The recipe of the usual plan with these changes."""
    return render(plans.plan(**changes), plans.SNAPSHOT, network=network or RecipeDefaults())


SOURCES: dict[str, PythonSource] = {
    "uv": UvPython(version="3.10.12"),
    "uv, pinned build": UvPython(version="3.10.12", build="20240107"),
    "image": ImagePython(version="3.8.1", image="python:3.8.1-slim-buster"),
    "base": BasePython(version="3.10.12", executable="/usr/bin/python3.10"),
    "source": SourcePython(version="3.6.1", url="https://example.org/Python-3.6.1.tgz", sha256="a" * 64),
    "source, old OpenSSL": SourcePython(
        version="3.6.1", url="https://www.python.org/ftp/python/3.6.1/Python-3.6.1.tgz", openssl="1.1.1w"
    ),
    "image is the base": ImagePython(version="3.10.12", image="python:3.10.12-slim-bookworm", is_base=True),
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=list(SOURCES))
def test_hadolint_finds_nothing(source: PythonSource, tmp_path: Path) -> None:
    if not HADOLINT.exists():
        pytest.skip("hadolint is not installed beside this interpreter")
    path = tmp_path / "Dockerfile"
    legacy = plans.group(name="legacy", installer="pip", installer_version="24.0", build_constraints=("Cython<3",))
    path.write_bytes(recipe(python=source, groups=(plans.pytorch_group(), legacy)).files["Dockerfile"])
    result = subprocess.run([HADOLINT, path], capture_output=True, text=True)
    assert result.stdout == ""
    assert result.returncode == 0


def test_two_stages_from_the_base() -> None:
    assert of_keyword(recipe().dockerfile, "FROM") == [
        "ghcr.io/astral-sh/uv:0.13.9 AS uv",
        "nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04 AS builder",
        "nvidia/cuda:12.1.1-cudnn8-runtime-ubuntu22.04",
    ]


def test_a_builder_of_its_own_where_something_is_compiled() -> None:
    devel = msgspec.structs.replace(plans.CUDA_BASE, tag="12.1.1-cudnn8-devel-ubuntu22.04", flavor="devel")
    froms = of_keyword(recipe(build_base=devel).dockerfile, "FROM")
    assert froms[1:] == [f"{devel.reference} AS builder", plans.CUDA_BASE.reference]


def test_only_the_classic_builder_s_syntax() -> None:
    for instruction in instructions(recipe().dockerfile):
        assert "--mount" not in instruction.rest
        assert "<<" not in instruction.rest
        assert "--chmod" not in instruction.rest


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("uv", ["builder /opt/python", "builder /opt/venv"]),
        ("image", ["python /usr/local", "builder /opt/venv"]),
        ("base", ["builder /opt/venv"]),
        ("source", ["builder /opt/python", "builder /opt/venv"]),
        ("source, old OpenSSL", ["builder /opt/python", "builder /opt/venv"]),
        ("image is the base", ["builder /opt/venv"]),
    ],
)
def test_what_the_image_takes_over(name: str, expected: list[str]) -> None:
    final = recipe(python=SOURCES[name]).dockerfile.split("# The image itself.")[1]
    assert of_keyword(final, "COPY") == [f"--from={stage} {path} {path}" for stage, path in map(str.split, expected)]


def test_the_final_stage_holds_no_tool_of_the_build() -> None:
    final = recipe(
        groups=(plans.group(needs_git=True),),
        system_packages=(SystemPackage(name="gcc", reason="an extension", stage="build"),),
    ).dockerfile.split("# The image itself.")[1]
    for tool in ("git", "gcc", "uv", "certificates", "ARG"):
        assert tool not in " ".join(of_keyword(final, "RUN") + of_keyword(final, "COPY"))


def test_git_comes_with_packages_from_version_control() -> None:
    assert " git " in of_keyword(recipe(groups=(plans.group(needs_git=True),)).dockerfile, "RUN")[0]
    assert " git " not in of_keyword(recipe().dockerfile, "RUN")[0]


def test_lists_of_packages_are_removed_in_the_layer_that_fetched_them() -> None:
    runs = [run for run in of_keyword(recipe().dockerfile, "RUN") if "apt-get" in run]
    assert len(runs) == 2
    for run in runs:
        assert run.startswith("rm -f /etc/apt/sources.list.d/cuda* && rm -f /etc/apt/sources.list.d/nvidia-ml*")
        assert run.endswith("&& rm -rf /var/lib/apt/lists/*")


def test_other_bases_keep_their_sources() -> None:
    assert "sources.list.d" not in recipe(base=plans.PLAIN_BASE).dockerfile


def test_a_base_with_dnf() -> None:
    base = msgspec.structs.replace(plans.CUDA_BASE, tag="12.1.1-runtime-ubi8", package_manager="dnf", os_id="ubi")
    runs = of_keyword(recipe(base=base).dockerfile, "RUN")
    assert runs[0].startswith("dnf install --assumeyes")
    assert "apt-get" not in " ".join(runs)


def test_a_plain_base_asks_for_the_driver_s_libraries() -> None:
    assert 'NVIDIA_DRIVER_CAPABILITIES="compute,utility"' in recipe(base=plans.PLAIN_BASE).dockerfile
    assert "NVIDIA_" not in recipe().dockerfile
    cpu = recipe(base=plans.PLAIN_BASE, accelerator=Accelerator(kind="cpu", variant="cpu"))
    assert "NVIDIA_" not in cpu.dockerfile


def test_a_person_s_user() -> None:
    last = [(instruction.keyword, instruction.rest) for instruction in instructions(recipe().dockerfile)][-3:]
    assert last == [("USER", "1000"), ("WORKDIR", "/workspace"), ("CMD", '["python"]')]


def test_labels() -> None:
    plan = plans.plan()
    (labels,) = of_keyword(recipe().dockerfile, "LABEL")
    assert f'dev.reprobuild.snapshot-digest="{plan.snapshot_digest}"' in labels
    assert f'dev.reprobuild.plan-digest="{plan.digest}"' in labels
    assert 'dev.reprobuild.fidelity="exact"' in labels
    assert 'org.opencontainers.image.title="CPython 3.10.12, torch 2.1.0+cu121, CUDA 12.1"' in labels
    assert "created" not in labels


def test_build_arguments() -> None:
    assert of_keyword(recipe().dockerfile, "ARG") == [
        'PYTORCH_INDEX="https://download.pytorch.org/whl"',
        "UV_DEFAULT_INDEX",
        "PIP_INDEX_URL",
        "UV_PYTHON_DOWNLOADS_JSON_URL",
        "UV_PYTHON_INSTALL_MIRROR",
    ]
    compiled = of_keyword(recipe(python=SOURCES["source, old OpenSSL"]).dockerfile, "ARG")
    assert compiled[5:] == [
        'PYTHON_SOURCE_MIRROR="https://www.python.org/ftp/python"',
        'OPENSSL_SOURCE_MIRROR="https://github.com/openssl/openssl/releases/download"',
    ]
    mirrored = RecipeDefaults(pytorch_index="https://mirror.example/whl/", index_url="https://mirror.example/simple")
    assert of_keyword(recipe(mirrored).dockerfile, "ARG")[:3] == [
        'PYTORCH_INDEX="https://mirror.example/whl"',
        'UV_DEFAULT_INDEX="https://mirror.example/simple"',
        'PIP_INDEX_URL="https://mirror.example/simple"',
    ]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://user:secret@mirror.example/simple", "--index-url: the URL holds credentials"),
        ("ftp://mirror.example", "must begin with https://"),
        ("https://mirror.example/\nRUN id", "this is not a URL"),
        ("https://mirror.example/$(id)", "this is not a URL"),
    ],
)
def test_defaults_that_no_dockerfile_should_hold(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("(", r"\(")) as caught:
        recipe(RecipeDefaults(index_url=url))
    assert "secret" not in str(caught.value)


def test_the_header_names_what_differs() -> None:
    missing = Placement(
        name="python-apt",
        version="2.4.0+ubuntu2",
        where="left out",
        detail="belongs to the operating system",
        fidelity=Fidelity.MISSING,
    )
    header = recipe(placements=(missing,)).dockerfile.split("FROM")[0]
    assert "#   fidelity    missing" in header
    assert "# - python-apt 2.4.0+ubuntu2 (missing): belongs to the operating system" in header
    assert "differs" not in recipe().dockerfile


def test_each_decision_s_reason_stands_at_its_block() -> None:
    text = recipe().dockerfile
    assert "# the base image: Because of the base image.\nFROM " in text
    assert "# Because of the system packages.\n# - ca-" not in text
    assert "# the python: Because of the python.\n" in text


def test_no_reason_is_given_twice() -> None:
    decided = list(plans.decisions())
    decided[1] = msgspec.structs.replace(decided[1], fidelity=Fidelity.SUBSTITUTED, reason="it was all there is")
    packages = tuple(SystemPackage(name=name, reason="the run's sound", stage="build") for name in ("liba", "libb"))
    text = recipe(decisions=tuple(decided), system_packages=(*packages, plans.plan().system_packages[0])).dockerfile
    assert "# - Base image (substituted): the base image. It was all there is.\n" in text
    assert "# the base image\nFROM " in text
    assert "# - liba, libb: the run's sound\n" in text
    comments = [line for line in text.splitlines() if line.startswith("# ") and not line.startswith("# hadolint")]
    assert len(comments) == len(set(comments))


def test_an_official_image_that_needs_nothing_more_does_not_ask_an_archive() -> None:
    """Debian takes old suites off its mirrors; the images made of them still run."""
    base = BaseImage(repository="python", tag="3.8.1-slim-buster", os_id="debian", os_version="10")
    python = ImagePython(version="3.8.1", image=base.reference, is_base=True)
    bare = recipe(base=base, python=python, system_packages=(SystemPackage(name="ca-certificates", reason="TLS"),))
    assert "apt-get" not in bare.dockerfile
    more = recipe(base=base, python=python)
    assert [run.count("ca-certificates") for run in of_keyword(more.dockerfile, "RUN") if "apt-get" in run] == [0]


def test_a_compiled_cpython_follows_the_mirrors_and_checks_what_it_downloads() -> None:
    text = recipe(python=SOURCES["source, old OpenSSL"]).dockerfile
    assert '"${PYTHON_SOURCE_MIRROR}"/3.6.1/Python-3.6.1.tgz' in text
    assert '"${OPENSSL_SOURCE_MIRROR}"/OpenSSL_1_1_1w/openssl-1.1.1w.tar.gz' in text
    assert "--with-openssl=/opt/openssl" in text
    assert " libssl-dev" not in text
    assert " libssl-dev" in recipe(python=SOURCES["source"]).dockerfile.replace("\n", "")
    with pytest.raises(PlanError, match="whose archive is not known"):
        recipe(python=SourcePython(version="3.6.1", url="https://example.org/x.tgz", openssl="1.1.1; id"))


def test_files_of_the_context() -> None:
    files = recipe().files
    assert sorted(files) == [
        ".dockerignore",
        "Dockerfile",
        "certificates/README.txt",
        "certificates/trust.sh",
        "environment.json",
        "plan.json",
        "requirements/01-pytorch-cu121.txt",
        "requirements/02-default.txt",
    ]
    assert files["environment.json"].decode() == plans.SNAPSHOT.to_json()
    assert json.loads(files["plan.json"])["digest"] == plans.plan().digest


def test_the_same_plan_gives_the_same_bytes() -> None:
    assert recipe() == recipe()


def test_a_plan_of_another_record_is_refused() -> None:
    other = msgspec.structs.replace(plans.SNAPSHOT, recorded_at="2024-01-01T00:00:00Z")
    with pytest.raises(PlanError, match="made from another record"):
        render(plans.plan(), other)


def test_certificates_are_trusted_only_where_there_are_some(tmp_path: Path) -> None:
    """Run the shipped script as ``sh`` does, with the folder of the image replaced by one of ours."""
    script = recipe().files["certificates/trust.sh"].decode().replace("/opt/certificates", str(tmp_path))
    (tmp_path / "trust.sh").write_text(script)
    show = ["sh", "-euc", f'. {tmp_path}/trust.sh && echo "[${{SSL_CERT_FILE-none}}]"']
    environment = {"PATH": "/usr/bin:/bin"}
    before = subprocess.run(show, capture_output=True, text=True, check=True, env=environment)
    assert before.stdout == "[none]\n"
    (tmp_path / "company.crt").write_text("-----BEGIN CERTIFICATE-----\nfirst\n-----END CERTIFICATE-----")
    (tmp_path / "other.pem").write_text("-----BEGIN CERTIFICATE-----\nsecond\n-----END CERTIFICATE-----\n")
    for _ in range(2):
        after = subprocess.run(show, capture_output=True, text=True, check=True, env=environment)
        assert after.stdout == f"[{tmp_path}/bundle]\n"
    bundle = (tmp_path / "bundle").read_text()
    assert bundle.count("\nfirst\n") == bundle.count("\nsecond\n") == 1
    assert "CERTIFICATE----------BEGIN" not in bundle
