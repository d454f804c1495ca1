"""Settings: what an option means, and where its value comes from when the command line does not give it.

The first that tells wins: the command line, a ``REPROBUILD_*`` variable, ``[tool.reprobuild]`` of the
``pyproject.toml`` in the working folder, the user's own ``config.toml``. One table, ``SETTINGS``, names every
setting; the command line's options are made from it. A key that is not in it is an error that names the file.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from reprobuild.errors import UsageError

Kind = Literal["text", "flag", "path", "list", "pairs"]


class Fields(msgspec.Struct, frozen=True):
    """Base of this module's values."""


class Setting(Fields, frozen=True):
    """One thing that can be set, by the same name everywhere: ``pytorch-index``, ``REPROBUILD_PYTORCH_INDEX``."""

    name: str
    kind: Kind
    metavar: str | None
    help: str
    choices: tuple[str, ...] = ()

    @property
    def variable(self) -> str:
        """Name of its environment variable."""
        return "REPROBUILD_" + self.name.upper().replace("-", "_")

    @property
    def attribute(self) -> str:
        """Name of its attribute in parsed arguments."""
        return self.name.replace("-", "_")


PLAN_SETTINGS = (
    Setting("platform", "text", "OS/ARCH", "platform of the image, such as linux/amd64 (default: the record's)"),
    Setting(
        "flavor",
        "text",
        None,
        "auto and runtime carry the recorded CUDA and cuDNN; slim leaves them to the wheels; devel adds nvcc",
        ("auto", "slim", "runtime", "devel"),
    ),
    Setting("base", "text", "IMAGE", "base image to start from in place of the chosen one"),
    Setting("base-digest", "text", "DIGEST", "pin the base image to this sha256:... digest"),
    Setting("uv-image", "text", "IMAGE", "image that the uv binary is copied from"),
    Setting(
        "via",
        "text",
        None,
        "what rebuilds a conda run: auto is conda where the record tells its builds; pip maps its packages to wheels",
        ("auto", "conda", "pip"),
    ),
    Setting("micromamba-image", "text", "IMAGE", "image that the micromamba binary is copied from, for a conda run"),
    Setting("python", "text", "X.Y.Z", "CPython version, for a record that does not tell it or tells it wrongly"),
    Setting("apt", "list", "PACKAGE", "system package to install as well; repeatable"),
    Setting(
        "package-index",
        "pairs",
        "NAME=URL",
        "take this package from that index and from no other; repeatable",
    ),
    Setting("gpu", "text", "NAME", "judge the plan by this GPU, as nvidia-smi -L prints it (default: the record's)"),
    Setting("host", "flag", None, "judge the plan by this machine's GPU and driver"),
    Setting(
        "rescue",
        "flag",
        None,
        "where the plan does not run on that GPU or driver, take the same torch for another CUDA",
    ),
    Setting("same-family", "flag", None, "stay with Red Hat's family where the run was made on it, in place of Ubuntu"),
    Setting(
        "with-source",
        "text",
        "URL",
        "check out the recorded commit from this repository, apply the recorded changes and set the recorded command; "
        "'recorded' names the record's own repository",
    ),
    Setting("strict", "flag", None, "refuse a plan that is not exact, and list all that is not"),
)
"""What changes the plan."""

CATALOG_SETTINGS = (
    Setting(
        "catalog",
        "text",
        "WHICH",
        "tables of facts: newest (what 'reprobuild catalog refresh' wrote, where it did), packaged, or a folder that "
        "a refresh wrote",
    ),
)
"""Which facts a plan is made from."""

TEMPLATE_SETTINGS = (Setting("templates", "path", "DIR", "folder whose templates override the packaged ones by block"),)
"""What changes how the recipe is written."""

NETWORK_SETTINGS = (
    Setting("pytorch-index", "text", "URL", "mirror of https://download.pytorch.org/whl"),
    Setting("index-url", "text", "URL", "mirror of the default package index"),
    Setting("python-downloads", "text", "URL", "table of CPython builds for uv"),
    Setting("conda-channels", "text", "URL", "mirror of https://conda.anaconda.org, for a conda run"),
    Setting("conda-defaults", "text", "URL", "mirror of https://repo.anaconda.com/pkgs, for a conda run"),
    Setting("ca-certificate", "path", "FILE", "certificate authority (PEM) to trust, and never in an image"),
    Setting("network", "text", "MODE", "network mode of the build's containers, such as host or none"),
    Setting("build-arg", "pairs", "NAME=VALUE", "build argument; repeatable"),
)
"""What a real network needs."""

REGISTRY_SETTINGS = (
    Setting("docker-hub", "text", "URL", "registry to ask in place of https://registry-1.docker.io"),
    Setting("github-registry", "text", "URL", "registry to ask in place of https://ghcr.io"),
)
"""Where the catalog's refresh finds images."""

CAPTURE_SETTINGS = (
    Setting("variable", "list", "NAME", "environment variable to record as well, or NAME* for all that begin so"),
)
"""What a capture records beside what it always does."""

SETTINGS = {
    setting.name: setting
    for settings in (
        *(PLAN_SETTINGS, CATALOG_SETTINGS, TEMPLATE_SETTINGS),
        *(NETWORK_SETTINGS, REGISTRY_SETTINGS, CAPTURE_SETTINGS),
    )
    for setting in settings
}
"""Every setting by its name."""

REFRESH_SETTINGS = (
    *REGISTRY_SETTINGS,
    *(SETTINGS[name] for name in ("pytorch-index", "python-downloads", "ca-certificate")),
)
"""What the catalog's refresh needs of a network."""

Value = str | bool | Path | tuple[str, ...]


class Found(Fields, frozen=True, kw_only=True):
    """A setting's value, and the place that tells it, for messages: ``pyproject.toml [tool.reprobuild]``."""

    value: Value
    origin: str


