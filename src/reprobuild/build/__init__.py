"""A recipe to an image: checks first, then the build with live events, then either a result or a readable failure."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import msgspec

from reprobuild.build.certificates import GIVEN_CERTIFICATES, read_certificates
from reprobuild.build.failures import Diagnosis, diagnose
from reprobuild.build.secrets import Redaction
from reprobuild.build.steps import step_descriptions, step_title
from reprobuild.engine import BuildEvent, Built, CacheHit, Engine, Failed, Output, StepStarted
from reprobuild.engine.context import context_archive
from reprobuild.errors import BuildError, UsageError

if TYPE_CHECKING:
    from reprobuild.render import Recipe

__all__ = ["BuildFailed", "BuildOptions", "BuildResult", "BuildWarning", "build", "step_descriptions"]

KEPT_LINES = 200
"""How much of a step's output is kept to tell why it failed."""

_TAG = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::[0-9]{1,5})?/)?"
    r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?"
)
_ARGUMENT_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PLATFORM = re.compile(r"[a-z0-9]+/[a-z0-9]+(?:/[a-z0-9]+)?")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Fields(msgspec.Struct, frozen=True):
    """Base of this module's values."""


class BuildOptions(Fields, frozen=True, kw_only=True):
    """What a user may choose for a build. Nothing of it changes the recipe."""

    tag: str | None = None
    build_arguments: dict[str, str] = {}
    """Mirrors, proxies and the user's own. May hold credentials: they are struck out of everything reported."""
    ca_certificate: Path | None = None
    """PEM file to trust during the build; it does not stay in the image."""
    network: str | None = None
    """Network mode of the steps, such as ``host``; None is the engine's default."""
    platform: str | None = None
    """``linux/amd64``; None is the engine's own."""
    pull: bool = False
    """Ask the registry for a newer base even where the engine has the tag."""
    no_cache: bool = False
    push: bool = False


class BuildWarning(Fields, frozen=True, kw_only=True):
    """Something that will probably go wrong, or that the user should know of the result."""

    message: str
    hint: str | None = None


class BuildResult(Fields, frozen=True, kw_only=True):
    """A built image."""

    image_id: str
    """``sha256:<hex>``"""
    tag: str | None
    platform: str | None
    """What the engine says of the image, such as ``linux/amd64``."""
    size_bytes: int | None
    steps: int
    cached_steps: int
    """How many of the steps came from the engine's layer cache."""
    pushed: bool = False


class BuildFailed(BuildError):
    """A step failed. Besides the line and the hint: the step, the end of its output, and the cause's stable name."""

    def __init__(
        self, diagnosis: Diagnosis, *, step: StepStarted | None, title: str | None, output: tuple[str, ...]
    ) -> None:
        place = "the build" if step is None else f"step {step.number}/{step.total}"
        named = f" ({title})" if title else ""
        super().__init__(f"{place}{named} failed: {diagnosis.cause}", hint=diagnosis.hint)
        self.diagnosis = diagnosis
        self.step = step
        self.output = output


def _ignore(_: BuildEvent) -> None:
    """Nobody listens."""


def build(
    recipe: Recipe, engine: Engine, options: BuildOptions, on_event: Callable[[BuildEvent], None] = _ignore
) -> BuildResult:
    """Build ``recipe``, telling ``on_event`` of every event, and push it if asked to.

    Raises UsageError for options that can't be, before anything is sent; BuildFailed for a failed step; BuildError
    when the engine built for another platform; EngineError when the engine stops answering or a push is refused.
    """
    check_options(options)
    files = dict(recipe.files)
    if options.ca_certificate is not None:
        files[GIVEN_CERTIFICATES] = read_certificates(options.ca_certificate)
    watch = _Watch(step_descriptions(recipe.dockerfile), Redaction.of_arguments(options.build_arguments), on_event)
    for event in engine.build(
        context_archive(files),
        tag=options.tag,
        build_arguments=options.build_arguments,
        platform=options.platform,
        network=options.network,
        pull=options.pull,
        no_cache=options.no_cache,
    ):
        watch.see(event)
    result = _finished(watch, engine, options)
    if options.push and options.tag is not None:
        for line in engine.push(options.tag):
            on_event(Output(text=line))
        result = msgspec.structs.replace(result, pushed=True)
    return result


