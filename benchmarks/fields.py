"""Which facts of one environment each tool's own output holds: found by looking for the facts themselves in it.

    python benchmarks/fields.py [--write docs/recorded-fields.md]

The environment is made for it: torch and six from the index, a package from a git repository, one from a local archive
and one from a folder of a repository. A fact counts as recorded when the text that a tool prints holds its value, or,
for yes and no, the value under its name. PIP_FIND_LINKS may name a folder that holds torch's wheel.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from turns import clean_environment

TORCH = "torch==2.13.0"
VARIABLES = {"OMP_NUM_THREADS": "3", "CUBLAS_WORKSPACE_CONFIG": ":4096:8"}


def main() -> int:
    """Make the environment, ask every tool, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table there as well")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        python = make_environment(folder)
        outputs = ask_all(python, folder)
    text = table(outputs)
    print(text, end="")
    if arguments.write:
        arguments.write.write_text(text, "utf-8")
    return 0


def make_environment(folder: Path) -> Path:
    """A virtual environment with one package of each origin; the folder ``work`` is a repository with a commit."""
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    work = project(folder / "work", "edited")
    hosted = project(folder / "hosted", "hosted")
    archive = shutil.make_archive(str(folder / "packed-1.0"), "gztar", project(folder / "packed", "packed"))
    for repository in (work, hosted):
        for command in ("init --quiet", "add .", "-c user.name=a -c user.email=a@example.org commit --quiet -m one"):
            run("git", *command.split(), folder=repository)
    (work / "edited.py").write_text("CHANGED = True\n")
    pip = (str(python), "-m", "pip", "install", "--quiet")
    run(*pip, TORCH, "six==1.16.0", folder=folder)
    run(*pip, f"git+{hosted.as_uri()}", archive, "--editable", str(work), folder=folder)
    return python


def project(folder: Path, name: str) -> Path:
    """A package of one module."""
    folder.mkdir()
    (folder / f"{name}.py").write_text("CHANGED = False\n")
    (folder / "pyproject.toml").write_text(
        f'[build-system]\nrequires = ["setuptools>=64"]\nbuild-backend = "setuptools.build_meta"\n'
        f'[project]\nname = "{name}"\nversion = "1.0"\n[tool.setuptools]\npy-modules = ["{name}"]\n'
    )
    return folder


def ask_all(python: Path, folder: Path) -> dict[str, str]:
    """What each tool prints of the environment, ours first."""
    ours = str(Path(sys.executable).with_name("reprobuild"))
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    command = [ours, "capture", "--python", str(python), "-o", str(folder / "record"), "--", str(python), "-c", "pass"]
    run(*command, folder=folder / "work")
    asked = {
        "pip freeze": [str(python), "-m", "pip", "freeze"],
        "pip inspect": [str(python), "-m", "pip", "inspect"],
        "uv pip freeze": [uv, "pip", "freeze", "--python", str(python)],
        "collect_env": [str(python), "-m", "torch.utils.collect_env"],
    }
    if conda := shutil.which("conda"):
        asked["conda list"] = [conda, "list", "--prefix", str(python.parents[1])]
    outputs = {"reprobuild": (folder / "record" / "environment.json").read_text("utf-8")}
    outputs.update({name: run(*command, folder=folder / "work") for name, command in asked.items()})
    return outputs


def facts_of(record: Mapping[str, Any]) -> dict[str, str]:
    """Each fact, in the words of the table: a regular expression of its value as any tool may write it."""
    packages = {package["name"]: package for package in record["distributions"]}
    hosted, packed = packages["hosted"]["direct_url"], packages["packed"]["direct_url"]
    edited, system = packages["edited"]["direct_url"], record["system"]
    libraries = {library["package"] for library in record["system_libraries"] if library.get("package")}

    def flag(name: str, value: object) -> str:
        return rf'"{name}":\s*{re.escape(json.dumps(value))}'

    return {
        "each package's version": r'six(==1\.16\.0|",\s*"version":\s*"1\.16\.0")',
        "commit of a package from git": re.escape(hosted["vcs_info"]["commit_id"]),
        "digest of an installed archive": re.escape(packed["archive_info"]["hashes"]["sha256"]),
        "an editable package's folder": re.escape(edited["url"].removeprefix("file://")),
        "its commit": re.escape(record["source"]["commit"]),
        "that it was changed": flag("dirty", True),
        "which program installed it": flag("installer", "pip"),
        "whether it was asked for": flag("requested", True),
        "tags of its wheel": re.escape(packages["torch"]["tags"][0]),
        "digest of its files": re.escape(packages["six"]["record_digest"]),
        "patch release of Python": rf"{re.escape(record['python_version_short'])}\b",
        "build of the interpreter": re.escape(record["python"]["compiler"]),
        "torch with its local version": re.escape(record["torch"]["version"]),
        "release of the system": re.escape(system["os_name"]),
        "version of libc": rf"\b{re.escape(system['libc_version'])}\b",
        "model of the processor": re.escape(system["cpu_model"]),
        "packages of shared libraries": "|".join(rf'"{re.escape(name)}"' for name in sorted(libraries)),
        "commit of the run's code": re.escape(record["source"]["commit"]),
        "its uncommitted changes": r"CHANGED = True",
        "the command line": r'"-c",\s*"pass"',
        "variables that change results": r"4096:8",
        "when it was recorded": re.escape(record["recorded_at"]),
    }


def table(outputs: Mapping[str, str]) -> str:
    """The table in Markdown, with the command that makes it."""
    facts = facts_of(json.loads(outputs["reprobuild"]))
    lines = [
        "# What each tool records of one environment",
        "",
        "Made by `python benchmarks/fields.py --write docs/recorded-fields.md`: it makes an environment, asks each",
        "tool, and looks for the facts themselves in what it prints. No GPU; `conda list` where there is a conda.",
        "",
        f"| fact | {' | '.join(outputs)} |",
        f"|---|{'---|' * len(outputs)}",
    ]
    for fact, pattern in facts.items():
        held = ["yes" if re.search(pattern, text) else "–" for text in outputs.values()]
        lines.append(f"| {fact} | {' | '.join(held)} |")
    return "\n".join(lines) + "\n"


def run(*command: str, folder: Path) -> str:
    """Standard output of a command; ends the program where it fails."""
    environment = clean_environment() | VARIABLES
    finished = subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8")
    if finished.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {finished.returncode}:\n{finished.stderr}")
    return finished.stdout


if __name__ == "__main__":
    sys.exit(main())
