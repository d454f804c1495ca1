"""Git, asked for editable source trees only."""

import os

from .files import output_of
from .inputs import look_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Fields = dict[str, Any]


class GitTree:
    """A work tree of git: its top folder, its commit, whether tracked files were changed, and its remote."""

    def __init__(self, top: "str") -> "None":
        self.top = top
        self.commit: "str | None" = None
        self.dirty: "bool | None" = None
        status = output_of(["git", "-C", top, "status", "--porcelain=2", "--branch", "--untracked-files=no"])
        if status is not None:
            lines = status.splitlines()
            oids = [line[len("# branch.oid ") :] for line in lines if line.startswith("# branch.oid ")]
            self.commit = oids[0] if oids and oids[0] != "(initial)" else None
            self.dirty = any(not line.startswith("#") for line in lines)
        remotes = (output_of(["git", "-C", top, "config", "--get-regexp", r"remote\..*\.url"]) or "").splitlines()
        origins = [line for line in remotes if line.startswith("remote.origin.url ")]
        self.remote = next((line.split(" ")[1].strip() for line in origins + remotes if " " in line), None)

    @property
    def facts(self) -> "Fields":
        """What ``dir_info`` gains."""
        facts = {"commit_id": self.commit, "dirty": self.dirty}
        return {key: value for key, value in facts.items() if value is not None}


def git_tree(folder: "str", trees: "dict[str, GitTree]") -> "GitTree | None":
    """The work tree that holds ``folder``, or None. Each is asked once, and kept in ``trees``."""
    top = os.path.abspath(folder)
    while not os.path.exists(os.path.join(top, ".git")):
        look_at(os.path.join(top, ".git"))
        parent = os.path.dirname(top)
        if parent == top:
            return None
        top = parent
    if top not in trees:
        trees[top] = GitTree(top)
    return trees[top]
