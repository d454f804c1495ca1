"""Answers of other interpreters, kept between captures: what has not changed is not read again.

Reading an environment means opening thousands of small files; asking the system whether any of them has changed means
none. With an answer, the probe tells all that it rests on (``probe.inputs``). Of every path the inode, the size and
the time of the last change of any kind (``st_ctime``, which no program can set) are kept, and of every program that
was asked, a digest of what it said. The answer counts as long as all of that is as it was, for the same user, release,
interpreter, options and variables, on this boot of this machine. It is git's way of telling changed files, and uv's.

A file that changed less than ``SETTLED_S`` before the answer was begun could change again and show the same time:
such an answer is not kept. Kept is only what is left when secrets are taken out. Nothing here ever fails a capture.
"""

from __future__ import annotations

import os
import sys
import time

from reprobuild import __version__
from reprobuild.capture.json_text import EncodedList, decode, text_of_list
from reprobuild.errors import CaptureError
from reprobuild.probe.files import find_program, output_of, read_bytes
from reprobuild.probe.variables import VARIABLES

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded for nothing
    from collections.abc import Sequence
    from typing import Any

FORMAT = 1
_NUMBERS = 3
"""That a path's state has."""

SETTLED_S = 2.0
"""Seconds: coarser than the clock of any file system in use (FAT's counts in two)."""

VARIABLE = "REPROBUILD_CAPTURE_CACHE"
"""Names another folder for the answers; ``off`` is none."""

MOST_KEPT = 64
"""Answers; one more removes the oldest."""

_BEGINNINGS = ("CONDA_", "CUDA_", "DYLD_", "GIT_", "HIP_", "LC_", "LD_", "PYTHON", "ROCM_")
_NAMES = frozenset({"HOME", "LANG", "PATH", "VIRTUAL_ENV", *VARIABLES})
"""Variables that an answer may depend on: those that an interpreter, its loader, git or the probe reads."""

_BOOT = "/proc/sys/kernel/random/boot_id"


class AnswerCache:
    """The place of one answer."""

    def __init__(self, python: str, extras: Sequence[str]) -> None:
        """``python`` as a person named it, ``extras`` as ``Probing`` takes them."""
        self._begun_s = time.time()
        program = python if os.path.dirname(python) else find_program(python)
        self._program = os.path.abspath(program) if program else None
        self._path = None
        place = folder() if os.name == "posix" and "files" not in extras else None
        if place is not None and self._program is not None:
            self._path = os.path.join(place, _digest(repr(_key(self._program, extras)).encode()))

    def find(self) -> dict[str, Any] | None:
        """The probe's object without secrets, when all that it rests on is as it was."""
        kept = _Kept.read(self._path) if self._path is not None else None
        if kept is None or not kept.is_as_it_was():
            return None
        if any(_digest_of_output(command) != digest for command, digest in kept.asked):
            return None
        return kept.facts

    def keep(self, facts: dict[str, Any], inputs: dict[str, Any]) -> None:
        """Keep an object without secrets that rests on ``inputs``, as ``probe.inputs.found`` tells them."""
        if self._path is None or self._program is None:
            return
        if os.path.realpath(inputs["executable"] or os.curdir) != os.path.realpath(self._program):
            return  # A program that chooses an interpreter, such as pyenv's: nobody knows by what.
        states = [number for path in inputs["paths"] for number in _state(path)]
        if max(states[_NUMBERS - 1 :: _NUMBERS], default=0) > (self._begun_s - SETTLED_S) * 1e9:
            return
        asked = [(command, _digest((output or "").encode())) for command, output in inputs["asked"]]
        content = _Kept(facts, asked, inputs["paths"], states).encoded()
        if content is not None:
            _write(self._path, content)


def folder() -> str | None:
    """Where answers are kept: ``~/.cache/reprobuild/answers``, as platformdirs has it, which takes longer to load.

    None where ``REPROBUILD_CAPTURE_CACHE`` is ``off``, and where the home folder is another user's, as under some sudo:
    what is made there would be in the way of its owner.
    """
    given = os.environ.get(VARIABLE, "").strip()
    if given:
        return None if given == "off" else os.path.abspath(given)
    base = os.environ.get("XDG_CACHE_HOME", "").strip()
    if not base:
        home = os.path.expanduser("~")
        if not _is_ours(home):
            return None
        base = os.path.join(home, "Library/Caches" if sys.platform == "darwin" else ".cache")
    return os.path.join(base, "reprobuild", "answers")


def _is_ours(place: str) -> bool:
    try:
        return os.stat(place).st_uid == os.geteuid()
    except OSError:
        return False


def _key(program: str, extras: Sequence[str]) -> tuple[object, ...]:
    """Whatever an answer depends on that lies in no file. It may hold secrets, and is kept as a digest only."""
    named = {
        name: value for name, value in sorted(os.environ.items()) if name in _NAMES or name.startswith(_BEGINNINGS)
    }
    where = os.getcwd() if named.get("PYTHONPATH") else ""
    identity = (os.getuid(), os.geteuid(), tuple(os.uname()), read_bytes(_BOOT))
    return (FORMAT, __version__, program, tuple(extras), where, identity, named)


