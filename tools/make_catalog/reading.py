"""Reading the folder of collected facts and the hand-kept tables beside this file."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

CURATED = Path(__file__).parent / "curated"


def load_json(facts: Path, name: str) -> dict[str, Any]:
    """One JSON file of the facts."""
    content: dict[str, Any] = json.loads((facts / name).read_text(encoding="utf-8"))
    return content


def load_csv(path: Path) -> list[dict[str, str]]:
    """One table of the facts or of the hand-kept ones."""
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def curated(name: str) -> list[dict[str, str]]:
    """A table of ``curated/``: the machine-readable reading of facts that were written as prose."""
    return load_csv(CURATED / f"{name}.csv")


def canonical(name: str) -> str:
    """A distribution's name in its normal form."""
    return re.sub(r"[-_.]+", "-", name).lower()


def certainty_word(text: str) -> str:
    """``verified`` or ``general knowledge``, from a sentence of the facts."""
    return "verified" if text.startswith("verified") else "general knowledge"


def listed(text: str) -> list[str]:
    """The items of a hand-kept cell."""
    return text.split(";") if text else []
