"""A conda run rebuilt by conda, for real: the recorded builds from a channel, pip's packages on top, and proved.

Stand-ins: conda's channels can't be reached here, so a channel of the laboratory answers in their place, with real
archives and a real index (CPython is this machine's; the other packages are tiny). micromamba's binary is on no package
index either: a program with its command line stands in, and the library behind pixi does its work (see
``laboratory/micromamba.py``). The recipe is built unchanged; only its build arguments lead to the laboratory.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.lab.laboratory import Laboratory, interpreters, micromamba
from tests.lab.laboratory.conda_channel import PLACEHOLDER, CondaPackage, digests, python_package, write_channel
from tests.lab.laboratory.encrypted import EncryptedSite
from tests.lab.proofs import read_proof, unexplained
from tests.lab.recorded_run import RecordedRun

from reprobuild.proof import Level, Verdict

pytestmark = [pytest.mark.lab, pytest.mark.timeout(1200)]

IMAGE = "conda-run:captured"
FORGE = "https://conda.anaconda.org/conda-forge"
OPENSSL = CondaPackage(name="openssl", version="3.1.1", build="h0000000_0", files={"share/openssl.txt": b"a library"})
TOOL = CondaPackage(
    name="lab-tool",
    version="2.0",
    build="h1111111_0",
    files={"bin/lab-tool": f"#!{PLACEHOLDER}/bin/python\nprint('tool 2.0')\n".encode()},
)
NEWER_TOOL = CondaPackage(name="lab-tool", version="2.0", build="h2222222_1", files={"bin/lab-tool": b"#!/bin/sh\n"})
METADATA = b"Metadata-Version: 2.1\nName: lab-toolbox\nVersion: 1.2.3\n"
TOOLBOX = CondaPackage(
    name="lab-toolbox",
    version="1.2.3",
    build="pyh0000000_0",
    noarch="python",
    depends=("python >=3.6",),
    files={
        "site-packages/lab_toolbox/__init__.py": b"VERSION = '1.2.3'\n",
        "site-packages/lab_toolbox-1.2.3.dist-info/METADATA": METADATA,
        "site-packages/lab_toolbox-1.2.3.dist-info/RECORD": b"lab_toolbox/__init__.py,,\n",
    },
)


class CondaRun:
    """A conda environment of this machine, the channel it came from, and the way to a proved image."""

    def __init__(self, lab: Laboratory, folder: Path, version: str) -> None:
        self.lab = lab
        self.run = RecordedRun(folder, lab)
        self.python = python_package(version)
        self.prefix = folder / "envs" / "run"
        self.channel = lab.site.folder / "conda" / "conda-forge"
        write_channel(self.channel, self.python, OPENSSL, TOOL, NEWER_TOOL, TOOLBOX)
        self._make(folder)
        self.company = EncryptedSite(lab.site.folder, folder)
        self.authorities = folder / "authorities.pem"
        own = os.environ.get("SSL_CERT_FILE")
        self.authorities.write_text(self.company.authority.read_text() + (Path(own).read_text() if own else ""))

    def _make(self, folder: Path) -> None:
        """As a user does: conda installs, then pip does. conda's notes name the public channel, as they would."""
        packages = (self.python, OPENSSL, TOOL, TOOLBOX)
        specs = folder / "specs.txt"
        specs.write_text("".join(f"{each.name}=={each.version}={each.build}\n" for each in packages))
        options = ("--yes", "--no-rc", "--always-copy", "--override-channels", "--no-deps", "--file", specs)
        places = ("--root-prefix", folder / "root", "--prefix", self.prefix, "--channel", f"{self.mirror}/conda-forge")
        command = [sys.executable, micromamba.__file__, "create", *options, *places]
        subprocess.run([str(word) for word in command], check=True)
        for note in (self.prefix / "conda-meta").glob("*.json"):
            note.write_text(note.read_text().replace(self.mirror, "https://conda.anaconda.org"))
        uv = Path(sys.executable).with_name("uv")
        pip: list[str | Path] = [
            uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            self.prefix / "bin" / "python",
            "cloudpickle==3.0.0",
        ]
        subprocess.run(pip, check=True)

    @property
    def mirror(self) -> str:
        """What stands in for https://conda.anaconda.org."""
        return f"{self.lab.site.url}/conda"

    def provide(self, record: Path, *options: str) -> dict[str, Any]:
        """The plan of a record, with all its images provided by the laboratory."""
        plan: dict[str, Any] = json.loads(self.run.program("plan", record, *options, "--json").stdout)
        self.lab.provide_base(f"{plan['base']['repository']}:{plan['base']['tag']}")
        self.lab.images.provide_uv(plan["uv_image"])
        program = micromamba.bundle(interpreters.archive(self.python.version))
        self.lab.images.provide_micromamba(plan["conda"]["micromamba_image"], program)
        return plan

    def network(self) -> tuple[str, ...]:
        """Where the build finds everything: conda's channels on a mirror whose authority only the user knows."""
        options = [
            word for word in self.run.network() if word not in ("--ca-certificate", os.environ.get("SSL_CERT_FILE"))
        ]
        return (*options, "--ca-certificate", str(self.authorities), "--conda-channels", f"{self.company.url}/conda")


