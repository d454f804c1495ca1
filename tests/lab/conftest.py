"""The laboratory as a fixture: one for each test session, and a skip with the exact reason where it can't run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.browser.chromium import browser as browser
from tests.browser.chromium import opened as opened
from tests.lab import real_training
from tests.lab.laboratory import Laboratory, LaboratoryUnavailable
from tests.lab.recorded_run import RecordedRun


@pytest.fixture(scope="session")
def lab() -> Iterator[Laboratory]:
    """A real engine, a registry and a site of wheels and interpreters, private to this session."""
    try:
        laboratory = Laboratory.start()
    except LaboratoryUnavailable as reason:
        pytest.skip(str(reason))
    try:
        yield laboratory
    finally:
        laboratory.stop()


@pytest.fixture(scope="session")
def real_run(lab: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    """A real training run with torch, recorded; see ``real_training``."""
    return real_training.make_run(lab, tmp_path_factory.mktemp("real-run"))


@pytest.fixture(scope="session")
def real_image(real_run: RecordedRun) -> str:
    """The image of ``real_run``'s record, which several modules share."""
    return real_training.build_image(real_run)
