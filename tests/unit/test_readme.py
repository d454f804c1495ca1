"""The README says what the program does: its help, its output, its links."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from reprobuild.cli import main as frame

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")])


def printed_after(command: str) -> str:
    """What the README shows below a command."""
    sessions = re.findall(r"```console\n\$ (.*?)\n(.*?)```", README, re.DOTALL)
    return str(next(output for shown, output in sessions if shown.startswith(command)))


def shape(output: str) -> list[str]:
    """An output without what differs from run to run: numbers, versions, names, marks of length.

    The first word of a line stays, and so do the line breaks and the indentation.
    """
    return [re.sub(r"^(\s*\S+\s*).*", r"\1", line) for line in output.splitlines()]


def test_the_help_is_the_programs() -> None:
    assert printed_after("reprobuild --help") == frame.help_text()


def test_the_first_screen_holds_what_it_does_the_two_commands_and_what_it_cannot_do() -> None:
    screen = README[: README.index("\n## ")].splitlines()
    assert len(screen) <= 50
    for words in ("reprobuild capture", "reprobuild rebuild", "**What exact means.**", "**What it can't do.**"):
        assert any(words in line for line in screen), words


def test_capture_still_prints_what_the_readme_shows(tmp_path: Path) -> None:
    venv.create(tmp_path / ".venv", with_pip=False, symlinks=sys.platform != "win32")
    scripts = tmp_path / ".venv" / ("Scripts" if sys.platform == "win32" else "bin")
    finished = subprocess.run(
        [sys.executable, "-m", "reprobuild.cli.main", "capture", "--python", scripts / "python"],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
    )
    assert finished.returncode == 0, finished.stderr
    assert shape(finished.stdout) == shape(printed_after("reprobuild capture"))


def anchors_of(document: Path) -> set[str]:
    """The anchors that GitHub gives to a document's headings."""
    headings = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()) for heading in headings)
    return {heading.strip().replace(" ", "-") for heading in plain}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        if not path.exists() or (anchor and anchor not in anchors_of(path)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_commands_in_the_documents_exist(document: Path) -> None:
    named = re.findall(r"(?:^    |^\$ |`|\| )reprobuild ([a-z]+)\b", document.read_text("utf-8"), re.MULTILINE)
    assert set(named) <= set(frame.COMMANDS)
