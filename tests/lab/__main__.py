"""Keep a laboratory running for development: ``python -m tests.lab up [IMAGE ...]`` from the checkout.

Prints shell exports (DOCKER_HOST and the site's addresses) on standard output and stays until it is interrupted.
``python -m tests.lab provide IMAGE ...`` gives a running laboratory, named by those variables, more stand-ins.
"""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys

import docker
from tests.lab.laboratory import Laboratory, LaboratoryUnavailable
from tests.lab.laboratory.images import Images
from tests.lab.laboratory.interpreters import available_versions
from tests.lab.laboratory.wheels import offer_real_torch


def main() -> int:
    """Run one of the two commands; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    parser.add_argument("command", choices=("up", "provide"))
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="stand-ins to provide, such as ubuntu:22.04")
    arguments = parser.parse_args()
    return up(arguments.images) if arguments.command == "up" else provide(arguments.images)


def up(references: list[str]) -> int:
    """Start, print the variables, wait for a signal, stop."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        laboratory = Laboratory.start()
    except LaboratoryUnavailable as reason:
        print(f"no laboratory: {reason}", file=sys.stderr)
        return 1
    try:
        for version in available_versions():
            laboratory.provide_python(version)
        offer_real_torch(laboratory.site)
        _provide(laboratory.images, references)
        for name, value in laboratory.environment().items():
            print(f"export {name}={shlex.quote(value)}", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        laboratory.stop()
    return 0


def provide(references: list[str]) -> int:
    """Give the laboratory that DOCKER_HOST and LAB_REGISTRY name more images."""
    client = docker.DockerClient(base_url=os.environ["DOCKER_HOST"], version="auto", timeout=600)
    _provide(Images(client, os.environ["LAB_REGISTRY"]), references)
    return 0


def _provide(images: Images, references: list[str]) -> None:
    for reference in references:
        if "/uv:" in reference:
            images.provide_uv(reference)
        else:
            images.provide_base(reference)
        print(f"provided {reference}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
