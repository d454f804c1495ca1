"""The laboratory as a whole: starts its parts in order, and takes them away in the reverse one."""

from __future__ import annotations

import shutil
import socket
import urllib.request
from pathlib import Path

import docker
import docker.errors
from tests.lab.laboratory import images, interpreters, leftovers
from tests.lab.laboratory.daemon import Daemon
from tests.lab.laboratory.images import Images
from tests.lab.laboratory.machine import free_port, locked_cache, require_machine
from tests.lab.laboratory.site import Site

_REGISTRY_CONFIGURATION = """\
version: 0.1
log:
  level: warn
storage:
  filesystem:
    rootdirectory: {folder}
  delete:
    enabled: true
http:
  addr: 127.0.0.1:{port}
"""


class Laboratory:
    """A private engine, registry and site. Make one with ``start()``; end it with ``stop()``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.docker_host = f"unix://{folder}/docker.sock"
        self.registry = f"127.0.0.1:{free_port()}"
        self.site = Site(folder / "site")
        self._daemons: list[Daemon] = []
        self._client: docker.DockerClient | None = None

    @classmethod
    def start(cls) -> Laboratory:
        """Start everything. Raises LaboratoryUnavailable with the reason where that can't be."""
        require_machine()
        leftovers.remove_abandoned()
        laboratory = cls(leftovers.new_folder())
        try:
            laboratory._start()
        except BaseException:
            laboratory.stop()
            raise
        return laboratory

    @property
    def client(self) -> docker.DockerClient:
        """The Docker SDK on this laboratory's engine, which has been started."""
        assert self._client is not None
        return self._client

    @property
    def images(self) -> Images:
        """What puts stand-ins where the engine finds them."""
        return Images(self.client, self.registry)

    def environment(self) -> dict[str, str]:
        """Variables for programs that should use this laboratory."""
        return {
            "DOCKER_HOST": self.docker_host,
            "LAB_REGISTRY": self.registry,
            "LAB_SITE": self.site.url,
            "PYTORCH_INDEX": self.site.pytorch_index,
            "UV_PYTHON_DOWNLOADS_JSON_URL": self.site.python_downloads,
        }

    def provide_base(self, reference: str) -> str:
        """Make ``FROM reference`` work, with a Debian behind that name. Returns the reference."""
        return self.images.provide_base(reference)

    def provide_python(self, version: str) -> str:
        """Make uv find CPython of that exact version. Returns the version."""
        self.site.add_python(version, interpreters.archive(version))
        return version

    def stop(self) -> None:
        """End the daemons and delete the folder, mounts included. May be called twice."""
        if self._client is not None:
            self._client.close()
        for daemon in reversed(self._daemons):
            daemon.stop()
        self._daemons.clear()
        self.site.stop()
        leftovers.remove_folder(self.folder)

    def _start(self) -> None:
        with locked_cache() as cache:
            seed = cache / images.seed_name()
            if seed.is_dir():
                shutil.copytree(seed, self.folder / "registry")
            self._start_registry()
            self._start_engine()
            if seed.is_dir():
                self.images.pull_base()
            else:
                self._make_base(seed)

    def _make_base(self, seed: Path) -> None:
        """Once a machine: later sessions copy the registry's folder."""
        with images.scratch_folder() as scratch:
            self.images.import_base(images.debian_root(Path(scratch)))
        unfinished = seed.with_name(f"{seed.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(self.folder / "registry", unfinished)
        unfinished.rename(seed)

    def _start_registry(self) -> None:
        configuration = self.folder / "registry.yml"
        port = int(self.registry.rpartition(":")[2])
        configuration.write_text(_REGISTRY_CONFIGURATION.format(folder=self.folder / "registry", port=port))
        registry = Daemon("registry", ["docker-registry", "serve", str(configuration)], self.folder)
        self._daemons.append(registry)
        registry.wait_until(self._registry_answers)

    def _registry_answers(self) -> bool:
        with urllib.request.urlopen(f"http://{self.registry}/v2/", timeout=5) as answer:
            return bool(answer.status == 200)

    def _start_engine(self) -> None:
        (self.folder / "daemon.json").write_text("{}")
        options = {
            "config-file": self.folder / "daemon.json",
            "data-root": self.folder / "data",
            "exec-root": self.folder / "exec",
            "pidfile": self.folder / "dockerd.pid",
            "host": self.docker_host,
            "registry-mirror": f"http://{self.registry}",
            "iptables": "false",
            "bridge": "none",
            "shutdown-timeout": "3",
        }
        engine = Daemon("dockerd", ["dockerd", *(f"--{name}={value}" for name, value in options.items())], self.folder)
        self._daemons.append(engine)
        engine.wait_until(self._engine_answers)

    def _engine_answers(self) -> bool:
        # The SDK leaves its socket open where nobody listens, so a plain one knocks first.
        with socket.socket(socket.AF_UNIX) as door:
            door.connect(str(self.folder / "docker.sock"))
        try:
            self._client = docker.DockerClient(base_url=self.docker_host, version="auto", timeout=600)
            return bool(self._client.ping())
        except docker.errors.DockerException:
            return False
