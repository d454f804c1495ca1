"""Imports point down only, also inside functions; heavy packages are imported late, each by one module only."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "reprobuild"

LAYERS: tuple[frozenset[str], ...] = (
    frozenset({"errors"}),
    frozenset(
        {
            "distribution",
            "files",
            "linear_algebra",
            "metrics_file",
            "marker_environment",
            "printing",
            "run_notes",
            "settings",
            "versioned_json",
        }
    ),
    frozenset({"snapshot", "seeding", "run_facts"}),
    frozenset({"capture", "records", "compare", "catalog", "plan"}),
    frozenset({"planner", "environment_snapshot", "integrations", "metrics_tracker", "results", "proof", "refresh"}),
    frozenset({"render"}),
    frozenset({"engine"}),
    frozenset({"attaching", "build", "verify", "replay", "report", "explain"}),
    frozenset({"cli"}),
)
"""Lowest first. A module may import from lower layers, and from its own package."""

STRANGERS = frozenset({"capture", "records", "compare", "catalog", "plan"})
"""They stand side by side and don't know each other."""

ALONE = frozenset({"probe"})
"""Imports nothing of ours. It runs as text in any interpreter, and whoever is above the model may call it here."""

HEAVY = {
    "IPython": "cli/notebook.py",
    "docker": "engine/docker.py",
    "jinja2": "render/",
    "lightning": "integrations/lightning.py",
    "mlflow": "integrations/",
    "pynvml": "capture/",
    "pytorch_lightning": "integrations/lightning.py",
    "rich": "cli/console.py",
    "torch": "seeding.py",
    "transformers": "integrations/transformers.py",
    "wandb": "integrations/",
    "yaml": "records/yaml_text.py",
}
"""Packages that take long to import, and the one module (or package) that may."""


