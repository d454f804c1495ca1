"""What docs/python.md shows runs as it stands there: its engine is the fake one, which builds nothing."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from reprobuild.engine.docker import DockerEngine
from reprobuild.engine.fake import FakeEngine

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "python.md").read_text("utf-8"), re.DOTALL)


def test_the_documented_calls_run_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(ROOT / "examples" / "jan-2022-cu113", tmp_path / "environment")
    monkeypatch.chdir(tmp_path)
    engine = FakeEngine()
    monkeypatch.setattr(DockerEngine, "from_environment", lambda: engine)
    names: dict[str, object] = {}
    for block in BLOCKS:
        exec(compile(block, "docs/python.md", "exec"), names)
    assert (tmp_path / "context" / "Dockerfile").read_text("utf-8").count("FROM ") == 3
    assert [build.tag for build in engine.builds] == ["rebuilt"]
    printed = capsys.readouterr().out
    assert "base image: nvidia/cuda:11.3.1-cudnn8-runtime-ubuntu20.04 (exact), because" in printed
    assert printed.endswith("another environment\n"), "nothing in the fake engine's image answers"
