"""cuDNN: which CUDA versions each one supports, and the two ways to write its version.

Sources: NVIDIA's support matrices; second-hand for parts of 8.3 to 8.8.
"""

from __future__ import annotations

from packaging.version import Version

from reprobuild.catalog.tables import Fields, Table, items, known, version_of


class CudnnSupport(Fields, frozen=True, kw_only=True):
    """A range of cuDNN versions and the CUDA versions it supports."""

    first: str
    last: str
    cuda: tuple[str, ...]
    partial: bool = False
    """Whether the list may miss some."""
    basis: str
    note: str | None = None


class Cudnn:
    """Look-ups over cuDNN's support."""

    def __init__(self, table: Table) -> None:
        self.header = table.header
        self.all = tuple(_support(row) for row in table.rows)

    def support(self, version: str) -> CudnnSupport | None:
        """The row of a cuDNN version (8.9.2.26), else the nearest older row of the same major. None without one."""
        parsed = version_of(version)
        if parsed is None:
            return None
        wanted = Version(".".join(str(part) for part in parsed.release[:3]))
        older = [row for row in self.all if Version(row.first) <= wanted and Version(row.first).major == wanted.major]
        return max(older, key=lambda row: Version(row.first), default=None)

    def supports(self, version: str, cuda: str) -> bool | None:
        """Whether this cuDNN supports this CUDA minor. None when the table does not tell."""
        row = self.support(version)
        if row is None:
            return None
        if cuda in row.cuda:
            return True
        exact = Version(row.first) <= Version(version) and Version(version).release[:3] <= Version(row.last).release
        return False if exact and not row.partial else None


def version_of_integer(number: int) -> str | None:
    """cuDNN's own integer as a version: 8902 is 8.9.2, 90100 is 9.1.0, 7605 is 7.6.5. None for what is none."""
    if 1000 <= number < 10000:
        return f"{number // 1000}.{number // 100 % 10}.{number % 100}"
    if 90000 <= number < 1000000:
        return f"{number // 10000}.{number // 100 % 100}.{number % 100}"
    return None


def _support(row: dict[str, str]) -> CudnnSupport:
    return CudnnSupport(
        first=row["first"],
        last=row["last"],
        cuda=items(row["cuda"]),
        partial=row["partial"] == "yes",
        basis=row["basis"],
        note=known(row["note"]),
    )
