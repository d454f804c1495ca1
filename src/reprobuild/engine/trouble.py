"""What to do when an engine or a registry does not answer. Words only: the SDK is in ``docker``."""

from __future__ import annotations

from reprobuild.engine.stream import plain_text
from reprobuild.errors import EngineError

_NO_REGISTRY = ("dial tcp", "no such host", "i/o timeout", "connection refused", "EOF")
"""Words of the engine for a registry that does not answer at all."""


def hint_for_push(reason: str) -> str:
    """What to do about a push that failed for this reason."""
    if any(words in reason for words in _NO_REGISTRY):
        return "check the registry's name in the tag, and that this engine reaches it: its proxy may be set or missing"
    return "log in to the registry with 'docker login', and check that the tag names your repository"


def unreachable(endpoint: str, error: Exception) -> EngineError:
    """Why no engine answers, and the next thing to do."""
    reason = plain_text(str(error).replace("\n", " "))
    if isinstance(error, PermissionError):
        return EngineError(
            f"this user may not talk to the container engine at {endpoint}",
            hint="join the docker group ('sudo usermod -aG docker $USER', then log in again), or run rootless Docker",
        )
    nobody = isinstance(error, FileNotFoundError | ConnectionRefusedError)
    if nobody or any(words in reason for words in ("Connection refused", "ConnectionRefused", "CreateFile")):
        return EngineError(
            f"no container engine answers at {endpoint}",
            hint="start Docker ('sudo systemctl start docker', or Docker Desktop), or set DOCKER_HOST;"
            " 'reprobuild dockerfile ENV -o DIR' writes the build context without an engine",
        )
    return EngineError(
        f"the container engine at {endpoint} can't be used: {reason}",
        hint="check DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, or 'docker context ls'",
    )
