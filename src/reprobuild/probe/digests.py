"""Digests of RECORD files, by as many processes as there are processors to spare.

They take half of a capture's time, and each stands alone. Only a process that is the probe's own is forked: one that
trains holds threads and a GPU, which no child may inherit.
"""

import os
import sys

from .description import record_digest
from .inputs import look_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

    from .distributions import Installed

_MOST_HELPERS = 3
_FEWEST_ITEMS = 64
"""Below this a fork takes longer than it saves."""

_AT_ONCE = 4
"""Distributions that a process takes from the queue."""

_NUMBER_BYTES = 2


class Digests:
    """The digests of many distributions, begun at once; ``take`` does what is left of the work and gathers all."""

    def __init__(self, items: "list[Installed]") -> "None":
        self._items = items
        for item in items:  # A helper's own notes would end with it.
            look_at(item.path + os.sep + "RECORD")
        self._found: "dict[int, str | None]" = {}
        self._helpers: "list[tuple[int, int]]" = []
        """Process and the pipe that it answers through."""
        self._queue = -1
        helpers = _helpers_to_spare() if _FEWEST_ITEMS <= len(items) < 1 << 12 else 0
        if helpers:
            self._start(helpers)

    def take(self) -> "list[str | None]":
        """One digest for each distribution, in their order; None where RECORD is missing or empty."""
        if self._queue >= 0:
            self._found.update(self._work())
            os.close(self._queue)
            for process, pipe in self._helpers:
                self._found.update(_answers(pipe))
                os.waitpid(process, 0)
        # What a helper that was killed has left undone is done here, and so is all where there are none.
        return [
            self._found[number] if number in self._found else _digest_of(item)
            for number, item in enumerate(self._items)
        ]

    def _start(self, helpers: "int") -> "None":
        """The queue is a pipe that holds every number: each process takes the next few from it, until it is empty."""
        self._queue, filling = os.pipe()
        os.write(filling, b"".join(number.to_bytes(_NUMBER_BYTES, "big") for number in range(len(self._items))))
        os.close(filling)
        for _ in range(helpers):
            reading, writing = os.pipe()
            try:
                process = os.fork()
            except OSError:
                os.close(reading)
                os.close(writing)
                return
            if process == 0:
                self._help(writing)
            os.close(writing)
            self._helpers.append((process, reading))

    def _help(self, writing: "int") -> "None":
        """What a helper does until it ends; nothing that it does reaches the program's own streams."""
        try:
            lines = ["{} {}\n".format(number, digest or "") for number, digest in self._work()]
            content = "".join(lines).encode()
            while content:
                content = content[os.write(writing, content) :]
        finally:
            os._exit(0)

    def _work(self) -> "Iterator[tuple[int, str | None]]":
        while True:
            taken = os.read(self._queue, _AT_ONCE * _NUMBER_BYTES)
            if not taken:
                return
            for at in range(0, len(taken), _NUMBER_BYTES):
                number = int.from_bytes(taken[at : at + _NUMBER_BYTES], "big")
                yield number, _digest_of(self._items[number])


def _answers(pipe: "int") -> "Iterator[tuple[int, str | None]]":
    """What a helper found. A line that is not whole is none."""
    blocks = []
    block = os.read(pipe, 65536)
    while block:
        blocks.append(block)
        block = os.read(pipe, 65536)
    os.close(pipe)
    for line in b"".join(blocks).split(b"\n")[:-1]:
        number, _, digest = line.partition(b" ")
        yield int(number), digest.decode() or None


def _digest_of(item: "Installed") -> "str | None":
    return record_digest(item.folder, item.entry) if item.form == "dist-info" else None


def _helpers_to_spare() -> "int":
    """None where processes can't be forked, or another thread runs: it might hold a lock that a child waits for.

    On a busy machine, such as one where many ranks begin at once, a fork costs time instead of saving it.
    """
    if not hasattr(os, "sched_getaffinity") or not hasattr(os, "fork"):
        return 0
    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        return 0
    spare = len(os.sched_getaffinity(0)) - max(1.0, os.getloadavg()[0])
    return max(0, min(_MOST_HELPERS, int(spare)))
