"""Options that several commands share, and the values they turn into.

A command calls ``add_...`` in its ``configure`` and the function of the matching name in its ``run``. What the
command line leaves open is looked up by ``reprobuild.settings``: environment, project file, user file.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from reprobuild.cli import console
from reprobuild.errors import UsageError
from reprobuild.settings import (
    CATALOG_SETTINGS,
    NETWORK_SETTINGS,
    PLAN_SETTINGS,
    REFRESH_SETTINGS,
    TEMPLATE_SETTINGS,
    Found,
    Setting,
    mistaken_variables,
    resolve,
    stored_layers,
)

if TYPE_CHECKING:
    from reprobuild.catalog import Catalog
    from reprobuild.plan import Platform
    from reprobuild.planner.options import PlanOptions
    from reprobuild.snapshot import GpuFacts, Snapshot

PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "ALL_PROXY", "NO_PROXY")
"""Build arguments that Docker predefines, in either case: they reach each step and never stay in the image."""

MIRROR_ARGUMENTS = {
    "pytorch-index": ("PYTORCH_INDEX",),
    "index-url": ("UV_DEFAULT_INDEX", "PIP_INDEX_URL"),
    "python-downloads": ("UV_PYTHON_DOWNLOADS_JSON_URL",),
    "conda-channels": ("CONDA_CHANNEL_ALIAS",),
    "conda-defaults": ("CONDA_DEFAULTS",),
}
"""The build arguments that each mirror setting fills in."""


class NetworkOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a build reaches the network. Everything here goes into the build, nothing into the Dockerfile."""

    pytorch_index: str | None = None
    index_url: str | None = None
    python_downloads: str | None = None
    conda_channels: str | None = None
    conda_defaults: str | None = None
    ca_certificate: Path | None = None
    network: str | None = None
    extra_arguments: dict[str, str] = {}
    """From ``--build-arg``; they win over all others."""
    proxies: dict[str, str] = {}
    """Proxy variables of the environment, by their own names."""

    @property
    def build_arguments(self) -> dict[str, str]:
        """Every build argument: proxies, mirrors, then the user's own. May hold credentials: never print them."""
        mirrors = {
            argument: url
            for setting, arguments in MIRROR_ARGUMENTS.items()
            if (url := getattr(self, setting.replace("-", "_"))) is not None
            for argument in arguments
        }
        return {**self.proxies, **mirrors, **self.extra_arguments}


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """``--json``: the result for scripts, as ``arguments.json``."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def add_record_argument(parser: argparse.ArgumentParser) -> None:
    """The record that a command starts from, as ``arguments.record``."""
    parser.add_argument(
        "record",
        metavar="ENV",
        help="environment.json, a folder that holds one, any record that 'reprobuild import' reads, or - for a pipe",
    )


def load_snapshot(arguments: argparse.Namespace) -> Snapshot:
    """Read the record that ``add_record_argument`` asked for. Raises RecordError."""
    return read_record(arguments.record)


def read_record(name: str) -> Snapshot:
    """Read one record by its path, ``-`` being standard input, or a run on a server by its name. Raises RecordError."""
    from reprobuild import records
    from reprobuild.cli.live_records import is_live, read_live

    if is_live(name):
        return read_live(name)
    return records.read("-" if name == "-" else Path(name))


def add_plan_options(parser: argparse.ArgumentParser) -> None:
    """What changes the plan."""
    _add_settings(parser.add_argument_group("options of the plan"), PLAN_SETTINGS + CATALOG_SETTINGS)


def plan_options(arguments: argparse.Namespace) -> PlanOptions:
    """The planner's options, from the command line or wherever else they are set. Raises UsageError."""
    from reprobuild.planner.options import PlanOptions

    found = _resolve(arguments, PLAN_SETTINGS)
    fields: dict[str, Any] = {name.replace("-", "_"): value.value for name, value in found.items()}
    if "platform" in found:
        fields["platform"] = parse_platform(str(found["platform"].value), found["platform"].origin)
    if "apt" in found:
        fields["extra_apt"] = fields.pop("apt")
    if "package-index" in found:
        pairs = fields.pop("package_index")
        fields["package_indexes"] = tuple(tuple(pair.split("=", 1)) for pair in pairs)
    if fields.pop("host", False):
        fields["host"] = gpus_of_this_machine(found["host"].origin)
    try:
        return PlanOptions(**fields)
    except UsageError as error:
        raise _located(error, found) from error


