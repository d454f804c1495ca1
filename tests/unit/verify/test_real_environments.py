"""Verification of real virtual environments, examined by the very text that runs in images."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.unit.verify.evidences import plan_of
from tests.unit.verify.local_engine import LocalEngine

from reprobuild.capture import capture
from reprobuild.errors import EngineError
from reprobuild.proof import Level, Outcome, Proof
from reprobuild.report import proof_text
from reprobuild.snapshot import Snapshot
from reprobuild.verify import VerifyOptions, verify

pytestmark = pytest.mark.skipif(not Path("/bin/sh").exists(), reason="images have a shell at /bin/sh, this machine not")

PROVED_IN_AN_IMAGE = (Level.DECLARED, Level.INSTALLED, Level.IDENTICAL, Level.LOADS)
"""The levels that need neither a GPU nor a training run."""

THINGS = {
    "alpha": {"alpha/__init__.py": "VALUE = 1\n"},
    "beta": {"beta.py": "import alpha\n"},
    "gamma": {"gamma/__init__.py": "VALUE = 3\n"},
}


def wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> Path:
    """A small wheel, written by hand, that installs without any index."""
    metadata = f"{name}-{version}.dist-info"
    content = files | {
        f"{metadata}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{metadata}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{path},sha256={digest(text)},{len(text)}\n" for path, text in content.items())
    path = folder / f"{name}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for entry, text in content.items():
            archive.writestr(entry, text)
        archive.writestr(f"{metadata}/RECORD", f"{record}{metadata}/RECORD,,\n")
    return path


def digest(text: str) -> str:
    """As RECORD has it."""
    return base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()


class Workshop:
    """Makes virtual environments with pip, from wheels of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environment(self, name: str, packages: dict[str, str], python: str = sys.executable) -> Path:
        """A virtual environment with these packages of ours and nothing else, not even pip."""
        folder = self.folder / name
        subprocess.run([python, "-m", "venv", "--without-pip", str(folder)], check=True)
        wheels = self.folder / f"wheels-{name}"
        wheels.mkdir()
        paths = [str(wheel(wheels, package, version, THINGS[package])) for package, version in packages.items()]
        subprocess.run(
            [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-deps", "--no-config"]
            + ["--no-index", "--find-links", str(wheels), "--python", str(folder / "bin" / "python")]
            + [f"{package}=={version}" for package, version in packages.items()],
            check=True,
        )
        assert len(paths) == len(packages)
        return folder


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    """A place for environments."""
    return Workshop(tmp_path)


PACKAGES = {"alpha": "1.0", "beta": "2.0", "gamma": "3.0"}


def recorded(environment: Path) -> Snapshot:
    """The record of an environment, taken from outside."""
    return capture(environment / "bin" / "python")


def prove(record: Snapshot, environment: Path, *levels: Level) -> Proof:
    """Verify an environment as if it were an image."""
    options = VerifyOptions(levels=levels or tuple(Level), timeout_s=120)
    return verify(record, plan_of(record), str(environment), LocalEngine(), options)


def test_an_environment_is_itself_at_every_level(workshop: Workshop) -> None:
    environment = workshop.environment("same", PACKAGES)
    proof = prove(recorded(environment), environment)
    assert [(result.level, result.outcome) for result in proof.levels[:4]] == [
        (level, Outcome.PASSED) for level in PROVED_IN_AN_IMAGE
    ]
    assert proof.passed
    assert all(result.differences == () for result in proof.levels)
    assert f"{environment} is the recorded environment: 0 differences" in proof_text(proof)


def test_the_same_wheels_in_another_environment_are_identical(workshop: Workshop) -> None:
    record = recorded(workshop.environment("first", PACKAGES))
    assert prove(record, workshop.environment("second", PACKAGES)).verdict == "exact"


def other_python() -> str:
    """Another patch or minor of CPython than ours, from this machine's interpreters."""
    root = Path(os.environ.get("PYENV_ROOT", "/nonexistent")) / "versions"
    ours = ".".join(map(str, sys.version_info[:3]))
    for folder in sorted(root.glob("3.*"), reverse=True):
        if folder.name != ours and (folder / "bin" / "python").exists():
            return str(folder / "bin" / "python")
    pytest.skip("there is no second CPython under PYENV_ROOT")


def test_three_things_wrong_on_purpose_are_exactly_three_findings(workshop: Workshop) -> None:
    record = recorded(workshop.environment("right", PACKAGES))
    wrong = workshop.environment("wrong", {"alpha": "1.1", "beta": "2.0"}, other_python())
    proof = prove(record, wrong, Level.DECLARED, Level.INSTALLED)
    assert not proof.passed
    findings = {finding.subject: str(finding.verdict) for result in proof.levels for finding in result.failures}
    assert findings == {"python": "wrong", "package alpha": "wrong", "package gamma": "missing"}
    text = proof_text(proof)
    assert text.startswith(f"{wrong} is NOT the recorded environment: 2 wrong, 1 missing\n")
    assert "recorded 1.0, in the image 1.1" in text


def edited(environment: Path) -> None:
    """One file inside site-packages says something else."""
    (path,) = environment.glob("lib/python*/site-packages/gamma/__init__.py")
    path.write_text("VALUE = 4\n", encoding="utf-8")


def removed(environment: Path) -> None:
    """One file is gone."""
    (path,) = environment.glob("lib/python*/site-packages/beta.py")
    path.unlink()


def broken(environment: Path) -> None:
    """One module wants a library that is not there."""
    (path,) = environment.glob("lib/python*/site-packages/gamma/__init__.py")
    path.write_text("import ctypes\nctypes.CDLL('libnothere.so.7')\n", encoding="utf-8")


def crashing(environment: Path) -> None:
    """One module ends the process that imports it."""
    (path,) = environment.glob("lib/python*/site-packages/beta.py")
    path.write_text("import os\nos.abort()\n", encoding="utf-8")


@pytest.mark.parametrize(
    ("sabotage", "level", "subject", "found"),
    [
        (edited, Level.IDENTICAL, "files of gamma", "gamma/__init__.py changed"),
        (removed, Level.IDENTICAL, "files of beta", "beta.py gone"),
        (broken, Level.LOADS, "import gamma", "libnothere.so.7: cannot open shared object file"),
        (crashing, Level.LOADS, "import beta", "ended the process with -6"),
    ],
)
def test_sabotage_is_caught_by_the_level_that_should(
    workshop: Workshop, sabotage: Callable[[Path], None], level: Level, subject: str, found: str
) -> None:
    environment = workshop.environment("sabotaged", PACKAGES)
    record = recorded(environment)
    sabotage(environment)
    proof = prove(record, environment, level)
    (result,) = proof.levels
    assert result.outcome is Outcome.FAILED
    (failure,) = result.failures
    assert failure.subject == subject
    assert found in (failure.found or "")
    assert result.next_step


def test_an_environment_without_python_fails_and_says_so(workshop: Workshop, tmp_path: Path) -> None:
    record = recorded(workshop.environment("right", PACKAGES))
    empty = tmp_path / "empty"
    empty.mkdir()
    proof = prove(record, empty)
    assert not proof.passed
    assert "there is no Python in it" in " ".join(proof_text(proof).split())


def test_no_such_image_is_the_engines_error(workshop: Workshop, tmp_path: Path) -> None:
    record = recorded(workshop.environment("right", {"alpha": "1.0"}))
    with pytest.raises(EngineError, match="no such image"):
        prove(record, tmp_path / "nothing")


def old_pythons() -> list[str]:
    """Every CPython 3 of this machine, of which the oldest may be 3.6."""
    root = Path(os.environ.get("PYENV_ROOT", "/nonexistent")) / "versions"
    return [str(folder / "bin" / "python") for folder in sorted(root.glob("3.*"))]


@pytest.mark.parametrize("python", old_pythons() or [pytest.param("", marks=pytest.mark.skip(reason="no PYENV_ROOT"))])
def test_the_examiner_runs_in_every_python(workshop: Workshop, python: str) -> None:
    environment = workshop.environment("old", PACKAGES, python)
    proof = prove(recorded(environment), environment)
    assert [(result.level, result.outcome) for result in proof.levels[:4]] == [
        (level, Outcome.PASSED) for level in PROVED_IN_AN_IMAGE
    ]
    assert proof.levels[3].summary.startswith("3 of 3 modules imported")