def _state(path: str) -> tuple[int, int, int]:
    """Inode, size, and the time of the last change in nanoseconds; zeros for what is not there."""
    try:
        state = os.stat(path)
    except (OSError, ValueError):
        return 0, 0, 0
    return state.st_ino, state.st_size, state.st_ctime_ns


def _digest_of_output(command: list[str]) -> str:
    return _digest((output_of(command) or "").encode())


def _digest(content: bytes) -> str:
    """SHA-256. hashlib loads OpenSSL, which takes longer than all that is done here."""
    try:
        from _sha2 import sha256  # type: ignore[import-not-found]  # from Python 3.12 on
    except ImportError:
        try:
            from _sha256 import sha256  # type: ignore[import-not-found]  # before
        except ImportError:
            from hashlib import sha256
    return str(sha256(content).hexdigest())


class _Kept:
    """What one file holds.

    A line of JSON, and behind it, as long as that line tells: the paths, divided by zeros; their states as numbers of
    eight bytes, of which none has to be read from text; the text of ``distributions``, which is most of a record.
    """

    def __init__(
        self,
        facts: dict[str, Any],
        asked: Sequence[tuple[list[str], str]],
        paths: Sequence[str],
        states: Sequence[int],
    ) -> None:
        self.facts = facts
        self.asked = asked
        self._paths = paths
        self._states = states

    def is_as_it_was(self) -> bool:
        """Whether every path has the state that it had."""
        look, numbers = os.stat, iter(self._states)
        for path, inode, size, changed in zip(self._paths, numbers, numbers, numbers, strict=True):
            try:
                state = look(path)
            except (OSError, ValueError):
                if inode:
                    return False
                continue
            if state.st_ctime_ns != changed or state.st_ino != inode or state.st_size != size:
                return False
        return True

    def encoded(self) -> bytes | None:
        """The file's content; None where a number is too large for it."""
        import json

        numbers = bytearray(8 * len(self._states))
        places = memoryview(numbers).cast("q")
        try:
            for index, number in enumerate(self._states):
                places[index] = number
        except (OverflowError, ValueError):
            return None
        distributions = self.facts["distributions"]
        paths = "\0".join(self._paths).encode("utf-8", "surrogateescape")
        text = text_of_list(distributions).encode("ascii")
        head = {
            "format": FORMAT,
            "sizes": [len(paths), len(numbers), len(text)],
            "asked": self.asked,
            "facts": {**self.facts, "distributions": len(distributions)},
        }
        line = json.dumps(head, separators=(",", ":")).encode()
        return b"".join((line, b"\n", paths, numbers, text))

    @classmethod
    def read(cls, path: str) -> _Kept | None:
        """What ``encoded`` gave; None for anything else, and for what others could have written."""
        try:
            state = os.stat(path)
            if state.st_uid != os.getuid() or state.st_mode & 0o022:
                return None
            content = read_bytes(path) or b""
            end = content.index(b"\n")
            head = decode(content[:end].decode("utf-8"))
            if head["format"] != FORMAT or len(content) != end + 1 + sum(head["sizes"]):
                return None
            first, second, _ = head["sizes"]
            numbers = memoryview(content)[end + 1 + first : end + 1 + first + second].cast("q").tolist()
            paths = content[end + 1 : end + 1 + first].decode("utf-8", "surrogateescape").split("\0")
            if len(numbers) != _NUMBERS * len(paths):
                return None
            text = content[end + 1 + first + second :].decode("ascii")
            facts = {**head["facts"], "distributions": EncodedList(text, head["facts"]["distributions"])}
            return cls(facts, head["asked"], paths, numbers)
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            return None


def _write(path: str, content: bytes) -> None:
    """Put it in place whole. A folder that can't be written is one without answers."""
    from reprobuild.files import write_atomically

    place = os.path.dirname(path)
    try:
        os.makedirs(place, mode=0o700, exist_ok=True)
        write_atomically(path, content, durable=False, mode=0o600)
        _remove_oldest(place)
    except OSError:
        return


def _remove_oldest(place: str) -> None:
    """More than ``MOST_KEPT``, and what was left half written, which is the oldest before long."""
    paths = [os.path.join(place, name) for name in os.listdir(place)]
    for _, path in sorted((os.stat(path).st_mtime, path) for path in paths)[: max(0, len(paths) - MOST_KEPT)]:
        os.unlink(path)


def split_inputs(facts: dict[str, Any], source: str) -> dict[str, Any]:
    """Take what the answer rests on out of it. Raises CaptureError when the probe did not tell it."""
    inputs = facts.pop("inputs", None)
    shapes = {"paths": list, "asked": list, "executable": str}
    if not isinstance(inputs, dict) or any(not isinstance(inputs.get(name), kind) for name, kind in shapes.items()):
        raise CaptureError(f"{source} did not answer with the probe's record: it does not say what it read")
    return inputs
