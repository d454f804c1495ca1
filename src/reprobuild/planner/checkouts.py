"""Repositories of packages that were installed in place: pip's own list names them, their metadata don't.

``pip install -e git+URL#egg=NAME`` clones the repository and leaves a file URL in the metadata (PEP 610 has no room
for more), but ``pip freeze`` asks git and writes ``-e git+URL@COMMIT#egg=NAME``.
"""

from __future__ import annotations

import re

from packaging.utils import canonicalize_name

from reprobuild.snapshot import DirectUrl, Snapshot, VcsInfo

_LINE = re.compile(
    r"-e git\+(?P<url>[^\s#]{1,2000})@(?P<commit>[0-9a-f]{40,64})#egg=(?P<name>[A-Za-z0-9._-]{1,200})"
    r"(?:&subdirectory=(?P<subdirectory>[^\s&#]{1,500}))?"
)


def recorded_checkouts(snapshot: Snapshot) -> dict[str, DirectUrl]:
    """Canonical name to repository and commit, for each editable line of the recorded ``pip freeze``."""
    found = {}
    for line in (snapshot.flat.pip_freeze or "").splitlines():
        if match := _LINE.fullmatch(line.strip()):
            found[str(canonicalize_name(match["name"]))] = DirectUrl(
                url=match["url"],
                vcs_info=VcsInfo(vcs="git", commit_id=match["commit"]),
                subdirectory=match["subdirectory"],
            )
    return found
