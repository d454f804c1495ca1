"""Write ``docs/sample-report.html`` anew, of a real run whose image is built and examined in the lab.

Takes minutes, and whatever the lab takes (docs/lab.md). Read the page before you commit it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.lab import real_training
from tests.lab.laboratory import Laboratory, LaboratoryUnavailable

PAGE = Path(__file__).parents[1] / "docs" / "sample-report.html"


def main() -> int:
    """Record, build, verify, replay, report. Exit code 1 where there is no lab."""
    try:
        laboratory = Laboratory.start()
    except LaboratoryUnavailable as reason:
        print(f"no lab: {reason}", file=sys.stderr)
        return 1
    try:
        with tempfile.TemporaryDirectory(prefix="sample-run-") as folder:
            make_page(laboratory, Path(folder))
    finally:
        laboratory.stop()
    print(f"wrote {PAGE}")
    return 0


def make_page(laboratory: Laboratory, folder: Path) -> None:
    """The page of the run that the lab's tests train."""
    run = real_training.make_run(laboratory, folder)
    image = real_training.build_image(run)
    proof, replayed = folder / "proof.json", folder / "replayed"
    run.program("verify", run.record, image, "-o", proof)
    run.program("replay", run.record.parent, "--source", run.code, "--proof", proof, "-o", replayed)
    run.program("report", run.record, proof, "--replay", replayed, "-o", PAGE)


if __name__ == "__main__":
    sys.exit(main())
