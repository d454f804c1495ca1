"""An answer that was kept is taken only while nothing that it rests on has changed; and it is the very same answer."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import platformdirs
import pytest
from tests.unit.capture.conftest import commit, run

from reprobuild.capture import answer_cache
from reprobuild.capture.answer_cache import AnswerCache, folder
from reprobuild.capture.interpreter import Probing
from reprobuild.capture.outside import Outside
from reprobuild.errors import CaptureError

pytestmark = pytest.mark.skipif(os.name != "posix", reason="answers are kept where files tell when they were changed")


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of kept answers, in which an answer counts as soon as its files are older than it."""
    place = tmp_path / "answers"
    monkeypatch.setenv(answer_cache.VARIABLE, str(place))
    monkeypatch.setattr(answer_cache, "SETTLED_S", 0.0)
    for name in [name for name in os.environ if name.startswith(("PYTHON", "GIT_"))]:
        monkeypatch.delenv(name)
    return place


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """An environment of its own, with a distribution, an editable one in a repository, and a link to a folder."""
    run(sys.executable, "-m", "venv", "--without-pip", tmp_path / "env")
    site = site_of(tmp_path / "env")
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "pyproject.toml").write_text("[project]\nname = 'tracked'\n")
    commit(tree)
    write(site / "plain-1.0.dist-info", METADATA="Name: plain\nVersion: 1.0\n", RECORD="plain.py,sha256=abc,1\n")
    write(site / "plain-1.0.dist-info", WHEEL="Tag: py3-none-any\n", INSTALLER="pip\n")
    url = json.dumps({"url": tree.as_uri(), "dir_info": {"editable": True}})
    write(site / "tracked-2.0.dist-info", METADATA="Name: tracked\nVersion: 2.0\n", **{"direct_url.json": url})
    (site / "more.pth").write_text(f"{tmp_path / 'later'}\n")
    time.sleep(0.02)  # Longer than the system's clock for files takes from one tick to the next.
    return tmp_path / "env" / "bin" / "python"


def site_of(environment: Path) -> Path:
    (site,) = environment.glob("lib/python3*/site-packages")
    return site


def write(place: Path, **files: str) -> None:
    place.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        content = f"Metadata-Version: 2.1\n{text}\n" if name == "METADATA" else text
        (place / name).write_text(content)


def answered(python: Path | str, extras: tuple[str, ...] = (), *, cached: bool = True) -> tuple[dict[str, Any], bool]:
    """The facts without their time, and whether they were kept ones."""
    time.sleep(0.02)
    outside = Outside(str(python), extras, cached=cached)
    facts = outside.facts()
    assert facts.pop("recorded_at")
    return facts, outside._probing is None


def test_the_second_time_nothing_is_started_and_the_answer_is_the_same(
    answers: Path, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, kept = answered(python)
    assert not kept and {each["name"] for each in first["distributions"]} == {"plain", "tracked"}

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an interpreter was started")

    monkeypatch.setattr(Probing, "__init__", refuse)
    assert answered(python) == (first, True)


def test_it_is_the_answer_of_a_capture_without_a_cache(answers: Path, python: Path) -> None:
    for extras in ((), ("libraries",)):
        answered(python, extras)
        kept, was_kept = answered(python, extras)
        assert was_kept and kept == answered(python, extras, cached=False)[0]
    assert len(list(answers.iterdir())) == 2


def edited(path: str, old: str, new: str) -> Callable[[Path], None]:
    """Change a file where it lies, with the same size and the same time of modification."""

    def change(root: Path) -> None:
        (file,) = root.glob(path)
        state = file.stat()
        text = file.read_text()
        assert old in text and len(old) == len(new)
        file.write_text(text.replace(old, new))
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))

    return change