def given_plan_options(arguments: argparse.Namespace) -> list[str]:
    """The words of the command line that change the plan, for a command that has to make the same plan again."""
    words: list[str] = []
    for setting in PLAN_SETTINGS + CATALOG_SETTINGS:
        match getattr(arguments, setting.attribute, None):
            case None:
                pass
            case bool(value):
                words.append(f"--{setting.name}" if value else f"--no-{setting.name}")
            case list(values):
                words += [word for value in values for word in (f"--{setting.name}", str(value))]
            case value:
                words += [f"--{setting.name}", str(value)]
    return words


def add_catalog_option(parser: argparse.ArgumentParser) -> None:
    """``--catalog``, on the commands that read the catalog and make no plan."""
    _add_settings(parser, CATALOG_SETTINGS)


def load_catalog(arguments: argparse.Namespace) -> Catalog:
    """The tables of facts that ``--catalog`` names: with the user's refreshed ones, a folder's, or only the packaged.

    Raises UsageError for a folder without refreshed tables, CatalogError for broken ones.
    """
    from reprobuild.catalog import Catalog

    found = _resolve(arguments, CATALOG_SETTINGS).get("catalog")
    match str(found.value) if found is not None else "newest":
        case "newest":
            return Catalog.load()
        case "packaged":
            return Catalog.packaged()
        case name:
            catalog = Catalog.load(Path(name).expanduser())
            if found is not None and catalog is Catalog.packaged():
                raise UsageError(
                    f"{found.origin}: {name!r} is neither newest nor packaged nor a folder with refreshed tables",
                    hint="'reprobuild catalog refresh --output DIR' writes one",
                )
            return catalog


def add_refresh_options(parser: argparse.ArgumentParser) -> None:
    """Where the catalog's refresh asks."""
    _add_settings(parser.add_argument_group("options of the network"), REFRESH_SETTINGS)


def refresh_addresses(arguments: argparse.Namespace) -> dict[str, Any]:
    """What is set of the refresh's addresses and its certificate, by attribute. Raises UsageError."""
    found = _resolve(arguments, REFRESH_SETTINGS)
    addresses: dict[str, Any] = {name: _url(each) for name, each in found.items() if name != "ca-certificate"}
    if "ca-certificate" in found:
        addresses["ca-certificate"] = _certificate(found["ca-certificate"])
    return {name.replace("-", "_"): value for name, value in addresses.items()}


def gpus_of_this_machine(origin: str = "--host") -> GpuFacts:
    """GPUs and driver of this machine. Raises UsageError that names ``origin`` where there is no driver."""
    from reprobuild.probe.gpu import gpu_facts
    from reprobuild.snapshot import GpuFacts

    facts = gpu_facts()
    if facts is None:
        raise UsageError(
            f"{origin}: this machine has no NVIDIA driver that answers",
            hint="name the GPU that the image shall run on with --gpu NAME",
        )
    return msgspec.convert(facts, GpuFacts)


def parse_platform(text: str, origin: str = "--platform") -> Platform:
    """``linux/amd64`` or ``arm64`` as the plan's value. Raises UsageError that names ``origin``."""
    from reprobuild.plan import Platform

    system, _, architecture = text.lower().rpartition("/")
    names = {"amd64": "amd64", "x86_64": "amd64", "x86-64": "amd64", "arm64": "arm64", "aarch64": "arm64"}
    if system not in ("", "linux") or architecture not in names:
        raise UsageError(f"{origin}: {text!r} is not linux/amd64 or linux/arm64")
    return Platform(architecture="amd64" if names[architecture] == "amd64" else "arm64")


def add_template_option(parser: argparse.ArgumentParser) -> None:
    """``--templates DIR``, on the commands that write a recipe."""
    _add_settings(parser, TEMPLATE_SETTINGS)


def template_folder(arguments: argparse.Namespace) -> Path | None:
    """The user's folder of templates, if one is set. Raises UsageError where it is not a folder."""
    found = _resolve(arguments, TEMPLATE_SETTINGS).get("templates")
    if found is None:
        return None
    folder = Path(str(found.value))
    if not folder.is_dir():
        raise UsageError(f"{found.origin}: {folder} is not a folder")
    return folder


def add_network_options(parser: argparse.ArgumentParser) -> None:
    """What a real network needs, on the commands that build or write a recipe."""
    _add_settings(parser.add_argument_group("options of the network"), NETWORK_SETTINGS)


