"""The commands ``plan`` and ``dockerfile`` from the outside."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from reprobuild.cli.main import main
from reprobuild.errors import PlanError, UsageError

EXAMPLES = Path(__file__).parents[3] / "examples"
GUIDE = EXAMPLES / "guide-example-cu121"
RECORD = str(GUIDE / "environment.json")


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run in an empty folder, so that no project's settings take part."""
    (tmp_path / "cwd").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")


def test_the_dockerfile_on_standard_output(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["dockerfile", RECORD]) == 0
    captured = capsysbinary.readouterr()
    assert captured.out == (GUIDE / "Dockerfile").read_bytes()
    assert b"warning: " in captured.err


def test_the_folder_is_the_example(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "re built"
    assert main(["dockerfile", RECORD, "-o", str(out)]) == 0
    for golden in (GUIDE / "requirements").iterdir():
        assert (out / "requirements" / golden.name).read_bytes() == golden.read_bytes()
    assert capsys.readouterr().out.endswith(f"build it: docker build --platform linux/amd64 --tag rebuilt '{out}'\n")


def test_a_foreign_folder_needs_force(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    assert main(["dockerfile", RECORD, "-o", str(tmp_path)]) == UsageError.exit_code
    assert "not from reprobuild" in capsys.readouterr().err
    assert not (tmp_path / "Dockerfile").exists()
    assert main(["dockerfile", RECORD, "-o", str(tmp_path), "--force"]) == 0
    assert (tmp_path / "thesis.tex").read_text() == "mine"


def test_dockerfile_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dockerfile", RECORD, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["schema_version"] == 1
    assert content["files"]["Dockerfile"] == (GUIDE / "Dockerfile").read_text()
    assert content["plan_digest"] == json.loads(content["files"]["plan.json"])["digest"]


def test_mirrors_become_defaults_but_never_their_passwords(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["dockerfile", RECORD, "--pytorch-index", "https://mirror.example/whl/"]) == 0
    assert 'ARG PYTORCH_INDEX="https://mirror.example/whl"\n' in capsys.readouterr().out
    assert main(["dockerfile", RECORD, "--index-url", "https://u:secret@mirror.example/"]) == UsageError.exit_code
    captured = capsys.readouterr()
    assert "credentials" in captured.err
    assert "secret" not in captured.out + captured.err


def test_a_certificate_goes_into_the_folder(tmp_path: Path) -> None:
    known = ssl.create_default_context().get_ca_certs(binary_form=True)
    if not known:
        pytest.skip("this system trusts no certificate authority whose certificate could be given")
    (tmp_path / "ca.pem").write_text(f"a comment\n{ssl.DER_cert_to_PEM_cert(known[0])}")
    assert main(["dockerfile", RECORD, "-o", str(tmp_path / "out"), "--ca-certificate", str(tmp_path / "ca.pem")]) == 0
    (given,) = (tmp_path / "out" / "certificates").glob("*.crt")
    assert ssl.PEM_cert_to_DER_cert(given.read_text()) == known[0]


def test_a_private_key_stays_where_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    known = ssl.create_default_context().get_ca_certs(binary_form=True) or [b"none"]
    key = "-----BEGIN PRIVATE KEY-----\nMIIB\n-----END PRIVATE KEY-----\n"
    (tmp_path / "ca.pem").write_text(ssl.DER_cert_to_PEM_cert(known[0]) + key)
    arguments = ["dockerfile", RECORD, "-o", str(tmp_path / "out"), "--ca-certificate", str(tmp_path / "ca.pem")]
    assert main(arguments) == UsageError.exit_code
    assert "private key" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_templates_of_the_user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "Dockerfile.j2").write_text(
        '{% extends "reprobuild/Dockerfile.j2" %}{% block end %}CMD ["bash"]\n{% endblock %}'
    )
    assert main(["dockerfile", RECORD, "--templates", str(tmp_path)]) == 0
    assert capsys.readouterr().out.endswith('CMD ["bash"]\n')


def test_plan_as_json_is_the_plan_of_the_context(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", RECORD, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((GUIDE / "plan.json").read_bytes())


def test_plan_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", RECORD, "--explain"]) == 0
    out = capsys.readouterr().out
    assert "fact: " in out
    assert "\x1b" not in out


def test_strict_refuses_what_is_not_exact(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", RECORD, "--strict"]) == PlanError.exit_code
    assert "the plan is not exact" in capsys.readouterr().err
    assert main(["plan", str(EXAMPLES / "plain-scikit-learn" / "environment.json"), "--strict"]) == 0


def test_the_installed_program_in_a_narrow_terminal() -> None:
    program = shutil.which("reprobuild", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("reprobuild is not installed beside this interpreter")
    result = subprocess.run(
        [program, "plan", RECORD], env={"COLUMNS": "70", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True
    )
    assert result.returncode == 0
    prose = result.stdout.split("\nnext\n")[0].splitlines()
    assert max(map(len, prose[2:])) <= 70
