"""Real images that are right, and the same images made wrong on purpose: each is caught by the level that should."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from tests.lab.derived_images import derived
from tests.lab.laboratory import Laboratory
from tests.lab.proofs import unexplained

from reprobuild import records
from reprobuild.catalog import Catalog
from reprobuild.cli.main import main
from reprobuild.planner import plan as make_plan
from reprobuild.proof import Proof
from reprobuild.snapshot import Distribution, PythonFacts

pytestmark = pytest.mark.lab

RIGHT, WRONG_RECORD = "wrong-on-purpose:right", "wrong-on-purpose:another-record"
PACKAGES = ("attrs==23.1.0", "click==8.1.7", "six==1.16.0")
SITE = "/opt/venv/lib/python3.11/site-packages"
VERSION, OTHER_VERSION = "3.11.7", "3.10.13"


class Rebuilt(NamedTuple):
    """A record, and the laboratory that holds its image."""

    lab: Laboratory
    record: Path


def interpreter(version: str) -> Path:
    """A CPython of this machine, or a skip with the reason."""
    path = Path(os.environ.get("PYENV_ROOT", "/nonexistent")) / "versions" / version / "bin" / "python"
    if not path.exists():
        pytest.skip(f"there is no CPython {version} under PYENV_ROOT")
    return path


def network_options() -> list[str]:
    """What builds need on the laboratory's machine: it has no bridge, and may sit behind an authority of its own."""
    certificates = os.environ.get("SSL_CERT_FILE")
    return ["--network", "host", *(["--ca-certificate", certificates] if certificates else [])]


def rebuild(record: Path, tag: str, *levels: str) -> int:
    """Run ``reprobuild rebuild``."""
    chosen = [part for level in levels for part in ("--level", level)]
    return main(["rebuild", str(record), "--tag", tag, *network_options(), *chosen])


def provide(lab: Laboratory, record: Path) -> None:
    """Give the laboratory whatever the plan of a record starts from."""
    plan = make_plan(records.read(record), Catalog.packaged())
    lab.provide_base(plan.base.reference)
    lab.images.provide_uv(plan.uv_image)


@pytest.fixture(scope="module")
def rebuilt(lab: Laboratory, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rebuilt]:
    """A real environment, captured from outside and rebuilt into a real image."""
    folder = tmp_path_factory.mktemp("wrong-on-purpose")
    environment = folder / "environment"
    subprocess.run([interpreter(VERSION), "-m", "venv", "--without-pip", environment], check=True)
    subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-config", "--python", environment, *PACKAGES],
        check=True,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DOCKER_HOST", lab.docker_host)
        assert main(["capture", "--python", str(environment / "bin" / "python"), "-o", str(folder / "record")]) == 0
        record = folder / "record" / "environment.json"
        provide(lab, record)
        assert rebuild(record, RIGHT) == 0
        yield Rebuilt(lab, record)


def verify(rebuilt: Rebuilt, image: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, Any]]:
    """Exit code and proof of ``reprobuild verify``."""
    capsys.readouterr()
    code = main(["verify", str(rebuilt.record), image, "--json"])
    proof: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, proof


def failures(proof: dict[str, Any]) -> dict[str, set[tuple[str, str]]]:
    """Level to subjects and verdicts of what failed there."""
    return {
        level["level"]: {
            (finding["subject"], finding["verdict"])
            for finding in level.get("findings", ())
            if finding["verdict"] in ("wrong", "missing") and not finding.get("declared")
        }
        for level in proof["levels"]
        if level["outcome"] == "failed"
    }


def test_the_right_image_is_proved_at_every_level(rebuilt: Rebuilt, capsys: pytest.CaptureFixture[str]) -> None:
    code, proof = verify(rebuilt, RIGHT, capsys)
    assert (code, proof["passed"], proof["verdict"]) == (0, True, "exact")
    assert unexplained(msgspec.convert(proof, Proof)) == []
    assert main(["verify", str(rebuilt.record), RIGHT]) == 0
    assert "is the recorded environment: 0 differences" in capsys.readouterr().out


