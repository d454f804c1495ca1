"""A server for each test, and an environment without proxies and this machine's settings."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.unit.refresh.server import Server


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy, no netrc, no settings of this machine."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REPROBUILD_CATALOG"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("NETRC", "/nonexistent")


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that knows no path yet."""
    started = Server()
    yield started
    started.stop()
