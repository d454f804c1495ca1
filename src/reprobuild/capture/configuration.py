"""Which further variables of the environment a capture records: from ``REPROBUILD_VARIABLE`` and the settings' files.

A capture takes less time than the settings take to load, so they are loaded only where a file may hold one of ours.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would be loaded for nothing
    from collections.abc import Iterable

VARIABLE = "REPROBUILD_VARIABLE"
"""Names of further variables to record, separated by spaces; ``*`` at the end stands for any ending."""


def further_variables(given: Iterable[str] = ()) -> tuple[str, ...]:
    """The names that were ``given`` on the command line and those of the first place below it that tells some.

    Raises UsageError that names the place, for a settings file with an unknown key or a value of the wrong kind.
    """
    stored = tuple(os.environ.get(VARIABLE, "").split())
    if not stored and any(map(_may_tell, _files())):
        from reprobuild.settings import resolve, stored_layers

        found = resolve({}, stored_layers(), ["variable"]).get("variable")
        stored = found.value if found is not None and isinstance(found.value, tuple) else ()
    return (*given, *stored)


def _files() -> tuple[str, ...]:
    """The project's file and the user's. Asking for the latter's place takes long where it isn't simple."""
    if sys.platform in ("win32", "darwin"):
        from reprobuild.settings import user_config_path

        return "pyproject.toml", str(user_config_path())
    home = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return "pyproject.toml", os.path.join(home, "reprobuild", "config.toml")


def _may_tell(path: str) -> bool:
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except OSError:
        return False
    return b"variable" in content and (b"reprobuild" in content or not path.startswith("pyproject"))
