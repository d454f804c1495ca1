"""The command line of a plain call, read without argparse: that takes as long to load as an interpreter to start.

Plain is what consists of options that take one value or none, each spelled out. For whatever is not (``--help``,
``-oDIR``, positional arguments, a value that is refused) the answer is None, and argparse says what is to be said.
"""

from __future__ import annotations

from types import SimpleNamespace

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module would cost a third of what is saved
    from collections.abc import Callable, Sequence
    from typing import Any

_UNDERSTOOD = frozenset({"action", "choices", "default", "dest", "help", "metavar", "type"})
_POSITIONAL_DEFAULTS: dict[object, Any] = {"?": None, "*": [], "...": []}


class NotPlain(Exception):
    """A declaration that only argparse understands."""


class _Option:
    """What one ``add_argument`` declares."""

    def __init__(self, names: tuple[str, ...], settings: dict[str, Any]) -> None:
        longest = next((name for name in names if name.startswith("--")), names[0])
        self.destination: str = settings.get("dest") or longest.lstrip("-").replace("-", "_")
        action = settings.get("action", "store")
        self.is_flag = action == "store_true"
        self.default: Any = settings.get("default", False if self.is_flag else None)
        self.convert: Callable[[str], Any] = settings.get("type") or str
        self.choices = settings.get("choices")
        self.usable = action in ("store", "store_true") and _UNDERSTOOD.issuperset(settings)
        if settings.get("type") and isinstance(self.default, str):
            self.default = self.convert(self.default)


class PlainArguments:
    """Takes a command's declarations as an ``ArgumentParser`` does, and reads plain calls."""

    def __init__(self) -> None:
        self._options: dict[str, _Option] = {}
        self._values: dict[str, Any] = {}
        self.epilog: str | None = None
        self.takes_command = False
        """Whether words behind ``--`` are a command to run, as in ``parser.Parser``."""

    def add_argument(self, *names: str, **settings: Any) -> None:
        """Declare an option, or a positional argument that may be absent. Raises NotPlain for a needed one."""
        if names and not names[0].startswith("-"):
            if "default" not in settings and settings.get("nargs") not in _POSITIONAL_DEFAULTS:
                raise NotPlain
            self._values[names[0]] = settings.get("default", _POSITIONAL_DEFAULTS.get(settings.get("nargs")))
            return
        if settings.get("required"):
            raise NotPlain
        option = _Option(names, settings)
        self._values.setdefault(option.destination, option.default)
        self._options.update(dict.fromkeys(names, option))

    def add_argument_group(self, *_: Any, **__: Any) -> PlainArguments:
        """Groups only order the help."""
        return self

    def __getattr__(self, name: str) -> Any:
        raise NotPlain(name)

    def read(self, given: Sequence[str]) -> SimpleNamespace | None:
        """The values, or None when the call is not plain."""
        values = dict(self._values)
        words = iter(given)
        for word in words:
            if word == "--" and self.takes_command:
                break
            name, equals, text = word.partition("=")
            option = self._options.get(name)
            if option is None or not option.usable or (equals and (option.is_flag or not name.startswith("--"))):
                return None
            if option.is_flag:
                values[option.destination] = True
                continue
            value = text if equals else next(words, "-")
            if value.startswith("-"):
                return None
            try:
                values[option.destination] = option.convert(value)
            except Exception:  # whatever a type raises, argparse reports it
                return None
            if option.choices is not None and values[option.destination] not in option.choices:
                return None
        if self.takes_command:
            values["command"] = tuple(words)
        return SimpleNamespace(**values)


def read_plainly(configure: Callable[[Any], None], given: Sequence[str]) -> SimpleNamespace | None:
    """The values of a plain call of the command that ``configure`` declares; None for any other."""
    arguments = PlainArguments()
    try:
        configure(arguments)
    except NotPlain:
        return None
    return arguments.read(given)
