"""The one root of every error that reprobuild raises on purpose, with its exit code and a hint.

Library code raises; only the command line prints and exits. The class says which exit code the
command line ends with, the instance may carry a hint: what to do next.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:  # the typing module takes longer to load than all of this
    from typing import ClassVar


class ReprobuildError(Exception):
    """Something that the user can act on. ``str(error)`` is one line; ``hint`` says the way out."""

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(ReprobuildError):
    """Options that don't fit together, or a value that an option does not take."""

    exit_code = 2


class RecordError(ReprobuildError):
    """A record that can't be read or that holds something no environment can hold.

    ``source`` names the file (``-`` for standard input), ``path`` the place in it, such as
    ``distributions[3].version``.
    """

    exit_code = 3

    def __init__(
        self, message: str, *, source: str | None = None, path: str | None = None, hint: str | None = None
    ) -> None:
        place = ": ".join(part for part in (source, path) if part)
        super().__init__(f"{place}: {message}" if place else message, hint=hint)
        self.reason = message
        self.source = source
        self.path = path

    def located(self, source: str) -> RecordError:
        """The same error, naming the file it was found in."""
        return type(self)(self.reason, source=source, path=self.path, hint=self.hint)


class PlanError(ReprobuildError):
    """The record is fine, but no image can be planned from it; or ``--strict`` refused the plan."""

    exit_code = 4


class BuildError(ReprobuildError):
    """The engine could not build the image."""

    exit_code = 5


class EngineError(ReprobuildError):
    """No engine answers, or it refused a request that is not a build."""

    exit_code = 6


class VerificationError(ReprobuildError):
    """The image was examined and is not the recorded environment."""

    exit_code = 7


class CatalogError(ReprobuildError):
    """A table of facts is broken, or a refresh of it was refused."""

    exit_code = 8


class CaptureError(ReprobuildError):
    """The environment could not be recorded, or the record could not be written."""

    exit_code = 9
