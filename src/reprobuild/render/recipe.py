"""What ``render`` gives back: a build context in memory, and the defaults that can be set in it."""

from __future__ import annotations

from urllib.parse import urlsplit

import msgspec

from reprobuild.errors import UsageError
from reprobuild.plan import CONDA_CHANNELS, CONDA_DEFAULTS

PYTORCH_INDEX = "https://download.pytorch.org/whl"
"""Parent of the folders of PyTorch's wheel index."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """A build context that works with a plain ``docker build``."""

    files: dict[str, bytes]
    """Relative POSIX path to content."""

    @property
    def dockerfile(self) -> str:
        """Text of the Dockerfile."""
        return self.files["Dockerfile"].decode("utf-8")


class RecipeDefaults(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults of the Dockerfile's build arguments. None leaves the tool's own default in force."""

    pytorch_index: str = PYTORCH_INDEX
    """In place of https://download.pytorch.org/whl; the folders below it keep their names."""
    index_url: str | None = None
    """In place of the installers' default index."""
    python_downloads: str | None = None
    """Table of CPython builds for uv."""
    conda_channels: str = CONDA_CHANNELS
    """In place of https://conda.anaconda.org; the channels below it keep their names."""
    conda_defaults: str = CONDA_DEFAULTS
    """In place of https://repo.anaconda.com/pkgs."""

    def build_arguments(self) -> tuple[tuple[str, str | None], ...]:
        """Name and default of every build argument, in the order of the Dockerfile.

        Raises UsageError for text that is no plain URL. One with credentials is refused too: a Dockerfile is
        meant to be shared, so they go into ``--build-arg`` at build time.
        """
        for option, value in (
            ("--pytorch-index", self.pytorch_index),
            ("--index-url", self.index_url),
            ("--python-downloads", self.python_downloads),
            ("--conda-channels", self.conda_channels),
            ("--conda-defaults", self.conda_defaults),
        ):
            _check_url(option, value)
        return (
            ("PYTORCH_INDEX", self.pytorch_index.rstrip("/")),
            ("UV_DEFAULT_INDEX", self.index_url),
            ("PIP_INDEX_URL", self.index_url),
            ("UV_PYTHON_DOWNLOADS_JSON_URL", self.python_downloads),
            ("UV_PYTHON_INSTALL_MIRROR", None),
        )

    def conda_arguments(self) -> tuple[tuple[str, str], ...]:
        """Likewise, of the build arguments that only a conda environment needs. Checked by ``build_arguments``."""
        return (
            ("CONDA_CHANNEL_ALIAS", self.conda_channels.rstrip("/")),
            ("CONDA_DEFAULTS", self.conda_defaults.rstrip("/")),
        )


def _check_url(option: str, value: str | None) -> None:
    if value is None:
        return
    try:
        parts = urlsplit(value)
    except ValueError:
        raise UsageError(f"{option}: this is not a URL") from None
    if not value.isascii() or any(not character.isprintable() or character in " \"'\\`<>$" for character in value):
        raise UsageError(f"{option}: this is not a URL")
    if parts.scheme not in ("http", "https", "file") and not value.startswith("/"):
        raise UsageError(f"{option}: the URL must begin with https://, http:// or file://")
    if parts.username is not None or parts.password is not None:
        raise UsageError(
            f"{option}: the URL holds credentials, and a Dockerfile is no place for them",
            hint="leave them out here and pass the whole URL as a build argument when you build",
        )