def test_the_record_compares_with_what_the_image_holds(rebuilt: Rebuilt, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--exit-code", str(rebuilt.record), f"image:{RIGHT}"]) == 0, capsys.readouterr().out
    running = rebuilt.lab.client.containers.run(RIGHT, ["sleep", "600"], detach=True, network_mode="host")
    try:
        assert main(["compare", "--exit-code", str(rebuilt.record), f"container:{running.short_id}"]) == 0
    finally:
        running.remove(force=True)
    image = derived(rebuilt.lab, "wrong-on-purpose:without-six", f"FROM {RIGHT}", "USER 0", f"RUN rm -r {SITE}/six-*")
    assert main(["compare", "--exit-code", str(rebuilt.record), f"image:{image}"]) == 1
    assert "- six  1.16.0 (only in the first)" in capsys.readouterr().out


def test_one_package_changed_one_missing_and_another_python_are_all_named(
    rebuilt: Rebuilt, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    right = records.read(rebuilt.record)
    kept = [one for one in right.distributions if one.name not in ("six", "click")]
    wrong = msgspec.structs.replace(
        right,
        flat=msgspec.structs.replace(right.flat, python_version_short=OTHER_VERSION, packages={}, pip_freeze=""),
        python=PythonFacts(version=OTHER_VERSION, implementation="CPython"),
        distributions=(*kept, Distribution(name="click", version="8.1.6")),
    )
    record = tmp_path / "environment.json"
    record.write_text(wrong.to_json(), encoding="utf-8")
    interpreter(OTHER_VERSION)
    provide(rebuilt.lab, record)
    assert rebuild(record, WRONG_RECORD, "declared", "installed") == 0
    labels = [f'LABEL dev.reprobuild.snapshot-digest="{right.digest}"']
    derived(rebuilt.lab, "wrong-on-purpose:three", f"FROM {WRONG_RECORD}", *labels)

    code, proof = verify(rebuilt, "wrong-on-purpose:three", capsys)
    assert code == 7
    assert failures(proof)["installed"] == {("python", "wrong"), ("package click", "wrong"), ("package six", "missing")}
    assert main(["verify", str(rebuilt.record), "wrong-on-purpose:three"]) == 7
    text = capsys.readouterr().out
    assert f"recorded {VERSION}, in the image {OTHER_VERSION}" in text
    assert "recorded 8.1.7, in the image 8.1.6" in text
    assert "recorded 1.16.0, not in the image" in text


def test_an_image_of_another_record_says_so(rebuilt: Rebuilt, capsys: pytest.CaptureFixture[str]) -> None:
    derived(rebuilt.lab, "wrong-on-purpose:label", f"FROM {RIGHT}", 'LABEL dev.reprobuild.snapshot-digest="sha256:0"')
    code, proof = verify(rebuilt, "wrong-on-purpose:label", capsys)
    assert (code, list(failures(proof))) == (7, ["declared"])


# Rewrites a file and its line of RECORD, as a wheel of the same version from elsewhere would have them.
_OTHER_WHEEL = (
    f"import base64,hashlib,pathlib as p;s=p.Path('{SITE}');f=s/'six.py';f.write_bytes(f.read_bytes()+b'#');"
    "d=base64.urlsafe_b64encode(hashlib.sha256(f.read_bytes()).digest()).rstrip(b'=').decode();"
    "r=s/'six-1.16.0.dist-info/RECORD';t=r.read_text().splitlines();"
    "r.write_text(''.join((f'six.py,sha256={d},{len(f.read_bytes())}' if l.startswith('six.py,') else l)+chr(10)"
    " for l in t))"
)


@pytest.mark.parametrize(
    ("name", "command", "level", "subject"),
    [
        ("edited", f"echo '# one more line' >> {SITE}/click/core.py", "identical", "files of click"),
        ("deleted", f"rm {SITE}/attr/filters.py", "identical", "files of attrs"),
        ("other-wheel", f'python -c "{_OTHER_WHEEL}"', "identical", "files of six"),
        ("library", f"echo 'import ctypes; ctypes.CDLL(\"libnot.so.1\")' >> {SITE}/six.py", "loads", "import six"),
    ],
)
def test_sabotage_is_caught(
    rebuilt: Rebuilt, name: str, command: str, level: str, subject: str, capsys: pytest.CaptureFixture[str]
) -> None:
    image = derived(rebuilt.lab, f"wrong-on-purpose:{name}", f"FROM {RIGHT}", "USER 0", f"RUN {command}")
    code, proof = verify(rebuilt, image, capsys)
    assert code == 7
    assert subject in {found for found, _ in failures(proof)[level]}
    (result,) = [one for one in proof["levels"] if one["level"] == level]
    assert result["next_step"]
