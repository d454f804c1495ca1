"""Recording an environment that an engine holds: in an image, or in a running container."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reprobuild.capture.elsewhere import (
    ENVIRONMENT,
    FIND_PYTHON,
    bootstrap,
    facts_of_answer,
    probe_arguments,
    probe_text,
)
from reprobuild.engine.docker import DockerEngine

TIMEOUT_S = 300.0
"""Seconds that the probe may take in an image whose layers are still to be unpacked, or in a busy container."""


def facts_of_image(image: str, python: str | None, extras: Sequence[str]) -> dict[str, Any]:
    """What the probe says in a fresh container of the image, without a network. Raises EngineError, CaptureError."""
    engine = DockerEngine.from_environment()
    result = engine.run(
        image,
        _command(python, extras)[3:],
        entrypoint=_command(python, extras)[:3],
        environment=ENVIRONMENT,
        network="none",
        timeout_s=TIMEOUT_S,
    )
    return facts_of_answer(image, result.exit_code, result.stdout, result.stderr)


def facts_of_container(container: str, python: str | None, extras: Sequence[str]) -> dict[str, Any]:
    """What the probe says beside whatever runs in the container. Raises EngineError, CaptureError."""
    engine = DockerEngine.from_environment()
    result = engine.execute(container, _command(python, extras), environment=ENVIRONMENT)
    return facts_of_answer(container, result.exit_code, result.stdout, result.stderr)


def _command(python: str | None, extras: Sequence[str]) -> tuple[str, ...]:
    """A shell that becomes the Python: the named one, or the first that is there."""
    program = 'exec "$0" "$@"' if python else FIND_PYTHON
    return ("/bin/sh", "-c", program, python or "sh", "-c", bootstrap(probe_text()), *probe_arguments(extras))
