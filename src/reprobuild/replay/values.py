"""What a replay is asked for and what came of it: the values of replay.json."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from reprobuild.engine import Mount
from reprobuild.proof import LevelResult, Outcome, Proof
from reprobuild.results.comparison import IGNORED, ResultsComparison, Tolerance
from reprobuild.results.explanation import Explanations
from reprobuild.versioned_json import decode

REPLAY_SCHEMA_VERSION = 1
"""Version of the layout written by this release."""

WORKSPACE = "/workspace"
"""Where the code lies in the container; images of ours have that folder."""


class ReplayOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What to run, with what, and what to compare."""

    command: tuple[str, ...] = ()
    """Empty for the recorded one."""
    source: Path | None = None
    """The folder with the code, of which a copy is run. None for code that is in the image."""
    variables: dict[str, str] = {}
    """Set over the recorded ones."""
    mounts: tuple[Mount, ...] = ()
    results: tuple[str, ...] = ()
    """Where the numbers are: paths or patterns relative to the working directory, or ``output:REGEX``."""
    recorded: tuple[Path, ...] = ()
    """The recorded numbers: a file for each of ``results``, in their order."""
    repeat: int = 1
    tolerance: Tolerance = Tolerance()
    ignore: tuple[str, ...] = IGNORED
    timeout_s: float | None = None
    memory_bytes: int | None = None
    gpus: bool = False
    network: str | None = "none"
    output: Path
    """The folder into which results and outputs are put, one folder a run."""


class RunOutcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How one run of the command went."""

    exit_code: int
    duration_s: float
    timed_out: bool = False
    out_of_memory: bool = False
    results: tuple[str, ...] = ()
    """The files of results that it left, relative to the run's folder."""
    problem: str | None = None
    """Why no numbers of it could be read."""

    @property
    def failed(self) -> bool:
        """Whether it did not end well."""
        return self.exit_code != 0 or self.timed_out or self.out_of_memory


class Replay(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A whole replay. Nothing in it is secret: of the user's own variables it holds the names only."""

    schema_version: int = REPLAY_SCHEMA_VERSION
    snapshot_digest: str
    image: str
    image_id: str
    image_digests: tuple[str, ...] = ()
    plan_digest: str | None = None
    """As the image's label tells it."""
    reprobuild_version: str
    made_at: str
    """ISO 8601, UTC."""
    command: tuple[str, ...]
    variables: dict[str, str] = {}
    """Recorded variables that were set."""
    given_variables: tuple[str, ...] = ()
    left_out_variables: tuple[str, ...] = ()
    runs: tuple[RunOutcome, ...] = ()
    comparison: ResultsComparison | None = None
    """None where there were no recorded numbers, or no new ones."""
    explanations: Explanations = Explanations()
    level: LevelResult

    @property
    def passed(self) -> bool:
        """Whether the recorded numbers came out again."""
        return self.level.outcome is Outcome.PASSED

    def to_json_object(self) -> dict[str, Any]:
        """What replay.json holds."""
        content: dict[str, Any] = msgspec.to_builtins(self)
        content.pop("schema_version", None)
        return {"schema_version": self.schema_version, "passed": self.passed, **content}

    def to_json(self) -> str:
        """The text of replay.json, indented by two."""
        return msgspec.json.format(msgspec.json.encode(self.to_json_object()), indent=2).decode() + "\n"

    def added_to(self, proof: Proof | None) -> Proof:
        """The proof with this replay for its level ``replays``; a proof of that level alone where there is none."""
        if proof is None:
            proof = Proof(
                snapshot_digest=self.snapshot_digest,
                plan_digest=self.plan_digest or "",
                image=self.image,
                image_id=self.image_id,
                image_digests=self.image_digests,
                reprobuild_version=self.reprobuild_version,
                made_at=self.made_at,
                levels=(),
            )
        others = tuple(level for level in proof.levels if level.level is not self.level.level)
        return msgspec.structs.replace(proof, levels=(*others, self.level))


def parse_replay(content: bytes, *, source: str | None = None) -> Replay:
    """Read replay.json. Raises RecordError for anything else, naming the place of the first wrong value."""
    hint = "`reprobuild replay ENV -o DIR` writes one into its folder"
    return decode(content, Replay, version=REPLAY_SCHEMA_VERSION, name="replay", hint=hint, source=source)
