"""What reprobuild asks of a container engine, as a protocol: Docker's implements it, and so does the fake."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, Protocol

import msgspec


class Fields(msgspec.Struct, frozen=True):
    """Base of the engine's values."""


class Output(Fields, frozen=True, kw_only=True, tag="output"):
    """Text that a step printed."""

    text: str


class StepStarted(Fields, frozen=True, kw_only=True, tag="step"):
    """``Step 4/12 : RUN ...``"""

    number: int
    total: int
    instruction: str


class Pulling(Fields, frozen=True, kw_only=True, tag="pull"):
    """Progress of a base image's layers. Bytes; totals are 0 until the registry tells them."""

    status: str
    layer: str | None = None
    current_bytes: int = 0
    total_bytes: int = 0


class CacheHit(Fields, frozen=True, kw_only=True, tag="cache"):
    """The step that is running came from the layer cache."""


class Built(Fields, frozen=True, kw_only=True, tag="built"):
    """The image is there."""

    image_id: str


class Failed(Fields, frozen=True, kw_only=True, tag="failed"):
    """The build ended in an error, in the engine's words."""

    message: str
    exit_code: int | None = None


BuildEvent = Output | StepStarted | Pulling | CacheHit | Built | Failed


class ImageFacts(Fields, frozen=True, kw_only=True):
    """What the engine says of an image."""

    image_id: str
    """``sha256:<hex>``"""
    repo_digests: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    labels: dict[str, str] = {}
    architecture: str | None = None
    os: str | None = None
    size_bytes: int | None = None


class ProcessResult(Fields, frozen=True, kw_only=True):
    """A finished process in a container."""

    exit_code: int
    stdout: bytes
    stderr: bytes


class Mount(Fields, frozen=True, kw_only=True):
    """A folder or file of the engine's machine, seen in the container."""

    source: str
    """Absolute, on the machine of the engine."""
    target: str
    read_only: bool = True


class Task(Fields, frozen=True, kw_only=True):
    """A command that is followed while it runs, in a container of its own."""

    image: str
    command: tuple[str, ...]
    environment: dict[str, str] = {}
    working_directory: str | None = None
    """None for the image's own."""
    archive: bytes | None = None
    """A tar archive that is unpacked at the root before the command starts."""
    mounts: tuple[Mount, ...] = ()
    network: str | None = None
    gpus: bool = False
    memory_bytes: int | None = None
    timeout_s: float | None = None
    collect: tuple[str, ...] = ()
    """Absolute paths whose files are given back at the end; one that is not there gives nothing."""
    grace_s: float = 10.0
    """How long an interrupted command may take to end by itself."""


class Printed(Fields, frozen=True, kw_only=True, tag="printed"):
    """What the command printed, as it comes: pieces of no particular length."""

    stream: Literal["stdout", "stderr"]
    content: bytes


class Collected(Fields, frozen=True, kw_only=True, tag="collected"):
    """A file that the command left behind."""

    path: str
    """Absolute, in the container."""
    content: bytes


class Ended(Fields, frozen=True, kw_only=True, tag="ended"):
    """The command is over and its container is gone."""

    exit_code: int
    duration_s: float
    timed_out: bool = False
    out_of_memory: bool = False


TaskEvent = Printed | Collected | Ended


class Engine(Protocol):
    """A container engine. Every method raises EngineError when the engine does not answer."""

    def describe(self) -> str:
        """One line for a person: kind, version, where it listens."""
        ...

    def build(
        self,
        context: bytes,
        *,
        tag: str | None,
        build_arguments: Mapping[str, str],
        platform: str | None,
        network: str | None,
        pull: bool,
        no_cache: bool,
    ) -> Iterator[BuildEvent]:
        """Build a tar archive with a Dockerfile at its top. Ends in exactly one Built or Failed."""
        ...

    def inspect(self, image: str) -> ImageFacts:
        """Facts of an image by tag, id or digest. Raises EngineError when there is none."""
        ...

    def run(
        self,
        image: str,
        command: tuple[str, ...],
        *,
        environment: Mapping[str, str],
        network: str | None,
        timeout_s: float,
        entrypoint: tuple[str, ...] | None = None,
    ) -> ProcessResult:
        """Run a command in a fresh container of the image, remove the container, give back what it printed."""
        ...

    def execute(self, container: str, command: tuple[str, ...], *, environment: Mapping[str, str]) -> ProcessResult:
        """Run a command in a container that is running, beside what runs there, and give back what it printed."""
        ...

    def follow(self, task: Task) -> Iterator[TaskEvent]:
        """Run a command and yield what it prints while it runs, then its files; ends in exactly one Ended.

        A program that can't be executed ends with 126 or 127, as in a shell, and the reason on its error output.
        Closing the iterator, or Ctrl-C while it waits, interrupts the command as Ctrl-C would, and removes the
        container. Raises EngineError when the image is not there or the engine can't start it.
        """
        ...

    def label(self, image: str, labels: Mapping[str, str], *, tag: str) -> str:
        """Make an image of the same layers with these labels beside its own, under ``tag``; its id."""
        ...

    def images_labeled(self, name: str, value: str) -> tuple[str, ...]:
        """Ids of the images whose label ``name`` is ``value``, the newest first."""
        ...

    def reason_without_gpu(self) -> str | None:
        """Why containers get no GPU here; None where they can."""
        ...

    def push(self, tag: str) -> Iterator[str]:
        """Push a tag, yielding status lines. Raises EngineError when the registry refuses."""
        ...
