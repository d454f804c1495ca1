"""Docker's engine through its API. The only importer of the Docker SDK, and only when an engine is asked for."""

from __future__ import annotations

import io
import math
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from reprobuild.engine import BuildEvent, Built, Failed, ImageFacts, ProcessResult, Task, TaskEvent
from reprobuild.engine.context import context_archive
from reprobuild.engine.following import Following, exit_code_of_refusal
from reprobuild.engine.stream import Translator, plain_text
from reprobuild.engine.trouble import hint_for_push, unreachable
from reprobuild.errors import EngineError

if TYPE_CHECKING:
    from docker import APIClient

ANSWER_LIMIT_S = 60
"""How long an engine may take to answer a request that is no build, pull or push."""


class DockerEngine:
    """Talks to one Docker engine. Builds with the classic builder: the SDK does not speak BuildKit."""

    def __init__(self, client: APIClient, endpoint: str) -> None:
        self._client = client
        self._endpoint = endpoint

    @classmethod
    def from_environment(cls) -> DockerEngine:
        """The engine that the ``docker`` command would use: DOCKER_HOST, else the Docker context, else the default.

        Raises EngineError that says what to do when none answers or this user may not talk to it.
        """
        from docker import APIClient
        from docker.errors import DockerException

        endpoint = "the configured engine"
        try:
            options = _connection()
            # The SDK has names of its own for sockets: http+unix://.
            endpoint = str(options.get("base_url") or "unix:///var/run/docker.sock").removeprefix("http+")
            _knock(endpoint)
            client = APIClient(**options, version="auto", timeout=ANSWER_LIMIT_S)
            client.ping()
        except (DockerException, OSError) as error:
            raise unreachable(endpoint, error) from error
        return cls(client, endpoint)

    def describe(self) -> str:
        """One line for a person: kind, version, where it listens."""
        with self._answers("tell its version"):
            version = self._client.version()
        name = next((part["Name"] for part in version.get("Components") or () if part.get("Name")), "Docker Engine")
        name = "Docker Engine" if name == "Engine" else name
        return f"{name} {version.get('Version', '?')} (API {version.get('ApiVersion', '?')}) at {self._endpoint}"

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
        from docker.errors import APIError

        try:
            with self._answers("build"):
                yield from self._build(
                    context,
                    tag=tag,
                    buildargs=dict(build_arguments),
                    platform=platform,
                    network_mode=network,
                    pull=pull,
                    nocache=no_cache,
                    # A step that compiles for an hour without a word is no hung engine.
                    timeout=None,
                )
        except EngineError as error:
            # What the engine refuses outright, such as a Dockerfile it can't parse, is a failed build all the same.
            if not isinstance(error.__cause__, APIError):
                raise
            yield Failed(message=_explanation(error.__cause__))

    def inspect(self, image: str) -> ImageFacts:
        """Facts of an image by tag, id or digest. Raises EngineError when there is none."""
        with self._answers(f"inspect {image}"):
            # The SDK's stubs leave this one method untyped.
            facts: dict[str, Any] = self._client.inspect_image(image)  # type: ignore[no-untyped-call]
        return ImageFacts(
            image_id=facts["Id"],
            repo_digests=tuple(facts.get("RepoDigests") or ()),
            tags=tuple(facts.get("RepoTags") or ()),
            labels=(facts.get("Config") or {}).get("Labels") or {},
            architecture=facts.get("Architecture") or None,
            os=facts.get("Os") or None,
            size_bytes=facts.get("Size"),
        )

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
        """Run a command in a fresh container of the image, remove the container, give back what it printed.

        An empty ``entrypoint`` runs the command itself instead of the image's entrypoint. A program that is not in
        the image gives exit code 127, as ``docker run`` does. Raises EngineError when the image is not there, or
        when the command does not end in time: it is killed then.
        """
        with self._answers(f"start a container of {image}"):
            container: str = self._client.create_container(
                image,
                command=list(command),
                environment=dict(environment),
                entrypoint=None if entrypoint is None else list(entrypoint),
                host_config=self._host_config(network),
            )["Id"]
        try:
            not_started = self._start(container, f"run {' '.join(command[:1])} in {image}")
            if not_started is not None:
                return not_started
            exit_code = self._wait(container, image, timeout_s)
            with self._answers(f"give back what {image} printed"):
                stdout = self._client.logs(container, stdout=True, stderr=False)
                stderr = self._client.logs(container, stdout=False, stderr=True)
            return ProcessResult(exit_code=exit_code, stdout=stdout, stderr=stderr)
        finally:
            with self._answers("remove the container"):
                self._client.remove_container(container, force=True, v=True)

    def execute(self, container: str, command: tuple[str, ...], *, environment: Mapping[str, str]) -> ProcessResult:
        """Run a command in a container that is running, beside what runs there, and give back what it printed.

        Raises EngineError when there is no such container, or it is not running.
        """
        with self._answers(f"run {' '.join(command[:1])} in the container {container}"):
            task = self._client.exec_create(container, list(command), environment=dict(environment))["Id"]
            stdout, stderr = self._client.exec_start(task, demux=True)
            exit_code = self._client.exec_inspect(task)["ExitCode"]
        return ProcessResult(exit_code=int(exit_code or 0), stdout=stdout or b"", stderr=stderr or b"")

    def follow(self, task: Task) -> Iterator[TaskEvent]:
        """Run a command and yield what it prints while it runs, then its files; ends in exactly one Ended."""
        with self._answers(f"run {' '.join(task.command[:1])} in {task.image}"):
            yield from Following(self._client, task).events()

    def label(self, image: str, labels: Mapping[str, str], *, tag: str) -> str:
        """Make an image of the same layers with these labels beside its own, under ``tag``; its id."""
        base = self.inspect(image).image_id
        context = context_archive({"Dockerfile": f"FROM {base}\n".encode()})
        with self._answers(f"label {image}"):
            # As an argument of the build the text needs no quoting, and no line of a Dockerfile limits its length.
            for event in self._build(context, tag=tag, labels=dict(labels)):
                if isinstance(event, Built):
                    return event.image_id
                if isinstance(event, Failed):
                    raise EngineError(f"cannot label {image}: {event.message}")
        raise EngineError(f"cannot label {image}: the engine told no result")

    def _build(self, context: bytes, **options: Any) -> Iterator[BuildEvent]:
        messages = self._client.build(
            fileobj=io.BytesIO(context), custom_context=True, rm=True, forcerm=True, decode=True, **options
        )
        yield from Translator().events(messages)

    def images_labeled(self, name: str, value: str) -> tuple[str, ...]:
        """Ids of the images whose label ``name`` is ``value``, the newest first."""
        with self._answers("list its images"):
            images = self._client.images(filters={"label": [f"{name}={value}"]})
        ordered = sorted(images, key=lambda image: int(image.get("Created") or 0), reverse=True)
        return tuple(str(image["Id"]) for image in ordered)

    def reason_without_gpu(self) -> str | None:
        """Why containers get no GPU here; None where they can."""
        with self._answers("tell its runtimes"):
            facts: dict[str, Any] = self._client.info()
        devices = [str(device.get("ID")) for device in facts.get("DiscoveredDevices") or ()]
        if "nvidia" in (facts.get("Runtimes") or {}) or any(name.startswith("nvidia.com/gpu") for name in devices):
            return None
        return f"the engine at {self._endpoint} has no runtime for NVIDIA GPUs"

    def push(self, tag: str) -> Iterator[str]:
        """Push a tag, yielding status lines. Raises EngineError when the registry refuses."""
        repository, label = split_reference(tag)
        with self._answers(f"push {tag}"):
            for message in self._client.push(repository, label, stream=True, decode=True):
                if "error" in message:
                    reason = plain_text(str(message["error"]))
                    raise EngineError(f"cannot push {tag}: {reason}", hint=hint_for_push(reason))
                if message.get("status") and not message.get("progressDetail"):
                    layer = f"{message['id']}: " if message.get("id") else ""
                    yield plain_text(f"{layer}{message['status']}")

    def remove(self, image: str) -> None:
        """Remove an image or a tag of it. Raises EngineError when there is none."""
        with self._answers(f"remove {image}"):
            self._client.remove_image(image, force=True)

    def _host_config(self, network: str | None) -> dict[str, Any]:
        # The engine's own default may rotate a log away or send it where it can't be read back.
        options: dict[str, Any] = {"log_config": {"Type": "json-file", "Config": {}}}
        if network:
            options["network_mode"] = network
        return dict(self._client.create_host_config(**options))

    def _start(self, container: str, task: str) -> ProcessResult | None:
        """Start the container; a result only where the program can't be executed."""
        from docker.errors import APIError

        try:
            with self._answers(task):
                self._client.start(container)
        except EngineError as error:
            reason = _explanation(error.__cause__) if isinstance(error.__cause__, APIError) else ""
            exit_code = exit_code_of_refusal(reason)
            if exit_code is None:
                raise
            return ProcessResult(exit_code=exit_code, stdout=b"", stderr=f"{reason}\n".encode())
        return None

    def _wait(self, container: str, image: str, timeout_s: float) -> int:
        from requests.exceptions import RequestException

        with self._answers(f"wait for {image}"):
            try:
                return int(self._client.wait(container, timeout=math.ceil(timeout_s))["StatusCode"])
            except RequestException as error:
                if not _is_running(self._client, container):
                    raise
                raise EngineError(
                    f"the command in {image} did not end within {timeout_s:g} s, and was killed",
                    hint="run it by hand with 'docker run' to see what it waits for",
                ) from error

    @contextmanager
    def _answers(self, task: str) -> Iterator[None]:
        """Turn every way in which the SDK fails into one EngineError."""
        from docker.errors import APIError, DockerException, ImageNotFound
        from requests.exceptions import RequestException
        from urllib3.exceptions import HTTPError

        try:
            yield
        except ImageNotFound as error:
            hint = "'docker images' lists the images that are there; pull or build it first"
            raise EngineError(f"cannot {task}: no such image in {self._endpoint}", hint=hint) from error
        except APIError as error:
            raise EngineError(f"the engine cannot {task}: {_explanation(error)}") from error
        except (DockerException, RequestException, HTTPError, OSError) as error:
            reason = plain_text(str(error).replace("\n", " "))
            hint = "see whether it is still running: docker info"
            raise EngineError(f"lost {self._endpoint} on the way to {task}: {reason}", hint=hint) from error


