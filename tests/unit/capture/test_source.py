"""The code that ran, read from real repositories of the real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from reprobuild.capture import source
from reprobuild.capture.source import SourceReading
from reprobuild.snapshot import SourceFacts


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"]
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run([*command, *arguments], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    (folder / "experiments" / "first").mkdir(parents=True)
    (folder / "train.py").write_text("print(1)\n")
    (folder / "model.py").write_text("layers = 1\n")
    git(folder, "init", "-q", "-b", "trunk")
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "Begin")
    return folder


def read(folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    notes: list[dict[str, Any]] = []
    facts = SourceReading(str(folder)).facts(notes)
    assert facts is not None
    msgspec.convert(facts, SourceFacts)
    return facts, notes


def test_a_clean_tree(repository: Path) -> None:
    git(repository, "remote", "add", "mirror", "https://git.example.org/mirror.git")
    git(repository, "remote", "add", "origin", "git@git.example.org:team/repository.git")
    facts, notes = read(repository / "experiments" / "first")
    assert facts == {
        "commit": git(repository, "rev-parse", "HEAD"),
        "branch": "trunk",
        "remote": "git@git.example.org:team/repository.git",
        "dirty": False,
        "directory": "experiments/first",
    }
    assert notes == []


def test_changes_are_a_patch_that_brings_them_back(repository: Path, tmp_path: Path) -> None:
    (repository / "train.py").write_text("print(2)\nprint('é')\n")
    git(repository, "mv", "model.py", "network.py")
    (repository / "staged.py").write_text("x = 1\n")
    git(repository, "add", "staged.py")
    (repository / "notes.txt").write_text("mine")
    (repository / "runs").mkdir()
    (repository / "runs" / "1.log").write_text("")
    facts, notes = read(repository)
    assert facts["dirty"] is True
    assert facts["untracked"] == ["notes.txt", "runs/"]
    assert notes == []
    git(tmp_path, "clone", "-q", str(repository), "clone")
    (tmp_path / "patch").write_text(facts["diff"], encoding="utf-8")
    git(tmp_path / "clone", "apply", str(tmp_path / "patch"))
    for name in ("train.py", "network.py", "staged.py"):
        assert (tmp_path / "clone" / name).read_bytes() == (repository / name).read_bytes()


def test_before_the_first_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "a.py").write_text("1\n")
    git(tmp_path, "add", ".")
    facts, _ = read(tmp_path)
    assert "commit" not in facts and facts["dirty"] is True and "+1" in facts["diff"]


def test_a_detached_head_has_no_branch(repository: Path) -> None:
    git(repository, "checkout", "-q", "--detach")
    facts, _ = read(repository)
    assert "branch" not in facts and len(facts["commit"]) == 40


def test_a_long_diff_keeps_whole_files(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "DIFF_LIMIT_BYTES", 2000)
    (repository / "model.py").write_text("layers = 2\n" * 1000)
    (repository / "train.py").write_text("print(3)\n")
    facts, notes = read(repository)
    assert "+print(3)" in facts["diff"] and "layers" not in facts["diff"]
    assert [note["code"] for note in notes] == ["diff-left-out"]
    assert "1 files" in notes[0]["message"]


def test_many_untracked_files_are_counted(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "UNTRACKED_LIMIT", 3)
    for number in range(5):
        (repository / f"{number}.txt").write_text("")
    facts, notes = read(repository)
    assert len(facts["untracked"]) == 3
    assert notes[0]["message"].startswith("2 more")


def test_binary_changes_are_named(repository: Path) -> None:
    (repository / "weights.bin").write_bytes(bytes(range(256)))
    git(repository, "add", ".")
    facts, notes = read(repository)
    assert "weights.bin" in facts["diff"]
    assert [note["code"] for note in notes] == ["binary-changes"]


def test_submodules(repository: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(repository), "library")
    git(repository, "submodule", "--quiet", "add", str(tmp_path / "library"), "vendor/library")
    git(repository, "commit", "-q", "-m", "Add library")
    (repository / "vendor" / "library" / "train.py").write_text("print(9)\n")
    facts, _ = read(repository)
    head = git(tmp_path / "library", "rev-parse", "HEAD")
    assert facts["submodules"] == [{"path": "vendor/library", "commit": head, "dirty": True}]


@pytest.mark.skipif(os.name == "nt", reason="the configured programs are shell scripts")
def test_nothing_that_the_repository_names_is_run(repository: Path, tmp_path: Path) -> None:
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/was-run\n")
    script.chmod(0o755)
    for name in ("core.fsmonitor", "diff.external", "diff.bad.textconv", "diff.bad.command"):
        git(repository, "config", name, str(script))
    (repository / ".gitattributes").write_text("*.py diff=bad\n")
    (repository / "train.py").write_text("print(4)\n")
    facts, _ = read(repository)
    assert "+print(4)" in facts["diff"]
    assert not (tmp_path / "was-run").exists()


def test_outside_a_repository_there_is_nothing_to_say(tmp_path: Path) -> None:
    assert SourceReading(str(tmp_path)).facts([]) is None


def test_without_git_it_is_said(repository: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    facts, notes = read(repository)
    assert facts == {"directory": "."}
    assert "there is no git program" in notes[0]["message"]


def test_a_broken_repository_is_said(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    facts, notes = read(tmp_path)
    assert facts == {"directory": "."}
    assert [note["code"] for note in notes] == ["source-unknown"]
