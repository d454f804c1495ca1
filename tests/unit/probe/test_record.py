"""The probe's parts, on metadata written to disk for the purpose."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from reprobuild import probe
from reprobuild.capture.interpreter import Probing
from reprobuild.probe import record, spelling
from reprobuild.probe.description import record_digest
from reprobuild.probe.findings import Findings
from reprobuild.probe.torch_files import cudnn_integer, torch_facts


def write_distribution(folder: Path, name: str, version: str, **files: str) -> Path:
    """A dist-info folder; keywords name more files in it."""
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\nText\nName: other\n")
    for file, content in files.items():
        (info / file.replace("__", ".")).write_text(content)
    return info


def recorded(*folders: Path) -> dict[str, Any]:
    return record.probe(paths=[str(folder) for folder in folders])


ODD_VERSIONS = (
    *("1.0", "01.2", "2020.01.05", "1.0.0-1", "v1", "1.0-Alpha_2", "1.0.Post", "1!2.0", "0!1", "1.0RC", "1.0.dev"),
    *("1+CU_121", "2.13.0+cpu", "1.0a0+44dac51", "2.2.0.dev20231010+cu121", "1.0.post1.dev3", "1.0-r4", "1.0c1"),
    " 1.0 ",
)


@pytest.mark.parametrize("version", ODD_VERSIONS)
def test_version_is_spelt_as_pep_440_has_it(version: str) -> None:
    assert spelling.canonical_version(version) == str(Version(version))


@given(st.from_regex(r"v?([0-9]!)?[0-9]{1,3}(\.[0-9]{1,3}){0,3}[-_.a-z0-9+]{0,12}", fullmatch=True))
def test_versions_agree_with_packaging(version: str) -> None:
    try:
        expected = str(Version(version))
    except InvalidVersion:
        expected = None
    assert spelling.canonical_version(version) == expected


@given(st.from_regex(r"[A-Za-z0-9._-]{1,20}", fullmatch=True))
def test_names_agree_with_packaging(name: str) -> None:
    assert spelling.canonical_name(name) == canonicalize_name(name)


@pytest.mark.parametrize(
    ("url", "expected", "count"),
    [
        ("https://user:pw@example.org/a", "https://example.org/a", 1),
        ("https://ghp_token@example.org/a.git", "https://example.org/a.git", 1),
        ("git+https://x:y@example.org/a@main", "git+https://example.org/a@main", 1),
        ("ssh://git@example.org/a", "ssh://git@example.org/a", 0),
        ("ssh://git:pw@example.org/a", "ssh://git@example.org/a", 1),
        ("https://${TOKEN}@example.org/a", "https://${TOKEN}@example.org/a", 0),
        ("https://example.org/a?token=1&x=2#sha256=3", "https://example.org/a?x=2#sha256=3", 1),
        ("https://a@b@example.org/", "https://example.org/", 1),
        ("https://example.org/@scope/a", "https://example.org/@scope/a", 0),
        ("file:///home/me/a", "file:///home/me/a", 0),
    ],
)
def test_credentials_are_removed_and_counted(url: str, expected: str, count: int) -> None:
    findings = Findings()
    assert findings.without_secrets(url, "here") == expected
    assert findings.redactions == ({"here": count} if count else {})


def test_the_first_on_the_path_wins_and_the_other_is_noted(tmp_path: Path) -> None:
    write_distribution(tmp_path / "a", "Some.Name", "1.0")
    write_distribution(tmp_path / "b", "some-name", "2.0")
    facts = recorded(tmp_path / "a", tmp_path / "b")
    assert [item["version"] for item in facts["distributions"]] == ["1.0"]
    assert facts["pip_freeze"] == "Some.Name==1.0\n"
    assert [note["code"] for note in facts["notes"]] == ["shadowed-distribution"]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"Version: 1.0\n"])
def test_metadata_without_a_name_is_noted(tmp_path: Path, content: bytes) -> None:
    (write_distribution(tmp_path, "broken", "1.0") / "METADATA").write_bytes(content)
    write_distribution(tmp_path, "whole", "1.0")
    facts = recorded(tmp_path)
    assert [item["name"] for item in facts["distributions"]] == ["broken", "whole"]
    assert [note["code"] for note in facts["notes"]] == ["broken-metadata"]


def test_leftovers_of_an_interrupted_pip_are_no_distributions(tmp_path: Path) -> None:
    """pip moves what it replaces to such names, with the metadata as it was."""
    info = write_distribution(tmp_path, "torch", "1.0")
    info.rename(tmp_path / "~orch-1.0.dist-info")
    (tmp_path / "~umpy-1.0.dist-info").mkdir()
    facts = recorded(tmp_path)
    assert (facts["pip_freeze"], facts.get("distributions")) == ("", None)
    assert [note["code"] for note in facts["notes"]] == ["leftover", "leftover"]


def test_two_versions_in_one_folder_are_noted_and_one_is_taken(tmp_path: Path) -> None:
    """Which one is this interpreter's own affair; tests/unit/capture/test_freeze.py compares it with the real pip."""
    write_distribution(tmp_path, "twice", "1.9")
    write_distribution(tmp_path, "twice", "1.10")
    facts = recorded(tmp_path)
    (taken,) = facts["distributions"]
    (note,) = facts["notes"]
    (other,) = {"1.9", "1.10"} - {taken["version"]}
    assert note["code"] == "duplicate-distribution"
    assert note["message"].endswith(f"more than once: {taken['version']} is taken for installed, beside {other}")


