"""A build context as a tar archive whose bytes depend on the files alone, so that the layer cache hits again."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from pathlib import PurePosixPath


def context_archive(files: Mapping[str, bytes]) -> bytes:
    """Pack files (relative POSIX path -> content) into an uncompressed tar archive.

    Names are sorted; times, owners and modes are constant, because the classic builder's cache looks at all of them
    but the time. Raises ValueError for a path that does not stay inside the context.
    """
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for folder in _folders(files):
            member = tarfile.TarInfo(folder)
            member.type, member.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(member)
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(files[name]), 0o644
            tar.addfile(member, io.BytesIO(files[name]))
    return archive.getvalue()


def read_archive(archive: bytes) -> dict[str, bytes]:
    """The files of a context archive: the reverse of ``context_archive``."""
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        contents = ((member.name, tar.extractfile(member)) for member in tar if member.isfile())
        return {name: stream.read() for name, stream in contents if stream is not None}


def _folders(files: Mapping[str, bytes]) -> list[str]:
    """Every folder above the files, parents first. A folder that is not listed gets the mode of the engine's umask."""
    folders: set[str] = set()
    for name in files:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or str(path) != name:
            raise ValueError(f"{name!r} is no path inside a build context")
        folders.update(str(parent) for parent in path.parents if parent.parts)
    return sorted(folders)
