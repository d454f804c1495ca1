"""What a reader is given: the bytes of one file, or the files of one folder, with their name. No reader opens files."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from reprobuild.errors import RecordError
from reprobuild.records.text import LARGEST_TEXT, decode, decode_json, shortened
from reprobuild.records.yaml_text import decode_yaml
from reprobuild.snapshot import Fields


class Choice(Fields, frozen=True, kw_only=True):
    """What a person chose where a record leaves it open: lock files cover many machines at once."""

    platform: str | None = None
    """conda's words for it: ``linux-64``, ``linux-aarch64``, ``osx-arm64``, ``win-64``. None: linux-64."""
    python: str | None = None
    """Version to evaluate markers with, such as ``3.11`` or ``3.11.9``."""
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """Dependency groups beside the default one, such as ``dev``."""


class Document:
    """One file. ``text``, ``json``, ``yaml`` and ``toml`` are decoded once, at their first use."""

    def __init__(self, content: bytes, source: str, choice: Choice | None = None) -> None:
        self.content = content
        self.source = source
        self.choice = choice or Choice()

    @functools.cached_property
    def text(self) -> str:
        """The text, whatever its encoding; line ends as they stand in the file. Raises RecordError when too large."""
        if len(self.content) > LARGEST_TEXT:
            raise RecordError(f"larger than {LARGEST_TEXT // (1024 * 1024)} MB of text", source=self.source)
        return decode(self.content)

    @functools.cached_property
    def head(self) -> str:
        """The first 64 KiB as text with plain line feeds: what recognition looks at."""
        return decode(self.content[:65536]).replace("\r\n", "\n").replace("\r", "\n")

    @functools.cached_property
    def lines(self) -> list[str]:
        """The lines, whatever ends them, without their ends."""
        return self.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")

    @functools.cached_property
    def looks_like_json(self) -> bool:
        """Whether it starts as a JSON object or array, and not as a TOML or INI section."""
        start = "".join(self.head[:4096].split())[:2]
        return start[:1] == "{" or (start in ("[", "[{", "[]", '["', "[[") and not self._begins_with_section)

    @functools.cached_property
    def _begins_with_section(self) -> bool:
        """Whether the first line is TOML's ``[[package]]``."""
        first = self.head.lstrip().partition("\n")[0].strip()
        return first.endswith("]") and first.strip("[]")[:1].isalpha()

    @functools.cached_property
    def json(self) -> Any:
        """The JSON value; None when it does not start like JSON. Raises RecordError when it is broken."""
        return decode_json(self.content, self.source) if self.looks_like_json else None

    @property
    def json_object(self) -> dict[str, Any]:
        """The JSON object. Raises RecordError for any other value."""
        value: dict[str, Any] = self._of_kind(dict, "one JSON object")
        return value

    @property
    def json_list(self) -> list[Any]:
        """The JSON array. Raises RecordError for any other value."""
        value: list[Any] = self._of_kind(list, "one JSON array")
        return value

    def _of_kind(self, kind: type, expected: str) -> Any:
        value = self.json if self.looks_like_json else decode_json(self.content, self.source)
        if not isinstance(value, kind):
            raise RecordError(f"a record of this format is {expected}", source=self.source)
        return value

    @functools.cached_property
    def toml(self) -> dict[str, Any]:
        """The TOML tables. Raises RecordError."""
        try:
            return tomllib.loads(self.text.replace("\r\n", "\n"))
        except (tomllib.TOMLDecodeError, ValueError, RecursionError) as error:
            raise RecordError(f"this is not TOML: {shortened(str(error), 200)}", source=self.source) from error

    @functools.cached_property
    def yaml(self) -> Any:
        """The YAML value, every scalar as its text. Raises RecordError."""
        return decode_yaml(self.text, self.source)


class Folder(Fields, frozen=True, kw_only=True):
    """Some files of one folder by their relative path with forward slashes.

    Paths stay relative, so that what is read does not depend on where the folder lies.
    """

    files: Mapping[str, bytes]
    choice: Choice = Choice()

    def document(self, name: str) -> Document | None:
        """The file of that name, in the folder itself or else the first one below it; None when there is none."""
        found = (
            name
            if name in self.files
            else min((path for path in self.files if path.endswith(f"/{name}")), default=None)
        )
        return None if found is None else Document(self.files[found], found, self.choice)

    def part(self, prefix: str) -> Folder:
        """The files below ``prefix``, a path that ends in a slash, as a folder of its own."""
        files = {path.removeprefix(prefix): content for path, content in self.files.items() if path.startswith(prefix)}
        return msgspec.structs.replace(self, files=files)
