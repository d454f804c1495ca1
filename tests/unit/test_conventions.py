"""What holds for every file: documented public names, files that fit a reader's head, nothing unfinished."""

from __future__ import annotations

import ast
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "reprobuild").rglob("*.py"))
LONGEST_FILE = 430
"""Lines. Longer files are split by the nouns in them."""

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def name_of(path: Path) -> str:
    """For test ids and messages."""
    return path.relative_to(ROOT).as_posix()


def public_definitions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Public functions, classes and methods with their dotted names. Inner functions are nobody's business."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not node.name.startswith("_"):
            yield prefix + node.name, node
            if isinstance(node, ast.ClassDef):
                yield from public_definitions(node, f"{prefix}{node.name}.")


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_every_module_and_public_name_says_what_it_is(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    assert ast.get_docstring(tree), "the module has no docstring"
    silent = [
        name
        for name, node in public_definitions(tree)
        if isinstance(node, (*FUNCTIONS, ast.ClassDef)) and not ast.get_docstring(node)
    ]
    assert silent == []


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_files_stay_short(path: Path) -> None:
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_FILE


def test_functions_stay_short() -> None:
    lengths = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, FUNCTIONS)
    ]
    assert statistics.median(lengths) <= 15
    assert max(lengths) <= 85


def test_no_module_is_a_drawer() -> None:
    assert [name_of(path) for path in SOURCES if path.stem in ("utils", "helpers", "common", "misc")] == []


def tracked_files() -> list[Path]:
    """Text files of the checkout that git knows; a source archive has no git, so there is nothing to ask there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True)
    if listed.returncode != 0:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name and (ROOT / name).is_file()]


def test_no_unfinished_marks_and_no_foreign_line_ends() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "XX" + "X:", "<<<<" + "<<<")
    wrong = []
    for path in tracked_files():
        content = path.read_bytes()
        if path.suffix not in (".py", ".md", ".toml", ".j2", ".sh", ".csv") or "data" in path.parts:
            continue
        wrong += [f"{name_of(path)}: {mark}" for mark in marks if mark.encode() in content]
        if b"\r\n" in content:
            wrong.append(f"{name_of(path)}: carriage returns")
    assert wrong == []
