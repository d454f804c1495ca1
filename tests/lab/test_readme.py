"""What the README shows of ``reprobuild rebuild`` is what it prints for a real image."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest
from tests.lab.laboratory import Laboratory

from reprobuild import records
from reprobuild.catalog import Catalog
from reprobuild.cli.main import main
from reprobuild.planner import plan as make_plan

pytestmark = pytest.mark.lab

README = Path(__file__).parents[2] / "README.md"


def first_words(output: str) -> list[list[str]]:
    """The verdict's words and each level's name, without the numbers and versions that differ from run to run."""
    verdict, *rest = output.strip().splitlines()
    return [verdict.split(), *(line.split()[:2] if line.startswith(" ") else line.split()[:1] for line in rest)]


def test_rebuild_still_prints_what_the_readme_shows(
    lab: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shown = re.search(
        r"^\$ reprobuild rebuild environment --tag digits\n(.*?)```", README.read_text("utf-8"), re.M | re.S
    )
    assert shown
    venv.create(tmp_path / ".venv", with_pip=False, symlinks=True)
    python = tmp_path / ".venv" / "bin" / "python"
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-config", "--python", str(python)]
    subprocess.run([*install, "packaging==25.0", "tqdm==4.67.1"], check=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DOCKER_HOST", lab.docker_host)
    monkeypatch.setenv("COLUMNS", "120")
    assert main(["capture", "--python", str(python)]) == 0
    plan = make_plan(records.read(Path("environment")), Catalog.packaged())
    lab.provide_base(plan.base.reference)
    lab.images.provide_uv(plan.uv_image)
    certificates = os.environ.get("SSL_CERT_FILE")
    network = ["--network", "host", *(["--ca-certificate", certificates] if certificates else [])]
    capsys.readouterr()
    assert main(["rebuild", "environment", "--tag", "digits", *network]) == 0
    assert first_words(capsys.readouterr().out) == first_words(shown.group(1))
