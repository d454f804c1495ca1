"""What setuptools installed before wheels: folders and archives called ``.egg``, and links to source trees."""

import os

from .files import names_in, read_text
from .inputs import look_at

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterator

_INSIDE = "EGG-INFO/PKG-INFO"


def linked_metadata(folder: "str", entry: "str") -> "Iterator[tuple[str, str]]":
    """The source tree that an ``.egg-link`` leads to, and the name of each ``.egg-info`` in it."""
    lines = [line.strip() for line in (read_text(os.path.join(folder, entry)) or "").splitlines()]
    target = next((line for line in lines if line), "")
    if target:
        source = os.path.normpath(os.path.join(folder, target))
        for name in sorted(names_in(source)):
            if name.endswith(".egg-info"):
                yield source, name


def archived_metadata(path: "str") -> "str | None":
    """PKG-INFO of an egg that is an archive, which Python imports from as it is; None when there is none."""
    import zipfile

    look_at(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(_INSIDE).decode("utf-8", "replace")
    except (OSError, KeyError, ValueError, RuntimeError, NotImplementedError, EOFError, zipfile.BadZipFile):
        return None
    except Exception as error:  # zlib's own, which can't be named where zlib is missing
        if type(error).__module__ == "zlib":
            return None
        raise
