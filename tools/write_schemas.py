"""Write the JSON Schemas of the files that reprobuild writes, from the models: src/reprobuild/schemas/*.schema.json.

``python tools/write_schemas.py`` writes them; ``--check`` only says which are not current and exits with 1.
A schema admits keys that this version does not know, as the readers do.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import msgspec

from reprobuild.compare import COMPARISON_SCHEMA_VERSION, Comparison
from reprobuild.files import write_atomically
from reprobuild.plan import PLAN_SCHEMA_VERSION, Fidelity, Plan
from reprobuild.proof import PROOF_SCHEMA_VERSION, Proof, Verdict
from reprobuild.replay.values import REPLAY_SCHEMA_VERSION, Replay
from reprobuild.snapshot import SCHEMA_VERSION, FlatFacts, Snapshot

FOLDER = Path(__file__).resolve().parents[1] / "src" / "reprobuild" / "schemas"
DIALECT = "https://json-schema.org/draft/2020-12/schema"
DIGEST = {"type": "string", "pattern": "^sha256:[0-9a-f]{64}$"}


def schema_of(model: type[msgspec.Struct], title: str, version: int, **derived: Any) -> dict[str, Any]:
    """The schema of one model, its own object at the top; ``derived`` are keys that are computed when it is written."""
    (reference,), definitions = msgspec.json.schema_components([model], ref_template="#/$defs/{name}")
    name = reference["$ref"].rsplit("/", 1)[1]
    top = definitions.pop(name)
    properties = {**top["properties"], **derived}
    properties["schema_version"] = {"const": version}
    required = sorted({*top.get("required", ()), "schema_version", *derived})
    whole = {"$schema": DIALECT, "title": title, "type": "object", "properties": properties, "required": required}
    return {**whole, "$defs": dict(sorted(definitions.items()))}


def snapshot_schema() -> dict[str, Any]:
    """environment.json: the flat keys first, the deeper record beside them, no key for what is derived on reading."""
    schema = schema_of(Snapshot, "environment.json of reprobuild", SCHEMA_VERSION)
    flat = schema["$defs"].pop(FlatFacts.__name__)["properties"]
    deeper = {key: value for key, value in schema["properties"].items() if key not in ("flat", "unknown")}
    return {**schema, "properties": {**flat, **deeper}}


def schemas() -> dict[str, str]:
    """The text of each schema by its file name."""
    verdicts, fidelities = [str(verdict) for verdict in Verdict], [str(fidelity) for fidelity in Fidelity]
    made = {
        "environment": snapshot_schema(),
        "plan": schema_of(
            Plan, "A plan of reprobuild", PLAN_SCHEMA_VERSION, digest=DIGEST, fidelity={"enum": fidelities}
        ),
        "proof": schema_of(
            Proof,
            "A proof of reprobuild",
            PROOF_SCHEMA_VERSION,
            passed={"type": "boolean"},
            verdict={"enum": verdicts},
        ),
        "replay": schema_of(Replay, "A replay of reprobuild", REPLAY_SCHEMA_VERSION, passed={"type": "boolean"}),
        "comparison": schema_of(
            Comparison, "A comparison of reprobuild", COMPARISON_SCHEMA_VERSION, identical={"type": "boolean"}
        ),
    }
    return {f"{name}.schema.json": json.dumps(schema, indent=2) + "\n" for name, schema in made.items()}


def main(arguments: list[str]) -> int:
    """Write or check every schema."""
    stale = [
        name
        for name, text in schemas().items()
        if not (FOLDER / name).is_file() or (FOLDER / name).read_text(encoding="utf-8") != text
    ]
    for name in stale:
        if "--check" not in arguments:
            write_atomically(FOLDER / name, schemas()[name])
        print(f"{name}: {'not current' if '--check' in arguments else 'written'}")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
