"""``reprobuild capture``: what it saves, what it says, and each way it can fail."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.unit.capture.conftest import write_wheel

FILES = ["REPRODUCE.md", "environment.json", "requirements.txt"]


def capture(folder: Path, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reprobuild.cli.main", "capture", *map(str, arguments)]
    environment = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "CONDA_PREFIX")}
    return subprocess.run(command, cwd=folder, env={**environment, **variables}, capture_output=True, encoding="utf-8")


def fails(done: subprocess.CompletedProcess[str], message: str) -> None:
    assert (done.returncode, done.stdout) == (9, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 2, done.stderr
    assert lines[0].startswith("reprobuild: error: ") and message in lines[0]
    assert lines[1].startswith("hint: ")


def test_it_saves_three_files_and_says_what_it_found(tmp_path: Path) -> None:
    done = capture(tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "environment").iterdir()) == FILES
    record = json.loads((tmp_path / "environment" / "environment.json").read_bytes())
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"Python    {record['python']['version']} ")
    assert lines[2].startswith(f"Packages  {len(record['distributions'])}")
    assert lines[-4:] == ["Saved:", *(f"  {Path('environment', name)}" for name in reversed(FILES))]


def test_json_names_the_files_and_the_digest(tmp_path: Path) -> None:
    from reprobuild.snapshot import from_json_object

    done = capture(tmp_path, "--json", "-o", "here", "--python", sys.executable)
    answer = json.loads(done.stdout)
    content = json.loads((tmp_path / answer["files"]["environment"]).read_bytes())
    assert from_json_object(content).digest == answer["digest"]
    assert answer["distributions"] == len(content["distributions"])


def test_from_outside_and_from_inside_are_the_same_environment(tmp_path: Path) -> None:
    capture(tmp_path, "-o", "inside")
    capture(tmp_path, "-o", "outside", "--python", sys.executable)
    inside, outside = (json.loads((tmp_path / name / FILES[1]).read_bytes()) for name in ("inside", "outside"))
    inside["recorded_at"] = outside["recorded_at"]
    assert inside == outside


def test_another_active_environment_is_pointed_out(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    done = capture(tmp_path, VIRTUAL_ENV=str(tmp_path / "other"))
    assert done.returncode == 0
    assert f"--python {tmp_path / 'other'}" in done.stderr


def test_changed_files_are_named_and_libraries_left_out_when_asked_to(tmp_path: Path) -> None:
    """In an environment of one package, of which a file was edited after it was installed."""
    import venv

    venv.create(tmp_path / "env", with_pip=False, symlinks=os.name != "nt")
    python = next((tmp_path / "env").glob("bin/python")) if os.name != "nt" else tmp_path / "env/Scripts/python.exe"
    install = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-config", "--no-index", "--python", python]
    subprocess.run([*map(str, install), str(write_wheel(tmp_path, "edited", "1.0"))], check=True)
    module = next((tmp_path / "env").rglob("edited.py"))
    unchanged = capture(tmp_path, "--python", python, "--check-files")
    module.unlink()  # uv may have linked the file to its cache.
    module.write_text("value = 2\n")
    changed = capture(tmp_path, "--python", python, "--check-files", "--no-libraries")
    assert "Changed   no installed file\n" in unchanged.stdout
    assert "Libraries none of the system\n" in unchanged.stdout
    assert "Changed   files of edited (1)\n" in changed.stdout
    assert "Libraries" not in changed.stdout
    record = json.loads((tmp_path / "environment" / "environment.json").read_bytes())
    assert [item["changed_files"] for item in record["distributions"]] == [["edited.py"]]


def test_no_such_interpreter(tmp_path: Path) -> None:
    fails(capture(tmp_path, "--python", tmp_path / "absent"), "there is no interpreter")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_answered_with_the_program_in_it(tmp_path: Path) -> None:
    done = capture(tmp_path, "--python", sys.prefix)
    fails(done, "is a folder")
    assert "bin/python" in done.stderr or "python.exe" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script is no program on Windows")
@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("exit 3", "exit code 3"),
        ("echo 'no such option' >&2; exit 1", "no such option"),
        ("echo hello", "did not answer with the probe's record"),
        ("echo '[]'", "did not answer with the probe's record"),
        ('echo \'{"schema_version": 1, "distributions": 3}\'', "distributions"),
        ("kill -9 $$", "exit code -9"),
    ],
)
def test_what_is_no_python(tmp_path: Path, script: str, message: str) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{script}\n")
    fails(capture(tmp_path, "--python", program), "can't be started")
    program.chmod(0o755)
    fails(capture(tmp_path, "--python", program), message)


def test_python_2_is_named_with_its_version(tmp_path: Path) -> None:
    found = sorted(Path(os.environ.get("PYENV_ROOT", "/nowhere")).glob("versions/2.7.*/bin/python"))
    if not found:
        pytest.skip("no Python 2.7 under PYENV_ROOT")
    fails(capture(tmp_path, "--python", found[0]), f"is Python {found[0].parent.parent.name}; the oldest")


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script is no program on Windows")
def test_what_is_printed_before_the_record_does_no_harm(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho '{{'; echo welcome; exec '{sys.executable}' \"$@\"\n")
    program.chmod(0o755)
    done = capture(tmp_path, "--python", program, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["python"] == ".".join(map(str, sys.version_info[:3]))


def test_an_unwritable_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    fails(capture(tmp_path, "-o", tmp_path / "file" / "inside"), "file")
    fails(capture(tmp_path, "-o", tmp_path / "file"), "file")
