"""The code that is replayed: packed as it stands in a folder, and what git says of that folder."""

from __future__ import annotations

import fnmatch
import io
import os
import posixpath
import subprocess
import tarfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from reprobuild.errors import UsageError
from reprobuild.snapshot import SourceFacts

MOST_BYTES = 1024**3
"""A larger folder is no code: its data are meant to be mounted."""


def pack(folder: Path | None, target: str, leave_out: Iterable[str] = ()) -> bytes:
    """A tar archive that unpacks at the root into ``target``, which any user of the image may write to.

    In a work tree of git: the tracked files and those that git does not ignore; elsewhere all of them. ``leave_out``
    holds patterns of relative paths, such as results of an earlier run. Raises UsageError for a folder that is not
    there or too large.
    """
    patterns, stream = tuple(leave_out), io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        made: set[str] = set()
        _add_folders(tar, target.strip("/"), made)
        for path in sorted(_files(folder)) if folder is not None else ():
            assert folder is not None
            relative = path.relative_to(folder).as_posix()
            if any(_matches(relative, pattern) for pattern in patterns):
                continue
            name = f"{target.strip('/')}/{relative}"
            _add_folders(tar, posixpath.dirname(name), made)
            _add_file(tar, path, name)
            if stream.tell() > MOST_BYTES:
                raise UsageError(
                    f"--source: {folder} holds more than {MOST_BYTES // 1024**2} MiB",
                    hint="leave the data out of it, or have git ignore them, and mount them with --data",
                )
    return stream.getvalue()


def _matches(relative: str, pattern: str) -> bool:
    """Whether the pattern names the file or a folder above it."""
    parts = relative.split("/")
    return any(fnmatch.fnmatchcase("/".join(parts[:count]), pattern) for count in range(1, len(parts) + 1))


def _files(folder: Path) -> Iterator[Path]:
    if not folder.is_dir():
        raise UsageError(f"--source: {folder} is not a folder")
    listed = _git(folder, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    if listed is not None:
        for name in {os.fsdecode(name) for name in listed.split(b"\0") if name}:
            path = folder / name
            if path.is_file() or path.is_symlink():
                yield path
            elif (path / ".git").exists() and path != folder:
                # git lists a submodule as one entry, and its files only when it is asked there.
                yield from _files(path)
        return
    for top, folders, found in os.walk(folder):
        folders[:] = [name for name in folders if name not in ("__pycache__", ".venv", "venv", "node_modules")]
        yield from (Path(top) / name for name in found)


def _add_folders(tar: tarfile.TarFile, name: str, made: set[str]) -> None:
    parts = name.split("/")
    for count in range(1, len(parts) + 1):
        folder = "/".join(parts[:count])
        if folder not in made:
            made.add(folder)
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o777
            tar.addfile(entry)


def _add_file(tar: tarfile.TarFile, path: Path, name: str) -> None:
    entry = tar.gettarinfo(path, arcname=name)
    if entry is None or not (entry.isreg() or entry.issym() or entry.islnk()):
        return
    # The image's user is another one than here.
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o777 if entry.mode & 0o100 else 0o666
    if entry.islnk():
        entry.type, entry.size = tarfile.REGTYPE, path.stat().st_size
    if entry.isreg():
        with path.open("rb") as content:
            tar.addfile(entry, content)
    else:
        tar.addfile(entry)


def source_facts(folder: Path) -> SourceFacts | None:
    """Commit, changes and place of a folder in its work tree; None where git knows none."""
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return None
    diff = (_git(folder, "diff", "--no-ext-diff", "--no-textconv", "HEAD") or b"").decode("utf-8", "replace")
    prefix = (_git(folder, "rev-parse", "--show-prefix") or b"").decode("utf-8", "replace").strip().rstrip("/")
    return SourceFacts(
        commit=commit.decode("ascii", "replace").strip(), dirty=bool(diff), diff=diff or None, directory=prefix or None
    )


def same_changes(first: str | None, second: str | None) -> bool:
    """Whether two texts of ``git diff`` change the same lines the same way, however they are laid out."""
    return _changes(first) == _changes(second)


def _changes(diff: str | None) -> list[str]:
    lines = (diff or "").splitlines()
    return [one.rstrip() for one in lines if one[:1] in "+-" and not one.startswith(("+++ /dev/null", "--- /dev/null"))]


def _git(folder: Path, *arguments: str) -> bytes | None:
    """What git prints, or None where it fails or is not there. Nothing of the repository's settings is run."""
    command = ["git", "-C", str(folder), "-c", "core.fsmonitor=false", *arguments]
    try:
        finished = subprocess.run(command, capture_output=True, timeout=60, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return None
    return finished.stdout if finished.returncode == 0 else None