@pytest.fixture(scope="module")
def conda_run(lab: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[CondaRun]:
    """An environment that conda and pip made."""
    versions = [version for version in interpreters.available_versions() if version.startswith("3.11.")]
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not there to make a certificate")
    if not versions:
        pytest.skip("no CPython 3.11 under PYENV_ROOT to make conda's package of")
    made = CondaRun(lab, tmp_path_factory.mktemp("conda-run"), versions[-1])
    yield made
    made.company.stop()


@pytest.fixture(scope="module")
def captured(conda_run: CondaRun) -> Path:
    """The record that ``reprobuild capture`` makes of it."""
    record = conda_run.run.record
    conda_run.run.program("capture", "-o", record.parent, "--python", conda_run.prefix / "bin" / "python")
    return record


def test_the_captured_environment_is_rebuilt_from_its_urls_and_proved(conda_run: CondaRun, captured: Path) -> None:
    plan = conda_run.provide(captured)
    assert plan["conda"]["explicit"]
    _, sha256 = digests(conda_run.channel, TOOL)
    lines = {package["name"]: package["line"] for package in plan["conda"]["packages"]}
    assert lines["lab-tool"] == f"{FORGE}/linux-64/lab-tool-2.0-h1111111_0.tar.bz2#sha256:{sha256}"
    proof = captured.parent / "proof.json"
    conda_run.run.program("rebuild", captured, "--tag", IMAGE, "-o", proof, *conda_run.network())
    assert unexplained(read_proof(proof.read_text())) == []


def test_the_image_is_as_if_it_had_come_from_the_public_channel(conda_run: CondaRun, captured: Path) -> None:
    script = (
        "import json, pathlib, subprocess, lab_toolbox, cloudpickle, sys\n"
        "notes = [json.loads(path.read_text()) for path in pathlib.Path('/opt/conda/conda-meta').glob('*.json')]\n"
        "print(sys.prefix, lab_toolbox.VERSION, cloudpickle.__version__)\n"
        "print(subprocess.run(['lab-tool'], capture_output=True, text=True).stdout.strip())\n"
        "print(sorted({note['url'].rsplit('/', 2)[0] for note in notes}))\n"
    )
    printed = conda_run.lab.client.containers.run(IMAGE, ["python", "-c", script], network_mode="none", remove=True)
    assert printed.decode().splitlines() == ["/opt/conda 1.2.3 3.0.0", "tool 2.0", f"['{FORGE}']"]


def test_an_export_with_builds_is_rebuilt_by_name_version_and_build(conda_run: CondaRun, tmp_path: Path) -> None:
    python = conda_run.python
    export = tmp_path / "environment.yml"
    export.write_text(
        "name: run\nchannels:\n  - conda-forge\ndependencies:\n"
        f"  - python={python.version}={python.build}\n  - openssl=3.1.1=h0000000_0\n  - lab-tool=2.0=h1111111_0\n"
        "  - lab-toolbox=1.2.3=pyh0000000_0\n  - pip:\n    - cloudpickle==3.0.0\n"
    )
    plan = conda_run.provide(export, "--platform", "linux/amd64")
    assert plan["conda"]["channels"] == [FORGE]
    options = ("--platform", "linux/amd64", "--tag", "conda-run:exported", *conda_run.network())
    conda_run.run.program("rebuild", export, "-o", tmp_path / "proof.json", *options)
    proof = read_proof((tmp_path / "proof.json").read_text())
    assert unexplained(proof, digests=False) == []
    (installed,) = (level for level in proof.levels if level.level is Level.INSTALLED)
    verdicts = {finding.subject: finding.verdict for finding in installed.findings}
    assert verdicts["conda package lab-tool"] is Verdict.EXACT
    assert verdicts["package cloudpickle"] is Verdict.EXACT


def test_another_build_than_the_recorded_one_is_found_out(conda_run: CondaRun, captured: Path, tmp_path: Path) -> None:
    record = json.loads(captured.read_text())
    (tool,) = (each for each in record["distributions"] if each["name"] == "lab-tool")
    tool["conda"] |= {"build": "h2222222_1", "url": tool["conda"]["url"].replace("h1111111_0", "h2222222_1")}
    tool["conda"].pop("sha256")
    tool["conda"].pop("md5")
    other = tmp_path / "environment.json"
    other.write_text(json.dumps(record))
    finished = conda_run.run.program("verify", other, IMAGE, check=False)
    assert finished.status == 7
    assert "conda package lab-tool" in finished.stdout
    assert "another build of the same version" in finished.stdout


def test_a_package_that_changed_on_the_way_stops_the_build(conda_run: CondaRun, captured: Path, tmp_path: Path) -> None:
    record = json.loads(captured.read_text())
    (tool,) = (each for each in record["distributions"] if each["name"] == "lab-tool")
    tool["conda"]["sha256"] = "0" * 64
    other = tmp_path / "environment.json"
    other.write_text(json.dumps(record))
    finished = conda_run.run.program("build", other, "--tag", "conda-run:changed", *conda_run.network(), check=False)
    assert finished.status == 5
    assert "checksum mismatch" in finished.stderr