def check_options(options: BuildOptions) -> None:
    """Raise UsageError for a value that no engine takes."""
    if options.tag is not None and not _TAG.fullmatch(options.tag):
        hint = "a tag is lower-case words with an optional registry in front and :version behind: registry/name:1.0"
        raise UsageError(f"--tag: {options.tag!r} is no image name", hint=hint)
    if options.push and options.tag is None:
        raise UsageError("--push needs a name to push to", hint="add --tag REGISTRY/NAME:VERSION")
    if options.platform is not None and not _PLATFORM.fullmatch(options.platform):
        raise UsageError(f"--platform: {options.platform!r} is not of the form linux/amd64")
    for name, value in options.build_arguments.items():
        if not _ARGUMENT_NAME.fullmatch(name):
            raise UsageError(f"--build-arg: {name!r} is not a name of a build argument", hint="NAME=VALUE")
        if not value.isprintable():
            raise UsageError(f"--build-arg: the value of {name} holds a line feed or a control character")


def foreseen(options: BuildOptions) -> tuple[BuildWarning, ...]:
    """What will probably go wrong: addresses of this machine that a build step can't reach from its own network."""
    if options.network == "host":
        return ()
    local = sorted(name for name, value in options.build_arguments.items() if _host(value) in _LOOPBACK)
    return tuple(
        BuildWarning(
            message=f"{name} points at this machine's loopback, which the build's own network does not reach",
            hint="add --network host, or give an address that containers reach",
        )
        for name in local
        if name.upper() != "NO_PROXY"
    )


class _Watch:
    """Follows a build: what ran, what was cached, and what the running step said last."""

    def __init__(
        self, descriptions: tuple[str | None, ...], redaction: Redaction, on_event: Callable[[BuildEvent], None]
    ) -> None:
        self.steps = 0
        self.cached_steps = 0
        self.outcome: Built | Failed | None = None
        self._step: StepStarted | None = None
        self._output: deque[str] = deque(maxlen=KEPT_LINES)
        self._descriptions = descriptions
        self._redaction = redaction
        self._on_event = on_event

    def see(self, event: BuildEvent) -> None:
        """Take note of an event and pass it on without its secrets."""
        event = self._redaction.applied(event)
        match event:
            case StepStarted():
                self.steps += 1
                self._step = event
                self._output.clear()
            case CacheHit():
                self.cached_steps += 1
            case Output():
                self._output.append(event.text)
            case Built() | Failed():
                self.outcome = event
            case _:
                pass
        self._on_event(event)

    def failure(self, failed: Failed) -> BuildFailed:
        """The error for a build that ended in ``failed``."""
        output = tuple(self._output)
        return BuildFailed(
            diagnose(failed.message, output, failed.exit_code),
            step=self._step,
            title=step_title(self._step, self._descriptions) if self._step is not None else None,
            output=output,
        )


def _finished(watch: _Watch, engine: Engine, options: BuildOptions) -> BuildResult:
    match watch.outcome:
        case Failed() as failed:
            raise watch.failure(failed)
        case None:
            raise BuildError("the engine stopped in the middle of the build", hint="build again; 'docker info' first")
        case Built(image_id=image_id):
            facts = engine.inspect(image_id)
    platform = f"{facts.os}/{facts.architecture}" if facts.os and facts.architecture else None
    wanted = options.platform
    # The classic builder takes a local base of another architecture without a word.
    if wanted and platform and not f"{wanted}/".startswith(f"{platform}/"):
        raise BuildError(
            f"the engine built for {platform} in place of {wanted}, because its copy of the base is for {platform}",
            hint="add --pull to fetch the base for that platform; the engine needs its emulator (binfmt) too",
        )
    return BuildResult(
        image_id=image_id,
        tag=options.tag,
        platform=platform,
        size_bytes=facts.size_bytes,
        steps=watch.steps,
        cached_steps=watch.cached_steps,
    )


def _host(value: str) -> str | None:
    try:
        return urlsplit(value).hostname
    except ValueError:
        return None
