"""Digests of images and the published versions of the tools' images.

Sources: public Dockerfiles that pin digests; release notes of uv and micromamba. Tags move: a digest says what was
seen behind a tag once, not what is behind it today.
"""

from __future__ import annotations

from reprobuild.catalog.tables import Fields, Table, known, newest_first

UV_REPOSITORY = "ghcr.io/astral-sh/uv"
MICROMAMBA_REPOSITORY = "mambaorg/micromamba"
REGISTRY = "verified"
"""The certainty of what a registry told of itself when the tables were refreshed."""

OBSERVED = "observed"
"""The certainty of what was seen behind a tag once, in public files for instance."""


class ImageDigest(Fields, frozen=True, kw_only=True):
    """A digest that was seen behind a tag."""

    image: str
    tag: str
    digest: str
    certainty: str
    date: str | None = None
    note: str | None = None

    @property
    def one_platform_only(self) -> bool:
        """Whether it is the manifest of one architecture rather than of the tag."""
        return self.note is not None and "manifest" in self.note


class Digests:
    """Look-ups over digests."""

    def __init__(self, table: Table) -> None:
        self.header = table.header
        self.all = tuple(_digest(row) for row in table.rows)

    def seen(self, image: str, tag: str) -> tuple[ImageDigest, ...]:
        """Every digest that was seen behind a tag, the latest dated one first."""
        found = [each for each in self.all if (each.image, each.tag) == (image, tag)]
        return tuple(sorted(found, key=lambda each: each.date or "", reverse=True))

    def of(self, image: str, tag: str) -> ImageDigest | None:
        """The digest that the registry itself last told, else the one that was seen in public files.

        None when none was seen, several were, or it is that of one architecture.
        """
        found = self.seen(image, tag)
        told = next((each for each in found if each.certainty == REGISTRY), None)
        if told is not None:
            return told
        return found[0] if len(found) == 1 and not found[0].one_platform_only else None


class ToolImage(Fields, frozen=True, kw_only=True):
    """One published version of a tool's image."""

    image: str
    version: str
    date: str | None = None
    digest: str | None = None
    certainty: str | None = None

    @property
    def reference(self) -> str:
        """``ghcr.io/astral-sh/uv:0.9.5``, with the digest where it is known."""
        named = f"{self.image}:{self.version}"
        return f"{named}@{self.digest}" if self.digest else named


class ToolImages:
    """Look-ups over the published versions of uv's and micromamba's images."""

    def __init__(self, table: Table) -> None:
        self.header = table.header
        self._images = {(row["image"], row["version"]): _tool(row) for row in table.rows}

    def get(self, version: str, image: str = UV_REPOSITORY) -> ToolImage | None:
        """The image of one version."""
        return self._images.get((image, version))

    def newest(self, image: str = UV_REPOSITORY) -> ToolImage:
        """The newest version that the table knows."""
        return self._images[(image, self.versions(image)[0])]

    def versions(self, image: str = UV_REPOSITORY) -> tuple[str, ...]:
        """Every version of an image, newest first."""
        return tuple(newest_first(version for name, version in self._images if name == image))


def _digest(row: dict[str, str]) -> ImageDigest:
    return ImageDigest(
        image=row["image"],
        tag=row["tag"],
        digest=row["digest"],
        certainty=row["certainty"],
        date=known(row["date"]),
        note=known(row["note"]),
    )


def _tool(row: dict[str, str]) -> ToolImage:
    return ToolImage(
        image=row["image"],
        version=row["version"],
        date=known(row["date"]),
        digest=known(row["digest"]),
        certainty=known(row["certainty"]),
    )
