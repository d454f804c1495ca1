"""What a user may ask of the planner: values only, checked before anything is planned."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from reprobuild.errors import RecordError, UsageError
from reprobuild.plan import Platform
from reprobuild.planner import grammar
from reprobuild.snapshot import GpuFacts

Flavor = Literal["auto", "slim", "runtime", "devel"]
"""``auto`` carries the recorded CUDA and cuDNN; ``slim`` leaves them to the wheels; ``devel`` adds nvcc."""

Via = Literal["auto", "conda", "pip"]
"""What installs a conda run: ``auto`` is conda where the record tells the environment, else wheels by ``pip``."""

_REFERENCE = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9.-]{0,200}[a-z0-9])?(?::[0-9]{1,5})?/)?"  # registry
    r"[a-z0-9]+(?:[._/-]{1,2}[a-z0-9]+){0,20}"  # repository
    r"(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?"  # tag
    r"(?:@sha256:[0-9a-f]{64})?"
)
_REPOSITORY = re.compile(r"(?:https?|git|file)://[A-Za-z0-9._~!*+,=:@%/-]{1,1000}")
_GPU = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ()/._+-]{1,99}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_APT_PACKAGE = re.compile(r"[a-z0-9][a-z0-9+.-]{0,127}(?:=[A-Za-z0-9.+:~-]{1,127})?")
_PYTHON = re.compile(r"[23]\.[0-9]{1,2}\.[0-9]{1,2}(?:(?:a|b|rc)[0-9]{1,2})?")


RECORDED = "recorded"
"""What ``--with-source`` says in place of a URL when the repository that the record names is meant."""


class PlanOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Choices of the user that bind the plan. Raises UsageError for a value that can't stand in a recipe.

    Mirrors, proxies and certificates are no part of a plan: the same plan builds behind any of them.
    """

    platform: Platform | None = None
    """Where the image runs; None takes the recorded architecture."""
    flavor: Flavor = "auto"
    base: str | None = None
    """An image reference in place of the planner's choice."""
    base_digest: str | None = None
    """``sha256:<hex>`` that pins the base, whoever chose it."""
    uv_image: str | None = None
    """The image that uv is copied from, in place of the catalog's."""
    via: Via = "auto"
    micromamba_image: str | None = None
    """The image that micromamba is copied from, in place of the catalog's."""
    extra_apt: tuple[str, ...] = ()
    """Packages of the operating system to install besides."""
    python: str | None = None
    """X.Y.Z, for a record that does not tell its Python or tells it wrongly."""
    gpu: str | None = None
    """The GPU that the image shall run on, as drivers call it."""
    host: GpuFacts | None = None
    """GPUs and driver of the machine that the image shall run on."""
    rescue: bool = False
    """Take the same torch for another CUDA where the recorded build does not run there."""
    package_indexes: tuple[tuple[str, str], ...] = ()
    """Names of packages and the index that each of them is on, where that is not the default one."""
    same_family: bool = False
    """Stay with the recorded family of distributions (Red Hat's) rather than Ubuntu."""
    with_source: str | None = None
    """URL of the repository that the run's code is checked out from, or ``recorded`` for the record's own."""
    strict: bool = False
    """Refuse a plan that is not exact, listing everything that is not."""

    def __post_init__(self) -> None:
        _check(self.base, _REFERENCE, "--base", "an image reference such as ubuntu:22.04")
        _check(self.base_digest, _DIGEST, "--base-digest", "sha256: and 64 hexadecimal digits")
        _check(self.uv_image, _REFERENCE, "--uv-image", "an image reference")
        _check(self.micromamba_image, _REFERENCE, "--micromamba-image", "an image reference")
        _check(self.python, _PYTHON, "--python", "a full version such as 3.10.12")
        _check_repository(self.with_source)
        _check(self.gpu, _GPU, "--gpu", "a GPU's name such as 'NVIDIA GeForce RTX 3090'")
        for name, url in self.package_indexes:
            _check_index(name, url)
        for package in self.extra_apt:
            _check(package, _APT_PACKAGE, "--apt", "the name of a Debian package, or name=version")


def _check_repository(value: str | None) -> None:
    if value is None or value == RECORDED:
        return
    if re.match(r"(?:ssh://|[A-Za-z0-9._-]+@[A-Za-z0-9.-]+:)", value[:300]):
        raise UsageError(
            "--with-source: a build has no keys for a secure shell",
            hint="name the repository's https:// address, or 'recorded' for the record's own",
        )
    if "@" in value.partition("://")[2].partition("/")[0]:
        raise UsageError(
            "--with-source: the URL holds credentials, and a Dockerfile is no place for them",
            hint="leave them out here, and build with --build-arg SOURCE_REPOSITORY=URL",
        )
    _check(value, _REPOSITORY, "--with-source", "the URL of a repository, or the word 'recorded'")


def _check_index(name: str, url: str) -> None:
    try:
        grammar.project_name(name, "NAME")
        grammar.url(url, "URL", grammar.WEB_SCHEMES)
    except RecordError as error:
        raise UsageError(f"--package-index: {error}", hint="--package-index NAME=https://host/simple") from None
    if "@" in urlsplit(url).netloc:
        raise UsageError(
            "--package-index: the URL holds credentials, which would be written into the recipe",
            hint="leave them out, and let the build find them in a netrc file or a mirror",
        )


def _check(value: str | None, grammar: re.Pattern[str], option: str, expected: str) -> None:
    if value is not None and (len(value) > 512 or not grammar.fullmatch(value)):
        raise UsageError(f"{option}: {value[:60]!a} is not {expected}")
