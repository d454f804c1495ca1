"""Saving files that belong together, so that a reader finds the whole old set or the whole new one.

One rename puts one file in place, so three files need more than three renames. What is done, best first:

1. The folder is new: the set is written into a folder beside it, which is then renamed.
2. Only one file differs from what is there (the usual case: only environment.json tells times): it is renamed.
3. The folder holds nothing but the set: a folder beside it, with the new set, is exchanged with it in one step. Linux
   and macOS can do that.
4. Otherwise the files are renamed one behind the other, with nothing in between and signals held back. Only a process
   that is killed with SIGKILL within these microseconds leaves some of each; the next capture makes it whole.

Many processes may save into one folder at once: an advisory lock on the folder puts them in a row, and the last one
stays. A file system without locks does without. Temporary names that killed processes left are removed an hour later.
"""

from __future__ import annotations

import os
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded for nothing
    from collections.abc import Mapping

LOCK_TIMEOUT_S = 10.0
"""A process that was stopped while it saved keeps others waiting no longer than this."""

STALE_S = 3600.0
"""Age from which temporary names are leftovers of a killed process."""

_MOST_ATTEMPTS = 1000
"""How often a folder may come and go while it is looked at: once for each other process that saves is usual."""

_MARK = ".reprobuild-tmp"


def save_set(folder: str, contents: Mapping[str, bytes]) -> None:
    """Write the files into ``folder``, which is made. Raises OSError that names the folder; the old set stays then."""
    try:
        target = os.path.realpath(folder)
        for _ in range(_MOST_ATTEMPTS):
            if _create(target, contents) or _change(target, contents):
                return
        raise FileNotFoundError(2, "the folder is removed again and again")
    except (FileExistsError, NotADirectoryError) as error:
        raise OSError(error.errno, "a file is in the way of the folder", folder) from error
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), folder) from error


def update_set(folder: str, name: str, before: bytes, contents: Mapping[str, bytes]) -> bool:
    """Save the set where the folder's file ``name`` is still ``before``; False where somebody else saved since.

    Raises OSError.
    """
    target = os.path.realpath(folder)
    lock = _Lock(target)
    try:
        if not lock.is_still(target) or _read(os.path.join(target, name)) != before:
            return False
        _bring_in(target, contents)
        return True
    finally:
        lock.release()


def _create(target: str, contents: Mapping[str, bytes]) -> bool:
    """Make the folder with the set in it; False when it exists."""
    if os.path.lexists(target):
        return False
    parent = os.path.dirname(target)
    os.makedirs(parent, exist_ok=True)
    beside = _folder_beside(target, contents)
    try:
        os.rename(beside, target)
    except OSError:
        _remove_folder(beside)
        if not os.path.isdir(target):
            raise
        return False
    return True


def _change(target: str, contents: Mapping[str, bytes]) -> bool:
    """Bring the set into a folder that exists; False when the folder was exchanged or removed meanwhile."""
    try:
        lock = _Lock(target)
    except FileNotFoundError:
        return False
    try:
        if not lock.is_still(target):
            return False
        _bring_in(target, contents)
        return True
    finally:
        lock.release()


def _bring_in(target: str, contents: Mapping[str, bytes]) -> None:
    """Bring the set into the locked folder, in the best way of those that the module names."""
    different = [name for name, content in contents.items() if _read(os.path.join(target, name)) != content]
    present = os.listdir(target)
    _remove_stale(target, present)
    if len(different) > 1 and set(present) <= set(contents) and _exchange(target, contents):
        return
    written = []
    try:
        for name in different:
            written.append((_write(target, name, contents[name]), os.path.join(target, name)))
    except BaseException:
        for temporary, _ in written:
            _unlink(temporary)
        raise
    _put(written)


def _exchange(target: str, contents: Mapping[str, bytes]) -> bool:
    """Exchange the folder with one beside it that has the new set; False where that can't be done."""
    try:
        if os.path.samefile(target, os.curdir) or os.path.ismount(target):
            return False
        beside = _folder_beside(target, contents)
        facts = os.stat(target)
        if (facts.st_uid, facts.st_gid) != (os.stat(beside).st_uid, os.stat(beside).st_gid):
            _remove_folder(beside)
            return False
        os.chmod(beside, facts.st_mode & 0o7777)
    except OSError:
        return False
    _remove_stale(os.path.dirname(target), os.listdir(os.path.dirname(target)))
    done = _exchange_names(beside, target)
    _remove_folder(beside)
    return done


def _exchange_names(first: str, second: str) -> bool:
    """Linux's renameat2 and macOS's renamex_np; loaded here only, because nothing else needs ctypes."""
    try:
        import ctypes

        library = ctypes.CDLL(None, use_errno=True)
        names = os.fsencode(first), os.fsencode(second)
        if sys.platform == "linux":
            here, exchange = -100, 2
            return bool(library.renameat2(here, names[0], here, names[1], exchange) == 0)
        swap = 2
        return sys.platform == "darwin" and bool(library.renamex_np(*names, swap) == 0)
    except (ImportError, OSError, AttributeError):
        return False


class _Lock:
    """An advisory lock on a folder, which the system releases when the process ends, however it ends."""

    def __init__(self, folder: str) -> None:
        self._descriptor: int | None = None
        try:
            import fcntl
        except ImportError:
            return
        self._descriptor = os.open(folder, os.O_RDONLY)
        end = time.monotonic() + LOCK_TIMEOUT_S
        while time.monotonic() < end:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                time.sleep(0.002)
            except OSError:
                return  # This file system has no locks.

    def is_still(self, folder: str) -> bool:
        """Whether the locked folder is the one that has the name now."""
        if self._descriptor is None:
            return True
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(folder))
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let the next one in."""
        if self._descriptor is not None:
            os.close(self._descriptor)


def _folder_beside(target: str, contents: Mapping[str, bytes]) -> str:
    parent, name = os.path.split(target)
    folder = os.path.join(parent, _temporary_name(name))
    os.mkdir(folder)
    try:
        for file, content in contents.items():
            os.rename(_write(folder, file, content), os.path.join(folder, file))
    except BaseException:
        _remove_folder(folder)
        raise
    return folder


def _write(folder: str, name: str, content: bytes) -> str:
    """Write under a temporary name, and tell it."""
    temporary = os.path.join(folder, _temporary_name(name))
    try:
        with open(temporary, "xb") as stream:
            stream.write(content)
    except BaseException:
        _unlink(temporary)
        raise
    return temporary


def _temporary_name(name: str) -> str:
    return f".{name}.{os.getpid()}.{os.urandom(4).hex()}{_MARK}"


def _put(written: list[tuple[str, str]]) -> None:
    """Rename all, with no signal handler of this program in between."""
    if len(written) < 2 or os.name == "nt":
        for temporary, path in written:
            os.replace(temporary, path)
        return
    import signal

    held = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        for temporary, path in written:
            os.replace(temporary, path)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, held)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except OSError:
        return None


def _remove_stale(folder: str, names: list[str]) -> None:
    for name in names:
        if not name.endswith(_MARK):
            continue
        path = os.path.join(folder, name)
        try:
            if time.time() - os.lstat(path).st_mtime < STALE_S:
                continue
            if os.path.isdir(path) and not os.path.islink(path):
                _remove_folder(path)
            else:
                _unlink(path)
        except OSError:
            continue


def _remove_folder(folder: str) -> None:
    """Remove a folder of ours with the files in it."""
    try:
        for name in os.listdir(folder):
            _unlink(os.path.join(folder, name))
        os.rmdir(folder)
    except OSError:
        return


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return
