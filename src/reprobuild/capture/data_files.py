"""Fingerprints of the data that a run reads: size and SHA-256 of every file, several at a time.

What is done stays done: each digest is kept at once in the user's cache, beside the file's size, times and inode, so
that an interrupted fingerprint goes on where it was and an unchanged data set is not read again. A file counts as
unchanged while none of these four is another one; changing a file's content without changing the time of its inode
takes writing to the disk behind the system's back.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

from reprobuild.errors import CaptureError
from reprobuild.probe.files import tidy_home

WORKERS = min(8, (os.cpu_count() or 1) + 2)
"""Hashing and reading both let go of the interpreter's lock; a disk or a network answers several at once."""

_AHEAD = 4 * WORKERS
"""Files that are waiting to be read. A data set of millions is never held in memory as tasks."""

_KEPT_AT_MOST = 16 * 1024 * 1024
"""Bytes of the cache above which it is begun anew."""

Progress = Callable[[int, int], None]
"""Told after each file: how many are done, and their bytes."""


def fingerprint(
    paths: Iterable[str], notes: list[dict[str, Any]], *, cache: Path | None = None, progress: Progress | None = None
) -> list[dict[str, Any]]:
    """``data`` of environment.json, sorted by path: each file of ``paths``, and each file below its folders.

    Links to files are read, links to folders inside a folder are not followed. What is no regular file, or can't be
    read, is said in ``notes``. ``cache`` is a file (default: in the user's cache). Raises CaptureError for a path
    that is not there.
    """
    roots = [os.fspath(path) for path in paths]
    for root in roots:
        if not os.path.exists(root):
            raise CaptureError(f"{root}: there is no such file or folder", hint="--data takes the path of real data")
    known = _Known(_default_cache() if cache is None else cache)
    found: dict[str, dict[str, Any]] = {}
    total = 0
    try:
        for path, entry in _read_all(_files_of(roots, notes), known, notes):
            found[path] = entry
            total += entry["size_bytes"]
            if progress is not None:
                progress(len(found), total)
    finally:
        known.close()
    return [found[path] for path in sorted(found)]


def _files_of(roots: list[str], notes: list[dict[str, Any]]) -> Iterator[str]:
    """Every file, in order, once."""
    seen: set[str] = set()
    for root in roots:
        for path in _below(root, notes):
            if path not in seen:
                seen.add(path)
                yield path


def _below(root: str, notes: list[dict[str, Any]]) -> Iterator[str]:
    if not os.path.isdir(root):
        yield os.path.normpath(root)
        return
    for folder, folders, files in os.walk(root, onerror=lambda error: notes.append(_unread(error, root))):
        folders.sort()
        for name in sorted(files):
            yield os.path.normpath(os.path.join(folder, name))


def _read_all(paths: Iterator[str], known: _Known, notes: list[dict[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
    pool = ThreadPoolExecutor(WORKERS)
    waiting: dict[Future[_Reading], str] = {}
    try:
        for path in paths:
            waiting[pool.submit(_read, path, known)] = path
            if len(waiting) >= _AHEAD:
                yield from _taken(waiting, known, notes)
        while waiting:
            yield from _taken(waiting, known, notes)
    finally:
        pool.shutdown(cancel_futures=True)


class _Reading:
    """What reading one file gave."""

    def __init__(self, size_bytes: int, digest: str | None, key: str) -> None:
        self.size_bytes = size_bytes
        self.digest = digest
        self.key = key


def _taken(
    waiting: dict[Future[_Reading], str], known: _Known, notes: list[dict[str, Any]]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """The entries of the files that are done; waits for one."""
    for future in wait(waiting, return_when=FIRST_COMPLETED).done:
        path = waiting.pop(future)
        try:
            reading = future.result()
        except OSError as error:
            notes.append(_unread(error, path))
            continue
        entry: dict[str, Any] = {"path": _told(path), "size_bytes": reading.size_bytes}
        if reading.digest is None:
            notes.append(_note("data-changed", f"{_told(path)} changed while it was read"))
        else:
            entry["sha256"] = reading.digest
            known.keep(reading.key, reading.digest)
        yield path, entry


def _read(path: str, known: _Known) -> _Reading:
    """Raises OSError, also for what is no regular file: reading a pipe would wait for ever."""
    before = os.stat(path)
    if not stat.S_ISREG(before.st_mode):
        raise OSError(0, "not a regular file", path)
    key = _key_of(path, before)
    digest = known.digest(key)
    if digest is not None:
        return _Reading(before.st_size, digest, key)
    with Path(path).open("rb", buffering=0) as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        after = os.fstat(stream.fileno())
    unchanged = _key_of(path, after) == key
    return _Reading(after.st_size, digest if unchanged else None, key)


def _key_of(path: str, facts: os.stat_result) -> str:
    place = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:24]
    return f"{place}:{facts.st_size}:{facts.st_mtime_ns}:{facts.st_ctime_ns}:{facts.st_ino}"


class _Known:
    """Digests of earlier readings: a file of lines ``[key, digest]``, to which several processes may add."""

    def __init__(self, path: Path) -> None:
        self._digests: dict[str, str] = {}
        self._stream: Any = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._load(path)
            mode = "ab" if path.exists() and path.stat().st_size < _KEPT_AT_MOST else "wb"
            self._stream = path.open(mode, buffering=0)
        except OSError:
            return  # Without a cache everything is read, which takes longer and tells the same.

    def digest(self, key: str) -> str | None:
        """The digest of an unchanged file."""
        return self._digests.get(key)

    def keep(self, key: str, digest: str) -> None:
        """Remember it now: the next file may be the one at which we are interrupted."""
        if self._digests.get(key) == digest:
            return
        self._digests[key] = digest
        if self._stream is not None:
            try:
                self._stream.write(json.dumps([key, digest]).encode() + b"\n")
            except OSError:
                self._stream = None

    def close(self) -> None:
        """Let go of the file."""
        if self._stream is not None:
            self._stream.close()

    def _load(self, path: Path) -> None:
        try:
            lines = path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                key, digest = json.loads(line)
            except (ValueError, TypeError):
                continue  # The last line of a process that was killed.
            if isinstance(key, str) and isinstance(digest, str) and len(digest) == 64:
                self._digests[key] = digest


def _default_cache() -> Path:
    import platformdirs

    return platformdirs.user_cache_path("reprobuild", appauthor=False) / "data-digests.jsonl"


def _told(path: str) -> str:
    """The path as the record has it: with slashes, ``~`` for the home folder, and no bytes that are no text."""
    return tidy_home(path).replace(os.sep, "/").encode("utf-8", "replace").decode()


def _unread(error: OSError, path: str) -> dict[str, Any]:
    name = error.filename if isinstance(error.filename, str) else path
    return _note("data-unread", f"{_told(name)} is not fingerprinted: {error.strerror or error}")


def _note(code: str, message: str) -> dict[str, Any]:
    return {"code": code, "message": message, "path": "data"}
