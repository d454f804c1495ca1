"""The facts: tables as data files, and typed look-ups over them.

``Catalog`` reads each table at its first use. Nothing here decides anything: the planner does.
Every row keeps its certainty word (``present``, ``presumed``, ``observed``, ``derived``, ``inferred``,
``unverified``), and the plan shows it.
"""

from reprobuild.catalog.catalog import Catalog, TableEntry

__all__ = ["Catalog", "TableEntry"]