def test_two_kinds_of_metadata_of_one_version_are_one_distribution(tmp_path: Path) -> None:
    """As Debian has them."""
    write_distribution(tmp_path, "both", "1.0")
    (tmp_path / "both.egg-info").mkdir()
    (tmp_path / "both.egg-info" / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: both\nVersion: 1.0\n")
    facts = recorded(tmp_path)
    assert len(facts["distributions"]) == 1
    assert "notes" not in facts


def test_an_egg_counts_where_it_stands_on_the_path(tmp_path: Path) -> None:
    egg = tmp_path / "zipped-0.4-py3.11.egg"
    with zipfile.ZipFile(egg, "w") as archive:
        archive.writestr("EGG-INFO/PKG-INFO", "Metadata-Version: 1.0\nName: zipped\nVersion: 0.4\n")
    assert "distributions" not in recorded(tmp_path)
    (found,) = recorded(egg)["distributions"]
    assert (found["name"], found["version"], found["metadata_format"]) == ("zipped", "0.4", "egg-info")
    egg.write_bytes(egg.read_bytes()[:60])
    assert "distributions" not in recorded(egg)


def test_an_editable_tree_tells_its_commit_and_whether_it_was_changed(tmp_path: Path) -> None:
    tree = tmp_path / "repository" / "project"
    tree.mkdir(parents=True)
    (tree / "code.py").write_text("value = 1\n")
    git = ["git", "-C", str(tree.parent), "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "Begin"]):
        subprocess.run([*git, *command], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    direct = json.dumps({"url": tree.as_uri(), "dir_info": {"editable": True}})
    (write_distribution(tmp_path / "site", "project", "1.0") / "direct_url.json").write_text(direct)

    def info() -> dict[str, Any]:
        found: dict[str, Any] = recorded(tmp_path / "site")["distributions"][0]["direct_url"]["dir_info"]
        return found

    assert info() == {"editable": True, "commit_id": head, "dirty": False}
    (tree / "notes.txt").write_text("git does not know this file")
    assert info()["dirty"] is False
    (tree / "code.py").write_text("value = 2\n")
    assert info() == {"editable": True, "commit_id": head, "dirty": True}


@pytest.mark.parametrize("versions", [("1.9", "1.10"), ("1.0rc1", "1.0"), ("1.0.dev1", "1.0a1"), ("odd", "0.1")])
def test_versions_have_an_order(versions: tuple[str, str]) -> None:
    lower, higher = versions
    assert spelling.version_order(lower) < spelling.version_order(higher)


@given(
    *(st.from_regex(r"([0-9]!)?[0-9]{1,2}(\.[0-9]){0,2}((a|b|rc)[0-9])?(\.post[0-9])?(\.dev[0-9])?", fullmatch=True),)
    * 2
)
def test_the_order_of_versions_is_packaging_s(first: str, second: str) -> None:
    ours = spelling.version_order(first) < spelling.version_order(second)
    assert ours == (Version(first) < Version(second))


def test_headers_may_come_late(tmp_path: Path) -> None:
    info = write_distribution(tmp_path, "late", "1.0")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nSummary: " + "x" * 5000 + "\nName: late\nVersion: 1.0\n")
    assert recorded(tmp_path)["pip_freeze"] == "late==1.0\n"


def test_egg_info_and_egg_link(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "flat-0.1.egg-info").write_text("Metadata-Version: 1.0\nName: flat\nVersion: 0.1\n")
    egg = tmp_path / "site" / "old-0.2-py3.6.egg" / "EGG-INFO"
    egg.mkdir(parents=True)
    (egg / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: old\nVersion: 0.2\n")
    tree = tmp_path / "tree" / "linked.egg-info"
    tree.mkdir(parents=True)
    (tree / "PKG-INFO").write_text("Metadata-Version: 1.0\nName: linked\nVersion: 0.3\n")
    (tmp_path / "site" / "linked.egg-link").write_text(f"{tmp_path / 'tree'}\n.")
    facts = recorded(tmp_path / "site", tmp_path / "site" / "old-0.2-py3.6.egg")
    found = {item["name"]: item for item in facts["distributions"]}
    assert {name: item["metadata_format"] for name, item in found.items()} == {
        "flat": "egg-info",
        "linked": "egg-link",
        "old": "egg-info",
    }
    assert found["linked"]["direct_url"] == {"url": (tmp_path / "tree").as_uri(), "dir_info": {"editable": True}}
    expected = f"# Editable install with no version control (linked==0.3)\n-e {tmp_path / 'tree'}\n"
    assert facts["pip_freeze"] == f"flat==0.1\n{expected}old==0.2\n"


def test_direct_url_with_a_hash_and_a_credential(tmp_path: Path) -> None:
    content = {"url": "https://me:pw@example.org/x.whl", "archive_info": {"hash": "sha256=ab"}, "subdirectory": "s"}
    write_distribution(tmp_path, "x", "1.0", direct_url__json=json.dumps(content))
    facts = recorded(tmp_path)
    assert facts["pip_freeze"] == "x @ https://example.org/x.whl#sha256=ab&subdirectory=s\n"
    item = facts["distributions"][0]
    assert item["direct_url"]["archive_info"] == {"hashes": {"sha256": "ab"}}
    assert facts["redactions"] == {"pip_freeze": 1, "distributions[x].direct_url.url": 1}
    assert facts["packages"] == {"x": "1.0"}


@pytest.mark.parametrize("text", ["", "[]", "{", '{"url": 3}', '{"url": "x", "vcs_info": []}', '"x"'])
def test_broken_direct_url_is_passed_over(tmp_path: Path, text: str) -> None:
    write_distribution(tmp_path, "x", "1.0", direct_url__json=text)
    assert recorded(tmp_path)["pip_freeze"] == "x==1.0\n"


def test_record_digest_ignores_what_installing_adds(tmp_path: Path) -> None:
    wheel = "b.py,sha256=1,2\na.py,sha256=3,4\nx-1.dist-info/METADATA,sha256=5,6\nx-1.dist-info/RECORD,,\n"
    installed = (
        "../../../bin/x,sha256=9,9\r\na.py,sha256=3,4\r\n__pycache__/a.cpython-311.pyc,,\r\nb.py,sha256=1,2\r\n"
        "x-1.dist-info/INSTALLER,sha256=7,4\r\nx-1.dist-info/METADATA,sha256=5,6\r\nx-1.dist-info/RECORD,,\r\n"
        "x-1.dist-info/direct_url.json,sha256=8,8\r\nx-1.dist-info/REQUESTED,sha256=0,0\r\n"
    )
    digests = []
    for index, text in enumerate((wheel, installed, wheel.replace("=3", "=4"))):
        (tmp_path / str(index) / "x-1.dist-info").mkdir(parents=True)
        (tmp_path / str(index) / "x-1.dist-info" / "RECORD").write_bytes(text.encode())
        digests.append(record_digest(str(tmp_path / str(index)), "x-1.dist-info"))
    lines = b"a.py,sha256=3,4\nb.py,sha256=1,2\nx-1.dist-info/METADATA,sha256=5,6"
    assert digests[0] == digests[1] == "sha256:" + hashlib.sha256(lines).hexdigest()
    assert digests[2] != digests[0]
    assert record_digest(str(tmp_path), "absent.dist-info") is None


def test_a_record_longer_than_a_block_is_read_whole(tmp_path: Path) -> None:
    lines = [f"module_{number:05},sha256={number},1" for number in range(20000)]
    write_distribution(tmp_path, "long", "1", RECORD="\n".join(reversed(lines)) + "\n")
    expected = "sha256:" + hashlib.sha256("\n".join(lines).encode()).hexdigest()
    assert record_digest(str(tmp_path), "long-1.dist-info") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [('{"cuda_nvcc": {"version": "12.1.105"}}', "12.1.105"), ("{", "11.8.89"), ('{"cuda_nvcc": []}', "11.8.89")],
)
@pytest.mark.skipif(sys.platform == "win32", reason="a shell script is no program on Windows")
def test_nvcc_is_read_from_its_toolkit_or_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, expected: str
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "nvcc").write_text("#!/bin/sh\necho 'Cuda compilation tools, release 11.8, V11.8.89'\n")
    (tmp_path / "bin" / "nvcc").chmod(0o755)
    (tmp_path / "version.json").write_text(text)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert record._toolkit().version() == expected


VERSION_FILES = {
    "old": "__version__ = '1.4.0'\ndebug = False\ncuda = '10.1'\ngit_version = 'abc'\n",
    "new": "__version__ = '2.1.0+cu121'\ncuda: Optional[str] = '12.1'\nhip: Optional[str] = None\n",
    "rocm": "__version__ = '2.3.0+rocm6.0'\ncuda: Optional[str] = None\nhip: Optional[str] = '6.0.32830'\n",
}


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("old", {"version": "1.4.0", "cuda": "10.1", "git_version": "abc", "cudnn": "7", "read_by": "files"}),
        ("new", {"version": "2.1.0+cu121", "cuda": "12.1", "cudnn": "8.9.2.26", "nccl": "2.18.1", "read_by": "files"}),
        ("rocm", {"version": "2.3.0+rocm6.0", "hip": "6.0.32830", "read_by": "files"}),
    ],
)
def test_torch_is_read_from_its_files(tmp_path: Path, kind: str, expected: dict[str, str]) -> None:
    (tmp_path / "torch" / "lib").mkdir(parents=True)
    (tmp_path / "torch" / "version.py").write_text(VERSION_FILES[kind])
    if kind == "old":
        (tmp_path / "torch" / "lib" / "libcudnn-7a90e13d.so.7").touch()
    if kind == "new":
        write_distribution(tmp_path, "nvidia-cudnn-cu12", "8.9.2.26")
        write_distribution(tmp_path, "nvidia-nccl-cu12", "2.18.1")
    assert recorded(tmp_path)["torch"] == expected