SITE = "env/lib/python3*/site-packages"
CHANGES: dict[str, Callable[[Path], object]] = {
    "a version": edited(f"{SITE}/plain-1.0.dist-info/METADATA", "Version: 1.0", "Version: 1.1"),
    "a digest": edited(f"{SITE}/plain-1.0.dist-info/RECORD", "sha256=abc", "sha256=abd"),
    "an installer": edited(f"{SITE}/plain-1.0.dist-info/INSTALLER", "pip", "uvx"),
    "a tag": edited(f"{SITE}/plain-1.0.dist-info/WHEEL", "py3-none-any", "cp3-none-any"),
    "that it was asked for": lambda root: write(site_of(root / "env") / "plain-1.0.dist-info", REQUESTED=""),
    "its origin": lambda root: write(
        site_of(root / "env") / "plain-1.0.dist-info", **{"direct_url.json": '{"url": "https://a.example/p.whl"}'}
    ),
    "another distribution": lambda root: write(site_of(root / "env") / "new-1.dist-info", METADATA="Name: new\n"),
    "a distribution that went": lambda root: shutil.rmtree(site_of(root / "env") / "plain-1.0.dist-info"),
    "code at the start": lambda root: (site_of(root / "env") / "hook.pth").write_text("import sys\n"),
    "a folder that a file named": lambda root: (root / "later").mkdir(),
    "a distribution in it": lambda root: write(root / "later" / "far-1.dist-info", METADATA="Name: far\nVersion: 1\n"),
    "packages of the system": edited("env/pyvenv.cfg", "packages = false", "packages =  true"),
    "a tracked file": lambda root: (root / "tree" / "pyproject.toml").write_text("[project]\nname = 'other'\n"),
    "a commit": lambda root: commit(root / "tree"),
    "no repository": lambda root: shutil.rmtree(root / "tree" / ".git"),
}


@pytest.mark.parametrize("changed", CHANGES)
def test_whatever_changes_is_read_anew(changed: str, answers: Path, python: Path, tmp_path: Path) -> None:
    if changed == "a commit":
        (tmp_path / "tree" / "module.py").write_text("")
    if changed == "a distribution in it":
        (tmp_path / "later").mkdir()
    before, _ = answered(python)
    assert answered(python) == (before, True)
    CHANGES[changed](tmp_path)
    after, kept = answered(python)
    assert not kept and after != before
    assert after == answered(python, cached=False)[0]
    assert answered(python) == (after, True)