UNIX_ONLY = frozenset(
    {"crypt", "curses", "fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
)
"""Modules of the standard library that Windows lacks."""


LATE = {*HEAVY, "numpy", "requests"}
"""What nothing may load by being imported: what only a function loads when it needs it."""


class Import(NamedTuple):
    """One imported module, as a dotted name, where it stands and whether a function holds it."""

    file: str
    line: int
    module: str
    in_function: bool
    for_types_only: bool
    guarded: bool
    """Whether it stands in a ``try`` that manages without it."""

    @property
    def place(self) -> str:
        """For messages."""
        return f"{self.file}:{self.line} imports {self.module}"


def layer_of(part: str) -> int:
    """Index of the layer that a module or package of ours belongs to."""
    for index, layer in enumerate(LAYERS):
        if part in layer:
            return index
    raise AssertionError(f"{part} is in no layer: say in tests/unit/test_imports.py where it belongs")


def top_part(file: str) -> str:
    """``capture/process.py`` belongs to ``capture``, ``files.py`` to ``files``."""
    return file.split("/")[0].removesuffix(".py")


def imports_of(path: Path) -> Iterator[Import]:
    """Every import of a file, wherever it stands."""
    file = path.relative_to(SOURCE).as_posix()
    package = ["reprobuild", *file.split("/")[:-1]]

    def walk(node: ast.AST, in_function: bool, for_types: bool, guarded: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(file, child.lineno, alias.name, in_function, for_types, guarded)
            elif isinstance(child, ast.ImportFrom):
                base = package[: len(package) - child.level + 1] if child.level else []
                module = ".".join([*base, *([child.module] if child.module else [])])
                for alias in child.names:
                    yield Import(file, child.lineno, f"{module}.{alias.name}", in_function, for_types, guarded)
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            is_types = isinstance(child, ast.If) and ast.unparse(child.test).endswith("TYPE_CHECKING")
            is_try = isinstance(child, ast.Try) and "ImportError" in ast.unparse(child)
            yield from walk(child, in_function or is_function, for_types or is_types, guarded or is_try)

    yield from walk(ast.parse(path.read_text("utf-8")), False, False, False)


ALL_IMPORTS = [found for path in sorted(SOURCE.rglob("*.py")) for found in imports_of(path)]
OURS = [found for found in ALL_IMPORTS if found.module.startswith("reprobuild.")]


def test_the_walk_sees_imports_at_the_top_in_functions_and_under_guards() -> None:
    frame = [found for found in ALL_IMPORTS if found.file == "cli/main.py"]
    assert any(found.module == "reprobuild.errors.UsageError" and not found.in_function for found in frame)
    assert any(found.module == "reprobuild.cli.parser.new_parser" and found.in_function for found in frame)
    assert any(found.module == "argparse" and found.for_types_only for found in frame)


def test_every_module_belongs_to_a_layer() -> None:
    parts = {top_part(path.relative_to(SOURCE).as_posix()) for path in SOURCE.rglob("*.py")}
    for part in sorted(parts - ALONE - {"__init__"}):
        layer_of(part)


def test_imports_point_down() -> None:
    wrong = []
    for found in OURS:
        importer, imported = top_part(found.file), found.module.split(".")[1]
        # The package itself only lends its version, and gives its public names on demand.
        if importer in ("__init__", imported) or imported == "__version__":
            continue
        if importer in ALONE or (imported not in ALONE and layer_of(imported) > layer_of(importer)):
            wrong.append(found.place)
        elif importer in STRANGERS and imported in STRANGERS:
            wrong.append(f"{found.place}: neither knows the other")
    assert wrong == []


def test_nothing_of_ours_is_imported_whole() -> None:
    """``import reprobuild`` inside the package would hide from this test what it uses."""
    allowed = {"reprobuild.__version__"}
    wrong = [found.place for found in ALL_IMPORTS if found.module == "reprobuild"]
    wrong += [
        found.place
        for found in OURS
        if found.module.count(".") == 1
        and found.module not in allowed
        and not (SOURCE / f"{found.module.split('.')[1]}.py").exists()
        and not (SOURCE / found.module.split(".")[1]).is_dir()
    ]
    assert wrong == []


@pytest.mark.parametrize("package", HEAVY)
def test_a_heavy_package_has_one_importer_and_is_imported_late(package: str) -> None:
    users = [found for found in ALL_IMPORTS if found.module.split(".")[0] == package]
    assert [found.place for found in users if not found.file.startswith(HEAVY[package])] == []
    assert [found.place for found in users if not found.in_function and not found.for_types_only] == []
    assert len({found.file for found in users if not found.for_types_only}) <= 1


def test_what_windows_lacks_is_only_imported_where_it_is_used() -> None:
    users = [found for found in ALL_IMPORTS if found.module.split(".")[0] in UNIX_ONLY]
    at_import = [found for found in users if not found.in_function and not found.for_types_only]
    assert [found.place for found in at_import if not found.guarded] == []


def loaded_by(code: str) -> set[str]:
    """Top-level names of the modules that an interpreter holds after running ``code``."""
    script = (
        f"import sys\nbefore = set(sys.modules)\n{code}\nimport json\nprint()\nprint(json.dumps(sorted(sys.modules)))"
    )
    # Isolated, and without the packages' start-up hooks that an editable installation adds.
    finished = subprocess.run([sys.executable, "-I", "-c", script], capture_output=True, text=True, check=True)
    return {str(name).split(".")[0] for name in json.loads(finished.stdout.splitlines()[-1])}


RUN_HELP = "from reprobuild.cli.main import main\nmain(['{option}'])"


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_nothing_is_loaded_for_the_help(option: str) -> None:
    loaded = loaded_by(RUN_HELP.format(option=option))
    assert "reprobuild" in loaded
    assert loaded.isdisjoint({*LATE, "argparse", "msgspec", "packaging", "platformdirs", "tomllib"})


def test_importing_the_package_loads_nothing_heavy() -> None:
    loaded = loaded_by("import reprobuild")
    assert loaded.isdisjoint({*LATE, "packaging"})


def test_importing_every_module_loads_nothing_heavy() -> None:
    modules = sorted(
        "reprobuild." + path.relative_to(SOURCE).with_suffix("").as_posix().replace("/", ".")
        for path in SOURCE.rglob("*.py")
        if path.name not in ("__init__.py", "__main__.py")
    )
    loaded = loaded_by("\n".join(f"import {module}" for module in modules))
    assert loaded.isdisjoint(LATE)
