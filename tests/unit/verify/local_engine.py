"""An engine whose containers are this machine: it runs commands for real, with one virtual environment on the PATH."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from reprobuild.engine import (
    BuildEvent,
    Collected,
    Ended,
    Failed,
    ImageFacts,
    Printed,
    ProcessResult,
    Task,
    TaskEvent,
)
from reprobuild.errors import EngineError

IMAGE_ID = "sha256:" + "1" * 64


class LocalEngine:
    """Takes the folder of a virtual environment for an image. Implements the Engine protocol."""

    def __init__(self, labels: Mapping[str, str] | None = None) -> None:
        self.labels = dict(labels or {})
        self._inspected = ""

    def describe(self) -> str:
        """As the protocol has it."""
        return "this machine"

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
        """This machine builds nothing."""
        yield Failed(message="this engine builds nothing")

    def inspect(self, image: str) -> ImageFacts:
        """A folder that is there has an id and the labels of the constructor; the id names the last one asked for."""
        image = self._folder(image)
        if not Path(image).is_dir():
            raise EngineError(f"no such image: {image}")
        self._inspected = image
        return ImageFacts(image_id=IMAGE_ID, labels=self.labels, architecture="amd64", os="linux")

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
        """Run it with the environment's programs and the shell's, and nothing else on the PATH."""
        path = f"{self._folder(image)}/bin:/nonexistent"
        finished = subprocess.run(
            [*(entrypoint or ()), *command],
            env={"PATH": path, "HOME": "/", **environment},
            cwd="/",
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=timeout_s,
        )
        return ProcessResult(exit_code=finished.returncode, stdout=finished.stdout, stderr=finished.stderr)

    def execute(self, container: str, command: tuple[str, ...], *, environment: Mapping[str, str]) -> ProcessResult:
        """A container that is running is the same folder."""
        return self.run(container, command, environment=environment, network=None, timeout_s=60)

    def follow(self, task: Task) -> Iterator[TaskEvent]:
        """Unpack the archive into a folder that stands for the container's root, and run the command there."""
        with tempfile.TemporaryDirectory() as root:
            if task.archive is not None:
                with tarfile.open(fileobj=io.BytesIO(task.archive)) as tar:
                    tar.extractall(root, filter="data")
            folder = Path(root) / (task.working_directory or "/").lstrip("/")
            finished = subprocess.run(
                task.command,
                env={"PATH": f"{self._folder(task.image)}/bin:/usr/bin:/bin", "HOME": root, **task.environment},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=task.timeout_s,
            )
            yield Printed(stream="stdout", content=finished.stdout)
            yield Printed(stream="stderr", content=finished.stderr)
            for path in task.collect:
                place = Path(root) / path.lstrip("/")
                for found in [place] if place.is_file() else sorted(place.rglob("*")):
                    if found.is_file():
                        yield Collected(path=f"/{found.relative_to(root).as_posix()}", content=found.read_bytes())
            yield Ended(exit_code=finished.returncode, duration_s=0.0)

    def _folder(self, image: str) -> str:
        return self._inspected if image == IMAGE_ID else image

    def label(self, image: str, labels: Mapping[str, str], *, tag: str) -> str:
        """Folders have no labels."""
        raise EngineError("this engine labels nothing")

    def images_labeled(self, name: str, value: str) -> tuple[str, ...]:
        """This machine lists no folders."""
        return ()

    def reason_without_gpu(self) -> str | None:
        """Tests need none."""
        return "this machine lends no GPU"

    def push(self, tag: str) -> Iterator[str]:
        """This machine pushes nothing."""
        raise EngineError("this engine pushes nothing")
        yield os.devnull
