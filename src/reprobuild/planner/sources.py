"""What the treatment of a package depends on besides itself."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from reprobuild.catalog import Catalog
from reprobuild.planner.source_build import BuildContext
from reprobuild.planner.subject import Subject
from reprobuild.planner.target import Target
from reprobuild.planner.torch_question import TorchBuild
from reprobuild.snapshot import DirectUrl, SourceFacts


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is known when packages are treated one by one."""

    subject: Subject
    target: Target
    torch: TorchBuild | None
    catalog: Catalog
    torch_by_conda: bool = False
    """Whether ``torch`` is only the wheel that conda's torch is another build of: the record does not hold it."""
    source: SourceFacts | None
    build: BuildContext
    """What a build from source depends on."""
    is_plain: bool = False
    """Whether no choice of the user, container or rescue asks about every package."""
    system_cuda: str | None = None
    """The CUDA that the image has for packages that load it from the system."""
    checkouts: Mapping[str, DirectUrl] = {}
    """Repositories of what was installed in place, by canonical name."""
    indexes: Mapping[str, str] = {}
    """Canonical name to the index that the user says it is on."""