def resolve(given: Mapping[str, Any], layers: Sequence[Mapping[str, Found]], names: Sequence[str]) -> dict[str, Found]:
    """The value of each named setting that anything tells: ``given`` on the command line, else the first layer's."""
    found: dict[str, Found] = {}
    for name in names:
        setting = SETTINGS[name]
        if (value := given.get(setting.attribute)) is not None:
            found[name] = _checked(setting, value, f"--{name}", Path())
        else:
            layer = next((layer for layer in layers if name in layer), None)
            if layer is not None:
                found[name] = layer[name]
    return found


def stored_layers(
    environment: Mapping[str, str] | None = None, folder: Path | None = None, user_file: Path | None = None
) -> tuple[dict[str, Found], ...]:
    """Read every place below the command line, best first: the environment, the project's file, the user's file.

    Raises UsageError that names the place for an unknown key or a value of the wrong kind.
    """
    return (
        read_environment(os.environ if environment is None else environment),
        read_project(folder or Path()),
        read_user_file(user_config_path() if user_file is None else user_file),
    )


def read_environment(environment: Mapping[str, str]) -> dict[str, Found]:
    """Settings from ``REPROBUILD_*`` variables. Lists are separated by spaces; an empty variable sets nothing."""
    found: dict[str, Found] = {}
    for setting in SETTINGS.values():
        text = environment.get(setting.variable, "")
        if not text.strip():
            continue
        value: Any = text.strip()
        if setting.kind in ("list", "pairs"):
            value = text.split()
        elif setting.kind == "flag":
            value = _flag_of_text(text.strip(), setting.variable)
        found[setting.name] = _checked(setting, value, setting.variable, Path())
    return found


def mistaken_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """``REPROBUILD_*`` variables that no setting has but that come close to one: name to the probable meaning.

    Other programs may use the prefix as well, so these are worth a warning, not an error.
    """
    variables = [setting.variable for setting in SETTINGS.values()]
    strangers = [name for name in environment if name.startswith("REPROBUILD_") and name not in variables]
    close = {name: difflib.get_close_matches(name, variables, n=1, cutoff=0.85) for name in strangers}
    return {name: matches[0] for name, matches in close.items() if matches}


def read_project(folder: Path) -> dict[str, Found]:
    """Settings from ``[tool.reprobuild]`` of the pyproject.toml in ``folder``; none where there is none."""
    path = folder / "pyproject.toml"
    table = _read_toml(path).get("tool", {})
    section = table.get("reprobuild", {}) if isinstance(table, dict) else {}
    return _read_section(section, f"{path} [tool.reprobuild]", folder)


def read_user_file(path: Path) -> dict[str, Found]:
    """Settings from the user's own file, whose keys stand at its top level; none where there is none."""
    return _read_section(_read_toml(path), str(path), path.parent)


def user_config_path() -> Path:
    """Where the user's own file lies on this system, such as ``~/.config/reprobuild/config.toml``."""
    import platformdirs

    return platformdirs.user_config_path("reprobuild", appauthor=False) / "config.toml"


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror or error}") from error
    import tomllib

    try:
        return tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: not readable as TOML: {error}") from error


def _read_section(section: Any, origin: str, folder: Path) -> dict[str, Found]:
    if not isinstance(section, dict):
        raise UsageError(f"{origin}: must be a table of settings")
    found: dict[str, Found] = {}
    for key, value in section.items():
        if key not in SETTINGS:
            raise UsageError(f"{origin}: unknown setting {key!r}", hint=_hint_for_unknown(key))
        found[key] = _checked(SETTINGS[key], value, f"{origin} {key}", folder)
    return found


def _hint_for_unknown(key: str) -> str:
    close = difflib.get_close_matches(key.replace("_", "-").lower(), SETTINGS, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known settings: {', '.join(SETTINGS)}"


def _checked(setting: Setting, value: Any, origin: str, folder: Path) -> Found:
    """``value`` as its setting's kind. Paths are relative to the folder of the file that names them."""
    checked: Value
    match setting.kind:
        case "text":
            checked = _text(setting, value, origin)
        case "flag":
            if not isinstance(value, bool):
                raise UsageError(f"{origin}: must be true or false")
            checked = value
        case "path":
            checked = folder / Path(_text(setting, value, origin)).expanduser()
        case "list":
            checked = _texts(value, origin)
        case "pairs":
            checked = _pairs(value, origin)
    return Found(value=checked, origin=origin)


def _text(setting: Setting, value: Any, origin: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{origin}: must be a text that is not empty")
    if setting.choices and value not in setting.choices:
        close = difflib.get_close_matches(value, setting.choices, n=1)
        hint = f"did you mean {close[0]!r}?" if close else None
        raise UsageError(f"{origin}: must be one of {', '.join(setting.choices)}, not {value!r}", hint=hint)
    return value


def _texts(value: Any, origin: str) -> tuple[str, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(item, str) for item in value):
        raise UsageError(f"{origin}: must be a list of texts")
    return tuple(value)


def _pairs(value: Any, origin: str) -> tuple[str, ...]:
    if isinstance(value, dict):
        texts = _texts(list(value.values()), origin)
        value = [f"{name}={text}" for name, text in zip(value, texts, strict=True)]
    pairs = _texts(value, origin)
    for pair in pairs:
        name, sign, _ = pair.partition("=")
        if not sign or not name.isidentifier() or not name.isascii():
            # The text after the sign may be a password, so only the name is shown.
            raise UsageError(f"{origin}: {name!r} is not of the form NAME=VALUE")
    return pairs


def _flag_of_text(text: str, origin: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise UsageError(f"{origin}: must be true or false, not {text!r}")
