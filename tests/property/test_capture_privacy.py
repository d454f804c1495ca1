"""Secrets of every kind, planted wherever a real capture looks: none is in the files, on the screen, or shown."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.property.test_redaction import KINDS

Planted = dict[str, tuple[str, str]]
"""Kind: the text as it stands somewhere, and the part of it that must be gone."""

ALL_KINDS: st.SearchStrategy[Planted] = st.fixed_dictionaries(KINDS)


def git(folder: Path, *words: str) -> None:
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    subprocess.run(["git", "-C", folder, *identity, *words], check=True, capture_output=True)


def repository(folder: Path, planted: Planted) -> None:
    """Work on code whose changes, remote, branch and untracked files tell secrets."""
    git(folder.parent, "init", "-q", folder.name)
    (folder / "train.py").write_text("pass\n")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Begin")
    git(folder, "remote", "add", "origin", planted["password in a url"][0])
    git(folder, "checkout", "-q", "-b", f"try-{planted['github token'][0]}")
    lines = [line for text, _ in planted.values() for line in text.splitlines()]
    (folder / "train.py").write_text("pass\n" + "".join(f"# {line}\n" for line in lines))
    (folder / planted["hugging face token"][0]).write_text("")


def distributions(folder: Path, planted: Planted) -> None:
    """Packages on PYTHONPATH that came from addresses with credentials."""
    for number, kind in enumerate(("password in a url", "token in a url", "azure signature")):
        metadata = folder / f"planted_{number}-1.dist-info"
        metadata.mkdir(parents=True)
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: planted-{number}\nVersion: 1\n")
        (metadata / "direct_url.json").write_text(json.dumps({"url": planted[kind][0], "archive_info": {}}))


def capture(folder: Path, planted: Planted, *words: str) -> str:
    """Everything that a capture prints, whichever way."""
    texts = [text for text, _ in planted.values()]
    variables = {f"TF_PLANTED_{number}": text for number, text in enumerate(texts)}
    secret = planted["password option"][1]
    variables |= {"MY_PASSWORD": secret, "PYTHONPATH": str(folder.parent / "packages"), "HOME": str(folder.parent)}
    command = [sys.executable, "-m", "reprobuild.cli.main", "capture", "--variable", "MY_*", *words]
    given = {**os.environ, **variables}
    done = subprocess.run(command, cwd=folder, env=given, capture_output=True, encoding="utf-8", timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="the command that is captured is a Unix one")
@settings(max_examples=3, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(ALL_KINDS)
def test_nothing_planted_comes_out(planted: Planted) -> None:
    with tempfile.TemporaryDirectory() as above:
        folder = Path(above, "work")
        folder.mkdir()
        repository(folder, planted)
        distributions(Path(above, "packages"), planted)
        secret = planted["password option"][1]
        arguments = [text for text, _ in planted.values()]
        told = capture(
            folder, planted, "-o", f"{above}/run", "--python", sys.executable,
            "--", "true", *arguments, "--api-key", secret, f"--hub-token={secret}",
        )  # fmt: skip
        told += capture(folder, planted, "--show")
        told += "".join(path.read_text("utf-8") for path in Path(above, "run").iterdir())
        leaked = [kind for kind, (_, hidden) in planted.items() if hidden in told]
        assert leaked == []
        record = json.loads(Path(above, "run", "environment.json").read_bytes())
        for place in ("command.arguments", "source.diff", "source.remote", "source.branch", "pip_freeze"):
            assert record["redactions"][place] >= 1, place
        assert record["redactions"]["environment_variables.MY_PASSWORD"] == 1
        variables = [name for name in record["environment_variables"] if name.startswith("TF_PLANTED_")]
        assert len(variables) == len(KINDS)
        assert all(record["redactions"][f"environment_variables.{name}"] >= 1 for name in variables)
        assert "removed: " in told
