"""A container engine, a registry and a site of wheels and interpreters on loopback, for tests and for development.

``Laboratory.start()`` gives one; everything it starts and writes is its own, and ``stop()`` takes it all away.
"""

from tests.lab.laboratory.laboratory import Laboratory
from tests.lab.laboratory.machine import LaboratoryUnavailable

__all__ = ["Laboratory", "LaboratoryUnavailable"]
