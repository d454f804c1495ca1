"""Keeping a proof where the thing it proves is kept: in a label of the image, or with the run on W&B or MLflow.

The examined image stays as it is: a label is part of an image's identity, so that the proof goes into another image of
the same layers, under a name of its own. Layer: beside ``verify``, above ``engine``.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from pathlib import Path
from typing import Literal, get_args

import msgspec

from reprobuild.engine import Engine
from reprobuild.errors import RecordError, UsageError
from reprobuild.proof import Proof, Verdict, parse_proof

PROOF_LABEL = "dev.reprobuild.proof"
"""The proof on one line. What is exact is left out of it: an image's configuration is read on every pull."""

DIGEST_LABEL = "dev.reprobuild.proof-digest"
"""``sha256:<hex>`` of the whole proof.json that belongs to it."""

MOST_LABEL_BYTES = 256 * 1024
"""Registries refuse a configuration of some megabytes, and engines hold it in memory."""

Kind = Literal["label", "wandb", "mlflow"]

_FORMS = {
    "label": r"[a-z0-9][A-Za-z0-9._:/-]*",
    "wandb": r"[\w.-]+/[\w.-]+/[\w.-]+",
    "mlflow": r"[A-Za-z0-9_-]+",
}
_EXAMPLES = "label:my-run:proved, wandb:ENTITY/PROJECT/RUN or mlflow:RUN_ID"


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """One place for a proof."""

    kind: Kind
    name: str
    """The new image's tag, the path of a W&B run, or the id of an MLflow run."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"


def destination_of(text: str) -> Destination:
    """Understand ``label:TAG``, ``wandb:ENTITY/PROJECT/RUN`` or ``mlflow:RUN_ID``. Raises UsageError."""
    kind, _, name = text.partition(":")
    for known in get_args(Kind):
        if kind == known and re.fullmatch(_FORMS[known], name):
            return Destination(kind=known, name=name)
    raise UsageError(f"--attach: {text!r} is no place for a proof", hint=f"such as {_EXAMPLES}")


def attach(proof: Proof, destination: Destination, engine: Engine) -> str:
    """Keep the proof there; a sentence on what was done. Raises RecordError for a run, EngineError for a label."""
    match destination.kind:
        case "label":
            image_id = engine.label(proof.image_id, labels_of(proof), tag=destination.name)
            return f"{destination.name} is the examined image with the proof in its label {PROOF_LABEL} ({image_id})"
        case "wandb":
            from reprobuild.integrations.wandb import log_proof
        case "mlflow":
            from reprobuild.integrations.mlflow import log_proof
    with tempfile.TemporaryDirectory(prefix="reprobuild-proof-") as folder:
        path = Path(folder) / "proof.json"
        path.write_text(proof.to_json(), encoding="utf-8")
        log_proof(destination.name, path, summary_of(proof))
    return f"the proof is with the run {destination}"


def labels_of(proof: Proof) -> dict[str, str]:
    """The labels that carry a proof. Raises UsageError for one that is too large."""
    levels = tuple(msgspec.structs.replace(one, findings=one.differences) for one in proof.levels)
    shortened = msgspec.structs.replace(proof, levels=levels)
    text = msgspec.json.encode(shortened.to_json_object()).decode("utf-8")
    if len(text.encode("utf-8")) > MOST_LABEL_BYTES:
        raise UsageError(
            f"--attach: {len(text) // 1024} KiB of differences are too much for a label",
            hint="keep the proof in a file with -o proof.json",
        )
    return {PROOF_LABEL: text, DIGEST_LABEL: f"sha256:{hashlib.sha256(proof.to_json().encode()).hexdigest()}"}


def proof_of_labels(labels: dict[str, str], image: str) -> Proof:
    """The proof that an image carries. Raises RecordError where it carries none."""
    if PROOF_LABEL not in labels:
        raise RecordError(
            f"it has no label {PROOF_LABEL}",
            source=image,
            hint="`reprobuild verify ENV IMAGE --attach label:NAME` makes an image that has one",
        )
    return parse_proof(labels[PROOF_LABEL].encode(), source=image)


def summary_of(proof: Proof) -> dict[str, str]:
    """A proof in a few words, as a tracking service can search for them."""
    return {
        "reprobuild.proof.passed": str(proof.passed).lower(),
        "reprobuild.proof.verdict": str(Verdict(proof.verdict)),
        "reprobuild.proof.snapshot_digest": proof.snapshot_digest,
        "reprobuild.proof.image_id": proof.image_id,
        **{f"reprobuild.proof.{one.level}": str(one.outcome) for one in proof.levels},
    }
