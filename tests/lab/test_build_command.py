"""``reprobuild build`` as users meet it, on one small record whose layers every test after the first finds again."""

from __future__ import annotations

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from tests.lab.laboratory import Laboratory, interpreters
from tests.lab.laboratory.wheels import made_up_wheel
from tests.lab.proofs import read_proof, unexplained
from tests.lab.recorded_run import PROGRAM, RecordedRun

from reprobuild.engine.stream import plain_text

pytestmark = pytest.mark.lab

IMAGE = "build-command:1"
PACKAGES = ("attrs==23.1.0", "six==1.16.0")


class SmallRun(RecordedRun):
    """A record of two packages, and what its plan starts from."""

    base: str
    lab: Laboratory


@pytest.fixture(scope="module")
def run(lab: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> SmallRun:
    """The environment, its record, and its image for the first time."""
    versions = [version for version in interpreters.available_versions() if version.startswith("3.11.")]
    if not versions:
        pytest.skip("no CPython 3.11 under PYENV_ROOT to make the environment with")
    small = SmallRun(tmp_path_factory.mktemp("small"), lab)
    uv = [sys.executable, "-m", "uv", "--no-config"]
    interpreter = interpreters.interpreter(versions[-1])
    subprocess.run([*uv, "venv", "--quiet", "--python", interpreter, small.folder / "venv"], check=True)
    subprocess.run([*uv, "pip", "install", "--quiet", "--python", small.python, *PACKAGES], check=True)
    small.capture()
    base = small.plan()["base"]
    small.lab, small.base = lab, f"{base['repository']}:{base['tag']}"
    small.program("build", small.record, "-t", IMAGE, *small.network())
    return small


def test_a_terminal_shows_done_steps_and_the_running_one(run: SmallRun) -> None:
    """A real terminal, as wide as many are; ``--no-cache`` so that steps take their time."""
    command = [str(PROGRAM), "build", str(run.record), "-t", IMAGE, "--no-cache", *run.network()]
    environment = {**os.environ, **run.lab.environment(), "REPROBUILD_NETWORK": "host", "TERM": "xterm"}
    leader, follower = pty.openpty()
    subprocess.run(["stty", "cols", "80", "rows", "24"], stdin=follower, check=True)
    with subprocess.Popen(command, env=environment, stdin=follower, stdout=follower, stderr=follower) as process:
        os.close(follower)
        printed = b""
        while chunk := read_of_terminal(leader):
            printed += chunk
    os.close(leader)
    text = printed.decode()
    assert process.returncode == 0, text
    assert re.search(r"step \d+/\d+, 0:\d\d: ", text)
    done = [plain for line in text.replace("\r", "\n").split("\n") if "✓" in (plain := plain_text(line))]
    assert len(done) >= 5
    assert not any("ARG" in line or "LABEL" in line for line in done)
    assert max(len(line) for line in done) <= 80
    assert "prove it: reprobuild verify" in text


def read_of_terminal(leader: int) -> bytes:
    """The next that was printed; nothing once the program has closed its end, for which Linux has an error."""
    try:
        return os.read(leader, 65536)
    except OSError:
        return b""


def test_a_log_gets_plain_lines(run: SmallRun) -> None:
    built = run.program("build", run.record, "-t", IMAGE, *run.network())
    assert "\x1b" not in built.stderr
    lines = built.stderr.splitlines()
    assert lines[0].startswith("[0:00] step 1/")
    assert "  (from the cache)" in lines
    assert re.fullmatch(r"prove it: reprobuild verify \S+ build-command:1", built.stdout.splitlines()[-1])


def test_more_packages_of_the_system_and_the_command_that_proves_it(run: SmallRun) -> None:
    built = run.program("build", run.record, "-t", "build-command:apt", "--apt", "file", *run.network())
    words = shlex.split(built.stdout.splitlines()[-1].removeprefix("prove it: reprobuild "))
    assert words[-2:] == ["--apt", "file"]
    proof = read_proof(run.program(*words, "--json").stdout)
    assert unexplained(proof) == []
    version = run.lab.client.containers.run("build-command:apt", ["file", "--version"], remove=True)
    assert version.startswith(b"file-")


def test_a_mirror_with_a_password_that_is_told_nobody(run: SmallRun) -> None:
    site = run.lab.site
    for name, version in (package.split("==") for package in PACKAGES):
        site.add_wheel("mirror", made_up_wheel(run.folder, name, version, {f"{name}.py": "from_the_mirror = True\n"}))
    mirror = f"{site.pytorch_index}/mirror".replace("://", "://someone:s3cr3t-word@")
    arguments = ("-t", "build-command:mirror", "--no-cache", "--index-url", mirror, *run.network())
    built = run.program("build", run.record, *arguments)
    assert "/whl/mirror/attrs/" in site.requested
    assert "s3cr3t-word" not in built.stdout + built.stderr
    image = run.lab.client.images.get("build-command:mirror")
    assert "s3cr3t-word" not in json.dumps([image.attrs, image.history()])
    command = ["python", "-c", "import attrs, six; print(attrs.from_the_mirror, six.from_the_mirror)"]
    assert run.lab.client.containers.run("build-command:mirror", command, remove=True) == b"True True\n"
    verified = run.program("verify", run.record, "build-command:mirror", check=False)
    assert (verified.status, "files of attrs" in verified.stdout) == (7, True)


def test_a_base_by_its_digest(run: SmallRun) -> None:
    digest = run.lab.client.images.get(run.base).attrs["RepoDigests"][0].partition("@")[2]
    arguments = ("--base", run.base, "--base-digest", digest)
    run.program("build", run.record, "-t", "build-command:digest", *arguments, *run.network())
    proof = read_proof(run.program("verify", run.record, "build-command:digest", *arguments, "--json").stdout)
    assert unexplained(proof) == []
    files = json.loads(run.program("dockerfile", run.record, *arguments, "--json").stdout)["files"]
    assert f"FROM {run.base}@{digest}" in files["Dockerfile"]


def test_a_push_and_the_events_of_a_script(run: SmallRun) -> None:
    tag = f"{run.lab.registry}/team/run:1"
    printed = run.program("build", run.record, "-t", tag, "--push", "--json", *run.network()).stdout
    events = [json.loads(line) for line in printed.splitlines()]
    assert {event["type"] for event in events} >= {"step", "cache", "built", "output", "result"}
    assert (events[-1]["type"], events[-1]["pushed"], events[-1]["tag"]) == ("result", True, tag)
    run.lab.images.forget(tag)
    run.lab.client.images.pull(tag.removesuffix(":1"), "1")
    assert run.lab.client.images.get(tag).id == events[-1]["image_id"]


def test_a_push_to_nobody_names_the_registry(run: SmallRun) -> None:
    failed = run.program("build", run.record, "-t", "127.0.0.1:1/a/b:1", "--push", *run.network(), check=False)
    error, hint = failed.stderr.splitlines()[-2:]
    assert failed.status == 6
    assert error.startswith("reprobuild: error: cannot push 127.0.0.1:1/a/b:1: ")
    assert hint.startswith("hint: check the registry's name in the tag")


@pytest.mark.parametrize(
    ("arguments", "variables", "error", "hint"),
    [
        ((), {"HTTPS_PROXY": "http://127.0.0.1:9"}, "the proxy does not answer, or refuses", "check HTTP_PROXY"),
        (("--platform", "linux/arm64"), {}, "the engine's own copy of the base is not for linux/arm64", "add --pull"),
    ],
)
def test_what_goes_wrong_is_named_with_the_way_out(
    run: SmallRun,
    arguments: tuple[str, ...],
    variables: dict[str, str],
    error: str,
    hint: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    command = ("build", run.record, "-t", "never", "--no-cache")
    failed = run.program(*command, *run.network(), *arguments, check=False)
    said, way_out = failed.stderr.splitlines()[-2:]
    assert failed.status == 5
    assert re.fullmatch(rf"reprobuild: error: step \d+/\d+ \(.+\) failed: {re.escape(error)}", said), failed.stderr
    assert way_out.startswith("hint: ")
    assert hint in way_out


def test_a_package_that_the_index_does_not_have(run: SmallRun) -> None:
    record = run.folder / "missing.json"
    record.write_text(run.record.read_text().replace("23.1.0", "23.1.99"))
    failed = run.program("build", record, "-t", "never", *run.network(), check=False)
    assert failed.status == 5
    assert "the index has no file of attrs==23.1.99 for this Python and platform" in failed.stderr


@pytest.mark.parametrize("buildkit", ["0", "1"])
def test_the_written_folder_builds_with_dockers_own_client(run: SmallRun, buildkit: str) -> None:
    """Both builders; the certificate lies in the folder, as the file beside it says."""
    folder, tag = run.folder / f"context-{buildkit}", f"build-command:client-{buildkit}"
    client = Path("/usr/bin/docker")
    if not client.exists():
        pytest.skip("Debian's own Docker client, which has both builders, is not at /usr/bin/docker")
    _, _, _, _, *authorities = run.network()
    run.program("dockerfile", run.record, "-o", folder, *authorities)
    environment = {**os.environ, **run.lab.environment(), "DOCKER_BUILDKIT": buildkit}
    command: list[str | Path] = [client, "build", "--network", "host", "--tag", tag, folder]
    finished = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert finished.returncode == 0, finished.stderr[-3000:]
    proof = read_proof(run.program("verify", run.record, tag, "--json").stdout)
    assert unexplained(proof) == []
    assert msgspec.to_builtins(proof)["image"] == tag
