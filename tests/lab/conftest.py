"""The laboratory as a fixture: one for each test session, and a skip with the exact reason where it can't run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.lab.laboratory import Laboratory, LaboratoryUnavailable


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
