"""Which installed files are no longer what RECORD says: every file is read, so only on request."""

import base64
import hashlib
import os

from .files import blocks_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .distributions import Installed

_ALGORITHMS = frozenset({"sha256", "sha384", "sha512"})
"""What a RECORD may use: the others are refused by the specification of wheels."""


def changed_files(item: "Installed") -> "list[str] | None":
    """Paths as RECORD has them, of files that were changed or are gone; None when there is no RECORD."""
    content = b"".join(blocks_of(os.path.join(item.path, "RECORD"))).decode("utf-8", "surrogateescape")
    if not content:
        return None
    import csv

    changed = []
    for row in csv.reader(content.splitlines()):
        if len(row) < 2 or "=" not in row[1]:
            continue
        algorithm, _, expected = row[1].partition("=")
        if algorithm in _ALGORITHMS and _digest(os.path.join(item.folder, row[0]), algorithm) != expected.rstrip("="):
            changed.append(row[0])
    return sorted(changed)


def _digest(path: "str", algorithm: "str") -> "str | None":
    if not os.path.isfile(path):
        return None
    digest = hashlib.new(algorithm)
    for block in blocks_of(path):
        digest.update(block)
    return base64.urlsafe_b64encode(digest.digest()).decode("ascii").rstrip("=")
