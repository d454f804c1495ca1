"""Print the table of docs/corpus.md: what becomes of each record in a folder of real ones, and the shares.

    python tools/corpus_table.py FOLDER [--write docs/corpus.md]

A record is a folder or file that ``reprobuild.records`` reads. Nothing of a record but its name, its size and the
plan's answers is printed.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

import msgspec

from reprobuild import records
from reprobuild.catalog import Catalog
from reprobuild.errors import ReprobuildError
from reprobuild.plan import Fidelity, Plan
from reprobuild.planner import plan
from reprobuild.render import render

INTRODUCTION = """\
# What becomes of real records

Environments that people recorded between 2018 and 2026 and put into public places, planned with the packaged tables.
`python tools/corpus_table.py FOLDER --write docs/corpus.md` makes this page from a folder of such records.

A record's fidelity is that of its weakest part, so that one package of the operating system that no index has makes
the whole *missing*. The columns behind it count packages: *exact* is the same version from the same origin,
*equivalent* the same version from another build, *substituted* a named difference, *missing* not in the image, with the
reason in the plan.
"""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One record and what became of it."""

    name: str
    outcome: str
    """The plan's fidelity, or refused."""
    packages: Counter[Fidelity]
    words: str
    """The image in a few words, or the reason of the refusal."""


def row_of(path: Path, catalog: Catalog) -> Row:
    """Read, plan and render one record."""
    try:
        snapshot = records.read(path)
        result = plan(snapshot, catalog)
        render(result, snapshot)
    except ReprobuildError as error:
        reason = str(error).replace(f"{path}/", "").replace(f"{path}: ", "")
        return Row(name=path.name, outcome="refused", packages=Counter(), words=reason)
    counts = Counter(placement.fidelity for placement in result.placements)
    return Row(name=path.name, outcome=str(result.fidelity), packages=counts, words=words_of(result))


def words_of(result: Plan) -> str:
    """Python, torch's variant and the base."""
    parts = [f"CPython {result.python.version}"]
    if result.accelerator.variant and result.accelerator.kind != "cpu":
        parts.append(result.accelerator.variant)
    return ", ".join([*parts, f"`{result.base.reference}`"])


def page(rows: list[Row]) -> str:
    """The whole page."""
    packages = sum((row.packages for row in rows), Counter())
    total = sum(packages.values())
    outcomes = Counter(row.outcome for row in rows)
    lines = [INTRODUCTION, "| records | | |", "|---|--:|--:|"]
    names = [*map(str, Fidelity), "refused"]
    lines += [f"| {name} | {outcomes[name]} | {outcomes[name] / len(rows):.1%} |" for name in names]
    lines += [f"| all | {len(rows)} | |", "", "| packages | | |", "|---|--:|--:|"]
    lines += [f"| {each} | {packages[each]} | {packages[each] / total:.1%} |" for each in Fidelity]
    lines += [f"| all | {total} | |", "", "| record | fidelity | exact | equivalent | substituted | missing | |"]
    lines.append("|---|---|--:|--:|--:|--:|---|")
    for row in rows:
        counts = " | ".join(str(row.packages[each] or "") for each in Fidelity)
        lines.append(f"| {row.name} | {row.outcome} | {counts} | {row.words} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Print or write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="a folder of records, one folder or file each")
    parser.add_argument("--write", type=Path, help="the file to write in place of printing")
    arguments = parser.parse_args()
    found = sorted(path for path in arguments.folder.iterdir() if path.is_dir())
    catalog = Catalog.packaged()
    text = page([row_of(path, catalog) for path in found])
    if arguments.write:
        arguments.write.write_text(text, "utf-8")
    else:
        sys.stdout.write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
