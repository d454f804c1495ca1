"""Captures of real environments from outside, against what pip and the interpreter say themselves."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from reprobuild.capture import capture
from reprobuild.snapshot import Snapshot, from_json_object

SECRET = "s3cr3t"

QUESTIONS = """
import json, platform, sys, sysconfig
try:
    import ssl
    openssl = ssl.OPENSSL_VERSION
except ImportError:
    openssl = None
print(json.dumps({
    "build": sys.version, "version": platform.python_version(), "compiler": platform.python_compiler(),
    "implementation": platform.python_implementation(), "openssl": openssl,
    "abi_tag": sysconfig.get_config_var("SOABI"), "platform": platform.platform(), "machine": platform.machine(),
}))
"""


@pytest.fixture(scope="module")
def snapshot(environment: Path) -> Snapshot:
    return capture(environment)


def pip_freeze(python: Path) -> str:
    """What the real pip prints, apart from this machine's own settings of pip."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PIP_")}
    environment["PIP_CONFIG_FILE"] = os.devnull
    command = [str(python), "-m", "pip", "freeze"]
    return subprocess.run(command, capture_output=True, encoding="utf-8", check=True, env=environment).stdout


def test_freeze_is_what_pip_prints_apart_from_credentials(environment: Path, snapshot: Snapshot) -> None:
    printed = pip_freeze(environment)
    assert SECRET in printed
    assert snapshot.flat.pip_freeze == printed.replace(f"user:{SECRET}@", "")


def test_facts_are_what_the_interpreter_says(environment: Path, snapshot: Snapshot) -> None:
    answer = subprocess.run([environment, "-c", QUESTIONS], capture_output=True, text=True, check=True)
    said = json.loads(answer.stdout)
    python = snapshot.python
    assert said["platform"] == snapshot.flat.platform == snapshot.system.platform
    assert said["machine"] == snapshot.system.machine
    for fact in ("build", "version", "compiler", "implementation", "openssl", "abi_tag"):
        assert getattr(python, fact) == said[fact], fact
    assert python.environment == "venv"
    assert python.free_threaded is False
    assert python.prefix == str(environment.parents[1])


def test_every_distribution_has_its_origin(environment: Path, snapshot: Snapshot) -> None:
    found = {item.name.lower().replace("_", "-"): item for item in snapshot.distributions}
    expected = {"from-index", "zed", "plain-tree", "tracked-tree", "lonely-tree", "versioned", "from-directory", "pip"}
    assert expected <= found.keys()
    assert found["from-index"].direct_url is None
    assert found["from-index"].installer == "pip"
    assert found["from-index"].tags == ("py3-none-any",)
    assert found["zed"].version == "2.0rc1"
    tracked = found["tracked-tree"].direct_url
    assert tracked is not None and tracked.dir_info is not None
    assert tracked.dir_info.editable
    top = environment.parents[2] / "tracked"
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=top, capture_output=True, text=True, check=True).stdout
    assert tracked.dir_info.commit_id == head.strip()
    assert tracked.dir_info.dirty is False
    assert tracked.url == (top / "sub").as_uri()


def test_no_credential_is_recorded(snapshot: Snapshot) -> None:
    assert SECRET not in snapshot.to_json()
    assert sum(snapshot.redactions.values()) >= 1


def test_editable_and_direct_installs_keep_their_version_among_the_packages(snapshot: Snapshot) -> None:
    packages = {name.lower().replace("_", "-"): version for name, version in (snapshot.flat.packages or {}).items()}
    assert packages["plain-tree"] == "0.1"
    assert packages["tracked-tree"] == "0.2"
    assert packages["versioned"] == "0.4"
    assert not any("#" in name or " " in name for name in packages)


def test_the_record_reads_back_as_it_was_written(snapshot: Snapshot) -> None:
    assert from_json_object(json.loads(snapshot.to_json())) == snapshot


def test_nothing_is_installed_into_the_environment(environment: Path) -> None:
    packages = next(environment.parents[1].glob("lib/python*/site-packages"))
    before = sorted(packages.rglob("*.dist-info"))
    capture(environment)
    assert sorted(packages.rglob("*.dist-info")) == before
    assert not list(packages.rglob("*reprobuild*"))
