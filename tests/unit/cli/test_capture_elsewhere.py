"""``reprobuild capture --host``: through a real ssh, to a real sshd on loopback."""

from __future__ import annotations

import getpass
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from reprobuild.capture.elsewhere import facts_of_answer, probe_text
from reprobuild.capture.ssh import facts_of_host
from reprobuild.errors import CaptureError

SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")


def keys(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with an ``ssh`` that knows the host ``lab``: the real one, with a configuration of this test's."""
    if SSHD is None or shutil.which("ssh") is None:
        pytest.skip("OpenSSH's server and client are not both installed here")
    folder = tmp_path_factory.mktemp("ssh")
    host, user, port = keys(folder / "host"), keys(folder / "user"), free_port()
    shutil.copy(folder / "user.pub", folder / "authorized")
    settings = (
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {folder}/authorized\n"
        "StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nPidFile none\n"
    )
    (folder / "sshd_config").write_text(settings)
    (folder / "ssh_config").write_text(
        f"Host lab\n HostName 127.0.0.1\n Port {port}\n User {getpass.getuser()}\n IdentityFile {user}\n"
        " IdentitiesOnly yes\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n"
        f"Host closed\n HostName 127.0.0.1\n Port {free_port()}\n"
    )
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)  # sshd's own empty folder, which the system's start-up makes otherwise
    daemon = subprocess.Popen([SSHD, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.PIPE)
    try:
        wait_for(port, daemon)
        (folder / "bin").mkdir()
        program = folder / "bin" / "ssh"
        program.write_text(f'#!/bin/sh\nexec {shutil.which("ssh")} -F {folder}/ssh_config "$@"\n')
        program.chmod(0o755)
        yield folder / "bin"
    finally:
        daemon.terminate()
        daemon.communicate()


def wait_for(port: int, daemon: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        if daemon.poll() is not None:
            pytest.skip(f"sshd does not run here: {(daemon.communicate()[1] or b'').decode()[-200:]}")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("sshd did not listen within ten seconds")


@pytest.fixture
def with_ssh(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")


def capture(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reprobuild.cli.main", "capture", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, encoding="utf-8", timeout=300)


@pytest.mark.usefixtures("with_ssh")
def test_a_host_is_recorded_as_it_would_record_itself(tmp_path: Path) -> None:
    done = capture(tmp_path, "--host", "lab", "--python", sys.executable, "-o", "there")
    assert done.returncode == 0, done.stderr
    capture(tmp_path, "--python", sys.executable, "-o", "here")
    there, here = (json.loads((tmp_path / name / "environment.json").read_bytes()) for name in ("there", "here"))
    for key in ("python", "distributions", "pip_freeze", "packages", "recorder"):
        assert there[key] == here[key], key
    assert "source" not in there and "command" not in there


@pytest.mark.usefixtures("with_ssh")
def test_the_hosts_own_python_is_found() -> None:
    assert facts_of_host("lab", None, ())["python"]["version"]


@pytest.mark.usefixtures("with_ssh")
def test_a_hosts_words_are_told(tmp_path: Path) -> None:
    done = capture(tmp_path, "--host", "lab", "--python", "/absent/python")
    assert done.returncode == 9
    assert done.stderr.startswith("reprobuild: error: lab: the probe did not run (exit code 127): ")
    assert "/absent/python: not found" in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("with_ssh")
def test_a_host_that_does_not_answer(tmp_path: Path) -> None:
    done = capture(tmp_path, "--host", "closed")
    assert done.returncode == 9
    assert "Connection refused" in done.stderr
    assert "hint: see whether 'ssh closed' works" in done.stderr


@pytest.mark.parametrize("host", ["-oProxyCommand=touch x", "a b", ""])
def test_what_is_no_host_never_reaches_ssh(host: str) -> None:
    with pytest.raises(CaptureError, match="is no name of a host"):
        facts_of_host(host, None, ())


def test_a_python_that_is_too_old_says_so() -> None:
    with pytest.raises(CaptureError, match=r"place: its Python is 2\.7\.18; the oldest that can be recorded is 3\.6"):
        facts_of_answer("place", 0, b"reprobuild: too old: 2.7.18", b"")


def test_python_2_can_read_the_probe_as_far_as_its_own_age() -> None:
    found = sorted(Path(os.environ.get("PYENV_ROOT", "/nonexistent")).glob("versions/2.*/bin/python"))
    if not found:
        pytest.skip("no Python 2 under PYENV_ROOT")
    done = subprocess.run([found[0], "-"], input=probe_text().encode(), capture_output=True)
    assert done.stdout.startswith(b"reprobuild: too old: 2.")