def split_reference(reference: str) -> tuple[str, str]:
    """Repository and tag of an image reference; the tag is ``latest`` where none is given."""
    repository, colon, tag = reference.rpartition(":")
    if not colon or "/" in tag:
        return reference, "latest"
    return repository, tag


def _connection() -> dict[str, Any]:
    """Arguments of APIClient for DOCKER_HOST, else for the current Docker context, else for the default socket."""
    from docker.context import ContextAPI
    from docker.utils import kwargs_from_env

    named = os.environ.get("DOCKER_CONTEXT")
    if os.environ.get("DOCKER_HOST"):
        return dict(kwargs_from_env())
    context = ContextAPI.get_context(named)
    if context is None:
        raise EngineError(
            f"there is no Docker context {named!r}" if named else "the current Docker context does not exist",
            hint="'docker context ls' lists them; choose one with 'docker context use NAME' or DOCKER_CONTEXT",
        )
    options = {"base_url": context.Host, "tls": context.TLSConfig}
    return {name: value for name, value in options.items() if value}


def _knock(endpoint: str) -> None:
    """Raise OSError where nobody listens on a Unix socket; the SDK says it less plainly and leaves the socket open."""
    if endpoint.startswith("unix://") and hasattr(socket, "AF_UNIX"):
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(ANSWER_LIMIT_S)
            door.connect(endpoint.removeprefix("unix://"))


def _explanation(error: Any) -> str:
    """The engine's own words in an APIError, on one line."""
    return plain_text(str(error.explanation or error).replace("\n", " ")).strip()


def _is_running(client: APIClient, container: str) -> bool:
    return bool(client.inspect_container(container)["State"]["Running"])