@pytest.mark.parametrize(
    ("version", "integer"), [("8.9.2.26", 8902), ("9.19.0.56", 91900), ("7.6.5", 7605), ("8", None), (None, None)]
)
def test_cudnn_as_torch_tells_it(version: str | None, integer: int | None) -> None:
    assert cudnn_integer(version) == integer


IMPORTED = """
import json, torch
print(json.dumps({"version": torch.__version__, "cuda": torch.version.cuda, "hip": torch.version.hip,
    "git_version": torch.version.git_version}))
"""


def test_static_torch_facts_equal_the_imported_ones() -> None:
    pytest.importorskip("torch", reason="the real torch is not installed here", exc_type=ImportError)
    answer = subprocess.run([sys.executable, "-c", IMPORTED], capture_output=True, text=True, check=True)
    said = json.loads(answer.stdout)
    facts = torch_facts(sys.path, {})
    assert facts is not None
    assert {key: facts.get(key) for key in said} == said


def test_it_runs_as_text_and_from_standard_input_and_as_modules_and_prints_one_line(tmp_path: Path) -> None:
    text = probe.text()
    answers = [
        subprocess.run([sys.executable, *arguments], capture_output=True, input=given, check=True, cwd=tmp_path).stdout
        for arguments, given in ((["-c", text], b""), (["-"], text.encode()))
    ]
    answers.append(Probing(sys.executable).output())
    records = [json.loads(answer) for answer in answers]
    assert all(answer.count(b"\n") == 1 for answer in answers)
    assert records[0]["distributions"] == records[1]["distributions"] == records[2]["distributions"]
    assert records[0]["distributions"]


def test_an_unknown_option_is_refused() -> None:
    done = subprocess.run(
        [sys.executable, "-", "--without", "everything"], input=probe.text(), capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage" in done.stderr


def test_it_imports_neither_ours_nor_what_it_records_nor_what_loads_slowly() -> None:
    code = (
        f"import sys; package = type(sys)({probe.NAME!r}); package.__path__ = [{probe.FOLDER!r}]\n"
        f"sys.modules[{probe.NAME!r}] = package\n"
        "from reprobuild_probe.record import main\n"
        "main(['--without', 'gpu,toolkit'])\n"
        "slow = ('json', 'numpy', 'platform', 're', 'reprobuild', 'ssl', 'subprocess', 'torch', 'typing')\n"
        "print([name for name in sys.modules if name.split('.')[0] in slow])"
    )
    done = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
