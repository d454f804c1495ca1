"""How a recipe makes a conda environment: the file that micromamba reads, and the words of its command."""

from __future__ import annotations

import re

import msgspec

from reprobuild.errors import PlanError
from reprobuild.plan import CONDA_CHANNELS, CONDA_DEFAULTS, CondaEnvironment
from reprobuild.planner.conda_channels import name_of
from reprobuild.render.interpreter import CONDA_FOLDER
from reprobuild.render.quoting import comment, image_reference, shell_word

_URL = re.compile(
    r"https?://[A-Za-z0-9._~:/!*+,=@%-]{1,1000}/(?:noarch|linux-[a-z0-9]+)/[A-Za-z0-9._+!%-]{1,300}"
    r"\.(?:conda|tar\.bz2)(?:#(?:[0-9a-f]{32}|sha256:[0-9a-f]{64}))?"
)
_SPEC = re.compile(
    r"_?[A-Za-z0-9][A-Za-z0-9._-]{0,127}(?:=[A-Za-z0-9._+!]{1,128}|==[A-Za-z0-9._+!]{1,128}=[A-Za-z0-9._+*]{1,128})?"
)
_CUDA = re.compile(r"[0-9]{1,3}\.[0-9]{1,3}")

ROOT = "/opt/micromamba"
"""Where micromamba keeps what it downloads; emptied in the same step."""


class CondaView(msgspec.Struct, frozen=True, kw_only=True):
    """What ``python/conda.j2`` shows."""

    image: str
    file: str
    """In the context."""
    arguments: tuple[tuple[str, str], ...]
    """Build arguments with their defaults: where the channels are."""
    commands: tuple[tuple[str, ...], ...]
    """micromamba's, and what stands around it: the words of each, one to a line."""


CONDA_FILES = ("conda/explicit.txt", "conda/specs.txt")
"""Where the file may lie in the context that names the packages: as URLs, or by name, version and build."""


def conda_file_path(conda: CondaEnvironment) -> str:
    """The one of ``CONDA_FILES`` that the environment has."""
    return CONDA_FILES[0] if conda.explicit else CONDA_FILES[1]


def conda_file(conda: CondaEnvironment) -> bytes:
    """Text of that file. Raises PlanError for a line that is not one package."""
    pattern = _URL if conda.explicit else _SPEC
    for package in conda.packages:
        if not pattern.fullmatch(package.line):
            raise PlanError(f"the plan holds {package.line[:80]!r} where a conda package belongs")
    title = "conda's packages, as micromamba reads them: "
    title += "the URL of each with its checksum." if conda.explicit else "name, version and build of each."
    head = [comment(title), *(["@EXPLICIT"] if conda.explicit else [])]
    return "\n".join([*head, *(package.line for package in conda.packages), ""]).encode("ascii")


def conda_view(conda: CondaEnvironment, arguments: tuple[tuple[str, str], ...]) -> CondaView:
    """The command and what stands around it. Raises PlanError for text that can't stand in it."""
    path = conda_file_path(conda)
    variables = f"CONDA_OVERRIDE_CUDA={_cuda(conda.cuda)} " if conda.cuda else ""
    words: list[str] = [f"{variables}micromamba create --yes --no-rc --always-copy"]
    words.append(f"--root-prefix {ROOT} --prefix {CONDA_FOLDER}")
    preparation: tuple[tuple[str, ...], ...] = ()
    file = f"/opt/recipe/{path}"
    if conda.explicit:
        # The file names the public addresses, whatever they are reached by.
        preparation = (("sed", *_to_mirrors(), f"{file} > /tmp/explicit.txt"),)
        file = "/tmp/explicit.txt"  # noqa: S108 - a path in the image, not on this machine
    else:
        words.append("--override-channels")
        words += [f"--channel {_channel(url)}" for url in conda.channels]
        words += [] if conda.resolve_dependencies else ["--no-deps"]
    words.append(f"--file {file}")
    return CondaView(
        image=image_reference(conda.micromamba_image),
        file=path,
        arguments=arguments,
        commands=(
            *preparation,
            tuple(words),
            ("sed --in-place", *_from_mirrors(), f"{CONDA_FOLDER}/conda-meta/*.json"),
            # Packages have the modes that their builders' machines gave them, and the image is not run by root.
            (f"chmod --recursive a+rX {CONDA_FOLDER}",),
            (f"rm -rf {ROOT}",),
        ),
    )


def conda_origin(conda: CondaEnvironment) -> str:
    """Where the packages come from, for a reader: the recorded URLs, or the channels by their names."""
    if conda.explicit:
        return "the recorded URLs"
    return ", ".join(name_of(url) for url in conda.channels)


def _cuda(text: str) -> str:
    if not _CUDA.fullmatch(text):
        raise PlanError(f"the plan holds {text[:80]!r} where a CUDA version belongs")
    return text


def _channel(url: str) -> str:
    """The address of a channel, quoted; below a public parent it follows the build argument."""
    for parent, argument in ((CONDA_CHANNELS, "CONDA_CHANNEL_ALIAS"), (CONDA_DEFAULTS, "CONDA_DEFAULTS")):
        rest = url.removeprefix(f"{parent}/")
        if rest != url:
            return f'"${{{argument}}}"/{shell_word(rest)}'
    return shell_word(url)


def _to_mirrors() -> tuple[str, ...]:
    return (
        f'--expression "s|^{CONDA_CHANNELS}/|${{CONDA_CHANNEL_ALIAS}}/|"',
        f'--expression "s|^{CONDA_DEFAULTS}/|${{CONDA_DEFAULTS}}/|"',
    )


def _from_mirrors() -> tuple[str, ...]:
    """The installed packages' own notes name the public addresses: the same image behind any mirror."""
    return (
        f'--expression "s|${{CONDA_CHANNEL_ALIAS}}/|{CONDA_CHANNELS}/|g"',
        f'--expression "s|${{CONDA_DEFAULTS}}/|{CONDA_DEFAULTS}/|g"',
    )
