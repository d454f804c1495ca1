"""File names and hashes of torch wheels: a large table that is read only by those who ask for a hash.

Sources: PyTorch's index as of July 2025 and PyPI. Wheels with a local version after 2.7.1 are not in it.
"""

from __future__ import annotations

from typing import Literal

from reprobuild.catalog.tables import Fields, Table, known


class TorchFile(Fields, frozen=True, kw_only=True):
    """One wheel."""

    origin: Literal["pytorch", "pypi"]
    folder: str
    """Folder of PyTorch's index; empty for its root and for PyPI."""
    version: str
    file: str
    sha256: str | None = None
    size: int | None = None
    """Bytes."""
    uploaded: str | None = None

    def is_for(self, python_tag: str, platform: str) -> bool:
        """Whether it is a wheel for this Python tag (cp310) and platform (linux_x86_64)."""
        parts = self.file.removesuffix(".whl").split("-")
        system, _, machine = platform.partition("_")
        return parts[-3] == python_tag and system in parts[-1] and parts[-1].endswith(machine)


class TorchFiles:
    """Look-ups over the files."""

    def __init__(self, table: Table) -> None:
        self.header = table.header
        self._files: dict[str, list[dict[str, str]]] = {}
        for row in table.rows:
            self._files.setdefault(row["version"], []).append(row)

    def find(
        self, version: str, python_tag: str, platform: str = "linux_x86_64", folder: str | None = None
    ) -> tuple[TorchFile, ...]:
        """The wheels of a version with its local part; ``folder`` None means PyPI's."""
        origin = "pypi" if folder is None else "pytorch"
        rows = [row for row in self._files.get(version, ()) if row["origin"] == origin]
        files = (_file(row) for row in rows if folder in (None, row["folder"]))
        return tuple(file for file in files if file.is_for(python_tag, platform))


def _file(row: dict[str, str]) -> TorchFile:
    return TorchFile(
        origin=row["origin"],  # type: ignore[arg-type]  # a test holds the closed set
        folder=row["folder"],
        version=row["version"],
        file=row["file"],
        sha256=known(row["sha256"]),
        size=int(row["size"]) if row["size"] else None,
        uploaded=known(row["uploaded"]),
    )
