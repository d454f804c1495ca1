"""Packages that load libraries of the operating system: scanned, planned to the package, built, and imported.

All real: opencv-python and soundfile as wheels, psycopg2 and pycairo compiled here against this machine's libraries.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.lab.laboratory import Laboratory, interpreters
from tests.lab.recorded_run import RecordedRun

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

REQUIREMENTS = (
    *("numpy==1.26.4", "opencv-python==4.10.0.84", "soundfile==0.12.1", "psycopg2==2.9.9", "pycairo==1.26.1"),
    *("--no-binary", "psycopg2,pycairo"),
)
IMAGE = "system-libraries:rebuilt"
SCRIPT = "import cairo, cv2, psycopg2, soundfile; print(cv2.__version__, psycopg2.__version__, cairo.version)"
SHARED = {"libc6", "libgcc-s1", "libstdc++6", "zlib1g"}
"""What every Debian has."""


@pytest.fixture(scope="module")
def run(lab: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> RecordedRun:
    """An environment whose packages load X11, OpenGL, PostgreSQL's and cairo's libraries; recorded."""
    if shutil.which("pg_config") is None or subprocess.run(["pkg-config", "--exists", "cairo"]).returncode:
        pytest.skip("libpq-dev and libcairo2-dev are not here to compile psycopg2 and pycairo with")
    versions = [version for version in interpreters.available_versions() if version.startswith("3.11.")]
    if not versions:
        pytest.skip("no CPython 3.11 under PYENV_ROOT to make the environment with")
    recorded = RecordedRun(tmp_path_factory.mktemp("run"), lab)
    recorded.install(interpreters.interpreter(versions[-1]), *REQUIREMENTS)
    recorded.capture()
    return recorded


def libraries(run: RecordedRun) -> dict[str, dict[str, Any]]:
    """The recorded libraries by their names."""
    found = json.loads(run.record.read_text("utf-8"))["system_libraries"]
    return {library["soname"]: library for library in found}


def test_the_scan_finds_what_the_loader_loads(run: RecordedRun) -> None:
    """``ldd`` lists what it resolves for a module and for all below it: each recorded file has to be among them."""
    for name, pattern in (("psycopg2", "psycopg2/_psycopg*.so"), ("pycairo", "cairo/_cairo*.so")):
        (module,) = run.folder.glob(f"venv/lib/python3*/site-packages/{pattern}")
        printed = subprocess.run(["ldd", module], capture_output=True, text=True, check=True).stdout
        loaded = {
            line.split(" => ")[0].strip(): line.split(" => ")[1].split(" (")[0]
            for line in printed.splitlines()
            if " => /" in line
        }
        recorded = {soname: item for soname, item in libraries(run).items() if name in item["needed_by"]}
        assert recorded
        for soname, item in recorded.items():
            assert Path(item["path"]).samefile(loaded[soname])


def test_each_library_has_its_package(run: RecordedRun) -> None:
    found = libraries(run)
    for soname, package, user in (
        ("libGL.so.1", "libgl1", "opencv-python"),
        ("libgthread-2.0.so.0", "libglib2.0-0", "opencv-python"),
        ("libpq.so.5", "libpq5", "psycopg2"),
        ("libcairo.so.2", "libcairo2", "pycairo"),
    ):
        assert (found[soname]["package"], user in found[soname]["needed_by"]) == (package, True)
    assert not [soname for soname in found if "sndfile" in soname], "the wheel of soundfile brings it"


def test_the_plan_installs_these_packages_and_no_others(run: RecordedRun) -> None:
    plan = run.plan()
    runtime = {package["name"] for package in plan["system_packages"] if package.get("stage") != "build"}
    recorded = {library["package"] for library in libraries(run).values()}
    assert runtime == {"ca-certificates"} | recorded - SHARED
    build = {package["name"] for package in plan["system_packages"] if package.get("stage") == "build"}
    assert {"libpq-dev", "libcairo2-dev", "pkg-config", "build-essential"} <= build
    assert {library["name"]: library["where"] for library in plan["libraries"]}["libc.so.6"] == "base"


def test_the_image_imports_what_the_base_alone_could_not(run: RecordedRun, lab: Laboratory) -> None:
    plan = run.plan()
    base = f"{plan['base']['repository']}:{plan['base']['tag']}"
    lacking = ["sh", "-c", "ldconfig -p | grep -c -e libGL.so.1 -e libpq.so.5 -e libcairo.so.2 || true"]
    assert lab.client.containers.run(base, lacking, network_mode="none", remove=True).decode().strip() == "0"
    run.program("build", run.record, "-t", IMAGE, *run.network())
    script = run.folder / "imports.py"
    script.write_text(SCRIPT)
    assert run.printed_in_image(IMAGE, script) == run.printed_by(script)
    proof = json.loads(run.program("verify", run.record, IMAGE, "--json", check=False).stdout)
    outcomes = {level["level"]: level["outcome"] for level in proof["levels"]}
    assert (outcomes["installed"], outcomes["loads"]) == ("passed", "passed")
