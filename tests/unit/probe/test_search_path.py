"""What stands on the search path beside the interpreter's own folders, of real interpreters that are started so."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest

from reprobuild.capture.interpreter import Probing

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the layouts of folders here are those of Unix")


def facts_of(python: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(Probing(python).output())
    return found


def write_distribution(site: Path, name: str) -> None:
    info = site / f"{name}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An environment without anything."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "env"], check=True)
    return tmp_path / "env" / "bin" / "python"


def site_of(python: Path) -> Path:
    return next(python.parents[1].glob("lib/python*/site-packages"))


def test_an_environment_alone_has_nothing_beside_it(python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    facts = facts_of(python)["python"]
    assert "extra_paths" not in facts
    assert "startup_files" not in facts


def test_each_path_tells_what_put_it_there(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in ("by-variable", "by-file", "by-code"):
        write_distribution(tmp_path / place, f"found-{place}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path / "by-variable"), str(tmp_path / "absent"))))
    site = site_of(python)
    (site / "more.pth").write_text(f"# a comment\n{tmp_path / 'by-file'}\n/nowhere/at/all\n")
    (site / "start.pth").write_text(f"import sys; sys.path.append({str(tmp_path / 'by-code')!r})\n")
    facts = facts_of(python)
    assert {item["path"]: item["source"] for item in facts["python"]["extra_paths"]} == {
        str(tmp_path / "by-variable"): "PYTHONPATH",
        str(tmp_path / "by-file"): "pth",
        str(tmp_path / "by-code"): "other",
    }
    assert facts["python"]["startup_files"] == [f"lib/python3.{sys.version_info.minor}/site-packages/start.pth"]
    names = {item["name"] for item in facts["distributions"]}
    assert names == {"found-by-variable", "found-by-file", "found-by-code"}


def test_the_user_s_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONUSERBASE", str(tmp_path))
    monkeypatch.delenv("PYTHONNOUSERSITE", raising=False)
    site = Path(sysconfig.get_path("purelib", "posix_user", {"userbase": str(tmp_path)}))
    write_distribution(site, "of-the-user")
    interpreter = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
    if not interpreter.exists():
        pytest.skip("the interpreter below this environment is not where it is looked for")
    facts = facts_of(interpreter)
    assert {"path": str(site), "source": "user"} in facts["python"]["extra_paths"]
    assert "of-the-user" in [item["name"] for item in facts["distributions"]]
    assert "of-the-user==1.0\n" in facts["pip_freeze"]