@pytest.mark.parametrize("name", ["PYTHONPATH", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "PATH", "LC_ALL"])
def test_a_variable_that_an_answer_depends_on_has_its_own(
    name: str, answers: Path, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered(python)
    monkeypatch.setenv(name, f"{tmp_path}{os.pathsep}{os.environ.get(name, '')}")
    after, kept = answered(python)
    assert not kept and after == answered(python, cached=False)[0]


def test_a_system_library_that_appears_is_seen(answers: Path, python: Path, tmp_path: Path) -> None:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler here")
    needed, user = tmp_path / "libneeded.so.1", site_of(tmp_path / "env") / "user.so"
    (tmp_path / "empty.c").write_text("int needed(void) { return 1; }\n")
    options = [compiler, "-shared", "-fPIC", str(tmp_path / "empty.c")]
    subprocess.run([*options, "-o", str(needed), "-Wl,-soname,libneeded.so.1"], check=True)
    subprocess.run([*options, "-o", str(user), "-Wl,--no-as-needed", str(needed), f"-Wl,-rpath,{tmp_path}"], check=True)
    needed.rename(tmp_path / "hidden")
    missing, _ = answered(python, ("libraries",))
    assert answered(python, ("libraries",)) == (missing, True)
    assert any("libneeded.so.1" in note["message"] for note in missing["notes"])
    (tmp_path / "hidden").rename(needed)
    found, kept = answered(python, ("libraries",))
    assert not kept and {each["soname"]: each.get("path") for each in found["system_libraries"]}[
        "libneeded.so.1"
    ] == str(needed)


def test_files_that_changed_just_now_are_not_trusted(
    answers: Path, python: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answer_cache, "SETTLED_S", 3600.0)
    answered(python)
    assert not answers.exists()


def test_files_that_are_compared_in_full_are_read_each_time(answers: Path, python: Path) -> None:
    answered(python, ("files",))
    assert not answers.exists()


def test_a_program_that_chooses_an_interpreter_is_asked_each_time(answers: Path, python: Path, tmp_path: Path) -> None:
    chooser = tmp_path / "python"
    chooser.write_text(f'#!/bin/sh\nexec {python} "$@"\n')
    chooser.chmod(0o755)
    facts, _ = answered(chooser)
    assert facts["distributions"] and not answers.exists()


def test_a_name_is_looked_up_on_the_path(answers: Path, python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{python.parent}{os.pathsep}{os.environ['PATH']}")
    first, _ = answered("python")
    assert answered("python") == (first, True)


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "no object": lambda content: b"[]\n",
    "another one": lambda content: b"{}\n",
    "cut off": lambda content: content[:-1],
    "only its first line": lambda content: content[: content.index(b"\n") + 1],
    "of another format": lambda content: content.replace(b'"format":1', b'"format":0'),
    "longer than it says": lambda content: content + b" ",
    "sizes that are none": lambda content: re.sub(rb'"sizes":\[[^]]*\]', b'"sizes":["a"]', content),
    "paths without states": lambda content: b'{"format":1,"sizes":[3,0,0],"asked":[],"facts":{}}\na\0b',
}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_answer_is_passed_over(kind: str, answers: Path, python: Path) -> None:
    first, _ = answered(python)
    (path,) = answers.iterdir()
    path.write_bytes(BROKEN[kind](path.read_bytes()))
    assert answered(python) == (first, False)
    assert answered(python) == (first, True)


def test_what_others_could_have_written_is_passed_over(answers: Path, python: Path) -> None:
    answered(python)
    (path,) = answers.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600 and answers.stat().st_mode & 0o777 == 0o700
    path.chmod(0o620)
    assert not answered(python)[1]


def test_a_place_that_is_none_fails_nothing(python: Path, answers: Path) -> None:
    answers.write_text("a file is in the way")
    first, _ = answered(python)
    assert answered(python) == (first, False)


def test_the_oldest_are_removed(answers: Path, python: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answer_cache, "MOST_KEPT", 2)
    for number in range(4):
        monkeypatch.setenv("OMP_NUM_THREADS", str(number))
        answered(python)
    assert len(list(answers.iterdir())) == 2
    assert answered(python)[1]


def test_no_secret_is_kept(answers: Path, python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "ghp_" + "a1B2" * 9
    run("git", "remote", "add", "origin", f"https://user:{secret}@git.example.org/t.git", folder=tmp_path / "tree")
    url = json.dumps({"url": f"https://user:{secret}@a.example/plain.whl", "archive_info": {}})
    write(site_of(tmp_path / "env") / "plain-1.0.dist-info", **{"direct_url.json": url}, INSTALLER=secret)
    monkeypatch.setenv("PYTHON_TOKEN", secret)
    monkeypatch.setenv("CUDA_DEVICE_ORDER", secret)
    first, _ = answered(python)
    assert first["redactions"]
    (path,) = answers.iterdir()
    assert secret.encode() not in path.read_bytes() and secret not in path.name
    assert answered(python) == (first, True)


def test_the_folder_is_where_this_system_has_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv(answer_cache.VARIABLE)
    assert folder() == str(platformdirs.user_cache_path("reprobuild", appauthor=False) / "answers")
    monkeypatch.setenv("HOME", str(tmp_path / "gone"))
    assert folder() is None
    monkeypatch.setenv("HOME", str(tmp_path))
    usual = "Library/Caches" if sys.platform == "darwin" else ".cache"
    assert folder() == str(tmp_path / usual / "reprobuild" / "answers")
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    assert folder() is None
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert folder() == str(platformdirs.user_cache_path("reprobuild", appauthor=False) / "answers")
    monkeypatch.setenv(answer_cache.VARIABLE, "off")
    assert folder() is None
    assert AnswerCache(sys.executable, ()).find() is None


def test_a_probe_that_does_not_say_what_it_read_is_refused() -> None:
    with pytest.raises(CaptureError, match="does not say what it read"):
        answer_cache.split_inputs({"inputs": {"paths": []}}, "python")


def test_every_interpreter_says_what_it_read(environment: Path, answers: Path) -> None:
    first, _ = answered(environment)
    kept, was_kept = answered(environment)
    assert was_kept and kept == first == answered(environment, cached=False)[0]
