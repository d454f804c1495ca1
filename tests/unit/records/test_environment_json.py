"""The flat file of the original utility, in the shapes that exist."""

from __future__ import annotations

import json
from typing import Any

import pytest

from reprobuild.errors import RecordError
from reprobuild.records import parse
from reprobuild.snapshot import Snapshot, from_json_object

GUIDE: dict[str, Any] = {
    "python_version": "3.10.12 (main, Nov 20 2023, 15:14:05) [GCC 11.4.0]",
    "python_version_short": "3.10.12",
    "platform": "Linux-5.15.0-1051-gcp-x86_64-with-glibc2.35",
    "torch_version": "2.1.0+cu121",
    "cuda_version": "12.1",
    "gpu_name": "Tesla T4",
    "packages": {"torch": "2.1.0+cu121", "transformers": "4.36.0", "numpy": "1.24.3", "pandas": "2.0.3"},
}


def snapshot_of(**changes: Any) -> Snapshot:
    return parse(json.dumps({**GUIDE, **changes}).encode(), "environment.json")


def test_the_guides_example_tells_python_system_torch_and_gpu() -> None:
    snapshot = snapshot_of()
    assert snapshot.python.version == "3.10.12"
    assert (snapshot.system.system, snapshot.system.machine, snapshot.system.libc_version) == (
        "Linux",
        "x86_64",
        "2.35",
    )
    assert (snapshot.system.os_id, snapshot.system.os_version) == ("ubuntu", "22.04")
    assert {item.fact: item.certainty for item in snapshot.evidence} == {
        "system.os_id": "inferred",
        "system.os_version": "inferred",
        "recorded_at": "inferred",
    }
    assert snapshot.torch is not None and (snapshot.torch.version, snapshot.torch.cuda) == ("2.1.0+cu121", "12.1")
    assert snapshot.gpu is not None and [device.name for device in snapshot.gpu.devices] == ["Tesla T4"]
    assert [(item.name, item.version) for item in snapshot.distributions] == [
        ("numpy", "1.24.3"),
        ("pandas", "2.0.3"),
        ("torch", "2.1.0+cu121"),
        ("transformers", "4.36.0"),
    ]


def test_the_flat_facts_stay_verbatim_and_the_file_written_reads_back_the_same() -> None:
    snapshot = snapshot_of(extra={"kept": 1}, python={"moved": True})
    written = json.loads(snapshot.to_json())
    assert {key: written[key] for key in GUIDE} == GUIDE
    assert written["extra"] == {"kept": 1} and written["imported"] == {"python": {"moved": True}}
    again = from_json_object(written)
    assert again == snapshot and again.digest == snapshot.digest


def test_a_freeze_wins_over_packages_and_shows_what_packages_lost() -> None:
    freeze = (
        "WARNING: The directory '/Users/x/Library/Caches/pip' or its parent directory is not owned\n"
        "-e git+https://github.com/a/b.git@0123456789012345678901234567890123456789#egg=thing\n"
        "# Editable install with no version control (mine==0.1)\n-e /home/x/mine\n"
        "Jinja2==3.1.2\r\npeft @ git+https://github.com/h/peft@main\n"
    )
    snapshot = snapshot_of(pip_freeze=freeze, packages={"# Editable install with no version control (mine": "0.1)"})
    found = {item.name: item for item in snapshot.distributions}
    assert set(found) == {"thing", "mine", "Jinja2", "peft"}
    assert (found["mine"].version, found["Jinja2"].version, found["peft"].version) == ("0.1", "3.1.2", None)
    thing = found["thing"].direct_url
    assert thing is not None and thing.vcs_info is not None and thing.dir_info is not None
    assert thing.vcs_info.commit_id == "0123456789012345678901234567890123456789" and thing.dir_info.editable
    assert [note.code for note in snapshot.notes] == ["tool-output"]
    assert snapshot.flat.pip_freeze == freeze


def test_git_url_in_packages_is_a_package_whose_address_is_lost() -> None:
    snapshot = snapshot_of(packages={"peft": "git+url"})
    assert [(item.name, item.version) for item in snapshot.distributions] == [("peft", None)]
    assert "address-lost" in [note.code for note in snapshot.notes]


def test_cuda_of_a_run_without_gpu_is_inferred_from_the_local_version() -> None:
    snapshot = snapshot_of(cuda_version=None, gpu_name=None)
    assert snapshot.torch is not None and snapshot.torch.cuda == "12.1" and snapshot.gpu is None
    assert [item.certainty for item in snapshot.evidence if item.fact == "torch.cuda"] == ["inferred"]


def test_the_glibc_of_an_old_python_is_not_the_machines() -> None:
    system = snapshot_of(
        python_version="3.8.3 (default, Jul  2 2020, 16:21:59) \n[GCC 7.3.0]",
        python_version_short="3.8.3",
        platform="Linux-5.4.0-48-generic-x86_64-with-glibc2.10",
    ).system
    assert (system.libc, system.libc_version, system.os_id) == ("glibc", None, None)


def test_credentials_in_a_freeze_are_removed_and_counted() -> None:
    snapshot = snapshot_of(pip_freeze="x @ git+https://me:hunter2@example.org/x.git@main\n")
    assert "hunter2" not in snapshot.to_json() and snapshot.redactions == {"pip_freeze": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"packages": {"torch": 2}}, "environment.json: packages[...]: Expected `str`, got `int`"),
        ({"pip_freeze": []}, "environment.json: pip_freeze: Expected `str | null`, got `array`"),
        ({"gpu_count": 10**9}, "environment.json: gpu_count: 1000000000 is not a number of GPUs"),
    ],
)
def test_a_wrong_type_names_its_place(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(RecordError) as caught:
        snapshot_of(**changes)
    assert str(caught.value) == message


def test_a_comment_that_became_a_package_is_read_as_what_it_says() -> None:
    content = {
        "python_version_short": "3.10.12",
        "packages": {"numpy": "1.26.4", "# Editable install with no version control (mine": "0.1)"},
    }
    snapshot = parse(json.dumps(content).encode(), "environment.json")
    assert {item.name: item.version for item in snapshot.distributions} == {"numpy": "1.26.4", "mine": "0.1"}