def network_options(arguments: argparse.Namespace, environment: Mapping[str, str] | None = None) -> NetworkOptions:
    """The network's options, with the proxies of the environment. Raises UsageError."""
    environment = os.environ if environment is None else environment
    found = _resolve(arguments, NETWORK_SETTINGS)
    urls = {name: _url(found[name]) for name in MIRROR_ARGUMENTS if name in found}
    certificate = _certificate(found["ca-certificate"]) if "ca-certificate" in found else None
    pairs = found["build-arg"].value if "build-arg" in found else ()
    return NetworkOptions(
        pytorch_index=urls.get("pytorch-index"),
        index_url=urls.get("index-url"),
        python_downloads=urls.get("python-downloads"),
        conda_channels=urls.get("conda-channels"),
        conda_defaults=urls.get("conda-defaults"),
        ca_certificate=certificate,
        network=str(found["network"].value) if "network" in found else None,
        extra_arguments=_pairs(pairs if isinstance(pairs, tuple) else ()),
        proxies={
            name: environment[name]
            for variable in PROXY_VARIABLES
            for name in (variable, variable.lower())
            if environment.get(name)
        },
    )


def has_credentials(url: str) -> bool:
    """Whether a URL holds a user or a password, or something that looks like a token in its query."""
    parts = urlsplit(url)
    return "@" in parts.netloc or any(word in parts.query.lower() for word in ("token", "password", "secret", "key="))


def refuse_credentials(options: NetworkOptions) -> None:
    """Raise UsageError if a mirror's URL holds a password: what is written to a file must not hold one."""
    for setting, arguments in MIRROR_ARGUMENTS.items():
        url = getattr(options, setting.replace("-", "_"))
        if url is not None and has_credentials(url):
            raise UsageError(
                f"the URL of {setting} holds credentials, which would be written into the Dockerfile",
                hint=f"leave it out here and give it to the build: docker build --build-arg {arguments[0]}=URL",
            )


def _add_settings(group: Any, settings: Iterable[Setting]) -> None:
    """Add one option for each setting. ``group`` is a parser or a group of one; argparse names no common type."""
    for setting in settings:
        option: dict[str, Any] = {"help": setting.help, "default": None}
        match setting.kind:
            case "flag":
                option["action"] = argparse.BooleanOptionalAction
            case "list" | "pairs":
                option |= {"action": "append", "metavar": setting.metavar}
            case "text" | "path":
                option |= {"choices": setting.choices} if setting.choices else {"metavar": setting.metavar}
        group.add_argument(f"--{setting.name}", **option)


def _located(error: UsageError, found: Mapping[str, Found]) -> UsageError:
    """The same error, naming the file or variable that the value came from where it was not an option."""
    option, _, reason = str(error).partition(": ")
    origin = found[name].origin if (name := option.removeprefix("--")) in found else option
    return UsageError(f"{origin}: {reason}", hint=error.hint)


def _resolve(arguments: argparse.Namespace, settings: tuple[Setting, ...]) -> dict[str, Found]:
    """What is set of these. The places are read once for each command, and kept beside its arguments."""
    if not hasattr(arguments, "stored_layers"):
        arguments.stored_layers = stored_layers()
        for name, meant in mistaken_variables(os.environ).items():
            console.warn(f"{name} is not a setting of reprobuild", hint=f"did you mean {meant}?")
    return resolve(vars(arguments), arguments.stored_layers, [setting.name for setting in settings])


def _url(found: Found) -> str:
    url = str(found.value).rstrip("/")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UsageError(f"{found.origin}: not a URL: {error}") from error
    if parts.scheme not in ("http", "https", "file") or (not parts.netloc and parts.scheme != "file"):
        raise UsageError(f"{found.origin}: must be a URL that starts with https:// or http://")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise UsageError(f"{found.origin}: the URL holds a blank or a control character")
    return url


def _certificate(found: Found) -> Path:
    path = Path(str(found.value))
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{found.origin}: {path}: {error.strerror or error}") from error
    if b"-----BEGIN CERTIFICATE-----" not in content:
        raise UsageError(f"{found.origin}: {path} holds no certificate in PEM form")
    return path


def _pairs(pairs: tuple[str, ...]) -> dict[str, str]:
    return {name: text for name, _, text in (pair.partition("=") for pair in pairs)}
