"""The code that ran, as git knows it: commit, branch, remote, what was changed, what was never added.

git is started before the rest of a capture and asked afterwards, so that both work at the same time. Nothing that the
repository's configuration names is run (no hook, no file system monitor, no external diff, no text conversion), and
nothing is written into it. Credentials are taken out of the whole record later.
"""

from __future__ import annotations

import os

from reprobuild.probe.child import Child, TookTooLong
from reprobuild.probe.files import tidy_home

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded for nothing
    from typing import Any

DIFF_LIMIT_BYTES = 512 * 1024
"""A longer diff is kept file by file, as far as it fits."""

UNTRACKED_LIMIT = 500
"""Names of untracked files and folders that are listed."""

TIMEOUT_S = 20.0
"""How long git may take for one answer: a work tree on a slow network file system is no reason to stand still."""

_QUIET = ("-c", "core.fsmonitor=false", "-c", "core.untrackedCache=false", "-c", "diff.ignoreSubmodules=none")
_DIFF = ("diff", "--no-ext-diff", "--no-textconv", "--no-color", "--full-index", "--submodule=short")


class SourceReading:
    """git at work on the repository that holds ``folder``; ``facts`` waits for its answers."""

    def __init__(self, folder: str | None = None) -> None:
        """Start git, where ``folder`` (the working folder) belongs to a work tree and git is there. Never raises."""
        self._folder = ""
        self._top: str | None = None
        try:
            self._folder = os.path.realpath(folder or os.curdir)
            self._top = _top_of(self._folder)
        except FileNotFoundError:
            pass  # The working folder was removed, which no run has to fail for.
        self._status = self._start("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=normal")
        self._remotes = self._start("config", "--get-regexp", "-z", r"^remote\..*\.url$")

    def facts(self, notes: list[dict[str, Any]]) -> dict[str, Any] | None:
        """``source`` of environment.json; None outside a repository. What is missing is said in ``notes``."""
        if self._top is None:
            return None
        status, said = _answer(self._status)
        remotes, _ = _answer(self._remotes)
        relative = os.path.relpath(self._folder, self._top).replace(os.sep, "/")
        facts: dict[str, Any] = {"directory": relative}
        if status is None:
            notes.append(_note("source-unknown", f"git told nothing of the code that ran: {said}", "source"))
            return facts
        facts |= _read_status(status, notes)
        facts["remote"] = _remote_of(remotes or b"")
        if facts["dirty"]:
            facts["diff"] = self._diff("HEAD" if facts.get("commit") else _EMPTY_TREE, notes)
        if os.path.exists(os.path.join(self._top, ".gitmodules")):
            facts["submodules"] = self._submodules(facts.pop("changed_submodules", {}))
        facts.pop("changed_submodules", None)
        return {key: value for key, value in facts.items() if value is not None and value != []}

    def _start(self, *arguments: str) -> Child | None:
        if self._top is None:
            return None
        environment = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith("GIT_") or key.startswith("GIT_CONFIG")
        }
        environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        try:
            return Child(["git", "-C", self._top, *_QUIET, *arguments], environment)
        except OSError:
            return None

    def _diff(self, base: str, notes: list[dict[str, Any]]) -> str | None:
        """The changes since ``base``, as a patch that ``git apply`` takes; whole files of it when it is too long."""
        sizes, _ = _answer(self._start(*_DIFF, "--numstat", "-z", base))
        patch, said = _answer(self._start(*_DIFF, base)) if _is_moderate(sizes) else (None, "it is too long")
        if patch is None:
            notes.append(_note("diff-left-out", f"the changes to the code are not recorded: {said}", "source.diff"))
            return None
        kept, left_out = _whole_files(patch)
        if left_out:
            message = f"the changes to {left_out} files are not recorded: the diff is longer than {DIFF_LIMIT_BYTES} B"
            notes.append(_note("diff-left-out", message, "source.diff"))
        if b"\nBinary files " in b"\n" + kept:
            notes.append(_note("binary-changes", "changed binary files are named, not recorded", "source.diff"))
        return kept.decode("utf-8", "replace")

    def _submodules(self, changed: dict[str, bool]) -> list[dict[str, Any]]:
        """What ``git submodule status`` says: a mark, the commit, the path, and a name in parentheses."""
        answer, _ = _answer(self._start("submodule", "status", "--recursive"))
        found = []
        for line in (answer or b"").decode("utf-8", "replace").splitlines():
            commit, _, path = line[1:].partition(" ")
            path = path.rpartition(" (")[0] or path
            state = {"-": "not checked out", "+": "another commit", "U": "conflict"}.get(line[:1])
            entry = {"path": path, "commit": commit, "dirty": changed.get(path), "state": state}
            found.append({key: value for key, value in entry.items() if value is not None})
        return found


