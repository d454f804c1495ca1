"""A real Chromium without a screen, from the system's own package, pages opened in it from files, and an audit."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The browser, started once. Skips and says what is missing."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    if find_spec("playwright") is None:
        pytest.skip("playwright is not installed: pip install -e .[test]")
    from playwright.sync_api import sync_playwright

    # Chromium's own sandbox refuses to run as root, as which containers run their tests.
    as_root = sys.platform != "win32" and os.geteuid() == 0
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"] if as_root else [])
        yield browser
        browser.close()


class Opened:
    """A page in a window of its own, with everything that it said or asked for."""

    def __init__(self, browser: Browser, path: Path, **options: Any) -> None:
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.said: list[str] = []
        self.asked: list[str] = []
        self.dialogs: list[str] = []
        self.page.on("console", lambda message: self.said.append(f"{message.type}: {message.text}"))
        self.page.on("pageerror", lambda error: self.said.append(f"error: {error}"))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("dialog", self._dismiss)
        self.page.goto(path.as_uri())

    def _dismiss(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def close(self) -> None:
        """Close the window."""
        self.context.close()


def audit(window: Opened) -> list[str]:
    """What axe-core finds in a window that was opened with ``bypass_csp``; everything folded is opened for it.

    The audit is a script, which the page's own policy refuses, as it should. Skips where axe is not installed.
    """
    if find_spec("axe_playwright_python") is None:
        pytest.skip("axe-playwright-python is not installed: pip install -e .[test]")
    from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no annotations

    window.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    response = Axe().run(window.page).response
    assert len(response["passes"]) > 15, "the audit looked at something"
    return [
        f"{one['impact']} {one['id']}: {node['html'][:120]}" for one in response["violations"] for node in one["nodes"]
    ]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Any]:
    """Opens a file: ``opened(path, viewport=..., color_scheme=...)``."""
    windows: list[Opened] = []

    def open_file(path: Path, **options: Any) -> Opened:
        windows.append(Opened(browser, path, **options))
        return windows[-1]

    yield open_file
    for window in windows:
        window.close()
