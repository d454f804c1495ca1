"""Where no engine answers: one line that says why, and the way out. What a real engine does is tested in the lab."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from reprobuild.engine.docker import DockerEngine, split_reference
from reprobuild.errors import EngineError


@pytest.fixture(autouse=True)
def no_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own Docker configuration must not decide a test."""
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "docker").mkdir()
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))


def refused() -> EngineError:
    with pytest.raises(EngineError) as caught:
        DockerEngine.from_environment()
    return caught.value


def test_a_socket_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    error = refused()
    assert "no container engine answers at" in str(error)
    assert f"{tmp_path}/none.sock" in str(error)
    assert error.hint is not None
    assert "start Docker" in error.hint
    assert error.exit_code == 6


def test_a_port_where_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("DOCKER_HOST", f"tcp://127.0.0.1:{unused.getsockname()[1]}")
        assert "no container engine answers at" in str(refused())


def test_an_address_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "nonsense://x")
    error = refused()
    assert "can't be used" in str(error)
    assert error.hint is not None
    assert "DOCKER_HOST" in error.hint


def test_the_current_context_is_used(tmp_path: Path) -> None:
    (tmp_path / "docker" / "config.json").write_text(json.dumps({"currentContext": "elsewhere"}))
    _add_context(tmp_path / "docker", "elsewhere", f"unix://{tmp_path}/elsewhere.sock")
    assert f"{tmp_path}/elsewhere.sock" in str(refused())


def test_a_context_that_does_not_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONTEXT", "gone")
    error = refused()
    assert "there is no Docker context 'gone'" in str(error)
    assert error.hint is not None
    assert "docker context ls" in error.hint


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="becomes another user, which needs root")
def test_a_socket_of_somebody_else(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        # The test's own folder is closed to other users, so the socket lies in one that is open.
        path = Path(f"/tmp/reprobuild-{os.getpid()}.sock")
        try:
            listener.bind(str(path))
            listener.listen()
            path.chmod(0o600)
            code = (
                "from reprobuild.engine.docker import DockerEngine as E\n"
                "import os, docker, requests\n"
                "os.setuid(65534)\n"
                "try: E.from_environment()\nexcept Exception as e: print(type(e).__name__, e, '|', e.hint)"
            )
            printed = subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, "DOCKER_HOST": f"unix://{path}"},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
        finally:
            path.unlink(missing_ok=True)
    assert f"EngineError this user may not talk to the container engine at unix://{path}" in printed.replace(
        "http+", ""
    )
    assert "docker group" in printed


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("name", ("name", "latest")),
        ("name:1", ("name", "1")),
        ("host:5000/name", ("host:5000/name", "latest")),
        ("host:5000/a/name:2.0", ("host:5000/a/name", "2.0")),
    ],
)
def test_split_reference(reference: str, expected: tuple[str, str]) -> None:
    assert split_reference(reference) == expected


def _add_context(configuration: Path, name: str, host: str) -> None:
    """Write a context as ``docker context create`` does."""
    import hashlib

    folder = configuration / "contexts" / "meta" / hashlib.sha256(name.encode()).hexdigest()
    folder.mkdir(parents=True)
    meta = {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host, "SkipTLSVerify": False}}}
    (folder / "meta.json").write_text(json.dumps(meta))
