"""An engine without containers: it remembers what it was asked, and answers as it was told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from reprobuild.engine import (
    BuildEvent,
    Built,
    CacheHit,
    Ended,
    Failed,
    Fields,
    ImageFacts,
    ProcessResult,
    StepStarted,
    Task,
    TaskEvent,
)
from reprobuild.engine.context import read_archive
from reprobuild.errors import EngineError


class BuildRequest(Fields, frozen=True, kw_only=True):
    """One build that was asked for."""

    files: dict[str, bytes]
    """The context's files by path."""
    tag: str | None
    build_arguments: dict[str, str]
    platform: str | None
    network: str | None
    pull: bool
    no_cache: bool


class RunRequest(Fields, frozen=True, kw_only=True):
    """One process that was asked for."""

    image: str
    command: tuple[str, ...]
    environment: dict[str, str]
    network: str | None
    timeout_s: float
    entrypoint: tuple[str, ...] | None


Responder = Callable[[RunRequest], ProcessResult]
Follower = Callable[[Task], Sequence[TaskEvent]]


def _silence(_: RunRequest) -> ProcessResult:
    return ProcessResult(exit_code=0, stdout=b"", stderr=b"")


def _nothing(_: Task) -> Sequence[TaskEvent]:
    return [Ended(exit_code=0, duration_s=0.0)]


class FakeEngine:
    """Implements Engine. ``events`` replaces what a build reports; ``respond`` is what a container prints.

    Without ``events`` a build walks through the Dockerfile's instructions and ends in an image whose id is the
    digest of the context, so that the same context gives the same image; the second time all of it is cached.
    """

    def __init__(
        self,
        *,
        events: Sequence[BuildEvent] | None = None,
        images: Mapping[str, ImageFacts] | None = None,
        respond: Responder = _silence,
        follow: Follower = _nothing,
        push_refusal: str | None = None,
    ) -> None:
        self.builds: list[BuildRequest] = []
        self.runs: list[RunRequest] = []
        self.tasks: list[Task] = []
        self.pushed: list[str] = []
        self.images: dict[str, ImageFacts] = dict(images or {})
        self._events = events
        self._respond = respond
        self._follow = follow
        self._push_refusal = push_refusal

    def describe(self) -> str:
        """One line for a person."""
        return "fake engine, which builds and runs nothing"

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
        """Remember the request and report the events."""
        request = BuildRequest(
            files=read_archive(context),
            tag=tag,
            build_arguments=dict(build_arguments),
            platform=platform,
            network=network,
            pull=pull,
            no_cache=no_cache,
        )
        self.builds.append(request)
        image_id = f"sha256:{hashlib.sha256(context).hexdigest()}"
        events = self._events if self._events is not None else self._walk(request, image_id)
        for event in events:
            if isinstance(event, Built):
                facts = ImageFacts(image_id=event.image_id, architecture="amd64", os="linux")
                self.images.update({name: facts for name in (event.image_id, tag) if name})
            yield event

    def inspect(self, image: str) -> ImageFacts:
        """Facts of an image that was given or built."""
        if image not in self.images:
            raise EngineError(f"cannot inspect {image}: no such image")
        return self.images[image]

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
        """Remember the request and answer what ``respond`` says."""
        self.inspect(image)
        request = RunRequest(
            image=image,
            command=command,
            environment=dict(environment),
            network=network,
            timeout_s=timeout_s,
            entrypoint=entrypoint,
        )
        self.runs.append(request)
        return self._respond(request)

    def execute(self, container: str, command: tuple[str, ...], *, environment: Mapping[str, str]) -> ProcessResult:
        """Remember the request under the container's name, and answer what ``respond`` says."""
        request = RunRequest(
            image=container, command=command, environment=dict(environment), network=None, timeout_s=0, entrypoint=None
        )
        self.runs.append(request)
        return self._respond(request)

    def follow(self, task: Task) -> Iterator[TaskEvent]:
        """Remember the task and report what ``follow`` says."""
        self.inspect(task.image)
        self.tasks.append(task)
        yield from self._follow(task)

    def label(self, image: str, labels: Mapping[str, str], *, tag: str) -> str:
        """The same facts under another id, with the labels."""
        facts = self.inspect(image)
        text = repr((facts.image_id, sorted(labels.items())))
        image_id = f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"
        labeled = msgspec.structs.replace(facts, image_id=image_id, labels={**facts.labels, **labels})
        self.images.update({image_id: labeled, tag: labeled})
        return image_id

    def images_labeled(self, name: str, value: str) -> tuple[str, ...]:
        """Of the images that were given or built, each once."""
        found = (facts.image_id for facts in self.images.values() if facts.labels.get(name) == value)
        return tuple(dict.fromkeys(found))

    def reason_without_gpu(self) -> str | None:
        """There is none."""
        return "the fake engine has no GPU"

    def push(self, tag: str) -> Iterator[str]:
        """Remember the tag, or refuse it."""
        self.inspect(tag)
        if self._push_refusal is not None:
            raise EngineError(f"cannot push {tag}: {self._push_refusal}")
        self.pushed.append(tag)
        yield f"pushed {tag}"

    def _walk(self, request: BuildRequest, image_id: str) -> list[BuildEvent]:
        dockerfile = request.files.get("Dockerfile")
        if dockerfile is None:
            return [Failed(message="Cannot locate specified Dockerfile: Dockerfile")]
        joined = dockerfile.decode().replace("\\\n", " ").splitlines()
        instructions = [line for line in joined if line.strip() and not line.lstrip().startswith("#")]
        cached = image_id in self.images and not request.no_cache
        events: list[BuildEvent] = []
        for number, instruction in enumerate(instructions, start=1):
            events.append(StepStarted(number=number, total=len(instructions), instruction=instruction))
            if cached:
                events.append(CacheHit())
        return [*events, Built(image_id=image_id)]
