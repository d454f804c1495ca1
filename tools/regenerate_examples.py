"""Write the golden files of ``examples/`` anew. Read what changed before you commit it."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.golden.examples import EXAMPLES, SITUATIONS, expected_files, files_there


def main() -> int:
    """Bring every situation's files up to date and name those that changed."""
    for situation in SITUATIONS:
        expected, there = expected_files(situation), files_there(situation)
        for name in sorted(there.keys() - expected.keys()):
            (EXAMPLES / situation / name).unlink()
            print(f"removed {situation}/{name}")
        for name, text in expected.items():
            if there.get(name) != text:
                path = EXAMPLES / situation / name
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(text.encode("utf-8"))
                print(f"wrote {situation}/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