_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
"""git's name for a tree without files: what a repository without a commit is compared with."""


def _top_of(folder: str) -> str | None:
    """The nearest folder above with a ``.git``; a file of that name is a work tree's or a submodule's."""
    while not os.path.exists(os.path.join(folder, ".git")):
        parent = os.path.dirname(folder)
        if parent == folder:
            return None
        folder = parent
    return folder


def _answer(child: Child | None) -> tuple[bytes | None, str]:
    """Standard output, or None and the reason."""
    if child is None:
        return None, "there is no git program"
    try:
        exit_code, output, errors = child.wait(TIMEOUT_S)
    except TookTooLong:
        return None, f"it took longer than {TIMEOUT_S:.0f} s"
    if exit_code == 0:
        return output, ""
    lines = errors.decode("utf-8", "replace").strip().splitlines()
    return None, tidy_home(lines[0][:200]) if lines else f"exit code {exit_code}"


def _read_status(output: bytes, notes: list[dict[str, Any]]) -> dict[str, Any]:
    """Commit, branch, whether tracked files were changed, untracked names; records end in a zero byte."""
    facts: dict[str, Any] = {"dirty": False, "changed_submodules": {}}
    untracked: list[str] = []
    records = iter(output.decode("utf-8", "replace").split("\0"))
    for record in records:
        kind = record[:2]
        if record.startswith("# branch.oid ") and not record.endswith("(initial)"):
            facts["commit"] = record[13:]
        elif record.startswith("# branch.head ") and record[14:] != "(detached)":
            facts["branch"] = record[14:]
        elif kind == "? ":
            untracked.append(record[2:])
        elif kind in ("1 ", "2 ", "u "):
            facts["dirty"] = True
            words = record.split(" ", 8)
            if words[2][:1] == "S":
                facts["changed_submodules"][words[-1]] = words[2][2:] != ".."
        if kind == "2 ":
            next(records, None)  # A renamed file's former name is a record of its own.
    facts["untracked"] = untracked[:UNTRACKED_LIMIT]
    if len(untracked) > UNTRACKED_LIMIT:
        more = len(untracked) - UNTRACKED_LIMIT
        notes.append(_note("untracked-left-out", f"{more} more untracked files are not listed", "source.untracked"))
    return facts


def _remote_of(output: bytes) -> str | None:
    """The address of ``origin``, else of the first remote."""
    pairs = [record.partition("\n") for record in output.decode("utf-8", "replace").split("\0") if record]
    ordered = sorted(pairs, key=lambda pair: pair[0] != "remote.origin.url")
    return tidy_home(ordered[0][2]) if ordered else None


def _is_moderate(numstat: bytes | None) -> bool:
    """Whether the changed lines are few enough to ask for them at all: 200,000 are."""
    total = 0
    for record in (numstat or b"").split(b"\0"):
        for number in record.split(b"\t")[:2]:
            total += int(number) if number.isdigit() else 0
    return numstat is not None and total <= 200_000


def _whole_files(patch: bytes) -> tuple[bytes, int]:
    """The files' patches that fit within the limit, in order, and how many do not."""
    if len(patch) <= DIFF_LIMIT_BYTES:
        return patch, 0
    first, *rest = patch.split(b"\ndiff --git ")
    kept, size, left_out = [], 0, 0
    for piece in [first, *(b"diff --git " + part for part in rest)]:
        if size + len(piece) + 1 <= DIFF_LIMIT_BYTES:
            kept.append(piece.rstrip(b"\n") + b"\n")
            size += len(piece) + 1
        else:
            left_out += 1
    return b"".join(kept), left_out


def _note(code: str, message: str, path: str) -> dict[str, Any]:
    return {"code": code, "message": message, "path": path}
